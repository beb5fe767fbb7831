"""What a caller's call does for the tellers, and what becomes of a PIN that they ask for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telebank.agents.commands import QueueExit
from telebank.flow.commands import Record, Spoken, Submit, Told
from telebank.flow.events import Disproved, Proved
from transactions.answer import Answer
from transactions.request import AuthLevel


@dataclass(frozen=True, slots=True)
class CallHands:
    """Of one call."""

    now: Callable[[], float]
    """Monotonic seconds."""
    guarded: Callable[[Callable[[float], None], float], None]
    """Calls it with that; a fault of ours ends this call and no other."""
    ask: Callable[[Submit], Awaitable[Answer]]
    """Asks a service as this caller."""
    told: Callable[[Told], None]
    """He has heard a result."""
    record: Callable[[Record], None]
    """A line for the event log."""
    proved: Callable[[Proved | Disproved], None]
    """He proved himself beside his menus, or locked what proves him: they know it from now on."""
    back: Callable[[str, QueueExit], None]
    """Takes the menu's question and its answer."""
    hang_up: Callable[[str], None]
    """End the call, for a reason."""
    ask_for: Callable[[str, Submit], Awaitable[Answer]]
    """As `ask`, by a teller who does it for him: takes his id."""


@dataclass(frozen=True, slots=True)
class EntryEnded:
    """What came of it: the flow's exit, or `cancelled`."""

    exit: str
    proved: Proved | None
    lost: AuthLevel | None = None
    """The level whose proof he locked by wrong tries."""
    left: int | None = None
    """The last that he keyed was wrong: how many tries of it are left today; None: it was not, or
    they are not counted."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a customer signs: the machine reads it to him, and then asks for his PIN."""

    words: tuple[Spoken, ...]
    factor: bool = False
    """He signs by a second factor too."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told how far it is."""

    keyed: Callable[[str, str, int | None], None]
    """Takes `3 of 6`, and what is keyed: `card`, `pin`, `identity` or `code`; `terms`: none, he
    hears them; and `EntryEnded.left` so far."""
    over: Callable[[EntryEnded], None]
    """Comes once, and not where the entry is cancelled."""
