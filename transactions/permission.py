"""Why somebody may not have a service now, past what his contract and his card say of it.

Who he is, how far he proved it, what the host told of him, how much it is, and who proposed it.
"""

from dataclasses import dataclass, replace

from transactions.admission import refusal
from transactions.clock import Clock
from transactions.contract_people import PROVE
from transactions.journal import Journal, JournalEvent
from transactions.outcome import Declined
from transactions.proof import Tiers
from transactions.proposals import COMPANY, MAKER, Proposed
from transactions.request import Request
from transactions.service import Service
from transactions.told import ToldBook


@dataclass(frozen=True, slots=True)
class Permission:
    """Raises `JournalUnavailable` where the journal cannot say."""

    journal: Journal
    tiers: Tiers
    told: ToldBook
    clock: Clock

    async def ask(
        self, service: Service, request: Request, customer: str, handle: str
    ) -> tuple[Request, Declined | None]:
        """The request with what a proposal of it tells the host, and why it is refused, if it is.
        `handle` is the quote that it is for, or empty."""
        refused = await refusal(service, request, customer, self.journal)
        if refused is not None:
            return request, refused
        if service.approved_by is not None:
            proposed = await self.journal.proposed(str(request.inputs[service.approved_by]))
            if proposed is None:
                return request, Declined("no_proposal")
            request = _approving(request, proposed)
        refused = await self._untold(service, request, customer)
        if refused is not None or service.source == "own":
            return request, refused  # an own service says `prove` itself
        if not await self.tiers.asks(service, request, customer):
            return request, None
        # What was posted before is told again (rule 9): it is among the day's use by now.
        again = await self.journal.find(request.id, handle or None)
        return request, None if again is not None else Declined(PROVE)

    async def _untold(self, service: Service, request: Request, customer: str) -> Declined | None:
        """Why a term is not taken that the host must have told of him in this call. No menu asks
        for such a thing: it is an alarm."""
        found = self.told.untold(service, request, customer, self.clock.monotonic())
        if found is None:
            return None
        name, why = found
        detail: dict[str, str | int | float | bool | None] = {"service": service.name}
        detail["why"] = f"{name}: {why}"
        event = JournalEvent("alarm.told", request.call, request=request.id, detail=detail)
        await self.journal.append(event)
        if why == "not_permitted":
            return Declined(why)
        if name not in service.inputs:
            return Declined("other_company")
        return Declined("bad_request", {"why": f"input {name!r} is not what the host told"})


def _approving(request: Request, proposed: Proposed) -> Request:
    """With what the proposal tells the host: whose company, and who proposed it."""
    told = {COMPANY: proposed.company, MAKER: proposed.maker}
    return replace(request, inputs={**request.inputs, **told})
