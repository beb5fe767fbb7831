"""A bank in memory and an adapter whose every message can go wrong on order."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from support.transactions_journal import PlainVault
from support.transactions_time import START, LoopClock
from transactions.card import CardNumber, SealedCard
from transactions.money import Money
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Value
from transactions.ports import (
    Health,
    HostTotals,
    MessageLog,
    ReversalImpossible,
    ReversalOutcome,
    ReversalRefused,
    ReversalUnanswered,
    Reversed,
    Unsupported,
)
from transactions.request import HostMessage, MessageRole, Request
from transactions.secret import Secret

TIMEOUT = 15.0
LATE = 16.5
OVERTAKEN = 60.0


class Fault(StrEnum):
    """What happens to one message."""

    NONE = "none"
    NOT_SENT = "not sent"
    LOST_BEFORE = "lost before the host"
    LOST_AFTER = "reply lost"
    LATE = "reply late"
    OVERTAKEN = "reaches the host long after"
    BUG_BEFORE = "adapter raises before sending"
    BUG_AFTER = "adapter raises after sending"
    DECLINED = "declined"
    CUT_OVER = "cut-over"
    DUPLICATE = "94"
    REFUSED = "reversal refused"
    IMPOSSIBLE = "cannot be made"


@dataclass
class Posting:
    """Money moved once."""

    request_id: str
    payer: str
    payee: str
    minor: int
    undone: bool = False


@dataclass
class Bank:
    """Accounts by card token; messages by STAN and field 7; tombstones of what was undone."""

    balances: Counter[str] = field(default_factory=Counter)
    pins: dict[str, str] = field(default_factory=dict)
    postings: dict[tuple[str, str], Posting] = field(default_factory=dict)
    tombstones: set[tuple[str, str]] = field(default_factory=set)
    lost_cards: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)
    quotes: int = 0

    def net(self, request_id: str) -> int:
        """Postings of a request that stand."""
        found = self.postings.values()
        return sum(p.request_id == request_id and not p.undone for p in found)

    def transfer(self, message: HostMessage, terms: "Terms") -> Outcome:
        key = (message.stan, message.field7)
        if key in self.tombstones:
            return Declined("reversed_before")
        assert key not in self.postings, "the same 0200 came twice"
        if self.balances[terms.payer] < terms.amount.minor:
            return Declined("insufficient")
        self.balances[terms.payer] -= terms.amount.minor
        self.balances[terms.payee] += terms.amount.minor
        self.postings[key] = Posting(
            message.request_id, terms.payer, terms.payee, terms.amount.minor
        )
        left = Money(self.balances[terms.payer], terms.amount.currency)
        return Approved({"available": left, "ref": message.field37}, "H1")

    def reverse(self, sent: HostMessage) -> ReversalOutcome:
        key = (sent.stan, sent.field7)
        posting = self.postings.get(key)
        self.tombstones.add(key)
        if posting is None:
            return Reversed(never_had=True)
        if not posting.undone:
            posting.undone = True
            self.balances[posting.payer] += posting.minor
            self.balances[posting.payee] -= posting.minor
        return Reversed()


@dataclass(frozen=True)
class Terms:
    payer: str
    payee: str
    amount: Money


Faults = Callable[[str, MessageRole, int], Fault]


def no_faults(request_id: str, role: MessageRole, attempt: int) -> Fault:
    return Fault.NONE


class Host:
    """One node's adapter to the bank. Messages on their way live on when the node dies."""

    def __init__(self, bank: Bank, vault: PlainVault, faults: Faults = no_faults) -> None:
        self.bank = bank
        self.vault = vault
        self.faults = faults
        self.links_up = 1
        self.on_late: Callable[[str, Outcome], None] | None = None
        self.delay = 0.05
        self.reversals: list[tuple[str, int]] = []
        self.asked_to_reverse: list[tuple[str, datetime]] = []
        """Also those that could not be sent."""
        self.repeats: list[tuple[str, HostMessage | None]] = []
        """What each reversal sent was told of the one before, and why it is reversed."""
        self.business_date: date | None = START.date()
        self.can_query = True
        self.alive = True
        self._timers: set[asyncio.Task[None]] = set()

    def capabilities(self) -> Mapping[str, int]:
        names = ("pin.verify", "card.balance", "transfer.quote", "transfer.card_to_card")
        return dict.fromkeys((*names, "card.report_loss", "pin.change", "pin.unlock"), 1)

    async def health(self) -> Health:
        return Health(self.links_up, 1, self.business_date, 0)

    async def reconcile(self, business_date: date) -> HostTotals:
        raise Unsupported(business_date)

    async def query_status(self, request: Request, sent: HostMessage) -> Outcome:
        if not self.can_query:
            raise Unsupported("no status query")
        await asyncio.sleep(self.delay)
        fault = self.faults(request.id, "query", 0)
        if fault in (Fault.LOST_BEFORE, Fault.LOST_AFTER):
            return Unknown("silence")
        if self.bank.net(request.id):
            return Approved({}, "H1")
        self.bank.tombstones.add((sent.stan, sent.field7))
        return Declined("not_found")

    # -- requests -----------------------------------------------------------------------------

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        role: MessageRole = "request" if repeat_of is None else "repeat"
        self.bank.asked[f"{request.id} {role}"] += 1
        fault = self.faults(request.id, role, self.bank.asked[f"{request.id} {role}"] - 1)
        if fault is Fault.BUG_BEFORE:
            raise KeyError("bug")
        if fault is Fault.NOT_SENT or not self.links_up:
            return NotSent("no link")
        if fault is Fault.IMPOSSIBLE:
            return NotSent("format")
        message = await self._message(request, role, log, repeat_of)
        await log.sending(message)
        if fault is Fault.BUG_AFTER:
            raise KeyError("bug")
        return await self._exchange(request, message, fault, log)

    async def _message(
        self, request: Request, role: MessageRole, log: MessageLog, again: HostMessage | None
    ) -> HostMessage:
        if again is not None:
            return replace(again, role=role, mti="0303", attempt=again.attempt + 1)
        stan = await log.next_stan()
        now = LoopClock().now()
        keys = (stan, now.strftime("%m%d%H%M%S"), "", "T1", request.reference, "a", now)
        return HostMessage(request.id, role, 0, "0200", *keys)

    async def _exchange(
        self, request: Request, message: HostMessage, fault: Fault, log: MessageLog
    ) -> Outcome:
        known: dict[Fault, Outcome] = {
            Fault.DECLINED: Declined("insufficient"),
            Fault.CUT_OVER: Declined("cut_over"),
            Fault.DUPLICATE: Unknown("duplicate_stan"),
            Fault.LOST_BEFORE: Unknown("silence"),
        }
        local = known.get(fault)
        if fault is Fault.LOST_BEFORE:
            await asyncio.sleep(TIMEOUT)
        if local is not None:
            return local
        request_terms = request.inputs  # read now: secrets are wiped when the request is answered
        revealed = self._revealed(request, "pin")
        new_pin = self._revealed(request, "new_pin")
        reply: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        delay = OVERTAKEN if fault is Fault.OVERTAKEN else self.delay

        async def at_bank() -> None:
            await asyncio.sleep(delay)
            outcome = self._serve(request.service, request_terms, revealed, message)
            if request.service == "pin.change" and isinstance(outcome, Approved):
                self.bank.pins[self._card(request_terms["card"])] = new_pin
            if fault is Fault.LATE:
                await asyncio.sleep(LATE)
            if fault is not Fault.LOST_AFTER and not reply.done():
                reply.set_result(outcome)
            elif fault in (Fault.LATE, Fault.OVERTAKEN) and self.alive and self.on_late:
                self.on_late(request.id, outcome)

        self._later(at_bank())
        await asyncio.wait({reply}, timeout=TIMEOUT)
        if not reply.done():
            reply.cancel()
            return Unknown("silence")
        await log.answered(message)
        return reply.result()

    def _later(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        task.set_name("bank")
        self._timers.add(task)
        task.add_done_callback(self._timers.discard)

    def _revealed(self, request: Request, name: str) -> str:
        pin = request.inputs.get(name)
        return pin.reveal() if isinstance(pin, Secret) else ""

    def _card(self, value: Value) -> str:
        assert isinstance(value, CardNumber | SealedCard)
        return self.vault.token(
            value if isinstance(value, CardNumber) else self.vault.unseal(value)
        )

    def _serve(
        self, service: str, inputs: Mapping[str, Value], pin: str, message: HostMessage
    ) -> Outcome:
        match service:
            case "pin.verify" | "pin.change":
                good = self.bank.pins.get(self._card(inputs["card"])) == pin
                return Approved() if good else Declined("wrong_pin")
            case "transfer.quote":
                self.bank.quotes += 1
                amount = inputs["amount"]
                assert isinstance(amount, Money)
                fee = Money(0, amount.currency)
                quote = f"Q{self.bank.quotes}"
                return Approved({"fee": fee, "payee_masked": "*三", "quote": quote})
            case "card.report_loss":
                self.bank.lost_cards.add(self._card(inputs["card"]))
                return Approved({"ref": message.field37})
            case "pin.unlock":
                return Approved()
            case "card.balance":
                left = Money(self.bank.balances[self._card(inputs["card"])], CNY)
                return Approved({"available": left, "ledger": left})
            case _:
                amount = inputs["amount"]
                assert isinstance(amount, Money)
                payer, payee = self._card(inputs["from"]), self._card(inputs["to"])
                return self.bank.transfer(message, Terms(payer, payee, amount))

    # -- reversals ----------------------------------------------------------------------------

    async def reverse(  # noqa: PLR0911, PLR0917 - a row of faults; the order of the port
        self,
        original: Request,
        sent: HostMessage,
        reason: str,
        log: MessageLog,
        attempt: int,
        repeat_of: HostMessage | None = None,
    ) -> ReversalOutcome:
        fault = self.faults(original.id, "reversal", attempt)
        self.asked_to_reverse.append((original.id, LoopClock().now()))
        if fault is Fault.IMPOSSIBLE:
            return ReversalImpossible("keys")
        if fault is Fault.BUG_BEFORE:
            raise KeyError("bug")
        if fault is Fault.NOT_SENT or not self.links_up:
            return ReversalUnanswered(False, "no link")
        mti = "0420" if attempt == 0 else "0421"
        await log.sending(replace(sent, role="reversal", mti=mti, attempt=attempt))
        self.reversals.append((mti, attempt))
        self.repeats.append((reason, repeat_of))
        await asyncio.sleep(self.delay)
        if fault is Fault.REFUSED:
            return ReversalRefused("57")
        if fault is Fault.LOST_BEFORE:
            await asyncio.sleep(TIMEOUT)
            return ReversalUnanswered(True, "silence")
        if fault is Fault.DUPLICATE and attempt:
            return Reversed(never_had=True, duplicate=True)  # whatever it means by it
        outcome = self.bank.reverse(sent)
        if fault is Fault.LOST_AFTER:
            await asyncio.sleep(TIMEOUT)
            return ReversalUnanswered(True, "silence")
        return outcome

    async def drained(self) -> None:
        """Everything that was on its way to the bank has come."""
        if self._timers:
            await asyncio.wait(set(self._timers))


CNY = Money.parse("0").currency
