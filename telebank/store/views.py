"""What people look at, folded from the event log: calls."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, or_, select

from telebank.store import tables
from telebank.store.eventlog import Cursor, LoggedEvent, end_of_log, logged

MAX_CALLS = 500
"""Calls in one page at most."""
MAX_EVENTS = 2_000
"""Events of one call that are folded; a longer call shows its first ones."""
DOT = "•"
_E = tables.event.c
_NEWEST = (
    select(_E.call)
    .where(_E.kind == "call.started", _E.call.is_not(None))
    .order_by(_E.utc_us.desc(), _E.sequence.desc())
    .limit(bindparam("most"))
)
_OF_CALLS = (
    select(tables.event)
    .where(_E.call.in_(bindparam("calls", expanding=True)))
    .order_by(_E.node, _E.sequence)
)


CallState = Literal["talking", "over", "broken"]
"""Up, ended, or cut off by the death of its node."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys pressed at one menu node, in order; secret ones are dots."""

    node: str
    digits: str


@dataclass(frozen=True, slots=True)
class ServiceAsked:
    """A service the call asked for; `exit` is empty while the host is thinking."""

    service: str
    exit: str = ""
    ms: int | None = None


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call, as far as the log tells."""

    reference: str
    node: str
    caller: str
    """The calling number, masked."""
    called: str
    codec: str
    language: str
    started: datetime
    seconds: float | None
    """Duration; None while the call is up, or where its node died under it."""
    ended_by: str
    """`caller`, `bank`, …; empty while the call is up."""
    at: str
    """The menu node it was at last, as `flow/node`."""
    keys: tuple[Keys, ...]
    services: tuple[ServiceAsked, ...]

    @property
    def path(self) -> str:
        """The keys, a space between menu nodes: `1 •••• 2`."""
        return " ".join(keys.digits for keys in self.keys)

    def as_json(self) -> dict[str, Any]:
        """The row as JSON values; times in ISO 8601 UTC, durations in seconds."""
        return {
            "call": self.reference,
            "node": self.node,
            "caller": self.caller,
            "called": self.called,
            "codec": self.codec,
            "language": self.language,
            "started": self.started.isoformat(),
            "seconds": self.seconds,
            "ended_by": self.ended_by,
            "at": self.at,
            "keys": [{"node": keys.node, "digits": keys.digits} for keys in self.keys],
            "services": [
                {"service": item.service, "exit": item.exit, "ms": item.ms}
                for item in self.services
            ],
        }


def call_state(call: CallRow, epoch: int) -> CallState:
    """A call of an earlier epoch that never ended was cut off when its node died under it; `epoch`
    is the node's present one."""
    if call.ended_by:
        return "over"
    return "talking" if call.reference.startswith(f"{call.node}-{epoch}-") else "broken"


@dataclass(frozen=True, slots=True)
class CallPage:
    """Calls, newest first, and the cursor to ask with for what changes after them."""

    calls: Sequence[CallRow]
    cursor: Cursor


def recent_calls(
    connection: Connection, limit: int = 50, after_cursor: Cursor | None = None
) -> CallPage:
    """The newest `limit` calls; with a cursor, those that anything happened to after it.

    A row always tells the whole call, so a screen replaces its row of that reference.
    """
    most = max(1, min(limit, MAX_CALLS))
    cursor = end_of_log(connection)
    if after_cursor is None:
        names = connection.execute(_NEWEST, {"most": most}).scalars().all()
    else:
        changed = _changed(after_cursor, cursor, most)
        names = connection.execute(changed).scalars().all()
    return CallPage(_fold_all(connection, names), cursor)


def find_call(connection: Connection, reference: str) -> CallRow | None:
    """One call by its reference."""
    rows = _fold_all(connection, [reference])
    return rows[0] if rows else None


