"""Services of the ceiling that a customer sets for what he transfers in a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from telebank.customers.asked import Asked, Handler, Run
from telebank.customers.options import CeilingOptions
from telebank.store import ceilings as jobs
from transactions.money import Money
from transactions.outcome import Approved, Declined, Outcome

NEXT = timedelta(days=1)
"""A higher ceiling holds from the business date after this one."""


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The handlers."""

    run: Run
    options: CeilingOptions
    limits: Mapping[str, Money]
    """[limits], by name."""

    def handlers(self) -> dict[str, Handler]:
        """By service."""
        return {"ceiling.tell": self.tell, "ceiling.set": self.set}

    async def tell(self, asked: Asked) -> Outcome:
        """His ceiling, what of it is used, and the bank's limit."""
        limit = self.options.limit
        bank = self.limits.get(limit)
        if bank is None:
            return Declined("unavailable")
        job = partial(jobs.look, customer=asked.customer, limit=limit, bank=bank, on=asked.on)
        now: jobs.Now = await self.run(job)
        return Approved({"daily": now.most, "used": now.used, "bank": bank})

    async def set(self, asked: Asked) -> Outcome:
        """Lower holds at once; higher needs a second factor and holds from the next day."""
        limit, amount = self.options.limit, asked.money("amount")
        bank = self.limits.get(limit)
        if bank is None or amount.currency != bank.currency or amount.minor > bank.minor:
            return Declined("over_bank")
        wanted = jobs.Wanted(limit, amount, bank, asked.on, asked.on + NEXT)
        job = partial(jobs.put, by=asked.by, wanted=wanted, may_raise=asked.proved)
        since = await self.run(job, jobs.judged(asked.customer))
        if isinstance(since, str):
            return Declined(since)
        return Declined("prove") if since is None else Approved({"since": since})
