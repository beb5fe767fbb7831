"""Whom a teller has in hand, for tests of what he sees of his customer: his card, his menus."""

from dataclasses import dataclass, field
from datetime import timedelta, timezone
from typing import Any

from support.form_counter import CALL, SEAT, edition
from telebank.agents.board import AnyRow, CallRow
from telebank.calls.control.customers import Standing
from telebank.calls.tellers.served import Served
from telebank.calls.tellers.values import CallerCard
from transactions.money import Money
from transactions.request import AuthLevel

MASKED = "622700******7899"
TOKEN = "token-of-payer"  # as the store's own tests have it
STANDING = Standing({"transfer_daily": Money.parse("50000.00")}, True, timezone(timedelta(hours=8)))


@dataclass
class InHand:
    """The room: `SEAT` has a caller in `CALL`; without `token` he has proved nothing."""

    token: str = TOKEN
    pin_result: str = ""
    looked: list[str] = field(default_factory=list)

    def caller_of(self, seat: str, call: str) -> Any:
        """See `CallersInHand`."""
        return self if (seat, call) == (SEAT, CALL) else "no_call"

    def row(self, kind: str, key: str, *, for_supervisor: bool) -> AnyRow | None:
        """See `CallersInHand`."""
        assert (kind, key, for_supervisor) == ("CallRow", CALL, False)
        values = {"since": "", "began": "", "caller": "138******78", "queue": "cards"}
        more: Any = {"state": "talking", "pin_result": self.pin_result}
        return CallRow(key=CALL, language="zh", **values, **more)

    def card(self) -> CallerCard:
        """See `CallerPort`."""
        level, masked = (2, MASKED) if self.token else (0, "")
        return CallerCard("138******78", "zh", "", level, masked, self.token, "transfer", (), "")

    def served(self, teller: str) -> Served:
        """See `CallerPort`; nothing is asked by it."""
        self.looked.append(teller)
        nothing: Any = None
        return Served(edition(), "zh", None, AuthLevel.PIN, nothing, nothing, nothing)
