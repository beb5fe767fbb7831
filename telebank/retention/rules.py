"""config/retention.yaml, the shipped one or the bank's own: days by kind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from ruamel.yaml.error import YAMLError

from transactions.yaml_text import read_yaml

FILE = "retention.yaml"
MAX_BYTES = 20_000
MAX_DAYS = 36_600
YEAR_DAYS = 366
Days = Annotated[int, msgspec.Meta(ge=0, le=MAX_DAYS)]


class RetentionError(ValueError):
    """A file of rules that cannot be used; the words say which and why."""


class Rules(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Days that each kind is kept; 0: for good. The file says what each is."""

    hour: Annotated[int, msgspec.Meta(ge=0, le=23)]
    years: Annotated[int, msgspec.Meta(ge=1, le=100)]
    recordings: Days
    talks: Days
    matters: Days
    faxes: Days
    personal: Days

    def __post_init__(self) -> None:
        if 0 < self.personal < self.years * YEAR_DAYS:
            least = self.years * YEAR_DAYS
            raise ValueError(
                f"personal is {self.personal}: it belongs to the audit log, which stays whole for"
                f" {self.years} years; give 0 or {least} and more"
            )

    def days(self) -> Mapping[str, int]:
        """By kind, those that have an end."""
        found: dict[str, Any] = msgspec.structs.asdict(self)
        return {name: n for name, n in found.items() if name not in ("hour", "years") and n}


def rules_of(data: Path, shipped: Path) -> Rules:
    """Those of a data folder, else those of the shipped configuration; raises `RetentionError`, or
    `OSError`."""
    own = data / "config" / FILE
    return load_rules(own if own.exists() else shipped / FILE)


def load_rules(path: Path) -> Rules:
    """Raises `RetentionError`, or `OSError`."""
    if path.stat().st_size > MAX_BYTES:
        raise RetentionError(f"{path}: larger than {MAX_BYTES} bytes")
    try:
        return msgspec.convert(read_yaml(path.read_text("utf-8"), places=False), Rules)
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise RetentionError(f"{path}: not YAML: {error}") from error
    except msgspec.ValidationError as error:
        raise RetentionError(f"{path}: {error}") from error
