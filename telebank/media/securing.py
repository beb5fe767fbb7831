"""What protects one leg's media: nothing, keys that the descriptions carried (SDES), or DTLS.

Stands between the channel and its sockets both ways. Where security was agreed and there are no
keys, nothing is sent and nothing heard: never plain RTP in their place.
"""

import socket
from collections.abc import Callable

from telebank import wire
from telebank.media.association import Association
from telebank.media.handshakes import Handshakes
from telebank.media.options import MediaOptions
from telebank.media.srtp import Send, Srtp
from telebank.rtp import Address

RTP_TYPES = range(128, 192)
"""First octets of RTP and RTCP beside STUN and DTLS (RFC 7983)."""
Security = wire.SdesKeys | wire.DtlsKeys | None


class Securing:
    """Of one channel. `now` is monotonic seconds."""

    def __init__(
        self,
        number: int,
        endpoint: socket.socket,
        *,
        desk: Handshakes,
        options: MediaOptions,
        report: Callable[[wire.Message], None],
        changed: Callable[[], None],
    ) -> None:
        """`number` of the channel; `changed` is called when `ready` or `path` have."""
        self._number = number
        self._endpoint = endpoint
        self._desk = desk
        self._options = options
        self._report = report
        self._changed = changed
        self._agreed: Security = None
        self._srtp = Srtp()
        self._association: Association | None = None
        self.ready = True
        """Whether anything may be sent and heard."""

    @property
    def plain(self) -> bool:
        """Whether media go in the clear."""
        return self._agreed is None

    @property
    def signals(self) -> bool:
        """Whether keys are agreed on the port of media itself, and who is the peer by them."""
        return isinstance(self._agreed, wire.DtlsKeys)

    @property
    def roams(self) -> bool:
        """Whether the peer speaks ICE: its address may move at any time."""
        return self._association is not None and self._association.ice is not None

    @property
    def path(self) -> Address | None:
        """Where the peer has proven to be; None without DTLS."""
        return None if self._association is None else self._association.path

    def passed(self, address: Address) -> bool:
        """Whether the peer may be there: with ICE, where it passed a check (RFC 8445 12.2)."""
        return self._association is not None and self._association.passed(address)

    def agree(self, security: Security, agreed: Address, learn_from: str, now: float) -> None:
        """As of the description, whose address is `agreed`; a DTLS peer may be learnt of the host
        `learn_from` too, if any. What runs goes on where it is the same."""
        before, self._agreed = self._agreed, security
        if isinstance(security, wire.DtlsKeys):
            self._associate(security, agreed, learn_from, now)
            return
        self.close()
        if security == before:
            return
        self.ready = security is None
        if security is not None:
            self._key(security.suite, security.send, security.receive)

    def close(self) -> None:
        """No handshake is under way any more."""
        if self._association is not None:
            self._association.close()
            self._association = None

    def _associate(
        self, security: wire.DtlsKeys, agreed: Address, learn_from: str, now: float
    ) -> None:
        running = self._association
        if running is not None and running.goes_on(security, agreed):
            return
        self.close()
        self.ready = False
        try:
            self._association = Association(
                self._number,
                self._endpoint,
                self._desk,
                options=self._options,
                security=security,
                agreed=agreed,
                learn_from=learn_from,
                now=now,
                told=self._look,
            )
        except ValueError as error:
            self._fail(str(error))

    def _look(self, association: Association) -> None:
        """Something may have come of a datagram, or of none."""
        if association.failed:
            self.close()
            self._fail(association.failed)
        elif association.keys is not None and not self.ready and self._key(*association.keys):
            self._report(wire.Secured(channel=self._number, suite=association.keys.suite))
        self._changed()

    def _key(self, suite: str, send: bytes, receive: bytes) -> bool:
        try:
            self._srtp.agree(suite, send, receive)
        except ValueError as error:
            self._fail(str(error))
            return False
        self.ready = True
        return True

    def _fail(self, reason: str) -> None:
        self.ready = False
        self._report(wire.SecurityFailed(channel=self._number, reason=reason))

    # -- packets ------------------------------------------------------------------------------

    def signal(self, data: bytes, address: Address, now: float) -> bool:
        """Whether a datagram of the RTP port was of ICE or DTLS, or of nothing that we know."""
        if not self.signals or not data or data[0] in RTP_TYPES:
            return False
        if self._association is not None:
            self._association.receive(data, address, now)
        return True

    def sender(self, send: Send) -> Send:
        """`send`, with every packet protected as agreed; only while `ready`."""
        return send if self.plain else self._srtp.sender(send)

    def protect_rtcp(self, data: bytes) -> bytes | None:
        """A compound as it goes out; None: it must not."""
        if self.plain:
            return data
        return self._srtp.protect_rtcp(data) if self.ready else None

    def open(self, data: bytes) -> bytes | None:
        """A datagram of the RTP port in the clear; None: it is not the peer's."""
        if self.plain:
            return data
        return self._srtp.unprotect(data) if self.ready else None

    def open_rtcp(self, data: bytes) -> bytes | None:
        """One of the port of RTCP's own."""
        if self.plain:
            return data
        return self._srtp.unprotect_rtcp(data) if self.ready else None
