"""Typed reading of YAML mappings: every problem becomes a finding with file, line and mend."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from telebank.flow.model import Finding

RULE = "format"


class Block:
    """One mapping of a file. Each key is taken once; `finish` refuses what nobody took.

    A missing or bad value gives a harmless stand-in and a finding, so that one run of the loader
    reports everything; nothing read with findings is ever used.
    """

    def __init__(
        self, raw: CommentedMap, file: str, line: int, what: str, findings: list[Finding]
    ) -> None:
        self._raw = raw
        self.file = file
        self.line = line
        self.what = what
        self.findings = findings
        self._taken: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._raw

    def line_of(self, key: str) -> int:
        """The line of a key, or of the block where the key is absent."""
        return int(self._raw.lc.key(key)[0]) + 1 if key in self._raw else self.line

    def refuse(self, key: str, problem: str, mend: str, rule: str = RULE) -> None:
        """Add a finding at a key of this block."""
        problem = f"{self.what}: {problem}"
        self.findings.append(Finding(self.file, self.line_of(key), rule, problem, mend))

    def take(self, key: str) -> Any:
        """The raw value, or None."""
        self._taken.add(key)
        return self._raw.get(key)

    def removed(self, key: str) -> bool:
        """Tell whether the key is there and set to nothing."""
        return key in self._raw and self._raw[key] is None

    def text(self, key: str, default: str | None = None) -> str:
        """A non-empty string (or a whole number, as its digits)."""
        value = self.take(key)
        if value is None and default is not None:
            return default
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value:
            return value
        self.refuse(key, f"`{key}` is missing or no text", f"give `{key}` a text")
        return ""

    def optional(self, key: str) -> str | None:
        """A string, or None where the key is absent."""
        return self.text(key) if key in self._raw else None

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number from `low` to `high`."""
        value = self.take(key)
        if value is None and default is not None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.refuse(key, f"`{key}` is not from {low} to {high}", f"give {low} to {high}")
        return low

    def flag(self, key: str, default: bool) -> bool:
        """`true` or `false`."""
        value = self.take(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.refuse(key, f"`{key}` is neither true nor false", "write true or false")
        return bool(value)

    def seconds(self, key: str, high: float, default: float | None = None) -> float:
        """A time written `6s` or `1.5s`."""
        value = self.take(key)
        if value is None and default is not None:
            return default
        text = str(value)
        number = text[:-1]
        written = text.endswith("s") and number.replace(".", "", 1).isdigit()
        if written and 0.0 < float(number) <= high:
            return float(number)
        self.refuse(key, f"`{key}` is no time up to {high:g}s", "write seconds such as 6s")
        return 1.0

    def decimal(self, key: str) -> Decimal:
        """An exact decimal; a number written bare is taken as it is written."""
        value = self.take(key)
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        if number.is_finite():
            return number
        self.refuse(key, f"`{key}` is no number", 'write it such as "0.01"')
        return Decimal(0)

    def names(self, key: str) -> tuple[str, ...]:
        """One name or a list of names; empty where absent."""
        value = self.take(key)
        if value is None:
            return ()
        items = list(value) if isinstance(value, CommentedSeq) else [value]
        if all(isinstance(item, str) and item for item in items):
            return tuple(items)
        self.refuse(key, f"`{key}` is no list of names", "write a name or [name, name]")
        return ()

    def mapping(self, key: str) -> Mapping[str, str]:
        """Names to names; a value left empty becomes the empty text."""
        value = self.take(key)
        if value is None:
            return MappingProxyType({})
        if not isinstance(value, CommentedMap):
            self.refuse(key, f"`{key}` is no mapping", "write {name: name}")
            return MappingProxyType({})
        good = {str(k): "" if v is None else str(v) for k, v in value.items()}
        return MappingProxyType(good)

    def block(self, key: str, what: str) -> "Block | None":
        """A mapping inside this one, or None where it is absent or none."""
        value = self.take(key)
        if isinstance(value, CommentedMap):
            return Block(value, self.file, self.line_of(key), what, self.findings)
        if key in self._raw:
            self.refuse(key, f"`{key}` is no mapping", "write {key: value}")
        return None

    def one_of(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """One of a closed set of words."""
        value = self.text(key, default)
        if value in allowed or not value:
            return value
        self.refuse(key, f"`{key}: {value}` is unknown", f"use one of {', '.join(allowed)}")
        return ""

    def each(self) -> list[str]:
        """All keys, as text, in the order of the file."""
        return [str(key) for key in self._raw]

    def finish(self) -> None:
        """Refuse the keys that nobody took."""
        for key in self._raw:
            if key not in self._taken:
                known = ", ".join(sorted(self._taken))
                self.refuse(key, f"unknown key `{key}`", f"remove it or use one of: {known}")
