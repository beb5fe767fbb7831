"""Worker threads with one connection each, lent one at a time to calls of the event loop."""

import asyncio
import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from core_adapters.sql.options import SqlOptions
from core_adapters.sql.session import End, Job, Replied, Session, Stage, Ticket

Work = Callable[[Session], End]


class Worker:
    """A thread and its connection. The thread is a daemon: one that a dead network holds must not
    hold the process."""

    def __init__(self, name: str, session: Session) -> None:
        self.name = name
        self.session = session
        self.rested_at = 0.0
        """Monotonic seconds of its last good use."""
        self._queue: queue.SimpleQueue[tuple[Work, Future[End]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._loop, name=f"sql {name}", daemon=True).start()

    def submit(self, work: Work) -> asyncio.Future[End]:
        """Have the thread do `work`."""
        future: Future[End] = Future()
        self._queue.put((work, future))
        return asyncio.wrap_future(future)

    def stop(self) -> None:
        """End the thread after what it is doing, and close its connection."""
        self._queue.put(None)

    def _loop(self) -> None:
        while (task := self._queue.get()) is not None:
            work, future = task
            try:
                end = work(self.session)
            except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
                self.session.drop()
                future.set_exception(error)
            else:
                future.set_result(end)
        self.session.drop()


@dataclass(frozen=True, slots=True)
class Hung:
    """No end in time; the worker was given up. `end` may still come."""

    stage: Stage
    end: asyncio.Future[End]


@dataclass(slots=True)
class Pool:
    """Lends workers; keeps their connections alive. `connect` makes a session not yet opened."""

    options: SqlOptions
    connect: Callable[[], Session]
    on_link: Callable[[str, bool, str], None]
    """Worker's name, connected or not, why."""
    on_ping: Callable[[Replied], None]
    _all: set[Worker] = field(default_factory=set)
    _idle: list[Worker] = field(default_factory=list)
    _busy: set[Worker] = field(default_factory=set)
    _away: deque[Worker] = field(default_factory=deque)
    _hung: int = 0
    _waiting: deque[asyncio.Future[Worker]] = field(default_factory=deque)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _lost: asyncio.Event = field(default_factory=asyncio.Event)
    _change: asyncio.Event = field(default_factory=asyncio.Event)
    _made: int = 0
    closing: bool = False

    # -- state ----------------------------------------------------------------------------------

    @property
    def up(self) -> int:
        """Workers that hold a connection."""
        return len(self._idle) + len(self._busy)

    @property
    def busy(self) -> int:
        """Workers lent out."""
        return len(self._busy)

    async def wait_up(self, timeout: float) -> bool:
        """Wait until a connection is there."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not self.up:
                    self._change.clear()
                    await self._change.wait()
        return self.up > 0

    def start(self) -> None:
        """Begin to connect, without waiting for it."""
        for _ in range(self.options.workers):
            self._new_worker()
        self._tasks = [
            asyncio.create_task(self._reconnect(), name="sql reconnect"),
            asyncio.create_task(self._look(), name="sql look"),
        ]

    async def close(self) -> None:
        """Lend no more, wait a while for what runs, close the connections."""
        self.closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for waiter in self._waiting:
            waiter.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.options.close_s):
                while self._busy:
                    self._change.clear()
                    await self._change.wait()
        for worker in self._all:
            worker.stop()  # when it is done with what it does
        self._idle.clear()
        self._away.clear()

    # -- lending --------------------------------------------------------------------------------

    async def admit(self, *, urgent: bool = False) -> Worker | str:
        """A worker whose connection is believed good, or why there is none. Give it to `run` or
        back to `release`."""
        while True:
            if self.closing:
                return "stopping"
            if not self.up:
                return "no_link"
            worker = self._idle.pop() if self._idle else await self._wait(urgent=urgent)
            if worker is None:
                return "pool_full"
            self._busy.add(worker)
            if await self._fresh(worker):
                return worker

    async def _wait(self, *, urgent: bool) -> Worker | None:
        """A place in the queue; urgent calls go to its head and always have one."""
        if not urgent and len(self._waiting) >= self.options.waiting_max:
            return None
        place: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        (self._waiting.appendleft if urgent else self._waiting.append)(place)
        try:
            await asyncio.wait({place}, timeout=self.options.wait_s)
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._offer(place.result())
            raise
        finally:
            if not place.done():
                place.cancel()
            with contextlib.suppress(ValueError):
                self._waiting.remove(place)
        return None if place.cancelled() else place.result()

    async def _fresh(self, worker: Worker) -> bool:
        """Try a lent connection that has rested; what fails here was never sent."""
        now = asyncio.get_running_loop().time()
        if now - worker.rested_at < self.options.ping_after_s:
            return True
        future = worker.submit(Session.ping)
        patience = self.options.login_s + self.options.grace_s
        try:
            await asyncio.wait({future}, timeout=patience)
        except asyncio.CancelledError:
            future.add_done_callback(lambda _done: self.release(worker))
            raise
        if not future.done():
            self._give_up(worker, future)
            return False
        end = future.result()
        if isinstance(end, Replied):
            worker.rested_at = asyncio.get_running_loop().time()
            self.on_ping(end)
            return True
        self.release(worker, end.sqlstate)
        return False

    async def run(self, worker: Worker, job: Job, ticket: Ticket, limit_s: float) -> End | Hung:
        """Carry out a job on an admitted worker, which is given back whatever happens."""
        future = worker.submit(lambda session: session.run(job, ticket))
        try:
            await asyncio.wait({future}, timeout=limit_s)
        except asyncio.CancelledError:
            ticket.give_up()
            future.add_done_callback(lambda _done: self.release(worker))
            raise
        if not future.done():
            stage = ticket.give_up()
            self._give_up(worker, future)
            return Hung(stage, future)
        worker.rested_at = asyncio.get_running_loop().time()
        self.release(worker)
        return future.result()

    def release(self, worker: Worker, why: str = "lost") -> None:
        """Give a worker back."""
        self._busy.discard(worker)
        self._change.set()
        if self.closing:
            return  # `close` ends every worker
        if worker.session.alive:
            self._offer(worker)
        else:
            self._to_away(worker, why)

    def _offer(self, worker: Worker) -> None:
        self._busy.discard(worker)
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                self._busy.add(worker)
                place.set_result(worker)
                return
        self._idle.append(worker)
        self._change.set()

    # -- connections ----------------------------------------------------------------------------

    def _new_worker(self) -> None:
        self._made += 1
        worker = Worker(f"w{self._made}", self.connect())
        self._all.add(worker)
        self._away.append(worker)
        self._lost.set()

    def _to_away(self, worker: Worker, why: str) -> None:
        self.on_link(worker.name, False, why)
        self._away.append(worker)
        self._lost.set()

    def _give_up(self, worker: Worker, future: asyncio.Future[End]) -> None:
        """Its thread hangs in the driver: another takes its place, as long as few hang."""
        self._busy.discard(worker)
        self._hung += 1
        self.on_link(worker.name, False, "hung")
        full = self._hung >= self.options.hung_max

        def back(_end: asyncio.Future[End]) -> None:
            self._hung -= 1
            self._all.discard(worker)
            worker.stop()
            if full and not self.closing:
                self._new_worker()

        future.add_done_callback(back)
        if not full:
            self._new_worker()

    async def _reconnect(self) -> None:
        """Connect those that are away one by one, ever more slowly while none succeeds."""
        wait = self.options.backoff_min_s
        while True:
            if not self._away:
                self._lost.clear()
                await self._lost.wait()
                continue
            worker = self._away.popleft()
            if await self._try_connect(worker):
                wait = self.options.backoff_min_s
            else:
                await asyncio.sleep(wait)
                wait = min(wait * 2, self.options.backoff_max_s)

    async def _try_connect(self, worker: Worker) -> bool:
        future = worker.submit(Session.connect)
        await asyncio.wait({future}, timeout=self.options.login_s + self.options.grace_s)
        if not future.done():
            self._give_up(worker, future)
            return False
        end = future.result()
        if not isinstance(end, Replied):
            self._away.append(worker)
            return False
        worker.rested_at = asyncio.get_running_loop().time()
        self.on_ping(end)
        self.on_link(worker.name, True, "")
        self._offer(worker)
        return True

    async def _look(self) -> None:
        """Try connections that rest, so that a database that went away is known to be away."""
        while True:
            await asyncio.sleep(self.options.look_s)
            for worker in tuple(self._idle):
                if worker in self._idle:
                    self._idle.remove(worker)
                    self._busy.add(worker)
                    if await self._fresh(worker):
                        self.release(worker)
