"""config/unusual.yaml, the shipped one or the bank's own: what is unusual, as rules."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from ruamel.yaml.error import YAMLError

from transactions.lifecycle import State
from transactions.money import Money, MoneyError
from transactions.yaml_text import read_yaml

FILE = "unusual.yaml"
MAX_BYTES = 100_000
MAX_RULES = 50
_Name = Annotated[str, msgspec.Meta(max_length=64)]
_Hour = Annotated[int, msgspec.Meta(ge=0, le=24)]


class RulesError(ValueError):
    """A file of rules that cannot be used; the words say which and why."""


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One line of the file."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9_]{1,40}$")]
    kind: Literal["money_by_hour", "money_after_event", "requests_with_state", "requests", "events"]
    zh: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    en: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    at_least: Annotated[int, msgspec.Meta(ge=1)] = msgspec.field(name="from", default=1)
    """How often it must have happened: to one customer, or by one person in a day."""
    hours: tuple[_Hour, _Hour] = (0, 24)
    """By the bank's clock, from and before; over midnight where the first is the later."""
    least: str = "0"
    currency: str = "CNY"
    within_h: Annotated[float, msgspec.Meta(gt=0, le=24 * 31)] = 24
    events: tuple[_Name, ...] = ()
    services: tuple[_Name, ...] = ()
    state: str = ""
    without_call: bool = False

    def __post_init__(self) -> None:
        try:
            Money.parse(self.least, self.currency)
        except MoneyError as error:
            raise ValueError(f"{self.name}: {error}") from error
        needs = {
            "money_after_event": self.events,
            "events": self.events,
            "requests": self.services,
            "requests_with_state": self.state in set(State),
        }
        if not needs.get(self.kind, True):
            raise ValueError(f"{self.name}: {self.kind} wants events, services or a state")

    @property
    def minor(self) -> int:
        """The least amount, in minor units."""
        return Money.parse(self.least, self.currency).minor

    def at(self, hour: int) -> bool:
        """Whether the hour is one of its hours."""
        begin, end = self.hours
        return begin <= hour < end if begin < end else hour >= begin or hour < end


def load_rules(path: Path) -> Sequence[Rule]:
    """Raises `RulesError`, or `OSError`."""
    if path.stat().st_size > MAX_BYTES:
        raise RulesError(f"{path}: larger than {MAX_BYTES} bytes")
    try:
        rules = msgspec.convert(read_yaml(path.read_text("utf-8"), places=False), list[Rule])
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise RulesError(f"{path}: not YAML: {error}") from error
    except msgspec.ValidationError as error:
        raise RulesError(f"{path}: {error}") from error
    if len({rule.name for rule in rules}) < len(rules) or len(rules) > MAX_RULES:
        raise RulesError(f"{path}: a name for each rule, and {MAX_RULES} at most")
    return rules
