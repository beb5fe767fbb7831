"""What a customer uses most: counted at the end of a call, told at the start of the next."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta, timezone
from functools import partial

from telebank.customers.asked import Asked, Handler, Run
from telebank.store import habits as jobs
from transactions.clock import Clock
from transactions.kinds import WORD
from transactions.outcome import Approved, Outcome

DAYS = 90
"""Days that count; what is older is forgotten."""
LEAST, MOST = 3, 2
"""Uses that make a service one of his own, and how many of these he hears."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The handler, and `used` for the end of a call."""

    run: Run
    clock: Clock
    zone: timezone

    def handlers(self) -> dict[str, Handler]:
        """By service."""
        return {"usage.top": self.top}

    async def top(self, asked: Asked) -> Outcome:
        """The most used first."""
        since = self._today() - timedelta(days=DAYS)
        job = partial(jobs.top, customer=asked.customer, since=since, least=LEAST)
        found = list(await self.run(job))[:MOST]
        return Approved({"usual": tuple({"what": what} for what, _ in found)})

    async def used(self, customer: str, what: Iterable[str]) -> None:
        """One call used these services, named by words of the set `often`; names that are no words
        are let pass. Raises as the store does."""
        words = sorted({one for one in what if WORD.fullmatch(one)})
        if customer and words:
            await self.run(partial(jobs.used, customer=customer, what=words, day=self._today()))

    async def prune(self) -> None:
        """Forget what no longer counts."""
        await self.run(partial(jobs.prune, before=self._today() - timedelta(days=DAYS)))

    def _today(self) -> date:
        return self.clock.now().astimezone(self.zone).date()
