"""What the pages are made with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from sqlalchemy import Engine

from fax.page.options import Resolution
from telebank.console.options import ConsoleOptions
from telebank.knowledge.source import Source
from telebank.store.review.rules import Rule


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """Where the console reads, whom it asks, and the bank's clock."""

    store_url: str
    options: ConsoleOptions
    data: Path
    """The data folder: papers are handed to the node below it."""
    socket: Path
    """The node's control socket."""
    zone: tzinfo
    """The bank's wall clock."""
    resolution: Resolution = "fine"
    """Of faxes."""
    now: Callable[[], datetime] = utc_now
    """The day that is shown as today's."""
    knowledge: Source | None = None
    """Of tellers' articles; without one there are none."""
    unusual: Sequence[Rule] = ()
    """What auditors are shown of themselves."""


@dataclass(frozen=True, slots=True)
class Context:
    """The parts, with the store open to be read."""

    parts: ConsoleParts
    engine: Engine
