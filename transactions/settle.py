"""Settling: reversals, repeats and queries until the host or a person has the last word."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from transactions.clock import Clock
from transactions.journal import Journal, JournalEvent, OpenRow
from transactions.lane import Lane
from transactions.lifecycle import State
from transactions.options import ProcessorOptions
from transactions.outcome import (
    Approved,
    Outcome,
)
from transactions.ports import (
    HostAdapter,
    JournalUnavailable,
    LeaseLost,
)
from transactions.settling import RANKS, Settling, Verdict, denies, steps_on, to_person
from transactions.stepping import Stepper


@dataclass(slots=True)
class Settler:
    """Owns a task for each open row; every step is durable, so any task may be lost."""

    host: HostAdapter
    journal: Journal
    options: ProcessorOptions
    clock: Clock
    lost_lease: bool = False
    _rows: dict[str, Settling] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _reversed: OrderedDict[str, Settling] = field(default_factory=OrderedDict)
    _lane: Lane = field(init=False)
    _stepper: Stepper = field(init=False)
    _look: asyncio.Future[None] | None = None
    _overseer: asyncio.Task[None] | None = None
    _closing: bool = False

    def __post_init__(self) -> None:
        self._lane = Lane(self.options.settle_parallel)
        self._stepper = Stepper(self.host, self.journal, self.options, self.clock)

    # -- taking rows --------------------------------------------------------------------------

    def expect(self, row: Settling) -> None:
        """A request is about to be sent: what comes late for it is kept from now on."""
        self._rows[row.request.id] = row

    def forget(self, row: Settling) -> None:
        """The request has its end, unless it is being settled."""
        if row.request.id not in self._tasks:
            self._rows.pop(row.request.id, None)

    def take(self, row: Settling) -> None:
        """Settle a row that the journal has as REVERSING, REPEATING or QUERYING."""
        self._spawn(row, self._settle(row))

    def commit_later(self, row: Settling, verdict: Verdict) -> None:
        """Write an end that the journal could not take just now, as soon as it can."""
        self._spawn(row, self._commit_and_settle(row, verdict))

    def look_over(self) -> None:
        """The journal said no to a commit that it may have made all the same. When it is back, the
        rows that it has and nobody works on are taken up; once, however many commits it was."""
        if self._overseer is None or self._overseer.done():
            self._oversee(0, "")

    def _oversee(self, failed: int, why: str) -> None:
        work = self._look_over(failed, why)
        self._overseer = asyncio.create_task(work, name="look over the journal")
        self._overseer.add_done_callback(partial(self._overseen, failed))

    def _overseen(self, failed: int, task: asyncio.Task[None]) -> None:
        """What nobody foresaw is an alarm, and the rows are looked for again."""
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._closing:
            self._oversee(failed + 1, f"looking over the journal failed: {type(error).__name__}")

    async def _look_over(self, failed: int, why: str) -> None:
        found: Sequence[OpenRow] | None = None
        wait = self.options.wait_after(failed) if failed else self.options.away_poll_s
        while found is None:
            await self.clock.sleep(wait)
            if why:
                await self.note("alarm.settling", "", why)
                why = ""
            try:
                found = await self.journal.open_rows()
            except LeaseLost:
                self.lost_lease = True  # another node has them now
                return
            except JournalUnavailable:
                continue
        for row in found:
            if row.request.id not in self._rows:
                self.resume(Settling(row.request, row.state, row.sent), "commit in doubt")

    def resume(self, row: Settling, why: str) -> None:
        """Something unforeseen came of the work on a row: an alarm, and on from what the journal
        itself says of it."""
        row.failed += 1
        self._spawn(row, self._resume(row, why))

    async def take_up(self, found: OpenRow, why: str, before: Settling | None = None) -> State:
        """Walk a row that nobody works on to where it can be settled, and settle it; returns the
        state it is in now."""
        steps = steps_on(found)
        final = steps[-1] if steps else found.state
        if steps:
            due = self.clock.now() if final in RANKS else None
            await self.journal.advance(found.request.id, steps, why=why, next_attempt_at=due)
        if final is State.MANUAL:
            await self.alarm(found.request.id, why)
        if final in RANKS:
            row = Settling(
                found.request,
                final,
                found.sent,
                found.attempts,
                why=found.why or why,
                undoing=found.undoing,
                went=found.undoing is not None and found.undoing.reply39 is not None,
            )
            if found.next_attempt_at is not None:
                wait = (found.next_attempt_at - self.clock.now()).total_seconds()
                row.wait = min(max(wait, 0.0), self.options.retry_cap_s)
            if before is not None:
                row.late, row.failed = before.late, before.failed
                row.went = row.went or before.went
                row.why, row.undoing = before.why or row.why, row.undoing or before.undoing
            self.take(row)
        return final

    async def _resume(self, row: Settling, why: str) -> None:
        await self.note("alarm.settling", row.request.id, why)
        while not self._closing:
            await self.clock.sleep(self.options.wait_after(row.failed))
            try:
                await self._walk_on(row)
            except JournalUnavailable:
                row.failed += 1
            else:
                return

    async def _walk_on(self, row: Settling) -> None:
        for found in await self.journal.open_rows():
            if found.request.id == row.request.id:
                await self.take_up(found, "resumed", row)
                return
        ended = await self.journal.find(row.request.id)
        if ended is not None and ended.existing.state is State.REVERSED:
            self._remember_reversed(row)
            if isinstance(row.late, Approved):
                await self._reopen(row)

    def _spawn(self, row: Settling, work: Coroutine[Any, Any, None]) -> None:
        self._rows[row.request.id] = row
        task = asyncio.create_task(work, name=f"settle {row.request.id}")
        self._tasks[row.request.id] = task
        task.add_done_callback(partial(self._ended, row))

    def _ended(self, row: Settling, task: asyncio.Task[None]) -> None:
        """No task ends unseen: what it raised is an alarm, and its row goes on."""
        if self._tasks.get(row.request.id) is task:
            del self._tasks[row.request.id]
            self._rows.pop(row.request.id, None)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, LeaseLost):
            self.lost_lease = True  # another node has the row now
        elif error is not None and not self._closing:
            self.resume(row, f"settling failed: {type(error).__name__}")

    def count(self) -> int:
        """Rows without an end."""
        return len(self._tasks)

    async def idle(self, seconds: float) -> None:
        """Wait until no row is open, for at most `seconds`."""
        tasks = set(self._tasks.values())
        if not tasks:
            return
        timer = asyncio.ensure_future(self.clock.sleep(seconds))
        everything = asyncio.ensure_future(asyncio.wait(tasks))
        await asyncio.wait({timer, everything}, return_when=asyncio.FIRST_COMPLETED)
        for left in (timer, everything):
            left.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await left

    async def close(self, seconds: float) -> None:
        """Stop resting rows at once, and those at the host when they have their answer."""
        self._closing = True
        for request_id, row in self._rows.items():
            if row.resting and request_id in self._tasks:
                self._tasks[request_id].cancel()
        await asyncio.sleep(0)
        await self.idle(seconds)
        left: set[asyncio.Future[None]] = set(self._tasks.values())
        for task in left:
            task.cancel()
        for watch in (self._look, self._overseer):
            if watch is not None:
                watch.cancel()
                left.add(watch)
        if left:
            await asyncio.wait(left)

    # -- late answers (rule 5) ------------------------------------------------------------------

    async def late(self, request_id: str, outcome: Outcome) -> None:
        """The answer to an original came after it was given up."""
        row = self._rows.get(request_id)
        undone = self._reversed.get(request_id)
        if row is not None:
            row.late = outcome
        elif undone is not None and isinstance(outcome, Approved):
            undone.late = outcome
            self._spawn(undone, self._reopen(undone))
            return
        await self.note("answer.late", request_id, type(outcome).__name__)
        if row is None:
            await self._contradicted(request_id, outcome)

    async def _contradicted(self, request_id: str, outcome: Outcome) -> None:
        """An end that the host now denies, such as one that two people wrote: it stays, for neither
        the order nor who is right can be known here, and a person must hear of it."""
        try:
            found = await self.journal.find(request_id)
        except JournalUnavailable:
            return
        except LeaseLost:
            self.lost_lease = True
            return
        if found is not None and denies(found.existing.state, outcome):
            why = f"{type(outcome).__name__.lower()} late, and the row is {found.existing.state}"
            await self.note("alarm.contradiction", request_id, why)

    async def _reopen(self, row: Settling) -> None:
        """Approved after we had heard that it was undone: which came last cannot be proved."""
        await self._commit(row, to_person("approved after reversal"))
        self._reversed.pop(row.request.id, None)

    # -- one row --------------------------------------------------------------------------------

    async def _settle(self, row: Settling) -> None:
        while not self._closing:
            await self._rest(row)
            verdict = self._stepper.by_late_answer(row)
            if verdict is None:
                async with self._lane.turn(RANKS[row.state]):
                    row.resting = False
                    verdict = await self._stepper.step(row)
                    row.resting = True
            if verdict is not None:
                await self._commit(row, verdict)
                return

    async def _rest(self, row: Settling) -> None:
        await self.clock.sleep(row.wait)
        while (await self.host.health()).links_up == 0 or await self._must_wait(row):
            if row.late is not None and row.state is not State.REVERSING:
                return
            await self._next_look()

    async def _must_wait(self, row: Settling) -> bool:
        """Whether a lifting of the same card goes first: the host takes them in the order in which
        they come, and the report that was taken last must be the last that it hears."""
        if row.state is not State.REPEATING:
            return False
        try:
            return await self.journal.must_wait(row.request.id)
        except JournalUnavailable:
            return True

    async def _next_look(self) -> None:
        """One wait for all rows, so that they wake together and go by rank."""
        if self._look is None or self._look.done():
            self._look = asyncio.ensure_future(self.clock.sleep(self.options.away_poll_s))
        await asyncio.wait({self._look})

    async def _commit_and_settle(self, row: Settling, verdict: Verdict) -> None:
        await self._commit(row, verdict)
        if row.state in RANKS:
            await self._settle(row)

    # -- the journal ----------------------------------------------------------------------------

    async def _commit(self, row: Settling, verdict: Verdict) -> None:
        """Write the end, however long the journal takes to come back."""
        heard = row.late
        attempts = 0
        while not await self._try_commit(row, verdict):
            attempts += 1
            await self.clock.sleep(self.options.wait_after(attempts))
        if verdict.alarm:
            await self.alarm(row.request.id, verdict.why)
        if verdict.states[-1] is State.REVERSED:
            self._remember_reversed(row)
            if isinstance(row.late, Approved) and row.late is not heard:
                await self._reopen(row)  # it came while the end was being written
            elif isinstance(row.late, Approved):
                await self.note("answer.late", row.request.id, "approved, then undone")

    async def _try_commit(self, row: Settling, verdict: Verdict) -> bool:
        row.resting = False
        try:
            await self.journal.advance(
                row.request.id,
                verdict.states,
                why=verdict.why,
                outcome=verdict.outcome,
                answered=verdict.answered,
            )
        except JournalUnavailable:
            row.resting = True
            return False
        return True

    def _remember_reversed(self, row: Settling) -> None:
        self._reversed[row.request.id] = row
        while len(self._reversed) > self.options.remembered_max:
            self._reversed.popitem(last=False)

    async def alarm(self, request_id: str, why: str) -> None:
        """A row for the teller's list and for the alarms of operations."""
        await self.note("alarm.manual", request_id, why)

    async def note(self, kind: str, request_id: str, why: str) -> None:
        """An event of the log about a row; the row itself is what counts, and it is durable."""
        event = JournalEvent(kind=kind, request=request_id, detail={"why": why})
        try:
            await self.journal.append(event)
        except LeaseLost:
            self.lost_lease = True
        except JournalUnavailable:
            return
