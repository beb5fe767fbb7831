"""Services of registered payees. A place (`slot`) is what the customer keys; a cursor is the last
place that he heard."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial

from telebank.customers.asked import Asked, Handler, Run
from telebank.customers.options import PayeeOptions
from telebank.store import payees as jobs
from telebank.store.payees import Payee
from telebank.store.sealing import Keyring
from transactions.card import CardNumber, SealedCard
from transactions.clock import Clock
from transactions.money import Money
from transactions.outcome import Approved, Declined, Outcome, Plain, Values

NEXT = timedelta(days=1)
"""The cap of one who is taken out holds until the business date after this one."""
PAGE = 5
"""Rows of one page."""


@dataclass(frozen=True, slots=True)
class Payees:
    """The handlers, and who is trusted."""

    run: Run
    keys: Keyring
    options: PayeeOptions
    limits: Mapping[str, Money]
    """[limits], by name."""
    clock: Clock
    zone: timezone

    def handlers(self) -> dict[str, Handler]:
        """By service."""
        return {
            "payee.list": self.page,
            "payee.use": self.use,
            "payee.add": self.add,
            "payee.remove": self.remove,
            "payee.limit": self.limit,
        }

    async def page(self, asked: Asked) -> Outcome:
        """A page of them; without a cursor in the answer it was the last."""
        there: list[Payee] = await self.run(partial(jobs.of, customer=asked.customer))
        after = _slot(asked.maybe("cursor") or "0")
        left = [one for one in there if after is None or one.slot > after]
        now = self.clock.now()
        page: dict[str, tuple[dict[str, Plain], ...] | str]
        page = {"items": tuple(_row(one, now) for one in left[:PAGE])}
        if len(left) > PAGE:
            page["cursor"] = str(left[PAGE - 1].slot)
        return Approved(page)

    async def use(self, asked: Asked) -> Outcome:
        """The card of a place, for this call's memory."""
        slot = _slot(asked.text("slot"))
        job = partial(jobs.at, customer=asked.customer, slot=slot or 0)
        found: Payee | None = await self.run(job)
        return Declined("no_payee") if found is None else self._card(found)

    def _card(self, one: Payee) -> Outcome:
        return Approved({"payee": self.keys.unseal(one.card)})

    async def add(self, asked: Asked) -> Outcome:
        """Register what was read back."""
        card = asked.card("payee")
        job = partial(
            jobs.add,
            by=asked.by,
            card=(
                self.keys.seal(card) if isinstance(card, CardNumber) else self.keys.renewed(card)
            ),
            name=asked.text("payee_masked"),
            cooling=timedelta(hours=self.options.cooling_hours),
            most=self.options.most,
        )
        added: Payee | jobs.Full = await self.run(job, jobs.judged(asked.customer))
        if isinstance(added, str):
            return Declined(added)
        ready = added.ready_at.astimezone(self.zone).date()
        return Approved({"slot": str(added.slot), "ready": ready})

    async def remove(self, asked: Asked) -> Outcome:
        """Take one out."""
        slot = _slot(asked.text("slot")) or 0
        job = partial(jobs.remove, by=asked.by, slot=slot, on=asked.on, until=asked.on + NEXT)
        done: bool = await self.run(job, jobs.judged(asked.customer))
        return Approved() if done else Declined("no_payee")

    async def limit(self, asked: Asked) -> Outcome:
        """Set what one may be paid a day; higher than now only with a second factor."""
        bank, amount = self.limits.get(self.options.limit), asked.money("amount")
        if bank is None or amount.currency != bank.currency or amount.minor > bank.minor:
            return Declined("over_bank")
        slot = _slot(asked.text("slot")) or 0
        job = partial(jobs.cap, by=asked.by, slot=slot, amount=amount, bank=bank)
        # One who raises what he just lowered proves himself too: what holds is what counts.
        done: str = await self.run(
            partial(job, may_raise=asked.proved), jobs.judged(asked.customer)
        )
        return Approved() if done == "ok" else Declined(done)

    async def trusts(self, terms: Values, customer: str) -> bool:
        """Whether every card of these terms but the customer's own is a payee past its cooling."""
        tokens = {self._token(v) for v in terms.values() if isinstance(v, CardNumber | SealedCard)}
        others = tokens - {customer}
        job = partial(jobs.trusted, customer=customer, tokens=others)
        return bool(others) and bool(await self.run(job))

    def _token(self, card: CardNumber | SealedCard) -> str:
        return card.token if isinstance(card, SealedCard) else self.keys.token(card)


def _slot(text: str) -> int | None:
    """The place that an input names; None for what is none."""
    return int(text) if len(text) == 1 and text.isascii() and text.isdigit() else None


def _row(one: Payee, now: datetime) -> dict[str, Plain]:
    state = "ready" if one.ready(now) else "cooling"
    return {"slot": str(one.slot), "payee_masked": one.name, "state": state}
