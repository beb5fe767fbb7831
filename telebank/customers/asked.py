"""What a handler is asked: a request whose inputs the contract has checked, by kind."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, TypeVar

from telebank.store.transaction import Transaction
from transactions.card import CardNumber, SealedCard
from transactions.money import Money
from transactions.outcome import Outcome, Value
from transactions.request import AuthLevel, Request
from transactions.secret import Secret
from transactions.service import Service
from transactions.telephone_pin import Customer

T = TypeVar("T")


class Run(Protocol):
    """Runs a job in the node's next commit; see `telebank.store.writer.Writer.run`."""

    def __call__(
        self, work: Callable[[Transaction], Any], locks: Sequence[str] = ()
    ) -> Awaitable[Any]:
        """The job's result, durable."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to the desk. The readers below raise `KeyError` or `TypeError` for an input that
    the contract does not have so: a handler and its contract that do not fit are a bug."""

    service: Service
    request: Request
    customer: str
    """Token of the customer's card."""

    @property
    def by(self) -> Customer:
        """Who does it, for the event."""
        return Customer.of(self.customer, self.request)

    @property
    def proved(self) -> bool:
        """Whether a second factor was given in this call."""
        return self.request.auth is AuthLevel.SECOND_FACTOR

    @property
    def on(self) -> date:
        """Business date of the request."""
        day = self.request.business_date
        if day is None:
            raise TypeError("the processor gives every request a business date")
        return day

    def text(self, name: str) -> str:
        """An input of kind text, digits or word."""
        return _of(str, self.request.inputs[name])

    def money(self, name: str) -> Money:
        """An input of kind money."""
        return _of(Money, self.request.inputs[name])

    def secret(self, name: str) -> Secret:
        """An input of kind secret; the processor wipes it after."""
        return _of(Secret, self.request.inputs[name])

    def card(self, name: str) -> CardNumber | SealedCard:
        """An input of kind card_no."""
        value = self.request.inputs[name]
        return value if isinstance(value, SealedCard) else _of(CardNumber, value)

    def maybe(self, name: str) -> str | None:
        """An optional input of kind text, digits or word."""
        return self.text(name) if name in self.request.inputs else None


Handler = Callable[[Asked], Awaitable[Outcome]]
"""Answers one service."""


def _of(kind: type[T], value: Value) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"an input is no {kind.__name__}: handler and contract do not fit")
    return value
