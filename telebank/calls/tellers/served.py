"""A caller as a teller does services for him."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telebank.calls.edition import Edition
from telebank.flow.commands import Spoken, Submit, Told
from transactions.answer import Answer
from transactions.card import CardNumber
from transactions.request import AuthLevel, Language


@dataclass(frozen=True, slots=True)
class Served:
    """As he stands at this moment; what is asked goes on when he hangs up."""

    edition: Edition
    """The menus that he is in, and with them the services."""
    language: Language
    card: CardNumber | None
    """Of who has proved himself."""
    level: AuthLevel
    ask: Callable[[Submit], Awaitable[Answer]]
    """Asks a service for him, by the teller."""
    told: Callable[[Told], None]
    """He has heard a result."""
    say: Callable[[tuple[Spoken, ...], Callable[[bool], None] | None], bool]
    """Say it to him, and call when it is over with whether it was said to its end; False: it
    cannot be said."""
