"""Reads a YAML file so that every complaint names its file, line and column."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ruamel.yaml.comments import CommentedMap

from core_adapters.profiles.errors import ProfileError
from core_adapters.profiles.tree import Node, Place, node_of, read_tree

__all__ = ["Section", "nearest", "read_yaml"]


WANTED: Mapping[type, str] = MappingProxyType(
    {
        bool: "is yes or no: write true or false",
        int: "must be a whole number, without quotes",
        str: "must be a str; quote digits that are text",
    }
)
"""What to write where a value is of another kind."""


class Section:
    """A mapping of the file, with where it stands. Keys not taken by `done` are errors."""

    def __init__(self, data: Any, file: str, line: int, name: str) -> None:
        place = Place(file, line, 1)
        if isinstance(data, CommentedMap):
            data = node_of(data, place)
        if not isinstance(data, Node):
            raise ProfileError(f"{place}: {name} must be a mapping")
        self.name = name
        self._node = data
        self._seen: set[Any] = set()
        self._asked: set[Any] = set()

    @classmethod
    def of(cls, node: Node, name: str = "") -> "Section":
        """A section of a tree that was read already."""
        return cls(node, node.place.file, node.place.line, name)

    @property
    def file(self) -> str:
        """The file in which the section stands."""
        return self._node.place.file

    @property
    def line(self) -> int:
        """The section's line."""
        return self._node.place.line

    def error(self, why: str, key: Any = None) -> ProfileError:
        """An error that names file, line, column and section; `key` points at its own place."""
        where = self.place_of(key)
        return ProfileError(f"{where}: {self.name}: {why}" if self.name else f"{where}: {why}")

    def place_of(self, key: Any) -> Place:
        """Place of a key, or of the section. Rows laid over others may stand in another file."""
        return self._node.place_of(key)

    def line_of(self, key: Any) -> int:
        """Line of a key, or of the section."""
        return self.place_of(key).line

    def __iter__(self) -> Iterator[Any]:
        """All keys, in the file's order."""
        return iter(self._node.values)

    def has(self, key: Any) -> bool:
        """Whether the key is there."""
        self._asked.add(key)
        return key in self._node.values

    def take(self, key: Any, kind: type, default: Any = None) -> Any:
        """The value of `key`, of type `kind`; without a default it must be there."""
        self._seen.add(key)
        if not self.has(key):
            if default is None:
                raise self._missing(key)
            return default
        value = self._node.values[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.error(f"{key!r} {WANTED.get(kind, f'must be a {kind.__name__}')}", key)
        return value

    def _missing(self, key: Any) -> ProfileError:
        others = [one for one in self if isinstance(one, str) and one not in self._asked]
        found = difflib.get_close_matches(str(key), others, 1, 0.6)
        if found:
            return self.error(f"needs {key!r}; is {found[0]!r} meant to be it?", found[0])
        return self.error(f"needs {key!r}")

    def choice(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> Any:
        """One of a closed set of words."""
        value = self.take(key, str, default)
        if value not in allowed:
            near = nearest(value, allowed)
            raise self.error(f"{key!r} must be one of {', '.join(allowed)}{near}", key)
        return value

    def section(self, key: Any) -> "Section":
        """A mapping inside this one."""
        self._seen.add(key)
        if not self.has(key):
            raise self._missing(key)
        name = f"{self.name}.{key}" if self.name else str(key)
        inner, place = self._node.values[key], self.place_of(key)
        if not isinstance(inner, Node):
            raise ProfileError(f"{place}: {name} must be a mapping")
        return Section.of(inner, name)

    def plain(self) -> dict[Any, Any]:
        """All of it as plain dicts and lists, every key taken."""
        self._seen.update(self._node.values)
        return {key: _plain(value) for key, value in self._node.values.items()}

    def raw(self, key: Any) -> Mapping[Any, Any] | None:
        """A mapping inside this one as it stands, for a reader of its own; None where absent."""
        return MappingProxyType(self.section(key).plain()) if self.has(key) else None

    def done(self) -> None:
        """Raise `ProfileError` for the first key that nobody took."""
        for key in self:
            if key not in self._seen:
                near = nearest(str(key), (str(one) for one in self._asked - {*self}))
                raise self.error(f"unknown key {key!r}; remove or correct it{near}", key)


def _plain(value: Any) -> Any:
    if isinstance(value, Node):
        return {key: _plain(inner) for key, inner in value.values.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'that'?` for the known word nearest to this one, or nothing."""
    found = difflib.get_close_matches(word, list(known), 1, 0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


def read_yaml(path: Path) -> Section:
    """The file's top mapping; raises `ProfileError` where it is none, or too large."""
    return Section.of(read_tree(path))
