"""A driver's connection and cursor which carry out what is ordered."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from core_adapters.conformance.faults import Fault
from core_adapters.conformance.sql_orders import REPLIES, Exchange, Orders
from core_adapters.sql.odbc import pyodbc
from core_adapters.sql.session import MAX_ROWS, Connection

LOST = ("08S01", "")


def failure(codes: tuple[str, str], what: str) -> pyodbc.Error:
    """An error as pyodbc makes it of a driver's."""
    state, native = codes
    return pyodbc.Error(state, f"[{state}] [kit] {what} ({native or 0}) (SQLExecDirectW)")


class FaultConnection:
    """A driver's connection; see `Connection`."""

    def __init__(self, driver: Orders, open_one: Callable[[], Connection], generation: int) -> None:
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
