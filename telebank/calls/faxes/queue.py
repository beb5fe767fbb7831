"""Faxes that go: kept until they are due, carried out on a few channels at once, tried again.

Everything about a fax that must outlive this process is in the store (`telebank.store.fax_jobs`)
before it is acted on. Killed at any step, a node finds at its start what it had under way: what
only dialled is queued again, what was being sent is for people (`fax.job`).
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, TypeVar

import structlog

from fax.job import RUNNING, CallEnded
from telebank.calls.faxes.attempt import STORE, WRITE_PAUSE_S, Attempt, Run
from telebank.calls.faxes.keeping import Keeper
from telebank.calls.faxes.loads import load_of
from telebank.calls.faxes.outgoing import Load
from telebank.calls.faxes.parts import ROLE, Carrier, QueueParts
from telebank.calls.faxes.tolls import Refusal, Target, judge, limits, midnight
from telebank.sip import T38Way
from telebank.store import fax_jobs
from telebank.store.customer_events import Told
from telebank.store.fax_jobs import NotMade, NotPlaced, OtherContent, Step, Taken, judged
from telebank.store.fax_rows import Fax, FaxDraft
from telebank.store.fax_tolls import FREE, TOLLS, Toll
from telebank.store.transaction import Transaction
from transactions.approval import Actor
from transactions.card import CardNumberError, SealedCard
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.faxes")

PAUSE_S = 5.0
"""Seconds before it is looked again after what nobody foresaw."""
NOT_AVAILABLE, FULL, STOPPING = "not_available", "full", "node_stops"
USED, CANCELLED = "request_id_used", "cancelled"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document that is to be sent; its files are in the folder of `id`."""

    id: str
    to: str
    """As it was keyed or typed."""
    pages: int
    title: str
    by: str
    role: str = ROLE
    document: str = "file"
    language: str = "zh"
    customer: str | None = None
    call: str | None = None
    request: str | None = None
    content: str = ""
    """Digest of what `request` asks for; empty: its id says it all."""
    due: datetime | None = None
    """None: now."""

    def draft(self, number: SealedCard, way: Any, tries: int) -> FaxDraft:
        """For the store."""
        return FaxDraft(
            *(self.id, way, number, self.pages, self.title, self.document, self.language),
            *(self.by, self.role, self.customer, self.call, self.request, self.content, tries),
        )


