"""How the audio of one dialog is protected: what of an offer is taken, what ours says, with which
keys. SRTP (RFC 3711) with keys from the descriptions (`sdes`) or by DTLS (`dtls`), or plain RTP.

Keys of ours are made once: a description that comes again, holds, moves or is offered by us later
says the same ones, so that no counter of the packets begins anew under a key that was used.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from telebank.sip import dtls, sdes
from telebank.sip.session_description import MediaLine, SessionDescription

MediaWay = Literal["plain", "srtp", "any"]
"""What audio may be: plain RTP alone, SRTP alone, or what is offered."""
IN_CLEAR = "its keys (a=crypto) come in clear signalling: use TLS, or set sdes_in_clear"
UFRAG, PASSWORD = 4, 16
"""Octets of chance in our ICE credentials: 8 and 32 characters (RFC 8445 5.3 asks 24 and 128
bits)."""


@dataclass(frozen=True, slots=True)
class SdesSecurity:
    """SRTP with keys of the descriptions."""

    suite: str
    """A name of `sdes.SUITES`."""
    send: bytes = field(repr=False)
    """Master key and salt of what we send."""
    receive: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DtlsSecurity:
    """SRTP with keys that DTLS will agree."""

    fingerprint: str
    """SHA-256 of the peer's certificate."""
    active: bool
    """We begin the handshake."""
    ours: dtls.Ice | None = None
    """None: the peer speaks no ICE."""
    peer_ufrag: str = ""


Security = SdesSecurity | DtlsSecurity


@dataclass(frozen=True, slots=True)
class MediaPolicy:
    """What the peer of a dialog may have."""

    way: MediaWay = "plain"
    sdes: bool = False
    """Keys may be in descriptions: nobody on the way reads them, or the settings allow it."""
    fingerprint: str = ""
    """Of our certificate, SHA-256; empty: no DTLS here."""

    @property
    def silent(self) -> str:
        """Why we can make no first offer; empty: we can."""
        return (
            f"SRTP is to be offered, but {IN_CLEAR}" if self.way == "srtp" and not self.sdes else ""
        )


@dataclass(frozen=True, slots=True)
class Said:
    """What our description has of it."""

    security: Security | None
    profile: str
    lines: tuple[str, ...] = field(default=(), repr=False)
    """Of the m= section."""
    session: tuple[str, ...] = ()


