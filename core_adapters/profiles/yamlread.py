"""Reads a YAML file so that every complaint names its file and line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from core_adapters.profiles.errors import ProfileError

MAX_FILE_BYTES = 1_000_000


class Section:
    """A mapping of the file, with where it stands. Keys not taken by `done` are errors."""

    def __init__(self, data: Any, file: str, line: int, name: str) -> None:
        self.file, self.line, self.name = file, line, name
        if not isinstance(data, CommentedMap):
            raise ProfileError(f"{file}:{line}: {name} must be a mapping")
        self._data = data
        self._seen: set[Any] = set()

    def error(self, why: str, key: Any = None) -> ProfileError:
        """An error that names file, line and section; `key` points at its own line."""
        where = f"{self.file}:{self.line_of(key)}"
        return ProfileError(f"{where}: {self.name}: {why}" if self.name else f"{where}: {why}")

    def line_of(self, key: Any) -> int:
        """Line of a key, or of the section."""
        if key is not None and key in self._data:
            return int(self._data.lc.key(key)[0]) + 1
        return self.line

    def __iter__(self) -> Iterator[Any]:
        """All keys, in the file's order."""
        return iter(self._data)

    def has(self, key: Any) -> bool:
        """Whether the key is there."""
        return key in self._data

    def take(self, key: Any, kind: type, default: Any = None) -> Any:
        """The value of `key`, of type `kind`; without a default it must be there."""
        self._seen.add(key)
        if key not in self._data:
            if default is None:
                raise self.error(f"needs {key!r}")
            return default
        value = self._data[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.error(f"{key!r} must be a {kind.__name__}; quote digits that are text", key)
        return value

    def choice(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> Any:
        """One of a closed set of words."""
        value = self.take(key, str, default)
        if value not in allowed:
            raise self.error(f"{key!r} must be one of {', '.join(allowed)}", key)
        return value

    def section(self, key: Any) -> "Section":
        """A mapping inside this one."""
        self._seen.add(key)
        if key not in self._data:
            raise self.error(f"needs {key!r}")
        name = f"{self.name}.{key}" if self.name else str(key)
        return Section(self._data[key], self.file, self.line_of(key), name)

    def done(self) -> None:
        """Raise `ProfileError` for the first key that nobody took."""
        for key in self._data:
            if key not in self._seen:
                raise self.error(f"unknown key {key!r}; remove or correct it", key)


def read_yaml(path: Path) -> Section:
    """The file's top mapping; raises `ProfileError` where it is none, or too large."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ProfileError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        document = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror})") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: not YAML: {error}") from None
    return Section(document, str(path), 1, "")
