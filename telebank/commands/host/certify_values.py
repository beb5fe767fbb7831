"""What `telebank host certify` is asked for, and a host that is open for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core_adapters.conformance import kit
from core_adapters.conformance.people import People

TERMINAL = "TBCERT01"


@dataclass(frozen=True, slots=True)
class Where:
    """Which host was asked for."""

    data: Path
    profile: str
    address: str | None
    """host:port, or for SQL the name of a section of the settings; None is a demo host."""
    keys: Path | None
    cards: Path | None
    dialect: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A host to be certified, with its test customers."""

    target: kit.Target
    people: People
    what: str
    """What it is, for the report."""
    version: int
    """The profile's."""
    books: Callable[[], list[str]] | None = None
    """What is wrong with the demo's own books afterwards."""
