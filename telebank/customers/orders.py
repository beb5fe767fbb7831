"""Services of scheduled transfers: made, heard, changed, cancelled. What is due is carried out by
`telebank.customers.runner`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta, timezone
from functools import partial

from telebank.customers.asked import Asked, Handler, Run
from telebank.customers.order_options import OrderOptions
from telebank.customers.schedule import EVERY, Schedule
from telebank.store import orders as jobs
from telebank.store.orders import Order
from telebank.store.sealing import Keyring
from telebank.store.spoken_numbers import number_of
from transactions.card import CardNumber, SealedCard
from transactions.clock import Clock
from transactions.money import Money
from transactions.outcome import Approved, Declined, Outcome, Plain, Value

PAGE = 5
"""Rows of one page."""
FEE = "fee"
LAST = "last"


@dataclass(frozen=True, slots=True)
class Orders:
    """The handlers."""

    run: Run
    keys: Keyring
    options: OrderOptions
    clock: Clock
    zone: timezone

    def handlers(self) -> dict[str, Handler]:
        """By service."""
        return {
            "order.make": self.make,
            "order.list": self.page,
            "order.change": self.change,
            "order.cancel": self.cancel,
        }

    async def make(self, asked: Asked) -> Outcome:
        """Keep what was read back, with what the customer had proved then."""
        schedule = self._schedule(asked)
        if schedule is None:
            return Declined("bad_date")
        fee = asked.request.inputs.get(FEE)
        draft = jobs.OrderDraft(
            by=asked.by,
            payer=self._sealed(asked.card("card")),
            payee=self._sealed(asked.card("payee")),
            payee_name=asked.text("payee_masked"),
            amount=asked.money("amount"),
            fee=fee if isinstance(fee, Money) else None,
            first=schedule.first,
            every=schedule.every,
            last=schedule.last,
            auth=asked.request.auth,
            language=asked.request.language,
            release=asked.request.release,
        )
        job = partial(jobs.make, draft=draft, most=self.options.most)
        made: Order | None = await self.run(job, (jobs.NUMBERS,))
        if made is None:
            return Declined("too_many")
        return Approved({"order": str(made.number)})

    def _sealed(self, card: CardNumber | SealedCard) -> SealedCard:
        return self.keys.renewed(card) if isinstance(card, SealedCard) else self.keys.seal(card)

    def _schedule(self, asked: Asked) -> Schedule | None:
        """The dates, where they are possible: from tomorrow on, by the bank's wall clock and by the
        host's date, which may be a day ahead in the evening: nothing goes at once."""
        first, every = _day(asked.request.inputs["first"]), asked.text("every")
        last = asked.request.inputs.get(LAST)
        today = max(self.clock.now().astimezone(self.zone).date(), asked.on)
        if first is None or every not in EVERY or not today < first <= self._farthest(today):
            return None
        until = None if every == "once" else _day(last)
        if last is not None and until is not None and until < first:
            return None
        return Schedule(first, every, until)

    def _farthest(self, today: date) -> date:
        return today + timedelta(days=self.options.ahead_days)

    async def page(self, asked: Asked) -> Outcome:
        """A page of them, by number; the cursor is the last number that he heard."""
        after = asked.maybe("cursor") or "0"
        job = partial(
            jobs.of_customer,
            customer=asked.customer,
            after=number_of(after),
            most=PAGE + 1,
            since=self.clock.now() - timedelta(days=self.options.listed_days),
        )
        found: Sequence[tuple[Order, jobs.Run | None]] = await self.run(job)
        items = tuple(_row(order, last) for order, last in found[:PAGE])
        page: dict[str, Value] = {"items": items}
        if len(found) > PAGE:
            page["cursor"] = str(found[PAGE - 1][0].number)
        return Approved(page)

    async def change(self, asked: Asked) -> Outcome:
        """Another amount from the next due date on."""
        job = partial(
            jobs.change,
            by=asked.by,
            number=asked.text("order"),
            amount=asked.money("amount"),
            auth=asked.request.auth,
        )
        return await self._of_one(asked, job)

    async def cancel(self, asked: Asked) -> Outcome:
        """No due date comes any more, and none is tried again."""
        job = partial(jobs.cancel, by=asked.by, number=asked.text("order"))
        return await self._of_one(asked, job)

    async def _of_one(self, asked: Asked, job: partial[bool]) -> Outcome:
        done = await self.run(job, jobs.judged(asked.text("order")))
        return Approved({}) if done else Declined("no_order")


def _day(value: Value | None) -> date | None:
    return value if isinstance(value, date) else None


def _row(order: Order, last: jobs.Run | None) -> dict[str, Plain]:
    """What is heard of an order: the date that comes, or of one that has ended its last one."""
    shown = order.next or (order.first if last is None else last.due)
    return {
        "order": str(order.number),
        "payee_masked": order.payee_name,
        "amount": order.amount,
        "every": order.every,
        "next": shown,
        "state": _state(order, last),
    }


def _state(order: Order, last: jobs.Run | None) -> str:
    """`waiting` while a date comes or the last one is under way; else how that ended."""
    if order.state == "cancelled":
        return order.state
    if order.next is not None or last is None or last.state == "open":
        return "waiting"
    return last.state
