"""What becomes of an alarm that is raised or over: an event of the node's log, from which
notifications go; where the node cannot write it, a notification that is in no log."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog

from telebank.ops.alarms import Alarms, Change, Rule
from telebank.ops.alarms_file import keep_raised
from telebank.ops.control_client import NodeAway, Refused, ask
from telebank.ops.metrics_types import AlarmNow, Snapshot
from telebank.ops.snmp.notices import Notice, Told, of_alarm

PATH = "/v1/watch/alarms"
ASK_S = 5.0
MOST = 1_000
"""Changes that wait to be told; more than there can be unless the node hangs."""
EVERY_S = 0.2
log = structlog.get_logger("telebank.alarm")


class AlarmTeller:
    """`judge` is for the source of looks, `run` tells what it found."""

    def __init__(
        self, alarms: Alarms, node: str, control: Path, kept: Path, beside: Callable[[Told], None]
    ) -> None:
        self._alarms = alarms
        self._node = node
        self._control = control
        self._kept = kept
        self._beside = beside
        self._waiting: deque[Change] = deque(maxlen=MOST)
        self._told = set(alarms.raised) & {rule.name for rule in alarms.rules}
        """Those that were told to be raised, and not to be over."""

    def use(self, rules: Sequence[Rule]) -> None:
        """Other rules from the next look on; an alarm that both have stands as it stood."""
        self._alarms.rules = rules
        self._told &= {rule.name for rule in rules}

    def judge(self, seen: Snapshot, now: float) -> Sequence[AlarmNow]:
        """Look, remember what changed; how they stand."""
        changes = self._alarms.looked(seen, now)
        self._waiting += changes
        return self._alarms.now(now)

    async def run(self) -> None:
        """Tell, in order, until it is cancelled."""
        while True:
            while self._waiting:
                await asyncio.to_thread(self.tell, self._waiting.popleft())
            await asyncio.sleep(EVERY_S)

    def tell(self, change: Change) -> None:
        """One change, to the node or beside it; kept on disk only then, so that one who is stopped
        before tells it again."""
        rule, outcome = change.rule, "raised" if change.raised else "over"
        log.warning(rule.name, outcome=outcome, severity=rule.severity, value=change.value)
        body = {
            "name": rule.name,
            "outcome": outcome,
            "severity": rule.severity,
            "value": change.value,
            "threshold": rule.threshold,
            "text": rule.en,
            "zh": rule.zh,
        }
        try:
            ask(self._control, "POST", PATH, body, timeout_s=ASK_S)
        except (NodeAway, Refused) as error:
            notice = of_alarm(rule.name) if change.raised else Notice.ALARM_CLEARED
            text = f"{rule.severity}, {rule.en}, value {change.value:g} (in no log: {error})"
            self._beside(Told(notice, self._node, 0, datetime.now(UTC), rule.name, text))
        (self._told.add if change.raised else self._told.discard)(rule.name)
        self._keep()

    def _keep(self) -> None:
        try:
            keep_raised(self._kept, sorted(self._told))
        except OSError as error:
            log.warning("not_kept", file=str(self._kept), error=error.strerror)
