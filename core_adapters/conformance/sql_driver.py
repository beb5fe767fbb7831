"""Between the SQL adapter and its ODBC driver: spoils statements and answers on order.

It stands above the driver, so any database is tried without help, and below the adapter's own
session, so that transaction, commit and rollback are the real ones. What must happen on the wire
itself, a cut at a byte, is left to a `Relay` where there is one. Used by worker threads.
"""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import pyodbc

from core_adapters.conformance.faults import Fault, Rules
from core_adapters.conformance.relay import Relay
from core_adapters.conformance.sql_calls import Calls, KnownCall, row_views, sent_views
from core_adapters.conformance.transcript import MAX_LINES, Line
from core_adapters.iso8583.codec import FieldView
from core_adapters.sql.build import MTI
from core_adapters.sql.session import MAX_ROWS, Connection, odbc

LOST, AWAY = ("08S01", ""), ("08001", "")
REPLIES = {
    "request": "reply",
    "repeat": "repeat_reply",
    "reversal": "reversal_reply",
    "query": "query_reply",
    "network": "network_reply",
}
NOTHING = Fault(on="", do="")
SILENT_TIMEOUTS = 3.0
"""Time-outs after which a driver finds by itself that nothing comes."""
MOST = 600.0
"""Longest seconds that a thread is kept waiting."""


def failure(codes: tuple[str, str], what: str) -> pyodbc.Error:
    """An error as pyodbc makes it of a driver's."""
    state, native = codes
    return pyodbc.Error(state, f"[{state}] [kit] {what} ({native or 0}) (SQLExecDirectW)")


@dataclass(slots=True)
class Exchange:
    """One database transaction of a call, as far as it has come."""

    call: KnownCall
    role: str
    request_id: str
    fault: Fault
    """Of the statements."""
    answer: Fault = NOTHING
    """Of what comes back."""


