"""Every alarm that goes into the event log is a warning in the node's log too."""

import structlog

from telebank.store.events import clean_event
from telebank.store.journal import StoreJournal
from telebank.store.releases import Published
from transactions.journal import Existing, JournalEvent, Recorded, RecordPlan, RecordRefused
from transactions.request import HostMessage, Request

ALARM = "alarm"


class AlarmingJournal(StoreJournal):
    """The journal it is made of, with a warning of the logger `telebank.alarm` for each alarm.

    It has the writer and the counters of the other one, so that both may be used.
    """

    def __init__(self, journal: StoreJournal) -> None:
        vars(self).update(vars(journal))
        self._log = structlog.get_logger("telebank.alarm")

    async def append(self, event: JournalEvent) -> None:
        """See `Journal`. The warning comes first: it must not be lost where the log is."""
        if event.kind == ALARM or event.kind.startswith(f"{ALARM}."):
            self._warn(event)
        await super().append(event)

    async def record(
        self, request: Request, plan: RecordPlan, sent: HostMessage | None = None
    ) -> Recorded | Existing | RecordRefused:
        """See `Journal`; the alarm of an id or a quote used twice is written within its commit."""
        made = await super().record(request, plan, sent)
        if isinstance(made, RecordRefused) and made.reason == "different_content":
            why = "an id or a quote came again with other content"
            self._warn(
                JournalEvent("alarm.quote", request.call, None, request.id, detail={"why": why})
            )
        return made

    def _warn(self, event: JournalEvent) -> None:
        told = clean_event(event)
        self._log.warning(
            told.kind,
            request=told.request,
            call=told.call,
            outcome=told.outcome,
            detail=told.detail,
        )


def warn_of_release(before: Published | None, now: Published) -> None:
    """A start that put other files in force than were: `alarm.release`, which the store writes."""
    if before is not None and before.hash != now.hash:
        detail = {"release": now.hash, "before": before.hash}
        structlog.get_logger("telebank.alarm").warning("alarm.release", detail=detail)
