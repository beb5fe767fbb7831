"""The journal in memory with every step by name, so that the gateway can be killed at each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

from support.transactions_journal import Books, Journal
from transactions.card import CardNumber, CardNumberError, SealedCard
from transactions.lifecycle import State
from transactions.outcome import Outcome
from transactions.request import HostMessage

T = TypeVar("T")

STEPS = (
    "hot_listed",
    "guard_state",
    "append",
    "next_reference",
    "next_stan",
    "record and send",
    "advance APPROVED",
    "advance REVERSING",
    "sending reversal",
    "answered reversal",
    "advance settled",
)
"""Every commit that a transfer, its reversal and another transfer need."""
KILLS = ("none", *(f"{when} {step}" for step in STEPS for when in ("before", "after")))
"""When the gateway is killed: never, or before or after one of them."""


class HiddenVault:
    """Tokens and sealed texts that carry no digit of the card."""

    def __init__(self) -> None:
        self._cards: dict[str, CardNumber] = {}
        self._tokens: dict[str, str] = {}

    def token(self, card: CardNumber) -> str:
        """A hash."""
        token = self._tokens.get(card.digits)
        if token is None:
            token = self._tokens[card.digits] = sha256(card.digits.encode()).hexdigest()
            self._cards[token] = card
        return token

    def digest(self, text: str) -> str:
        """As a key would: not the text's own hash."""
        return sha256(f"key {text}".encode()).hexdigest()

    def seal(self, card: CardNumber) -> SealedCard:
        """The token stands for the ciphertext."""
        token = self.token(card)
        return SealedCard(token, card.masked, "k1", token.encode())

    def unseal(self, sealed: SealedCard) -> CardNumber:
        """The card again."""
        if sealed.key_id != "k1":
            raise CardNumberError("no such key")
        return self._cards[sealed.ciphertext.decode()]


@dataclass
class Kill:
    """When to die: at the first step of this name after `armed`, or at a step by number."""

    at: str = "none"
    number: int | None = None
    armed: bool = False
    done: bool = False


class KillJournal(Journal):
    """One life of the journal; `on_death` is called at once, before anything else runs."""

    def __init__(self, books: Books, seed: int, kill: Kill, on_death: Callable[[], None]) -> None:
        super().__init__(books, seed)
        self._kill = kill
        self._on_death = on_death
        self._label = ""

    async def _commit(self, name: str, change: Callable[[], T]) -> T:
        label, self._label = self._label or name, ""
        await self._pause(f"before {label}")
        result = change()
        await self._pause(f"after {label}")
        return result

    async def _pause(self, point: str) -> None:
        seconds = self.random.choice((0.0, 0.0, 0.0005, 0.002))
        if seconds:
            await self.clock.sleep(seconds)
        kill = self._kill
        self.steps += 1
        hit = kill.armed and kill.at == point
        if not kill.done and not self.died.is_set() and (hit or kill.number == self.steps):
            kill.done = True
            self.died.set()
            self._on_death()
        if self.died.is_set():
            await self._for_ever()

    async def _for_ever(self) -> None:
        import asyncio

        await asyncio.get_running_loop().create_future()

    async def sending(self, message: HostMessage) -> None:
        """See `Journal`."""
        self._label = f"sending {message.role}"
        await super().sending(message)

    async def sending_again(self, message: HostMessage, next_attempt_at: datetime | None) -> int:
        """See `Journal`."""
        self._label = f"sending {message.role}"
        return await super().sending_again(message, next_attempt_at)

    async def answered(self, message: HostMessage) -> None:
        """See `Journal`."""
        self._label = f"answered {message.role}"
        await super().answered(message)

    async def advance(
        self,
        request_id: str,
        states: Sequence[State],
        *,
        why: str = "",
        outcome: Outcome | None = None,
        next_attempt_at: datetime | None = None,
        answered: HostMessage | None = None,
    ) -> None:
        """See `Journal`."""
        settled = self.books.rows[request_id].state is State.REVERSING
        self._label = f"advance {'settled' if settled else states[-1]}"
        given: dict[str, Any] = {"outcome": outcome, "next_attempt_at": next_attempt_at}
        given["answered"] = answered
        await super().advance(request_id, states, why=why, **given)