class FaultDriver:
    """Opens connections; see `Between`. One for each scenario."""

    def __init__(self, calls: Calls, relay: Relay | None = None) -> None:
        self.calls = calls
        self.relay = relay
        self.away = False
        self.generation = 0
        """Connections of an earlier one are dead."""
        self._change = threading.Condition()
        self._over = False
        self._rules = Rules(())
        self._service, self._timeout_s = "", 1.0
        self._passed: Counter[str] = Counter()
        self._seen: set[tuple[str, str]] = set()
        self._lines: list[Line] = []

    def connect(self, connection_string: str, login_s: int) -> Connection:
        """As a `Connector`."""
        if self.away:
            raise failure(AWAY, "no connection is taken")

        def open_one() -> Connection:
            return odbc(connection_string, login_s)

        return FaultConnection(self, open_one, self.generation)

    # -- what the kit asks ----------------------------------------------------------------------

    @property
    def lines(self) -> Sequence[Line]:
        """See `Between`."""
        return self._lines

    @property
    def played(self) -> int:
        """See `Between`."""
        return self._rules.played

    @property
    def findings(self) -> Sequence[str]:
        """See `Between`; a database tells by its books."""
        return ()

    def take(self) -> list[Line]:
        """See `Between`."""
        lines, self._lines = self._lines, []
        return lines

    def spoil(self, service: str = "", faults: Sequence[Fault] = (), timeout_s: float = 1) -> None:
        """See `Between`."""
        with self._change:
            self._service, self._timeout_s, self._rules = service, timeout_s, Rules(faults)

    def cut(self) -> None:
        """See `Between`."""
        with self._change:
            self.generation += 1
            self._change.notify_all()
        if self.relay is not None:
            self.relay.cut()

    async def close(self) -> None:
        """See `Between`."""
        with self._change:
            self._over = True
            self._change.notify_all()
        if self.relay is not None:
            await self.relay.close()

    # -- what connections ask -------------------------------------------------------------------

    def begin(self, call: KnownCall, text: str, parameters: Sequence[Any]) -> Exchange:
        """A call's first statement is about to go."""
        request_id = call.request_id(text, parameters)
        with self._change:
            role, again = self._role(call, request_id)
            fault = self._rules.take(role) or NOTHING
        self._note("out", role, request_id, sent_views(call, text, parameters), fault, again)
        return Exchange(call, role, request_id, fault)

    def _role(self, call: KnownCall, request_id: str) -> tuple[str, bool]:
        """What a call is to the scenario, and whether it was there before."""
        if call.role == "request" and call.service != self._service:
            return "", False
        before = bool(request_id) and (call.role, request_id) in self._seen
        self._seen.add((call.role, request_id))
        # A money request that goes twice is a request each time, and found so.
        return ("repeat" if before and call.repeats else call.role), before

    def reply(self, exchange: Exchange, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The last rows of a call have come; they may be changed here."""
        with self._change:
            fault = self._rules.take(REPLIES.get(exchange.role, "")) or NOTHING
        exchange.answer = fault
        self._note(
            "in", REPLIES.get(exchange.role, ""), exchange.request_id, row_views(rows), fault
        )
        if fault.do == "rows":
            return (rows * max(1, fault.at))[: fault.at]
        if fault.do == "no_code":
            return [{**row, self.calls.profile.result_column: None} for row in rows]
        return rows

    def ping_fault(self, role: str) -> Fault:
        """What is to be done to a ping, or to its answer."""
        with self._change:
            return self._rules.take(role) or NOTHING

    def _note(  # noqa: PLR0917 - the columns of a line
        self,
        way: str,
        role: str,
        request_id: str,
        views: Sequence[FieldView],
        fault: Fault,
        again: bool = False,
    ) -> None:
        if len(self._lines) < MAX_LINES:
            at, seen = time.monotonic(), tuple(views)
            line = Line(at, way, MTI, role, request_id, 0, seen, fault.text, again=again)
            self._lines.append(line)

    def passed(self, role: str) -> None:
        """A message of a role has passed: what is held for it goes on."""
        with self._change:
            self._passed[role] += 1
            self._change.notify_all()

    def hold(self, role: str) -> None:
        """Wait until a message of a role has passed."""
        with self._change:
            before, generation = self._passed[role], self.generation
            self._change.wait_for(
                lambda: self._over or self._passed[role] > before or self.generation > generation,
                MOST,
            )
        time.sleep(0.05)  # the adapter has heard of it by then

    def pause(self, by: float) -> None:
        """Wait `by` time-outs of the service, or until all is over."""
        with self._change:
            generation = self.generation
            self._change.wait_for(
                lambda: self._over or self.generation > generation, min(MOST, by * self._timeout_s)
            )

    def silence(self) -> None:
        """Wait until nobody waits any more, as a dead network makes a driver wait."""
        self.pause(SILENT_TIMEOUTS)


class FaultConnection:
    """A driver's connection; see `Connection`."""

    def __init__(
        self, driver: FaultDriver, open_one: Callable[[], Connection], generation: int
    ) -> None:
        self.driver = driver
        self.real = open_one()
        self._open = open_one
        self.exchange: Exchange | None = None
        self._generation = generation

    def check(self) -> None:
        """Raise where the connection has been cut."""
        if self._generation != self.driver.generation:
            self.lose()

    def lose(self) -> NoReturn:
        """The connection goes, and what was not committed with it."""
        self._generation = -1
        with contextlib.suppress(pyodbc.Error):
            self.real.close()
        raise failure(LOST, "the connection is lost")

    def deliver(self, text: str, parameters: Sequence[Any]) -> None:
        """What was held arrives after all, whatever became of who sent it: it runs on a connection
        of its own, and is committed. The database may refuse it."""
        with contextlib.suppress(pyodbc.Error):
            ghost = self._open()
            try:
                ghost.cursor().execute(text, parameters)
                ghost.commit()
            finally:
                ghost.close()

    def cursor(self) -> "FaultCursor":
        """See `Connection`."""
        self.check()
        return FaultCursor(self, self.real.cursor())

    def commit(self) -> None:
        """See `Connection`."""
        self.finish(self.real.commit)

    def finish(self, commit: Callable[[], object]) -> None:
        """Commit, and bring the answer or not."""
        self.check()
        exchange, self.exchange = self.exchange, None
        if exchange is None:
            commit()
            return
        # A cut behind the statement's last byte: it is done, and nobody hears it.
        fault = exchange.fault if exchange.fault.do == "cut" else exchange.answer
        if fault.do == "error":
            self.real.rollback()
            raise failure(self.driver.calls.error(fault.kind), "made by the kit at COMMIT")
        if fault.do == "cut":
            self._cut(commit, fault)
        commit()
        self._late(fault)
        self.driver.passed(REPLIES.get(exchange.role, ""))

    def _late(self, fault: Fault) -> None:
        match fault.do:
            case "drop":
                self.driver.silence()
                self.lose()
            case "delay":
                self.driver.pause(fault.by)
            case "hold":
                self.driver.hold(fault.until)

    def _cut(self, commit: Callable[[], object], fault: Fault) -> None:
        """The answer to the commit is cut: on the wire where that can be, else its news is lost."""
        relay = self.driver.relay
        if relay is not None:
            relay.arm("in", max(0, fault.at))
        commit()
        self.lose()

    def rollback(self) -> None:
        """See `Connection`."""
        self.check()
        exchange, self.exchange = self.exchange, None
        self.real.rollback()
        if exchange is not None:
            self.driver.passed(REPLIES.get(exchange.role, ""))

    def close(self) -> None:
        """See `Connection`."""
        if self._generation != -1:
            self.real.close()


class FaultCursor:
    """A cursor that knows whose statement it carries."""

    def __init__(self, connection: FaultConnection, real: Any) -> None:
        self._connection = connection
        self._driver = connection.driver
        self._real = real
        self._rows: list[dict[str, Any]] | None = None

    @property
    def description(self) -> Any:
        """Names of columns (PEP 249)."""
        if self._rows is None:
            return self._real.description
        names = self._rows[0] if self._rows else {self._driver.calls.profile.result_column: None}
        return [(name,) for name in names]

    def fetchmany(self, size: int) -> list[Any]:
        """Rows."""
        if self._rows is None:
            found: list[Any] = self._real.fetchmany(size)
            return found
        return [tuple(row.values()) for row in self._rows[:size]]

    def close(self) -> None:
        """Give it back."""
        self._real.close()

    def execute(self, text: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement, or what the faults make of it."""
        connection, driver = self._connection, self._driver
        connection.check()
        if text == driver.calls.dialect.ping.text:
            self._ping(text, parameters)
        elif text == driver.calls.dialect.commit:
            connection.finish(lambda: self._real.execute(text, parameters))
        elif connection.exchange is None and (call := driver.calls.first(text)) is not None:
            connection.exchange = driver.begin(call, text, parameters)
            self._play(connection.exchange, text, parameters)
        elif connection.exchange is not None:
            self._step(connection.exchange, text, parameters)
        else:
            self._real.execute(text, parameters)

    def _ping(self, text: str, parameters: Sequence[Any]) -> None:
        if self._driver.ping_fault("network").do:
            self._driver.silence()
            self._connection.lose()
        self._real.execute(text, parameters)
        fault = self._driver.ping_fault("network_reply")
        if fault.do == "drop":
            self._driver.silence()
        if fault.do:
            self._connection.lose()

    def _play(self, exchange: Exchange, text: str, parameters: Sequence[Any]) -> None:
        """The first statement of a call."""
        driver, fault = self._driver, exchange.fault
        match fault.do:
            case "drop":
                driver.silence()
                self._connection.lose()
            case "delay":
                driver.pause(fault.by)
            case "hold":
                driver.hold(fault.until)
                self._connection.deliver(text, parameters)
                self._connection.lose()
            case "error":
                raise failure(driver.calls.error(fault.kind), "made by the kit")
            case "cut" if fault.at >= 0:
                self._cut_request(fault, text, parameters)
        self._connection.check()
        self._step(exchange, text, parameters)

    def _cut_request(self, fault: Fault, text: str, parameters: Sequence[Any]) -> None:
        relay = self._driver.relay
        if relay is not None:
            relay.arm("out", fault.at)
            self._real.execute(text, parameters)
        self._connection.lose()

    def _step(self, exchange: Exchange, text: str, parameters: Sequence[Any]) -> None:
        fault = exchange.fault
        if fault.do == "answer":
            code = fault.code or self._driver.calls.code(fault.kind)
            self._rows = [{self._driver.calls.profile.result_column: code}]
        else:
            for _ in range(2 if fault.do == "duplicate" else 1):
                self._real.execute(text, parameters)
                self._rows = self._fetched()
        if text == exchange.call.statements[-1].text:
            self._rows = self._driver.reply(exchange, self._rows or [])

    def _fetched(self) -> list[dict[str, Any]] | None:
        if self._real.description is None:
            return None
        names = [str(column[0]).lower() for column in self._real.description]
        return [dict(zip(names, row, strict=True)) for row in self._real.fetchmany(MAX_ROWS + 1)]
