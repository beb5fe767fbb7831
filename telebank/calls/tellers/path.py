"""A caller's way through the menus, for the person who then talks with him."""

from telebank.flow.commands import Record
from telebank.flow.release import Release

MOST_PLACES = 40
MOST_KEYS = 200
"""Of the last ones: what came before is left out."""


class Path:
    """Places in words of both languages, and keys; those of entries, and what is pressed while
    a teller is waited for or talks, are dots already."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._flow = ""
        self._places: list[tuple[str, str]] = []
        self._keys = ""

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """In Chinese and English."""
        return tuple(self._places)

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
        flow = self._release.flows.get(name)
        titles = {} if flow is None else flow.titles
        plain = name.replace("_", " ")
        self._places.append((titles.get("zh", plain), titles.get("en", plain)))
        del self._places[:-MOST_PLACES]
