"""What a conversation knows of a teller's line, whatever it is: a call of ours to his desk phone
(`phone_line`), or the browser that he sits at (`browser_line`)."""

from typing import Protocol

from telebank.calls.tellers.conversation import Place
from telebank.calls.tellers.values import Rung
from telebank.media.client import MediaChannel


class Line(Protocol):
    """One use of it, in one conversation. `ring` once; then `hang_up`, or the room is told that it
    is gone."""

    @property
    def channel(self) -> MediaChannel | None:
        """Its media; None: there are none now."""
        ...

    @property
    def called(self) -> bool:
        """Whether it is a SIP call of ours now."""
        ...

    @property
    def rings(self) -> bool:
        """Whether the page is to ring, and `answer` takes the call."""
        ...

    async def ring(self, shown: str, beside: MediaChannel | None, seconds: float) -> Rung:
        """Ring it; `shown` is the caller as the user part of an address, `beside` whom it is to be
        joined with."""
        ...

    def answer(self) -> bool:
        """His page takes the call; False: it is not taken there, or does not ring."""
        ...

    def join(self, place: Place, toward: MediaChannel | None = None) -> None:
        """Be in a mixer."""
        ...

    def leave(self) -> None:
        """Be in none."""
        ...

    def hang_up(self) -> None:
        """It is no more in this conversation, whatever it was; nobody is told."""
        ...
