"""One fax through one call, each step durable before the next one counts.

The call says how far it is; this writes it down. Above all SENDING is written before a page can
have arrived whole: where that takes too long, or somebody else has the fax by now, the call is
ended. What the call says at its end is the job's to judge (`fax.job`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from fax.job import (
    RUNNING,
    Answered,
    Began,
    CallEnded,
    Event,
    IllegalMove,
    Lost,
    PagesConfirmed,
    State,
)
from telebank.calls.faxes import values
from telebank.calls.faxes.values import FaxOutcome, Progress
from telebank.faxing.client import Negotiated, PageConfirmed
from telebank.store.customer_events import Told
from telebank.store.fax_jobs import NotMade, NotPlaced
from telebank.store.fax_rows import Fax
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.faxes")

BEGAN_S = 1.5
"""Seconds from CFR in which SENDING must be durable: training, the shortest page and the frame
behind it that makes it one (its preamble alone is a second, T.30 5.3.1) take longer."""
WRITE_PAUSE_S = 1.0
"""Seconds between two tries to write how a call ended."""
OVER_S = 30.0
"""Seconds beyond its watchdog after which a call that does not end is let go: before its hold is
over."""
STOP_S = 10.0
"""Seconds that a cancelled call has to say how far it came."""
STORE = "store_unavailable"
NOT_HELD = "not_held"

CONTRADICTION = "contradiction"

Run = Callable[[Callable[[Progress], None]], Awaitable[FaxOutcome]]


class Step(Protocol):
    """Makes one move of the job durable; None where this node does not hold it any more."""

    def __call__(
        self,
        event: Event | NotPlaced | NotMade,
        call_s: float | None = None,
        told: Mapping[str, Told] | None = None,
    ) -> Awaitable[Fax | None]:
        """See `telebank.store.fax_jobs.step`."""
        ...


@dataclass
class Attempt:
    """`through` does it, once; `stop` ends it early."""

    fax: Fax
    step: Step
    now: Callable[[], float]
    """Monotonic seconds."""
    read: Callable[[], Awaitable[Fax | None]]
    """The fax as the store has it."""
    _stop: Callable[[str], None] | None = field(default=None, init=False)
    _work: "asyncio.Task[FaxOutcome] | None" = field(default=None, init=False)
    _held: bool = field(default=True, init=False)
    _agreed: bool = field(default=False, init=False)
    """Pages were agreed on: from here on they may come out."""
    _why: str = field(default="", init=False)
    """Why we ended it, where we did."""

    async def through(
        self, run: Run, seconds: float, stop: Callable[[str], None] | None = None
    ) -> Fax | None:
        """Let the call run, at most `seconds` and a little; `stop` asks it to end and to say how
        far it came. The job as it is then; None where it is another's."""
        began = self.now()
        said = _Said()
        self._stop = stop
        self._work = work = asyncio.ensure_future(run(said.say))
        following = asyncio.create_task(self._follow(said), name=f"fax {self.fax.id} steps")
        try:
            await asyncio.wait(
                [work, following], timeout=seconds + OVER_S, return_when=asyncio.FIRST_COMPLETED
            )
            if not work.done():
                await self.stop(CONTRADICTION if following.done() else values.TOO_LONG)
        finally:
            work.cancel()
            said.over()
        await asyncio.wait([following])
        if (error := following.exception()) is not None:
            log.error("fax.not_followed", fax=self.fax.id, error=type(error).__name__)
        return await self._end(work, self.now() - began)

    async def stop(self, reason: str) -> None:
        """End the call; what was confirmed counts."""
        work = self._work
        if work is None or work.done():
            return
        self._why = self._why or reason
        if self._stop is not None:
            self._stop(reason)
            await asyncio.wait([work], timeout=STOP_S)
        if not work.done():
            work.cancel()
            await asyncio.wait([work])

    # -- while it runs --------------------------------------------------------------------------

    async def _follow(self, said: "_Said") -> None:
        while (one := await said.queue.get()) is not None:
            at, progress = one
            self._agreed = self._agreed or isinstance(progress, Negotiated)
            event = self._event(progress)
            if event is not None and self._held:
                await self._write(event, progress, at + BEGAN_S)

    def _event(self, progress: Progress) -> Event | None:
        state = self.fax.state
        match progress:
            case values.Answered() if state is State.DIALLING:
                return Answered()
            case Negotiated() if state is State.NEGOTIATING:
                return Began()
            case PageConfirmed(pages=pages):
                return PagesConfirmed(pages)
            case _:
                return None

    async def _write(self, event: Event, progress: Progress, until: float) -> None:
        """Write a step down; where that cannot be until then (of the loop's clock), the call must
        not go on."""
        told: dict[str, Told] = {}
        if isinstance(progress, Negotiated):
            told = {"rate": progress.rate, "ecm": progress.ecm, "coding": progress.compression}
        try:
            async with asyncio.timeout_at(until):
                fax = await self.step(event, None, told)
        except (TimeoutError, JournalUnavailable) as error:
            log.warning("fax.not_written", fax=self.fax.id, error=type(error).__name__)
            self._end_soon(STORE)
            return
        except IllegalMove as error:
            log.error("fax.contradiction", fax=self.fax.id, error=str(error))
            self._end_soon(CONTRADICTION)
            return
        except LeaseLost:
            fax = None
        if fax is None:
            self._held = False
            self._end_soon(NOT_HELD)
            return
        self.fax = fax

    def _end_soon(self, reason: str) -> None:
        self._why = self._why or reason
        if self._stop is not None:
            self._stop(reason)
        elif self._work is not None:
            self._work.cancel()

    # -- its end --------------------------------------------------------------------------------

    async def _end(self, work: "asyncio.Task[FaxOutcome]", call_s: float) -> Fax | None:
        if not self._held:
            return None
        outcome, event = _account(work, self.fax, self._why)
        told: dict[str, Told] = {"seconds": round(call_s, 1)}
        if outcome is not None:
            told |= {"rate": outcome.rate, "over": outcome.over}
        again = False
        while True:
            try:
                if again and not self._runs(found := await self.read()):
                    return found  # the write whose outcome was not known was made
                return await self._last(event, call_s, told)
            except JournalUnavailable as error:
                log.warning("fax.end_not_written", fax=self.fax.id, error=type(error).__name__)
                await asyncio.sleep(WRITE_PAUSE_S)
                again = True
            except LeaseLost:
                return None

    def _runs(self, found: Fax | None) -> bool:
        """Whether this call is not over yet, by the store."""
        if found is None:
            return False
        return found.state in RUNNING and found.life.attempt == self.fax.life.attempt

    async def _last(
        self, event: Event | NotPlaced | NotMade, call_s: float, told: dict[str, Told]
    ) -> Fax | None:
        """The call's own account, after the steps it did not say by itself. What contradicts what
        was written before is not believed: a person looks."""
        if _sent(event, self._agreed):
            for missing in _missing(self.fax.state):
                with suppress(IllegalMove):  # a write that was late was made after all
                    await self.step(missing)
        try:
            return await self.step(event, call_s, told)
        except IllegalMove as error:
            log.error("fax.contradiction", fax=self.fax.id, error=str(error))
            return await self.step(Lost(CONTRADICTION), call_s, told)


