"""Opening hours by release, read once from the files that the store keeps of it."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

from telebank.customers.hours import Hours
from telebank.customers.hours_file import FILE, HoursError, read_hours

KEPT = 20
"""Releases whose hours are remembered; live calls have few."""


class HoursBook:
    """Hours of releases by hash."""

    def __init__(self, files: Callable[[str], Awaitable[Mapping[str, bytes]]]) -> None:
        """`files` gives a release's files by path, none where there is no such release."""
        self._files = files
        self._kept: OrderedDict[str, Hours | None] = OrderedDict()

    async def of(self, release: str) -> Hours | None:
        """The hours of a release; None where it has none, or none that can be used."""
        if release not in self._kept:
            content = (await self._files(release)).get(FILE)
            self._kept[release] = None if content is None else _usable(content)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept.get(release)


def _usable(content: bytes) -> Hours | None:
    try:
        return read_hours(content, FILE)
    except HoursError:  # a release from before they were checked
        return None
