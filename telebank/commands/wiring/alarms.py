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


def warn_of_release(before: Published | None, now: Published, folder: str) -> None:
    """A start that put other files in force than were, or whose folder (by its hash) is not what
    people put in force: `alarm.release`, which the store writes."""
    log = structlog.get_logger("telebank.alarm")
    if now.hash != folder:
        todo = "DATA/config is not in force: propose it, or make it the same (telebank release)"
        log.warning("alarm.release", detail={"release": now.hash, "folder": folder, "todo": todo})
    elif before is not None and before.hash != now.hash:
        log.warning("alarm.release", detail={"release": now.hash, "before": before.hash})