class _Said:
    """What a call said, each with when (of the loop's clock): a step is late from then, however
    many wait before it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[float, Progress] | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def say(self, progress: Progress) -> None:
        self.queue.put_nowait((self._loop.time(), progress))

    def over(self) -> None:
        self.queue.put_nowait(None)


def _sent(event: Event | NotPlaced | NotMade, agreed: bool) -> bool:
    """Whether a page may have come out, by how the call ended."""
    match event:
        case CallEnded():
            return event.pages > 0 or event.result in ("sent", "unconfirmed")
        case _:
            return agreed


def _missing(state: State) -> list[Event]:
    steps: list[Event] = [Answered(), Began()]
    return {State.DIALLING: steps, State.NEGOTIATING: steps[1:]}.get(state, [])


def _account(
    work: "asyncio.Task[FaxOutcome]", fax: Fax, why: str
) -> tuple[FaxOutcome | None, Event | NotPlaced | NotMade]:
    """How the call ended. Where its last words are lost, a page may be on paper that nobody
    confirmed, whatever we ended it for; where the call said nothing at all, all of them are. One
    that was never placed was no try where we stopped it; else nothing could place it."""
    if work.cancelled():
        return None, Lost(why or values.TOO_LONG)
    error = work.exception()
    if error is not None:
        log.error("fax.failed", fax=fax.id, error=type(error).__name__)
        return None, Lost(f"failed: {type(error).__name__}")
    outcome = work.result()
    if not outcome.placed:
        return outcome, NotPlaced(why) if why else NotMade(outcome.reason, outcome.again)
    result = "unconfirmed" if outcome.lost else outcome.result
    return outcome, CallEnded(result, outcome.pages, outcome.reason, outcome.again)
