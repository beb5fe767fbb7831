"""Whose offer is open in a dialog, and what was agreed last (RFC 3264, RFC 6337 section 2)."""

from dataclasses import dataclass, field
from enum import Enum, auto

from telebank.sip.session_description import SessionDescription
from telebank.sip.transaction import IllegalTransition


class Talk(Enum):
    """Where a dialog is between offer and answer; an offer that fails goes back to where it came
    from."""

    NEW = auto()
    """Nothing was offered yet."""
    OURS = auto()
    """Our offer is out."""
    THEIRS = auto()
    """Theirs waits for our answer."""
    AGREED = auto()


_T = Talk
MOVES: dict[Talk, tuple[Talk, ...]] = {
    _T.NEW: (_T.OURS, _T.THEIRS),
    _T.OURS: (_T.AGREED, _T.NEW),
    _T.THEIRS: (_T.AGREED, _T.NEW),
    _T.AGREED: (_T.OURS, _T.THEIRS),
}
"""Never from one open offer to another (RFC 3264 section 4)."""


@dataclass(slots=True)
class Exchange:
    """Every step that the table does not have raises `IllegalTransition`."""

    talk: Talk = Talk.NEW
    ours: bytes = field(default=b"", repr=False)
    """Our description in force, as it was sent; empty before the first agreement."""
    theirs: SessionDescription | None = None
    """Their description in force."""
    _our_offer: bytes = field(default=b"", repr=False)
    _their_offer: SessionDescription | None = None

    @property
    def open(self) -> bool:
        """Whether an offer waits for its answer."""
        return self.talk in (Talk.OURS, Talk.THEIRS)

    def offer(self, sdp: bytes) -> None:
        """We offer."""
        self._move(Talk.OURS)
        self._our_offer = sdp

    def offered(self, offer: SessionDescription) -> None:
        """They offer."""
        self._move(Talk.THEIRS)
        self._their_offer = offer

    def answer(self, sdp: bytes) -> None:
        """We answer what they offered."""
        self._need(Talk.THEIRS)
        self._move(Talk.AGREED)
        self.ours, self.theirs = sdp, self._their_offer

    def answered(self, answer: SessionDescription) -> bool:
        """They answer what we offered; whether anything of theirs is new."""
        self._need(Talk.OURS)
        self._move(Talk.AGREED)
        changed = not answer.says_the_same(self.theirs)
        self.ours, self.theirs = self._our_offer, answer
        return changed

    def failed(self) -> None:
        """The open offer, if any, was refused or withdrawn: what was agreed holds."""
        if self.open:
            self._move(Talk.AGREED if self.ours else Talk.NEW)

    def _need(self, talk: Talk) -> None:
        if self.talk is not talk:
            raise IllegalTransition(f"no answer while the offer is {self.talk.name}")

    def _move(self, talk: Talk) -> None:
        if talk not in MOVES[self.talk]:
            raise IllegalTransition(f"no {talk.name} while the offer is {self.talk.name}")
        self.talk = talk
