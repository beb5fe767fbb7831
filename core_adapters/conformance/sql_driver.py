"""Between the SQL adapter and its ODBC driver: spoils statements and answers on order.

It stands above the driver, so any database is tried without help, and below the adapter's own
session, so that transaction, commit and rollback are the real ones. What must happen on the wire
itself, a cut at a byte, is left to a `Relay` where there is one. Used by worker threads.
"""

from collections.abc import Sequence

from core_adapters.conformance.faults import Fault, Rules
from core_adapters.conformance.sql_connection import FaultConnection, failure
from core_adapters.conformance.sql_orders import Orders
from core_adapters.conformance.transcript import Line
from core_adapters.sql.session import Connection, odbc

AWAY = ("08001", "")


class FaultDriver(Orders):
    """Opens connections; see `Between`. One for each scenario."""

    away = False
    """Whether the database takes no connection."""

    def connect(self, connection_string: str, login_s: int) -> Connection:
        """As a `Connector`."""
        if self.away:
            raise failure(AWAY, "no connection is taken")

        def open_one() -> Connection:
            return odbc(connection_string, login_s)

        return FaultConnection(self, open_one, self.generation)

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
