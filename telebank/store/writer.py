"""The node's only writer: one thread, many jobs in one commit.

A job is a small function on a `Transaction`. Jobs wait in a bounded queue; whatever has gathered
while a commit was under way makes up the next one (at most `batch_jobs`). One job's refusal undoes
nothing of another's. A job may be run twice, in a transaction that is rolled back and in the one
that stands, so it changes nothing but its `Transaction`. Its future is resolved on the loop only
after COMMIT. Where the database fails, or anything else that is no one job's, the jobs of that
commit get `StoreUnavailable` and the writer goes on with a fresh connection; a COMMIT whose answer
was lost is first asked after. Where the thread itself ends, every job fails at once and `died`
tells the owner.

Jobs that judge (may this be recorded, is a try left) name what they judge: several nodes may write
to one database server at once, and such jobs of all of them go one after the other.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from telebank.store import lease
from telebank.store.clock import Clock
from telebank.store.errors import ConnectionBroken, StartRefused, StoreUnavailable, said
from telebank.store.options import StoreOptions
from telebank.store.postgresql import CommitUnknown, Mark, has_ended, lock_all, was_made
from telebank.store.transaction import Batch, NeedsSavepoints, Refused, Transaction, Work
from transactions.ports import LeaseLost

T = TypeVar("T")
Join = Callable[[Connection, datetime], None]
"""Looks, in the commit that takes the lease, whether the node may have it; raises `StartRefused`.
"""


@dataclass(frozen=True, slots=True)
class _Job:
    work: Work | None
    """None: raise the lease."""
    future: "asyncio.Future[Any] | None"
    """None: nobody waits (the lease taken at the start)."""
    locks: tuple[str, ...] = ()
    """What it judges; no other node judges these until the commit."""


@dataclass(frozen=True, slots=True)
class _Result:
    value: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class _Position:
    """What a commit moves on: the lease held and the last event numbered."""

    epoch: int = 0
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class _Done:
    """Jobs carried out and not yet committed."""

    results: list[_Result]
    position: _Position
    mark: Mark | None = None
    """What a database server is asked by where the answer to COMMIT is lost."""


class Writer:
    """Owns the writing connection, the lease and the numbering of events."""

    def __init__(  # noqa: PLR0917 - each is one of its kind
        self,
        engine: Engine,
        node: str,
        holder: str,
        options: StoreOptions,
        clock: Clock,
        join: Join,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._node = node
        self._holder = holder
        self._options = options
        self._join = join
        self._jobs: deque[_Job] = deque()
        self._ready = threading.Condition()
        self._closing = False
        self._dead = ""
        """Why the thread ended, where it should not have."""
        self._batch: Sequence[_Job] = ()
        """Jobs taken off the queue and not yet delivered."""
        self._queued = 0
        """Jobs that have not come back; counted on the loop."""
        self._room = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.died: asyncio.Future[str] = self._loop.create_future()
        """Done, with the reason, where the thread ended unasked; cancelled by `close`."""
        self._connection: Connection | None = None
        self._position = _Position()
        self._uncertain = False
        """Whether a commit may have numbered events without our hearing of it."""
        self._thread = threading.Thread(target=self._write, name="journal-writer", daemon=True)
        self.commits = 0
        """Commits so far."""
        self.before: lease.Former | None = None
        """Who held the lease before; None where nobody did."""

    @property
    def epoch(self) -> int:
        """The lease epoch that commits check."""
        return self._position.epoch

    def start(self) -> None:
        """Take the lease and start the thread; raises `StoreUnavailable` or `StartRefused`."""
        (result,) = self._commit([_Job(None, None)])
        if result.error is not None:
            self._drop_connection()
            self._engine.dispose()
            raise result.error
        self._thread.start()

    async def run(self, work: Callable[[Transaction], T], locks: Sequence[str] = ()) -> T:
        """Queue a job and wait until it is durable; waits for room where the queue is full.

        `locks` name what the job judges and then writes, such as `limit:CUSTOMER`: no job of any
        node with the same name runs meanwhile. Raises what the job raised, `StoreUnavailable` or
        `LeaseLost`.
        """
        result: T = await self._queue(work, tuple(locks))
        return result

    async def take_lease(self) -> int:
        """Raise the epoch again and go on with it, also after the lease was lost."""
        return int(await self._queue(None))

    async def close(self) -> None:
        """Finish what is queued, then end the thread and its connection."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        await asyncio.to_thread(self._thread.join)
        self._engine.dispose()
        self.died.cancel()

    async def _queue(self, work: Work | None, locks: tuple[str, ...] = ()) -> Any:
        while self._queued >= self._options.queue_jobs:
            self._room.clear()
            await self._room.wait()
        future = self._loop.create_future()
        self._put(_Job(work, future, locks))
        return await future

    def _put(self, job: _Job) -> None:
        with self._ready:
            if self._closing:
                raise StoreUnavailable("the store is closed")
            if self._dead:
                raise StoreUnavailable(f"the journal writer ended: {self._dead}")
            self._jobs.append(job)
            self._ready.notify()
        self._queued += 1

    # -- below runs in the writer's thread ----------------------------------------------------

    def _write(self) -> None:
        why = "killed"
        try:
            while batch := self._next_batch():
                self._batch = batch
                results = self._commit(batch)
                self._batch = ()
                self._deliver(batch, results)
            self._give_back()
            why = ""
        except BaseException as error:
            why = type(error).__name__
            raise  # to the interpreter's own report of threads that ended
        finally:
            self._drop_connection()
            if why:
                self._die(why)

    def _give_back(self) -> None:
        """Whoever takes the node next need not wait for us; he may already have it."""
        with contextlib.suppress(SQLAlchemyError):
            connection = self._connect()
            with connection.begin():
                lease.give_back(connection, self._node, self._position.epoch, self.before)

    def _die(self, why: str) -> None:
        """Nothing is written any more: say so to everybody who waits or comes."""
        with self._ready:
            self._dead = why
            left = [*self._batch, *self._jobs]
            self._jobs.clear()
        lost = StoreUnavailable(f"the journal writer ended: {why}")
        self._deliver(left, [_Result(error=lost)] * len(left))
        with contextlib.suppress(RuntimeError):  # the loop has closed; there is no owner
            self._loop.call_soon_threadsafe(self._tell_owner, why)

    def _next_batch(self) -> list[_Job]:
        """Wait for work; empty when closed and done. Raising the lease is a commit by itself."""
        with self._ready:
            while not self._jobs and not self._closing:
                self._ready.wait()
            batch: list[_Job] = []
            while self._jobs and len(batch) < self._options.batch_jobs:
                if self._jobs[0].work is None and batch:
                    break
                batch.append(self._jobs.popleft())
                if batch[-1].work is None:
                    break
            return batch

    def _commit(self, jobs: Sequence[_Job]) -> list[_Result]:
        try:
            done = self._transact(jobs)
        except (LeaseLost, StartRefused) as error:
            return [_Result(error=error)] * len(jobs)
        except DBAPIError as error:
            self._drop_connection()
            lost = StoreUnavailable(f"the database did not take it: {said(error)}")
            return [_Result(error=lost)] * len(jobs)
        except CommitUnknown as error:
            lost = StoreUnavailable(f"it is not known whether the database took it: {error}")
            return [_Result(error=lost)] * len(jobs)
        except Exception as error:  # noqa: BLE001 - not swallowed: raised where the jobs are awaited
            # No one job's. The kind only: the text of an error may quote a value.
            self._drop_connection()
            lost = StoreUnavailable(f"the commit failed: {type(error).__name__}")
            lost.__cause__ = error
            return [_Result(error=lost)] * len(jobs)
        self._position = done.position
        self.commits += 1
        return done.results

    def _transact(self, jobs: Sequence[_Job]) -> _Done:
        try:
            return self._attempt(jobs, savepoints=False)
        except NeedsSavepoints:
            return self._attempt(jobs, savepoints=True)

    def _attempt(self, jobs: Sequence[_Job], *, savepoints: bool) -> _Done:
        connection = self._connect()
        transaction = connection.begin()
        try:
            done = self._run(connection, jobs, savepoints=savepoints)
        except BaseException:
            self._roll_back(transaction)
            raise
        try:
            transaction.commit()
        except DBAPIError:
            self._drop_connection()
            if done.mark is None or not was_made(self._engine, done.mark, self._options.doubt_s):
                raise
        return done

    def _roll_back(self, transaction: RootTransaction) -> None:
        """What went wrong is told by the error under way, not by one of the connection's end."""
        try:
            transaction.rollback()
        except SQLAlchemyError:
            self._drop_connection()

    def _run(self, connection: Connection, jobs: Sequence[_Job], *, savepoints: bool) -> _Done:
        stamp = self._clock.read()
        if jobs[0].work is None:
            self._join(connection, stamp.utc)
            self.before = lease.former(connection, self._node)
            numbering = lease.Numbering(self._options.nodes, self._options.terminal)
            epoch = lease.take(connection, self._node, self._holder, numbering, stamp.utc)
            position = _Position(epoch, lease.last_sequence(connection, self._node))
            return _Done([_Result(epoch)], position)
        held = lease.check(connection, self._node, self._position.epoch)
        if stamp.utc - held.heartbeat > timedelta(seconds=self._options.heartbeat_s):
            lease.beat(connection, self._node, stamp.utc)
        lock_all(connection, (key for job in jobs for key in job.locks))
        last = self._sequence(connection)
        batch = Batch(connection, self._node, self._clock.boot, last, savepoints=savepoints)
        results = [self._one(batch, job) for job in jobs]
        position = replace(self._position, sequence=batch.write())
        mark = Mark(held.mark, batch.last_leaf) if held.mark else None
        return _Done(results, position, mark)

    def _sequence(self, connection: Connection) -> int:
        """The node's last event; asked for anew where a lost commit may have moved it on."""
        if self._uncertain:
            sequence = lease.last_sequence(connection, self._node)
            self._position = replace(self._position, sequence=sequence)
            self._uncertain = False
        return self._position.sequence

    def _one(self, batch: Batch, job: _Job) -> _Result:
        assert job.work is not None
        stamp = self._clock.read()
        part = Transaction(batch.connection, stamp, self._node, self._position.epoch)
        batch.savepoint()
        try:
            return self._work(batch, job.work, part)
        except (
            IntegrityError,
            DataError,
        ) as error:  # what this job would have written cannot stand
            batch.undo()
            return _Result(error=error)
        except (DBAPIError, ConnectionBroken):
            raise
        except Exception as error:  # noqa: BLE001 - not swallowed: raised where the job is awaited
            batch.undo()
            return _Result(error=error)

    def _work(self, batch: Batch, work: Work, part: Transaction) -> _Result:
        try:
            value = work(part)
        except Refused as refusal:
            batch.roll_back()
            part.only(refusal.events)
            value = refusal.value
        batch.release(part)
        return _Result(value)

    def _connect(self) -> Connection:
        if self._connection is not None and has_ended(self._connection):
            self._drop_connection()  # nothing is lost yet: the server was begun anew, say
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        self._uncertain = True
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError):
                connection.close()

    def _deliver(self, jobs: Sequence[_Job], results: Sequence[_Result]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed; nobody waits any more
            self._loop.call_soon_threadsafe(self._resolve, jobs, results)

    # -- below runs on the loop ---------------------------------------------------------------

    def _tell_owner(self, why: str) -> None:
        if not self.died.done():
            self.died.set_result(why)

    def _resolve(self, jobs: Sequence[_Job], results: Sequence[_Result]) -> None:
        self._queued -= len(jobs)
        self._room.set()
        for job, result in zip(jobs, results, strict=True):
            if job.future is None or job.future.done():
                continue
            if result.error is not None:
                job.future.set_exception(result.error)
            else:
                job.future.set_result(result.value)
