"""What protects one leg's media: nothing, or keys that the descriptions carried (SDES).

Stands between the channel and its sockets both ways. Where security was agreed and there are no
keys, nothing is sent and nothing heard: never plain RTP in their place.
"""

from collections.abc import Callable

from telebank import wire
from telebank.media.srtp import Send, Srtp


class Securing:
    """No clock and no I/O."""

    def __init__(self, number: int, report: Callable[[wire.Message], None]) -> None:
        """`number` of the channel."""
        self._number = number
        self._report = report
        self._agreed: wire.SdesKeys | wire.DtlsKeys | None = None
        self._srtp = Srtp()
        self.ready = True
        """Whether anything may be sent and heard."""

    @property
    def plain(self) -> bool:
        """Whether media go in the clear."""
        return self._agreed is None

    def agree(self, security: wire.SdesKeys | wire.DtlsKeys | None) -> None:
        """As of the description; what was agreed before goes on where it is the same."""
        if security == self._agreed:
            return
        self._agreed, self.ready = security, security is None
        match security:
            case wire.SdesKeys():
                self._key(security.suite, security.send, security.receive)
            case wire.DtlsKeys():
                self._fail("DTLS is not served")

    def _key(self, suite: str, send: bytes, receive: bytes) -> None:
        try:
            self._srtp.agree(suite, send, receive)
        except ValueError as error:
            self._fail(str(error))
        else:
            self.ready = True

    def _fail(self, reason: str) -> None:
        self.ready = False
        self._report(wire.SecurityFailed(channel=self._number, reason=reason))

    # -- packets ------------------------------------------------------------------------------

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
