"""What one dialog has offered and answered (RFC 3264): speech or fax, one after the other."""

from collections.abc import Iterable

from telebank.sip.protection import Protection
from telebank.sip.sdp import (
    PTIME_MS,
    Answer,
    MediaLine,
    Refused,
    SessionDescription,
    answer_audio,
    make_offer,
    read_answer,
)
from telebank.sip.t38 import T38Agreed, answer_t38, offer_t38, read_t38_answer

CODECS = ("PCMA", "PCMU")


class Negotiation:
    """Counts the versions of o= and keeps the m= lines in their places, whatever they carry.

    An offer of ours changes nothing until its answer is read. A description that is not sent has
    no version (RFC 3264 8: each is the one before it and one).
    """

    def __init__(self, address: str, protection: Protection | None = None) -> None:
        """`address` is ours, as peers are told it; without `protection` audio is plain RTP."""
        self.address = address
        self.protection = protection or Protection()
        self._offering = self.protection
        """Of our offer that is out."""
        self.session_id = 1
        """Of o=; to be set before the first description."""
        self._version = 0
        self._written = b""
        """Our description that is in force."""
        self._offered: bytes | None = None
        """Our offer, until its answer is read."""
        self._taken: tuple[SessionDescription, bytes] | None = None
        """The offer answered last and our answer, until something else is agreed."""

    @property
    def fresh(self) -> bool:
        """Whether nothing has been described yet."""
        return self._version == 0

    @property
    def awaits(self) -> bool:
        """Whether an offer of ours has no answer yet."""
        return self._offered is not None

    def refused(self, *, sent: bool) -> None:
        """Our last offer agrees to nothing; its version is free again where it was not `sent`."""
        self._offered = None
        if not sent:
            self._version -= 1

    def offer_speech(
        self, port: int, codecs: Iterable[str] = CODECS, *, events: bool = True,
        ptime_ms: int = PTIME_MS, clear: bool = False,
    ) -> bytes:  # fmt: skip
        """Offer audio alone; `events`: with telephone-event; `clear`: over plain RTP, whatever the
        call had before (a fax)."""
        self._offering = protection = self._of(clear=clear)
        return self._offer(
            make_offer(
                self.address, port, codecs, events=events, lines=self._lines, ptime_ms=ptime_ms,
                session_id=self.session_id, version=self._version + 1, protection=protection,
            )
        )  # fmt: skip

    def offer_fax(self, port: int) -> bytes:
        """Offer T.38 alone."""
        return self._offer(
            offer_t38(
                self.address, port, lines=self._lines,
                session_id=self.session_id, version=self._version + 1,
            )
        )  # fmt: skip

    def repeated(self, offer: SessionDescription) -> bytes:
        """The answer to give again to an offer that came again; empty where it is another."""
        taken = self._taken
        return taken[1] if taken is not None and offer.says_the_same(taken[0]) else b""

    def answer_speech(
        self,
        offer: SessionDescription,
        port: int,
        preferred: Iterable[str] = CODECS,
        *,
        rtcp_mux: bool = False,
        clear: bool = False,
    ) -> Answer | Refused:
        """Take the audio of an offer; `rtcp_mux`: with RTCP on its port where that is offered;
        `clear`: over plain RTP alone."""
        protection = self._of(clear=clear)
        agreed = answer_audio(
            offer, self.address, port, preferred,
            session_id=self.session_id, version=self._version + 1, rtcp_mux=rtcp_mux,
            protection=protection,
        )  # fmt: skip
        if isinstance(agreed, Answer):
            self._answered(offer, agreed.sdp)
            protection.agree(agreed.security, agreed.profile)
        return agreed

    def answer_fax(self, offer: SessionDescription, port: int) -> T38Agreed | Refused:
        """Take the T.38 of an offer."""
        agreed = answer_t38(
            offer, self.address, port, session_id=self.session_id, version=self._version + 1
        )
        if isinstance(agreed, T38Agreed):
            self._answered(offer, agreed.sdp)
        return agreed

    def read_speech(self, answer: SessionDescription) -> Answer | Refused:
        """What the other side made of our last offer, of audio."""
        offered = self._asked()
        if offered is None:
            return Refused(488, "nothing was offered")
        return self._read(offered, answer, self._offering)

    def read_moved(self, offer: SessionDescription, answer: SessionDescription) -> Answer | Refused:
        """What another answer to `offer`, a description of ours, agrees to: of a refresh, say."""
        return self._read(offer, answer, self.protection)

    @staticmethod
    def _read(
        offer: SessionDescription, answer: SessionDescription, protection: Protection
    ) -> Answer | Refused:
        agreed = read_answer(offer, answer, protection)
        if isinstance(agreed, Answer):
            protection.agree(agreed.security, agreed.profile)
        return agreed

    def _of(self, *, clear: bool) -> Protection:
        return Protection() if clear else self.protection

    def read_fax(self, answer: SessionDescription) -> T38Agreed | Refused:
        """What the other side made of our last offer, of T.38."""
        offered = self._asked()
        return (
            Refused(488, "nothing was offered")
            if offered is None
            else read_t38_answer(offered, answer)
        )

    @property
    def _lines(self) -> tuple[MediaLine, ...]:
        """The m= lines of the session, read only now: most calls negotiate once."""
        return SessionDescription.parse(self._written).media if self._written else ()

    def _offer(self, sdp: bytes) -> bytes:
        self._version += 1
        self._offered = sdp
        return sdp

    def _asked(self) -> SessionDescription | None:
        """Our offer was answered: its m= lines are the session's now."""
        offered, self._offered = self._offered, None
        if offered is None:
            return None
        self._written, self._taken = offered, None
        return SessionDescription.parse(offered)

    def _answered(self, offer: SessionDescription, sdp: bytes) -> None:
        self._version += 1
        self._offered = None  # it gave way to theirs
        self._written, self._taken = sdp, (offer, sdp)
