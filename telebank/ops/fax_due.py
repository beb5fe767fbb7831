"""When a fax is to go, as people say it at a terminal and at the web page."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

FURTHEST: Final = timedelta(days=30)
"""Latest that a fax can be ordered for."""


def read_due(text: str, zone: tzinfo) -> datetime:
    """A time in ISO 8601, on the clock of `zone` where it names none, in UTC. Raises
    `ValueError`."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)


def in_reach(due: datetime, now: datetime, late: timedelta = timedelta()) -> bool:
    """Whether it is neither over, by more than `late`, nor too far away."""
    return now - late <= due <= now + FURTHEST
