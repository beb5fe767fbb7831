"""Reads config/documents.yaml so that every complaint names file, line and what to do."""

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from transactions.yaml_text import read_yaml

MAX_FILE_BYTES = 200_000
MAX_ITEMS = 100
"""Entries of one list."""


class CatalogueError(ValueError):
    """A catalogue that cannot stand."""

    def __init__(self, file: str, line: int, problem: str, mend: str) -> None:
        super().__init__(f"{file}:{line}: {problem}; {mend}")
        self.file, self.line, self.problem, self.mend = file, line, problem, mend


class Block:
    """A mapping of the file with where it stands. Keys that nobody took are errors (`done`)."""

    def __init__(self, data: CommentedMap, file: str, line: int, name: str) -> None:
        self.file, self.line, self.name = file, line, name
        self._data = data
        self._seen: set[str] = set()

    def error(self, problem: str, mend: str, key: str = "") -> CatalogueError:
        """A complaint about this block, or about one of its keys."""
        about = f"{self.name}: {problem}" if self.name else problem
        return CatalogueError(self.file, self.line_of(key), about, mend)

    def line_of(self, key: str) -> int:
        """Line of a key; the block's own where it has none."""
        if key not in self._data:
            return self.line
        return int(self._data.lc.key(key)[0]) + 1

    def __iter__(self) -> Iterator[str]:
        return (str(key) for key in self._data)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        self._seen.add(key)
        return key in self._data

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty; without a default it must be there."""
        value = self._take(key, default)
        if not isinstance(value, str) or (not value.strip() and value != default):
            raise self.error(f"`{key}` is no text", "write one, in quotes", key)
        return str(value)  # without the form that it is written in, which nothing else can read

    def flag(self, key: str) -> bool:
        """Yes or no; no where it is not there."""
        value = self._take(key, default=False)
        if not isinstance(value, bool):
            raise self.error(f"`{key}` is neither true nor false", "write one of them", key)
        return value

    def number(self, key: str) -> float:
        """A positive number."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise self.error(f"`{key}` is no positive number", "write one, without quotes", key)
        return float(value)

    def whole(self, key: str) -> int:
        """A whole number, without quotes."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(f"`{key}` is no whole number", "write one, without quotes", key)
        return value

    def block(self, key: str) -> "Block":
        """A mapping inside this one; it must be there."""
        name = f"{self.name}.{key}" if self.name else key
        return self._block(self._take(key), self.line_of(key), name, key)

    def blocks(self, key: str) -> list["Block"]:
        """A list of mappings; empty where it is not there."""
        items = self._items(key)
        return [
            self._block(item, int(items.lc.key(index)[0]) + 1, f"{self.name}.{key}[{index}]", key)
            for index, item in enumerate(items)
        ]

    def names(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where it is not there."""
        items = self._items(key)
        if not all(isinstance(item, str) and item for item in items):
            raise self.error(f"`{key}` holds what is no text", "list names alone", key)
        return tuple(str(item) for item in items)

    def done(self) -> None:
        """Raise `CatalogueError` for the first key that nobody took."""
        for key in self:
            if key not in self._seen:
                near = nearest(key, self._seen - {*self})
                raise self.error(f"unknown key {key!r}", f"remove or correct it{near}", key)

    def _take(self, key: str, default: Any = None) -> Any:
        self._seen.add(key)
        if key in self._data:
            return self._data[key]
        if default is None:
            near = nearest(key, {*self} - self._seen)
            raise self.error(f"`{key}` is missing", f"add it{near}")
        return default

    def _items(self, key: str) -> CommentedSeq:
        value = self._take(key, CommentedSeq())
        if not isinstance(value, CommentedSeq) or len(value) > MAX_ITEMS:
            mend = f"write a list of at most {MAX_ITEMS}"
            raise self.error(f"`{key}` is no list", mend, key)
        return value

    def _block(self, value: Any, line: int, name: str, key: str) -> "Block":
        if not isinstance(value, CommentedMap):
            raise self.error(f"`{key}` must be a mapping", "write {key: value, …}", key)
        return Block(value, self.file, line, name)


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'that'?` for the known word nearest to this one, or nothing."""
    found = difflib.get_close_matches(word, sorted(known), 1, 0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


def read(path: Path) -> Block:
    """The file's top mapping; raises `CatalogueError` where it is none, or too large."""
    file = path.name
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            mend = f"keep it under {MAX_FILE_BYTES} bytes"
            raise CatalogueError(file, 1, "the file is too large", mend)
        document: Any = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        mend = f"put a readable file at {path}"
        raise CatalogueError(file, 1, f"cannot be read ({error.strerror})", mend) from None
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        line = mark.line + 1 if (mark := getattr(error, "problem_mark", None)) else 1
        problem = f"not YAML in UTF-8: {getattr(error, 'problem', None) or 'bad bytes'}"
        raise CatalogueError(file, line, problem, "correct it") from None
    if not isinstance(document, CommentedMap):
        raise CatalogueError(file, 1, "not a mapping", "begin with `schema: 1`")
    return Block(document, file, 1, "")
