"""What is to be done to the calls of one scenario, and what was seen of them.

Shared by a scenario's connections, each in a worker's thread: faults are taken here in the order of
messages, lines are written down, and whoever is held waits here.
"""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core_adapters.conformance.faults import Fault, Rules
from core_adapters.conformance.relay import Relay
from core_adapters.conformance.sql_calls import Calls, KnownCall, row_views, sent_views
from core_adapters.conformance.transcript import MAX_LINES, Line
from core_adapters.iso8583.codec import FieldView
from core_adapters.sql.build import MTI

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


class Orders:
    """Faults ordered, messages seen, threads that wait; of one scenario."""

    def __init__(self, calls: Calls, relay: Relay | None = None) -> None:
        self.calls = calls
        self.relay = relay
        self.generation = 0
        """Connections of an earlier one are dead."""
        self._change = threading.Condition()
        self._over = False
        self._rules = Rules(())
        self._service, self._timeout_s = "", 1.0
        self._passed: Counter[str] = Counter()
        self._seen: set[tuple[str, str]] = set()
        self._lines: list[Line] = []

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