class FaxJobs:
    """The node's faxes. `start` with who places calls; `close` ends what runs, honestly."""

    def __init__(self, parts: QueueParts) -> None:
        self._parts = parts
        self._numbers = count(1)
        self._attempts: dict[str, Attempt] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._taken = 0
        """Channels in use."""
        self._carrier: Carrier | None = None
        self._looking: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._closing = self._draining = False
        self._stops = asyncio.Event()
        """It is closed, or drains."""
        self._keeper = Keeper(
            *(parts.run, parts.node, parts.files, parts.fax, parts.clock),
            on_alarm=parts.on_alarm,
        )

    # -- for those who ask ------------------------------------------------------------------------

    @property
    def missing(self) -> str:
        """Why no fax can go from here, and what to do; empty where they can."""
        return self._parts.missing()

    def counts(self) -> dict[str, int]:
        """Channels, and how many are in use."""
        return {"channels": self._parts.fax.channels, "busy": self._taken}

    @property
    def draining(self) -> bool:
        """Whether it begins no more calls, in its last seconds."""
        return self._draining or self._closing

    @property
    def free(self) -> bool:
        """Whether a channel is free now."""
        return self._taken < self._parts.fax.channels

    @property
    def dials(self) -> bool:
        """Whether there is any number that callers may have dialled."""
        outbound = self._parts.outbound
        numbers = [allowed for allowed in outbound.allow if not allowed.startswith("sip:")]
        return (outbound.trunk is not None or bool(outbound.routes)) and bool(numbers)

    def next_id(self) -> str:
        """The id of a new fax: node, epoch and number, such as 01-3-F7."""
        return f"{self._parts.node}-{self._parts.epoch()}-F{next(self._numbers)}"

    def may(self, to: str, role: str = ROLE) -> Target | Refusal:
        """Whether a fax could go there: what is missing, or the rule that forbids it."""
        if self.missing:
            return Refusal(NOT_AVAILABLE, self.missing)
        return judge(self._parts.outbound, to, staff=role != ROLE)

    def day_began(self) -> datetime:
        """When it was midnight on the bank's wall clock; in UTC."""
        return midnight(self._parts.clock.now(), self._parts.zone)

    def t38_to(self, number: str) -> T38Way:
        """Whether T.38 is spoken with whoever calls from this number."""
        return self._parts.fax.t38_to(self._parts.outbound.plan, number)

    async def add(self, wanted: Wanted) -> Fax | Refusal:
        """Keep a fax to be sent; the same request finds the one it made, with another id, and is
        refused where it asks for something else. Its files stay where they are also then."""
        target = self.may(wanted.to, wanted.role)
        if isinstance(target, Refusal):
            return target
        parts = self._parts
        draft = wanted.draft(self._sealed(target), target.way, parts.fax.tries)
        now = parts.clock.now()
        due = max(wanted.due or now, now)
        job = partial(
            fax_jobs.add,
            draft=draft,
            due=due,
            expires=due + timedelta(hours=parts.fax.patience_hours),
            waiting=parts.fax.waiting,
            most=parts.fax.most,
        )
        locks = (*judged(wanted.id), f"fax:queue:{parts.node}")
        fax: Fax | OtherContent | None = await parts.run(job, locks)
        self._wake.set()
        if isinstance(fax, OtherContent):
            return Refusal(USED, f"this request made another fax, {fax.fax}: ask with a new id")
        if fax is None:
            return Refusal(FULL, "as many faxes wait as may ([fax] waiting, most): try again later")
        return fax

    async def cancel(self, fax: str, by: Actor) -> Fax | None:
        """Nobody wants it any more: see `telebank.store.fax_jobs.cancel`. None: no such fax."""
        job = partial(fax_jobs.cancel, fax=fax, by=by)
        found: Fax | None = await self._parts.run(job, judged(fax))
        self._wake.set()
        return found

    async def one(self, fax: str) -> Fax | None:
        """A fax by its id."""
        found: Fax | None = await self._parts.run(partial(fax_jobs.one, fax=fax))
        return found

    @contextmanager
    def channel(self) -> Iterator[bool]:
        """One of the channels for as long as it takes; False where none is free."""
        free = self.free
        self._taken += free
        try:
            yield free
        finally:
            self._taken -= free
            self._wake.set()

    async def here(
        self,
        wanted: Wanted,
        masked: str,
        run: Run,
        stop: Callable[[str], None] | None = None,
    ) -> Fax | None:
        """Send a fax in its caller's own call, within `channel`; `masked` is the caller's number,
        `stop` asks the call to end the fax and to say how far it came. How it ended, None where
        this node lost it. Whoever waits for it may go: what becomes of it is written all the same.
        """
        parts = self._parts
        number = _masked(parts.vault.seal_digits(wanted.to), masked)
        draft = wanted.draft(number, "call", 1)
        seconds = parts.fax.watchdog_s
        job = partial(fax_jobs.add_in_call, draft=draft, seconds=seconds)
        fax: Fax = await parts.run(job, judged(wanted.id))
        if fax.id != wanted.id:
            return fax
        if self._closing:
            return await self._step(fax, CallEnded("failed", 0, STOPPING))
        return await asyncio.shield(self._later(self._attempt(fax, run, seconds, stop)))

    # -- its life ---------------------------------------------------------------------------------

    def start(self, carrier: Carrier) -> None:
        """Look for what is due until `close`."""
        self._carrier = carrier
        self._begin(0.0)

    def _begin(self, pause_s: float) -> None:
        self._looking = asyncio.create_task(self._keep_looking(pause_s), name="faxes")
        self._looking.add_done_callback(self._looked_last)

    def _looked_last(self, task: "asyncio.Task[None]") -> None:
        """What nobody foresaw is in the log, and the others' faxes go on."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("faxes.failed", error=type(error).__name__)
            if not self._closing:
                self._begin(PAUSE_S)

    def drain(self) -> None:
        """Begin no more calls; those that are up go on."""
        self._draining = True
        self._stops.set()

    def look_now(self) -> None:
        """Something may be due earlier than the next look."""
        self._wake.set()

    async def close(self) -> None:
        """Take no more, end the calls that are up and write how far they came."""
        self._closing = True
        self._stops.set()
        self._wake.set()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        stops = [attempt.stop(STOPPING) for attempt in list(self._attempts.values())]
        await asyncio.gather(*stops, return_exceptions=True)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=10)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _keep_looking(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        while not self._closing:
            self._wake.clear()
            try:
                await self.look()
            except JournalUnavailable as error:
                log.warning("faxes.not_looked", error=type(error).__name__)
            except LeaseLost:
                self._parts.on_lost()
                return
            try:
                async with asyncio.timeout(self._parts.fax.look_s):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def look(self) -> int:
        """Do what is due now; how many calls were begun. Raises as the store does."""
        await self._keeper.left()
        for fax in await self._parts.run(fax_jobs.stopping):
            if attempt := self._attempts.get(fax):
                self._later(attempt.stop("cancelled"))
        await self._keeper.sweep()
        begun = 0
        while self._begins and self._taken < self._parts.fax.channels:
            self._taken += 1  # before it is known whether anything is due
            taken = None
            try:
                taken = await self._take()
            finally:
                self._taken -= taken is None
            if taken is None:
                break
            begun += 1
            self._later(self._carry(taken))
        return begun

    # -- one fax ----------------------------------------------------------------------------------

    @property
    def _begins(self) -> bool:
        return not (self.missing or self._draining or self._closing)

    async def _take(self) -> Taken | None:
        parts = self._parts
        now = parts.clock.now()
        most = limits(parts.outbound, now, parts.zone, parts.fax.watchdog_s)
        job = partial(fax_jobs.take, limits=most, toll_of=self._toll)
        taken: Taken | None = await parts.run(job, TOLLS)
        return taken

    def _toll(self, fax: Fax) -> Toll:
        """What its call costs. One that cannot be placed costs nothing: `load_of` finds out why."""
        try:
            number = self._parts.vault.unseal_digits(fax.number)
        except CardNumberError:
            return FREE
        target = judge(self._parts.outbound, number, staff=fax.role != ROLE)
        return FREE if isinstance(target, Refusal) else target.toll

    async def _carry(self, taken: Taken) -> None:
        """Place the call of a fax that was taken with its channel, and see it through."""
        fax = taken.fax
        try:
            load = await self._ready(taken)
            if not isinstance(load, Load):
                await self._not_called(fax, load)
                return
            assert self._carrier is not None
            placed = self._carrier.call(load)
            await self._attempt(fax, placed.run, taken.seconds, placed.stop)
        finally:
            self._taken -= 1
            self._wake.set()

    async def _ready(self, taken: Taken) -> Load | NotPlaced | NotMade:
        """What the call is to carry; else what became of the fax meanwhile: a node that stops waits
        for no pages, and from here on there is a call to stop. Where the store does not say whether
        somebody stopped it, it is not dialled."""
        making = asyncio.ensure_future(load_of(self._parts, taken))
        ending = asyncio.ensure_future(self._stops.wait())
        try:
            await asyncio.wait([making, ending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            if not making.done():
                making.cancel()
                await asyncio.wait([making])
        try:
            now = await self.one(taken.fax.id)
        except JournalUnavailable:
            return NotPlaced(STORE)
        if now is not None and now.stop_by:
            return NotPlaced(CANCELLED)
        if self._closing or self._draining:
            return NotPlaced(STOPPING)
        return making.result()

    async def _not_called(self, fax: Fax, why: NotPlaced | NotMade) -> None:
        """Write that no call is placed for a fax that was taken, however often that takes: nobody
        else may judge it before its hold is over."""
        again = False
        while True:
            try:
                if again and not _as_taken(fax, await self.one(fax.id)):
                    return  # the write whose outcome was not known was made
                await self._step(fax, why, 0.0)
            except JournalUnavailable as error:
                log.warning("fax.end_not_written", fax=fax.id, error=type(error).__name__)
                await asyncio.sleep(WRITE_PAUSE_S)
                again = True
            else:
                return

    async def _attempt(
        self, fax: Fax, run: Run, seconds: float, stop: Callable[[str], None] | None
    ) -> Fax | None:
        attempt = Attempt(
            fax, partial(self._step, fax), self._parts.clock.monotonic, partial(self._seen, fax.id)
        )
        self._attempts[fax.id] = attempt
        try:
            return await attempt.through(run, seconds, stop)
        finally:
            del self._attempts[fax.id]

    async def _seen(self, fax: str) -> Fax | None:
        """A fax as it is, where a write of it may have been made that was not answered."""
        return self._keeper.people(await self.one(fax))

    async def _step(
        self,
        fax: Fax,
        event: Step,
        call_s: float | None = None,
        told: Mapping[str, Told] | None = None,
    ) -> Fax | None:
        def step(part: Transaction) -> Fax | None:
            return fax_jobs.step(part, fax.id, event, retry_s, call_s, **(told or {}))

        retry_s = self._parts.fax.retry_s
        now: Fax | None = await self._parts.run(step, judged(fax.id))
        return self._keeper.people(now, failed=isinstance(event, NotMade))

    def _sealed(self, target: Target) -> SealedCard:
        return _masked(self._parts.vault.seal_digits(target.number), target.masked)

    def _later(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        self._wake.set()
        error = None if task.cancelled() else task.exception()
        if isinstance(error, LeaseLost):
            self._parts.on_lost()
        elif error is not None:
            log.error("fax.failed", error=type(error).__name__)


def _as_taken(fax: Fax, now: Fax | None) -> bool:
    """Whether nothing became of it since this node took it: it may be taken again at once."""
    return now is not None and now.state in RUNNING and now.changed_at == fax.changed_at


def _masked(sealed: SealedCard, masked: str) -> SealedCard:
    return SealedCard(sealed.token, masked, sealed.key_id, sealed.ciphertext)
