"""Services of payments that two people of a company make: the first proposes, the second hears what
waits, has it quoted again and pays it, or rejects it.

That both mean the same is judged where the payment is recorded (`telebank.store.proposals.claim`);
whether they may, by the host, which is told both operators. Whose company it is, and what he may
propose or decide, the host told in the same call: the contracts' `told_by` has it compared.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import partial

from telebank.customers.asked import Asked, Handler, Run
from telebank.customers.order_options import ApprovalOptions
from telebank.store import proposals as jobs
from telebank.store.proposals import Waiting
from telebank.store.sealing import Keyring
from telebank.store.spoken_numbers import number_of
from transactions.card import SealedCard
from transactions.clock import Clock
from transactions.outcome import Approved, Declined, Outcome, Plain, Value
from transactions.proposals import COMPANY, terms_hash
from transactions.service import Contracts

PAGE = 5
"""Rows of one page."""
TOLD = {"sub": "sub", "to": "pay_to", "bank": "pay_bank"}
"""Terms that are sealed, and as what the second person's call is told them."""
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Approvals:
    """The handlers."""

    run: Run
    keys: Keyring
    options: ApprovalOptions
    contracts: Callable[[str], Contracts]
    """Of a release."""
    clock: Clock
    zone: timezone

    def handlers(self) -> dict[str, Handler]:
        """By service."""
        return {
            "corp.propose": self.propose,
            "corp.waiting": self.page,
            "corp.recall": self.recall,
            "corp.reject": self.reject,
        }

    async def propose(self, asked: Asked) -> Outcome:
        """Keep what was read back to the first person, under a number for the second."""
        told = {
            told: asked.text(name) for name, told in TOLD.items() if name in asked.request.inputs
        }
        sealed = self.keys.seal_digits(json.dumps(told, sort_keys=True))
        release = asked.request.release
        contracts = self.contracts(release)
        money = contracts[str(asked.service.proposes)]
        draft = jobs.ProposalDraft(
            by=asked.by,
            company=asked.text(COMPANY),
            operator=asked.text("operator"),
            kind=asked.text("kind"),
            payee_name=asked.text("payee_masked"),
            amount=asked.money("amount"),
            sealed=sealed.ciphertext,
            key_id=sealed.key_id,
            terms_hash=terms_hash(money, contracts, asked.request.inputs, self.keys, release),
            expires_at=self._expires(),
        )
        job = partial(jobs.propose, draft=draft, most=self.options.most)
        number: int | None = await self.run(job, (jobs.NUMBERS,))
        return Declined("too_many") if number is None else Approved({"approval": str(number)})

    def _expires(self) -> datetime:
        today = self.clock.now().astimezone(self.zone).date()
        end = business_days_after(today, self.options.valid_days) + timedelta(days=1)
        return datetime.combine(end, time(), self.zone)

    async def page(self, asked: Asked) -> Outcome:
        """A page of what waits; the cursor is the last number that he heard."""
        after = asked.maybe("cursor") or "0"
        job = partial(
            jobs.waiting,
            company=asked.text(COMPANY),
            after=number_of(after),
            most=PAGE + 1,
        )
        found: Sequence[Waiting] = await self.run(job)
        page: dict[str, Value] = {"items": tuple(self._row(one) for one in found[:PAGE])}
        if len(found) > PAGE:
            page["cursor"] = str(found[PAGE - 1].number)
        return Approved(page)

    def _row(self, one: Waiting) -> dict[str, Plain]:
        return {
            "approval": str(one.number),
            "kind": one.kind,
            "payee_masked": one.payee_name,
            "amount": one.amount,
            "on": one.proposed_at.astimezone(self.zone).date(),
        }

    async def recall(self, asked: Asked) -> Outcome:
        """The terms of one that waits, for the second person's own quote."""
        job = partial(jobs.recall, company=asked.text(COMPANY), number=asked.text("approval"))
        found: Waiting | None = await self.run(job)
        if found is None:
            return Declined("none")
        if found.maker == asked.customer:
            return Declined("own")
        kept = SealedCard("", "", found.key_id, found.sealed)
        told: dict[str, str] = json.loads(self.keys.unseal_digits(kept))
        return Approved({**told, "kind": found.kind, "amount": found.amount})

    async def reject(self, asked: Asked) -> Outcome:
        """End one that waits."""
        number = asked.text("approval")
        job = partial(jobs.reject, by=asked.by, company=asked.text(COMPANY), number=number)
        done = await self.run(job, jobs.judged(number))
        return Approved({}) if done else Declined("none")


def business_days_after(day: date, count: int) -> date:
    """The day that is so many business days (Monday to Friday) after `day`."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < SATURDAY
    return day
