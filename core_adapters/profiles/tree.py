"""A YAML file's mappings with the place of every key, and one file's rows laid over another's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from core_adapters.profiles.errors import ProfileError
from transactions.yaml_text import read_yaml

MAX_FILE_BYTES = 1_000_000
MAX_DEPTH = 12
MAX_ROWS = 20_000
"""Keys of a file with its aliases written out."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key stands; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Node:
    """A mapping: values by key (mappings are nodes too), and the place of each key."""

    place: Place
    values: Mapping[Any, Any] = field(default_factory=dict)
    places: Mapping[Any, Place] = field(default_factory=dict)

    def place_of(self, key: Any) -> Place:
        """The place of a key, or of the mapping itself."""
        return self.places.get(key, self.place)

    def without(self, *keys: str) -> "Node":
        """A copy without these keys."""
        left = {key: value for key, value in self.values.items() if key not in keys}
        return Node(self.place, left, self.places)

    def less(self, row: Sequence[Any]) -> "Node":
        """A copy without the row to which these keys lead; as it is where there is none."""
        if not row or row[0] not in self.values:
            return self
        inner = self.values[row[0]]
        if len(row) == 1 or not isinstance(inner, Node):
            return self.without(row[0])
        return Node(self.place, {**self.values, row[0]: inner.less(row[1:])}, self.places)


def read_tree(path: Path) -> Node:
    """The file's top mapping; raises `ProfileError` where it is none, or too large."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ProfileError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        document = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror})") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        at = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
        raise ProfileError(f"{path}{at}: not YAML: {error.problem}") from None
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ProfileError(f"{path}: not YAML: {error}") from None
    if not isinstance(document, CommentedMap):
        raise ProfileError(f"{path}:1:1: the file must be a mapping")
    return node_of(document, Place(str(path), 1, 1))


def node_of(data: CommentedMap, place: Place) -> Node:
    """A mapping of ruamel.yaml as a node; raises `ProfileError` past the limits."""
    return _node(data, place, 1, [0])


def _node(data: CommentedMap, place: Place, depth: int, count: list[int]) -> Node:
    values: dict[Any, Any] = {}
    places: dict[Any, Place] = {}
    for key, value in data.items():
        count[0] += 1
        if depth > MAX_DEPTH or count[0] > MAX_ROWS:
            raise ProfileError(f"{place}: deeper than {MAX_DEPTH} or more than {MAX_ROWS} rows")
        here = _place_of(data, key, place)
        places[key] = here
        inner = isinstance(value, CommentedMap)
        values[key] = _node(value, here, depth + 1, count) if inner else value
    return Node(place, values, places)


def _place_of(data: CommentedMap, key: Any, place: Place) -> Place:
    try:
        line, column = data.lc.key(key)
    except KeyError:  # came in by a merge key (<<)
        return place
    return Place(place.file, line + 1, column + 1)


def overlay(base: Node, own: Node) -> Node:
    """`own` laid over `base`: mappings row by row, anything else in place of what was there.

    A row that is null (`~`) is taken away; raises `ProfileError` where there is none to take.
    """
    values, places = dict(base.values), dict(base.places)
    for key, value in own.values.items():
        under = values.get(key)
        if value is None:
            if key not in values:
                raise ProfileError(f"{own.place_of(key)}: no row {key!r} here to take away")
            del values[key]
            continue
        places[key] = own.place_of(key)
        both = isinstance(value, Node) and isinstance(under, Node)
        values[key] = overlay(under, value) if both else value  # type: ignore[arg-type]
    return Node(own.place, values, places)
