"""One step of settling a row: a message to the host, and what follows from its answer."""

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from transactions.clock import Clock
from transactions.guarded import AdapterFailed, guarded
from transactions.journal import Journal
from transactions.lifecycle import State
from transactions.options import ProcessorOptions
from transactions.outcome import (
    CUT_OVER,
    DUPLICATE_STAN,
    Approved,
    Declined,
    NotSent,
    Outcome,
    Unknown,
)
from transactions.ports import (
    IMPOSSIBLE,
    HostAdapter,
    JournalUnavailable,
    ReversalImpossible,
    ReversalOutcome,
    ReversalRefused,
    ReversalUnanswered,
    Reversed,
    Unsupported,
)
from transactions.request import HostMessage
from transactions.sending import SettlingLog
from transactions.settling import Settling, Verdict, to_person


@dataclass(frozen=True, slots=True)
class Stepper:
    """Asks the host about one row at a time; a verdict, or None and the row's next wait."""

    host: HostAdapter
    journal: Journal
    options: ProcessorOptions
    clock: Clock

    def by_late_answer(self, row: Settling) -> Verdict | None:
        """A late answer ends a repeat or a query; a reversal goes on whatever it says."""
        if row.state is State.REVERSING or row.late is None:
            return None
        return self._answered(row, row.late)

    async def step(self, row: Settling) -> Verdict | None:
        """One message to the host, and what follows from its answer."""
        try:
            if row.state is State.REVERSING and row.sent is not None:
                return await self._reverse(row, row.sent)
            if row.state is State.REPEATING or row.sent is not None:
                return await self._ask_again(row)
        except JournalUnavailable:
            row.wait = self.options.away_poll_s  # nothing went: the row was to come first
            return None
        return to_person("no message to settle")

    async def _reverse(self, row: Settling, sent: HostMessage) -> Verdict | None:
        log = self._log(row)
        work = self.host.reverse(row.request, sent, row.why, log, row.attempts, row.undoing)
        outcome: ReversalOutcome | AdapterFailed = await guarded(work)
        row.attempts = log.attempts
        row.undoing = row.undoing or log.sent
        verdict = self._undone(row, outcome)
        row.went = row.went or (log.sent is not None and not isinstance(outcome, AdapterFailed))
        return verdict

    def _undone(self, row: Settling, outcome: ReversalOutcome | AdapterFailed) -> Verdict | None:
        match outcome:
            case Reversed(never_had=True) if isinstance(row.late, Approved):
                return to_person("the host approved late and says it never had it")
            case Reversed(duplicate=True) if not row.went:
                # The node was killed after the row of its first reversal and perhaps before its
                # first byte. We repeat as a repeat (0421): an 0420 that did arrive must not be
                # carried out twice. But what the host has then done before may be another's.
                return to_person("94 to a reversal of which none is known to have gone before")
            case Reversed():
                return Verdict([State.REVERSED], "reversed")
            case ReversalRefused(reason=reason):
                return to_person(f"reversal refused: {reason}")
            case _:
                return self._not_undone(row, outcome)

    def _not_undone(
        self,
        row: Settling,
        outcome: ReversalImpossible | ReversalUnanswered | AdapterFailed,
    ) -> Verdict | None:
        match outcome:
            case ReversalImpossible(reason=reason):
                return self._cannot(row, reason)
            case ReversalUnanswered(sent=False):
                return self._away(row)
            case ReversalUnanswered(reason=reason):
                return self._again(row, reason)
            case AdapterFailed():
                return self._failed(row, outcome)

    async def _ask_again(self, row: Settling) -> Verdict | None:
        log = self._log(row)
        request = replace(
            row.request, deadline=self.clock.monotonic() + self.options.send_deadline_s
        )
        work: Coroutine[Any, Any, Outcome]
        if row.state is State.REPEATING or row.sent is None:
            last = row.sent and replace(row.sent, attempt=row.attempts)
            work = self.host.execute(request, log, last)
        else:
            row.attempts = await self.journal.attempt(request.id, None)
            work = self.host.query_status(request, row.sent)
        try:
            outcome = await guarded(work)
        except Unsupported:
            return to_person("the host cannot tell what became of it")
        row.attempts = max(row.attempts, log.attempts)
        row.sent = row.sent or log.sent
        if isinstance(outcome, AdapterFailed):
            return self._failed(row, outcome)
        return self._answered(row, outcome)

    def _answered(self, row: Settling, outcome: Outcome) -> Verdict | None:
        match outcome:
            case Approved():
                return Verdict([State.APPROVED], "approved", outcome)
            case Declined(reason=reason) if reason == CUT_OVER and row.state is State.REPEATING:
                return self._again(row, reason)
            case Declined(reason=reason):
                return Verdict([State.DECLINED], reason, outcome)
            case Unknown(reason=reason) if reason == DUPLICATE_STAN:
                return to_person(reason)
            case Unknown(reason=reason):
                row.late = None
                return self._again(row, reason)
            case NotSent(reason=reason):
                row.late = None
                return self._cannot(row, reason) if reason in IMPOSSIBLE else self._away(row)

    def _log(self, row: Settling) -> SettlingLog:
        due = self.clock.now() + timedelta(seconds=self.options.wait_after(row.attempts + 1))
        return SettlingLog(self.journal, row.attempts, due)

    def _away(self, row: Settling) -> Verdict | None:
        row.wait = self.options.away_poll_s
        return None

    def _failed(self, row: Settling, failure: AdapterFailed) -> Verdict | None:
        """A bug counts with the messages, but none may have gone: the next is no repeat for it."""
        row.failed += 1
        return self._again(row, failure.why)

    def _cannot(self, row: Settling, reason: str) -> Verdict | None:
        """Nothing went, and with the links up; keys and profiles are mended, so it backs off."""
        row.failed += 1
        return self._again(row, f"it cannot be sent ({reason})")

    def _again(self, row: Settling, reason: str) -> Verdict | None:
        tries = row.attempts + row.failed
        if tries >= self.options.attempts_max:
            return to_person(f"no end after {tries} tries: {reason}")
        row.wait = self.options.wait_after(tries)
        return None
