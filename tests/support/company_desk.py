"""A company's people at a running host: what one proposes and another one pays."""

from dataclasses import dataclass
from typing import Any

from core_adapters.corehost.house import DATABASE
from core_adapters.corehost.ledger import connect_read_only
from core_adapters.corehost.seed import SeedCard, trial_set
from support.bank_services import Asker
from support.corehost_process import CoreHostProcess
from support.lending_wire import approved
from transactions.card import CardNumber
from transactions.money import Money, currency
from transactions.outcome import Outcome, Value
from transactions.ports import Reversed
from transactions.request import HostMessage, Request

CNY = currency("CNY")
PEOPLE = [CardNumber(one.card) for one in trial_set() if one.state == "operator"]
MAKER, FIRST, SECOND, VIEWER = PEOPLE
COMPANY: SeedCard = next(one for one in trial_set() if one.company)
PAYEE = next(one for one in trial_set() if one.state == "open")
LOAN, BANK, FAR_ACCOUNT = "6001", "9001", "62220000123456"


def fen(minor: int) -> Money:
    """Yuan."""
    return Money(minor, CNY)


def asked(kind: str, minor: int, sub: str = "0001", **others: str) -> dict[str, Value]:
    """A payment of a kind, with a payee that it may have."""
    to = {"transfer": PAYEE.card, "repay": LOAN}.get(kind, FAR_ACCOUNT)
    terms: dict[str, Value] = {"sub": sub, "kind": kind, "to": to, "amount": fen(minor)}
    if kind == "remote":
        terms["bank"] = BANK
    terms |= others
    return {name: value for name, value in terms.items() if value != ""}


def rows(host: CoreHostProcess, query: str) -> list[tuple[Any, ...]]:
    """What the bank's own tables say, beside the running host."""
    db = connect_read_only(host.folder / DATABASE)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


@dataclass
class Sent:
    """A payment that went out: the request and its message, for a reversal."""

    request: Request
    message: HostMessage
    outcome: Outcome


class CompanyDesk:
    """Quotes and pays through the adapter."""

    def __init__(self, caller: Asker) -> None:
        self.caller = caller

    async def quote(self, card: CardNumber, terms: dict[str, Value]) -> Outcome:
        """What the bank says of a payment to one of its people."""
        return await self.caller.ask("corp.pay_quote", card=card, **terms)

    async def pay(
        self,
        terms: dict[str, Value],
        approver: CardNumber = FIRST,
        maker: str = "0001",
        **instead: Value,
    ) -> Sent:
        """The second person has it quoted and pays; `instead` are terms that were not."""
        quote: dict[str, Any] = approved(await self.quote(approver, terms))
        inputs: dict[str, Value] = {"card": approver, **terms, **quote, "approval": "100001"}
        inputs |= {"company": COMPANY.account, "maker": maker, **instead}
        request = self.caller.request("corp.pay", inputs)
        outcome = await self.caller.host.execute(request, self.caller.journal)
        return Sent(request, self.caller.journal.sent[-1], outcome)

    async def undo(self, sent: Sent) -> None:
        """Reverse it, as after a reply that never came."""
        result = await self.caller.host.reverse(
            sent.request, sent.message, "time_out", self.caller.journal, 0
        )
        assert result == Reversed(), result
