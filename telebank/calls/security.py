"""Who may have which media (`[trunks.NAME] media` and its like), and what the workers are told."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from telebank import wire
from telebank.sip import CallOffered, Hop
from telebank.sip.protection import (
    DtlsSecurity,
    MediaPolicy,
    MediaWay,
    Protection,
    SdesSecurity,
    Security,
)
from telebank.sip.registering import PHONE, PhoneOptions
from telebank.sip.trunks import STRANGERS, TrunkOptions, Trunks
from telebank.sip.uri import address_of


@dataclass(frozen=True, slots=True)
class MediaSecurity:
    """Of one node."""

    trunks: Trunks
    phones: PhoneOptions
    strangers: MediaWay
    """Of calls from no trunk; their keys are never taken in the clear."""
    fingerprint: Callable[[], str]
    """Of the certificate of ours that a leg gets which begins now."""

    def of_call(self, offered: CallOffered) -> Protection:
        """For a call that comes."""
        trunk = self.trunks.by_name.get(offered.trunk)
        if trunk is not None:
            options = trunk.options
        elif offered.trunk.startswith(PHONE):
            options = self.phones.calling
        else:
            way = self.strangers if offered.trunk == STRANGERS else TrunkOptions().media
            options = TrunkOptions(media=way)
        return self._for(options.media, offered.source, options.sdes_in_clear)

    def to_trunk(self, name: str) -> MediaWay:
        """What a call of ours over a trunk is to have."""
        trunk = self.trunks.by_name.get(name)
        return "any" if trunk is None else trunk.options.media

    def over_trunk(self, name: str, peer: Hop) -> Protection:
        """For a call of ours over a trunk, or through the gateway that is none, to a hop."""
        trunk = self.trunks.by_name.get(name)
        options = TrunkOptions() if trunk is None else trunk.options
        return self._for(options.media, peer, options.sdes_in_clear)

    def to_phone(self, peer: Hop) -> Protection:
        """For a call of ours to a desk phone at a hop."""
        options = self.phones.calling
        return self._for(options.media, peer, options.sdes_in_clear)

    def to_browser(self) -> Protection:
        """For the browser of a teller, which is his telephone: keys by DTLS alone."""
        return Protection(MediaPolicy("srtp", fingerprint=self.fingerprint()), secrets.token_bytes)

    def _for(self, way: MediaWay, peer: Hop, in_clear: bool) -> Protection:
        sdes = in_clear or unread(peer)
        return Protection(MediaPolicy(way, sdes, self.fingerprint()), secrets.token_bytes)


def unread(peer: Hop) -> bool:
    """Whether nobody on the way to a peer reads what is signalled: only then do keys in it protect
    anything (RFC 4568 section 7)."""
    return peer.transport == "tls" or address_of(peer.host.partition("%")[0]).is_loopback


def told(security: Security | None, shown: str = "") -> wire.SdesKeys | wire.DtlsKeys | None:
    """As media workers are told it; `shown`: fingerprint of our certificate as the leg's
    descriptions have it."""
    match security:
        case SdesSecurity():
            return wire.SdesKeys(suite=security.suite, send=security.send, receive=security.receive)
        case DtlsSecurity():
            ours = security.ours
            return wire.DtlsKeys(
                fingerprint=security.fingerprint,
                active=security.active,
                shown=shown,
                ufrag=ours.ufrag if ours is not None else "",
                password=ours.password if ours is not None else "",
                peer_ufrag=security.peer_ufrag,
            )
        case None:
            return None
