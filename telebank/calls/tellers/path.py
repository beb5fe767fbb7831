"""A caller's way through the menus, for the person who then talks with him."""

from collections.abc import Mapping
from functools import cached_property

from telebank.calls.flow_titles import flow_titles
from telebank.flow.commands import Record
from telebank.flow.release import Release

MOST_PLACES = 40
MOST_KEYS = 200
"""Of the last ones: what came before is left out."""


MAIN, MAIN_MENU = "main", ("主菜单", "Main menu")
"""Where a call begins and comes back to; the flow's own title is of its picture, and no place."""


class Path:
    """Places in words of both languages, and keys; those of entries, and what is pressed while
    a teller is waited for or talks, are dots already."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._flow = ""
        self._flows: list[str] = []
        self._keys = ""

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """In Chinese and English; the main menu only where he began, and where he is."""
        titles = {**self._titles, MAIN: MAIN_MENU} if self._flows else {}
        last = len(self._flows) - 1
        shown = [name for nth, name in enumerate(self._flows) if name != MAIN or nth in (0, last)]
        return tuple(titles.get(name, (name, name)) for name in shown)

    @cached_property
    def _titles(self) -> Mapping[str, tuple[str, str]]:
        """Only of calls that come to a teller."""
        return flow_titles(self._release)

    @property
    def keys(self) -> str:
        """All keys."""
        return self._keys

    def add(self, record: Record) -> None:
        """A line of the menus: a node entered, a key that was taken."""
        if record.kind == "key":
            self.pressed(record.detail["digit"])
        elif record.kind == "node.entered":
            self._entered(record.detail["flow"])

    def pressed(self, digit: str) -> None:
        """A key that is no secret."""
        self._keys = (self._keys + digit)[-MOST_KEYS:]

    def _entered(self, name: str) -> None:
        if name == self._flow:
            return
        self._flow = name
        self._flows.append(name)
        del self._flows[:-MOST_PLACES]