def _changed(after: Cursor, last: Cursor, most: int) -> Any:
    grown = [
        (_E.node == node) & (_E.sequence > after.get(node, 0)) & (_E.sequence <= end)
        for node, end in last.items()
    ]
    return select(_E.call).where(_E.call.is_not(None), or_(*grown)).distinct().limit(most)


def _fold_all(connection: Connection, names: Sequence[str]) -> list[CallRow]:
    if not names:
        return []
    folds: dict[str, _Fold] = {}
    for row in connection.execute(_OF_CALLS, {"calls": list(names)}).mappings():
        fold = folds.setdefault(row["call"], _Fold(row["call"]))
        fold.add(logged(row))
    rows = [fold.row() for fold in folds.values() if fold.started is not None]
    return sorted(rows, key=lambda row: row.started, reverse=True)


def fold_call(events: Iterable[LoggedEvent]) -> CallRow | None:
    """Fold one call's events, oldest first; None where they hold no `call.started`."""
    fold = _Fold("")
    for event in events:
        fold.reference = event.call or fold.reference
        fold.add(event)
    return None if fold.started is None else fold.row()


@dataclass(slots=True)
class _Fold:
    """A call while its events are read."""

    reference: str
    started: LoggedEvent | None = None
    ended: LoggedEvent | None = None
    language: str = ""
    at: str = ""
    keys: list[Keys] = field(default_factory=list)
    services: list[ServiceAsked] = field(default_factory=list)
    events: int = 0

    def add(self, event: LoggedEvent) -> None:
        self.events += 1
        step = _STEPS.get(event.kind)
        if step is not None and (self.events <= MAX_EVENTS or event.kind == "call.ended"):
            step(self, event)

    def start(self, event: LoggedEvent) -> None:
        self.started = event

    def end(self, event: LoggedEvent) -> None:
        self.ended = event

    def speak(self, event: LoggedEvent) -> None:
        self.language = _text(event.detail, "language")

    def enter(self, event: LoggedEvent) -> None:
        self.at = f"{_text(event.detail, 'flow')}/{_text(event.detail, 'node')}"

    def press(self, event: LoggedEvent) -> None:
        node, digit = _text(event.detail, "node"), _text(event.detail, "digit") or DOT
        if self.keys and self.keys[-1].node == node:
            self.keys[-1] = Keys(node, self.keys[-1].digits + digit)
        else:
            self.keys.append(Keys(node, digit))

    def ask(self, event: LoggedEvent) -> None:
        self.services.append(ServiceAsked(_text(event.detail, "service")))

    def answer(self, event: LoggedEvent) -> None:
        name = _text(event.detail, "service")
        done = ServiceAsked(name, _text(event.detail, "exit"), _whole(event.detail, "ms"))
        for index, item in enumerate(self.services):
            if item.service == name and not item.exit:
                self.services[index] = done
                return
        self.services.append(done)

    def row(self) -> CallRow:
        assert self.started is not None
        detail = self.started.detail
        ended = self.ended.detail if self.ended else {}
        seconds = ended.get("seconds")
        return CallRow(
            reference=self.reference,
            node=self.started.node,
            caller=_text(detail, "from_masked"),
            called=_text(detail, "to"),
            codec=_text(detail, "codec"),
            language=self.language,
            started=self.started.at,
            seconds=float(seconds) if isinstance(seconds, int | float) else None,
            ended_by=_text(ended, "by"),
            at=self.at,
            keys=tuple(self.keys),
            services=tuple(self.services),
        )


_STEPS = {
    "call.started": _Fold.start,
    "call.ended": _Fold.end,
    "call.language": _Fold.speak,
    "node.entered": _Fold.enter,
    "key": _Fold.press,
    "service.asked": _Fold.ask,
    "service.answered": _Fold.answer,
}


def _text(detail: Mapping[str, Any], key: str) -> str:
    value = detail.get(key)
    return "" if value is None else str(value)


def _whole(detail: Mapping[str, Any], key: str) -> int | None:
    value = detail.get(key)
    return round(value) if isinstance(value, int | float) else None
