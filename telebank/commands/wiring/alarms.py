"""Every alarm that goes into the event log is a warning in the node's log too."""

import structlog

from telebank.store.events import clean_event
from telebank.store.releases import Published
from transactions.journal import JournalEvent


def warn(event: JournalEvent) -> None:
    """A warning of the logger `telebank.alarm`, cleaned as the event is."""
    told = clean_event(event)
    structlog.get_logger("telebank.alarm").warning(
        told.kind, request=told.request, call=told.call, outcome=told.outcome, detail=told.detail
    )


def warn_of_release(before: Published | None, now: Published) -> None:
    """A start that put other files in force than were: `alarm.release`, which the store writes."""
    if before is not None and before.hash != now.hash:
        detail = {"release": now.hash, "before": before.hash}
        structlog.get_logger("telebank.alarm").warning("alarm.release", detail=detail)