class Protection:
    """Of one dialog. `agreed` is what is in force."""

    def __init__(
        self, policy: MediaPolicy | None = None, chance: Callable[[int], bytes] | None = None
    ) -> None:
        """`chance` gives octets that nobody can guess; without it (and a policy) all is plain."""
        self.policy = policy or MediaPolicy()
        self.agreed: Security | None = None
        self._chance = chance
        self._profile = ""
        """Of the stream that `agreed` is of."""
        self._keys: dict[str, bytes] = {}
        """Ours, by suite."""

    def agree(self, security: Security | None, profile: str) -> None:
        """This is in force now."""
        self.agreed, self._profile = security, profile

    # -- answers of ours ------------------------------------------------------------------------

    def answer(
        self, offer: SessionDescription, line: MediaLine, here: tuple[str, int]
    ) -> Said | str:
        """What to answer to a stream of an offer, or why it cannot be had; `here` is our address
        and port."""
        if _wants_dtls(line):
            return self._answer_dtls(offer, line, here)
        if why := self._against(line):
            return why
        takes_keys = self.policy.sdes and self.policy.way != "plain"
        if line.cryptos and takes_keys:  # RTP/AVP too, from who can do more than it asks for
            return self._answer_sdes(line, line.cryptos[0])
        return Said(None, line.transport)

    def _against(self, line: MediaLine) -> str:
        """Why a stream without DTLS cannot be had; empty: it can."""
        way = self.policy.way
        if not line.encrypted:
            keys = bool(line.cryptos) and self.policy.sdes
            return "plain RTP is offered, and media is srtp" if way == "srtp" and not keys else ""
        if way == "plain":
            return f"{line.profile} is offered, and media is plain"
        if not line.cryptos:
            return f"{line.profile} is offered without an a=crypto that can be taken"
        return "" if self.policy.sdes else f"{line.profile} is offered, but {IN_CLEAR}"

    def _answer_sdes(self, line: MediaLine, theirs: sdes.Crypto) -> Said:
        ours = sdes.Crypto(theirs.tag, theirs.suite, self._key(theirs.suite))
        security = SdesSecurity(theirs.suite, ours.key, theirs.key)
        return Said(security, line.transport, (ours.line(),))

    def _answer_dtls(
        self, offer: SessionDescription, line: MediaLine, here: tuple[str, int]
    ) -> Said | str:
        if self.policy.way == "plain" or not self.policy.fingerprint:
            return f"{line.profile} is offered, and media is {self.policy.way} without DTLS"
        try:
            theirs = dtls.read_dtls(line.attributes, lite=offer.lite)
        except dtls.NotAgreeable as error:
            return str(error)
        security = self._dtls(theirs, active=dtls.begins(theirs.setup, offered=True))
        setup: dtls.Setup = "active" if security.active else "passive"
        return self._say_dtls(security, line.transport, here, setup)

    def _say_dtls(
        self, security: DtlsSecurity, profile: str, here: tuple[str, int], setup: dtls.Setup
    ) -> Said:
        lines = dtls.dtls_lines(self.policy.fingerprint, setup)
        if security.ours is None:
            return Said(security, profile, tuple(lines))
        lines += dtls.ice_lines(security.ours, *here)
        return Said(security, profile, tuple(lines), ("a=ice-lite",))

    def _dtls(self, theirs: dtls.DtlsSide, *, active: bool) -> DtlsSecurity:
        """Credentials of ours stay while the peer's do (RFC 8445 9)."""
        if theirs.ice is None:
            return DtlsSecurity(theirs.fingerprint, active)
        before = self.agreed
        known = isinstance(before, DtlsSecurity) and before.peer_ufrag == theirs.ice.ufrag
        ours = before.ours if known and isinstance(before, DtlsSecurity) else None
        ours = ours or dtls.Ice(self._octets(UFRAG).hex(), self._octets(PASSWORD).hex())
        return DtlsSecurity(theirs.fingerprint, active, ours, theirs.ice.ufrag)

    # -- offers of ours -------------------------------------------------------------------------

    def offer(self, here: tuple[str, int]) -> Said:
        """What an offer of ours says: what is in force, else what the policy begins with."""
        agreed = self.agreed
        if isinstance(agreed, DtlsSecurity):
            return self._say_dtls(agreed, self._profile, here, "actpass")
        if isinstance(agreed, SdesSecurity):
            return Said(agreed, self._profile, (sdes.Crypto(1, agreed.suite, agreed.send).line(),))
        if self.policy.way != "srtp":
            return Said(None, "RTP/AVP")
        made = (
            sdes.Crypto(tag, suite, self._key(suite)) for tag, suite in enumerate(sdes.OFFERED, 1)
        )
        return Said(None, "RTP/SAVP", tuple(one.line() for one in made))

    # -- answers of theirs ----------------------------------------------------------------------

    def read(self, ours: MediaLine, answer: SessionDescription, theirs: MediaLine) -> Said | str:
        """What an answer made of the stream `ours` that we offered, or why it is no answer."""
        if theirs.profile != ours.profile:
            return f"{ours.profile} was offered, and {theirs.profile} answered"
        if _wants_dtls(ours):
            return self._read_dtls(ours, answer, theirs)
        made = {one.tag: one for one in ours.cryptos}
        for one in theirs.cryptos:
            mine = made.get(one.tag)
            if mine is not None and mine.suite == one.suite:
                return Said(SdesSecurity(one.suite, mine.key, one.key), ours.transport)
        if ours.encrypted or self.policy.way == "srtp":
            return "SRTP was offered, and the answer has no key to it"
        return Said(None, ours.transport)

    def _read_dtls(
        self, ours: MediaLine, answer: SessionDescription, theirs: MediaLine
    ) -> Said | str:
        try:
            said = dtls.read_dtls(theirs.attributes, lite=answer.lite)
            mine = dtls.read_dtls(ours.attributes, lite=False)
        except dtls.NotAgreeable as error:
            return str(error)
        active = mine.setup == "active"
        if mine.setup == "actpass":
            active = dtls.begins(said.setup, offered=False)
        security, before = self._dtls(said, active=active), self.agreed
        if isinstance(before, DtlsSecurity) and replace(security, active=before.active) == before:
            security = before  # what runs goes on, whoever began it (RFC 8842 5.1)
        return Said(security, ours.transport)

    # -- ours ---------------------------------------------------------------------------------

    def _key(self, suite: str) -> bytes:
        if suite not in self._keys:
            self._keys[suite] = self._octets(sdes.key_length(suite))
        return self._keys[suite]

    def _octets(self, count: int) -> bytes:
        if self._chance is None:
            raise ValueError("a policy of SRTP needs `chance` to make keys with")
        return self._chance(count)


def _wants_dtls(line: MediaLine) -> bool:
    """Whether a stream's keys come by DTLS; older peers write RTP/SAVP with a fingerprint."""
    if line.profile.startswith("UDP/TLS/"):
        return True
    return line.encrypted and not line.cryptos and bool(line.first("fingerprint"))
