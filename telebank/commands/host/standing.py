"""How a request without an end stands: in flight, in doubt, or in a person's hands."""

import json
import os
import socket
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from telebank.settings import load_settings
from telebank.store.unsettled import Unsettled
from transactions.lifecycle import OPEN, State
from transactions.money import Money, currency

IN_FLIGHT = timedelta(minutes=1)
"""How long a request may be on its way before that is odd."""
CONNECT_S = 2.0
"""Longest wait for the control socket to take a connection, in seconds."""
MAX_READY = 4_096
"""Largest `run/node.json` read, in bytes."""
ON_ITS_WAY = frozenset({State.RECORDED, State.SENT})


@dataclass(frozen=True, slots=True)
class Standing:
    """How one row stands."""

    word: str
    """`in_flight`, `in_doubt`, or empty where its state says it all."""
    text: str
    stopped: bool = False
    """Nobody works on it, for its node does not run."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What rows are judged by."""

    node: str
    """The node of this data folder, two digits."""
    runs: bool
    now: datetime

    @classmethod
    def of(cls, data: Path) -> "Bench":
        """As it is at this moment. Raises `SettingsError`."""
        settings = load_settings(data)
        runs = node_runs(data, data / settings.node.control)
        return cls(settings.node.id, runs, datetime.now(UTC))

    def judge(self, row: Unsettled) -> Standing:
        """Whether other nodes run cannot be seen from here: their rows are judged by age."""
        if row.state not in OPEN:
            return Standing("", "")
        if row.node == self.node and not self.runs:
            return Standing("in_doubt", "in doubt: settled when the node starts", stopped=True)
        if row.state not in ON_ITS_WAY:
            return Standing("", "")
        if self.now - row.since > IN_FLIGHT:
            text = "in doubt: no end in a minute; settled when the node starts, if not before"
            return Standing("in_doubt", text)
        return Standing("in_flight", f"in flight since {time_text(row.since)}")


def node_runs(data: Path, control: Path) -> bool:
    """Whether a node takes connections at its control socket; where that cannot be asked (another
    user's, too long a path), whether the process of `run/node.json` runs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(CONNECT_S)
        try:
            asking.connect(str(control))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return _process_runs(data / "run" / "node.json")
        return True


def _process_runs(ready: Path) -> bool:
    try:
        with ready.open("rb") as file:
            told = json.loads(file.read(MAX_READY))
        os.kill(int(told["pid"]), 0)
    except PermissionError:
        return True
    except (OSError, OverflowError, ValueError, KeyError, TypeError):
        return False
    return True


def row_amount(row: Unsettled) -> str:
    """The amount of a row, or nothing."""
    if row.amount is None or row.currency is None:
        return ""
    return money_text(row.amount, row.currency)


def money_text(minor: int, code: str) -> str:
    """Minor units as people write them."""
    return str(Money(minor, currency(code)))


def time_text(at: datetime | None) -> str:
    """A time in UTC, to the second."""
    return "" if at is None else at.astimezone(UTC).strftime("%m-%d %H:%M:%S")


def plain(value: object) -> str:
    """Dates for JSON."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
