"""Services that the node answers itself: tries are counted, what the desk says is looked at."""

from contextlib import suppress
from dataclasses import dataclass

from transactions.admission import TriesDesk
from transactions.answer import exit_of
from transactions.contract import Service
from transactions.contract_people import PROVE
from transactions.guarded import AdapterFailed, guarded
from transactions.inputs import answer_complaint
from transactions.journal import Journal, JournalEvent
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown
from transactions.own import OwnDesk
from transactions.ports import JournalUnavailable
from transactions.proof import Tiers
from transactions.request import Request


@dataclass(frozen=True, slots=True)
class OwnServices:
    """Asks the desk."""

    desk: OwnDesk
    journal: Journal
    tries: TriesDesk
    tiers: Tiers

    async def outcome(self, service: Service, request: Request, customer: str) -> Outcome:
        """The desk's outcome with outputs of the contract's kinds, or why there is none."""
        try:
            if await self.tiers.asks(service, request, customer):
                return Declined(PROVE)
            tries = self.tries.of(service, customer)
            if tries is not None and not await tries.take():
                return Declined("locked")
        except JournalUnavailable:
            return NotSent("journal")
        outcome = await self._ask(service, request, customer)
        if tries is not None:
            await tries.give_back(outcome)
        return outcome

    async def _ask(self, service: Service, request: Request, customer: str) -> Outcome:
        try:
            outcome = await guarded(self.desk.execute(service, request, customer))
        except JournalUnavailable:
            return NotSent("journal")
        if isinstance(outcome, AdapterFailed):
            return await self._unusable(service, request, outcome.why)
        wrong = _complaint(service, outcome)
        return await self._unusable(service, request, wrong) if wrong else outcome

    async def _unusable(self, service: Service, request: Request, why: str) -> Outcome:
        """A bug of ours, which somebody must look at."""
        detail: dict[str, str | int | float | bool | None] = {"service": service.name, "why": why}
        event = JournalEvent("alarm.own", request.call, request=request.id, detail=detail)
        with suppress(JournalUnavailable):
            await self.journal.append(event)
        return Unknown(why)


def _complaint(service: Service, outcome: Outcome) -> str:
    """What is wrong with the outputs that its exit gives; empty where nothing."""
    if not isinstance(outcome, Approved | Declined):
        return ""
    if exit_of(service, outcome) in service.out_on:
        return answer_complaint(service, outcome.data) or ""
    told = isinstance(outcome, Declined) and outcome.data
    return "its exit gives no outputs" if told else ""
