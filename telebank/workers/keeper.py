"""The node's side: keeps a child process up, and knows the channels that are open in it.

What was on the channels of one that died is told that they are lost; the next has none.
"""

import asyncio
import itertools
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from telebank.workers.child import Child, Program

MAX_UNANSWERED = 3
"""A process that leaves this many `Open` in a row without answer is killed and replaced."""
STALL_S = 1.0
"""A silence that is noticed so much later than it was over, in seconds, was the whole machine's."""
RESTART_PAUSES_S = (0.0, 0.2, 0.5, 1.0, 5.0)
"""Seconds before the n-th start in a row of a process that never got as far as `Hello`."""

Heard = TypeVar("Heard")
Opened = TypeVar("Opened", bound=msgspec.Struct)
Refused = TypeVar("Refused")
Event = TypeVar("Event")

_log = logging.getLogger(__name__)


class Keeper(ABC, Generic[Heard, Opened, Refused, Event]):
    """One process after another, and the channels of the one that is up.

    A channel is what the process serves by a number of the node's: a leg's media, a fax line.
    """

    def __init__(
        self,
        program: Program[Heard],
        opened: type[Opened],
        open_timeout_s: float,
        silent_s: float,
    ) -> None:
        """`opened`: the answer to an `Open` that was granted. `open_timeout_s`: seconds to wait
        for an answer, and for the end of a process told to go. `silent_s`: seconds without a word
        after which a process is given up; it says something three times as often."""
        self._program = program
        self._opened = opened
        self._open_timeout_s = open_timeout_s
        self._silent_s = silent_s
        self._child: Child[Heard] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._opening: dict[int, asyncio.Future[Opened | Refused]] = {}
        self._listeners: dict[int, Callable[[Event], None]] = {}
        self._unanswered = 0
        self._heard_at = 0.0
        """When it said something last, by the loop's clock."""
        self.ready = False
        """Whether a process is up."""
        self.missing = ""
        """What this machine lacks, so that no process will ever be up; empty when nothing."""

    @property
    def pid(self) -> int:
        """Process id, 0 while none runs."""
        return self._child.pid if self._child is not None else 0

    @property
    def load(self) -> int:
        """Channels open or opening."""
        return len(self._listeners)

    # -- what is kept -------------------------------------------------------------------------

    @abstractmethod
    def _deliver(self, message: Heard) -> None:
        """What the process said: for `_greet`, `_answer`, `_tell`, or one's own."""

    @abstractmethod
    def _refused(self, number: int, reason: str) -> Refused:
        """The answer to an `Open` to which the process gives none."""

    @abstractmethod
    def _lost(self, number: int) -> Event:
        """The event of a channel whose process is gone."""

    @abstractmethod
    def _close_order(self, number: int) -> msgspec.Struct:
        """The message that closes a channel."""

    def _prepare(self) -> None:
        """A process is up: tell it what it must know before any channel."""

    # -- life ---------------------------------------------------------------------------------

    async def _start(self) -> str:
        """Start a process; why none is up, or empty. See `_keep`."""
        self.missing = ""
        self._child = Child(self._program, self._take, self._lose)
        why = await self._child.launch()
        if self.missing:
            await self._child.bury()
            return self.missing
        if not why:
            self._prepare()
            self.ready = not self._child.gone.done()
        return why

    def _keep(self) -> None:
        """From now on a task starts the next process whenever one is gone."""
        self._keeping = asyncio.create_task(self._replace(), name=f"{self._program.name} keeper")

    async def close(self) -> None:
        """Ask the process to go, wait, then kill it. Channels that are open are told their end,
        or that they are lost."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        if self._child is not None:
            await self._child.shut_down(self._open_timeout_s)

    async def _replace(self) -> None:
        while not self.missing:
            assert self._child is not None
            await self._until_gone(self._child)
            _log.error("%s is gone; starting another", self._child)
            await self._child.bury()
            for attempt in itertools.count():
                await asyncio.sleep(RESTART_PAUSES_S[min(attempt, len(RESTART_PAUSES_S) - 1)])
                if why := await self._start():
                    _log.error("%s", why)
                if not why or self.missing:
                    break

    async def _until_gone(self, child: Child[Heard]) -> None:
        """Until the process is gone, or has been silent for too long and is given up."""
        now = asyncio.get_running_loop().time
        self._heard_at = now()
        while not child.gone.done():
            until = self._heard_at + self._silent_s
            await asyncio.wait([child.gone], timeout=until - now())
            if now() > until + STALL_S:  # and it may say something in a moment
                self._heard_at = max(self._heard_at, now())
            elif now() >= self._heard_at + self._silent_s and not child.gone.done():
                child.give_up(f"has said nothing for {self._silent_s:g} s")

    def _lose(self) -> None:
        """The process is gone, and with it every channel."""
        self.ready = False
        self._unanswered = 0
        listeners, self._listeners = self._listeners, {}
        for number, answer in self._opening.items():
            listeners.pop(number, None)  # told by the answer
            if not answer.done():
                answer.set_result(self._refused(number, f"the {self._program.name} died"))
        self._opening.clear()
        for number, on_event in listeners.items():
            asyncio.get_running_loop().call_soon(on_event, self._lost(number))

    # -- channels -----------------------------------------------------------------------------

    def send(self, message: msgspec.Struct) -> None:
        """Send to the process that is up; nothing happens while none is."""
        if self._child is not None:
            self._child.send(message)

    async def _open(
        self, number: int, order: msgspec.Struct, on_event: Callable[[Event], None]
    ) -> Opened | Refused:
        """Open a channel; a process that says nothing in time counts as refusing."""
        answer: asyncio.Future[Opened | Refused] = asyncio.get_running_loop().create_future()
        self._opening[number] = answer
        self._listeners[number] = on_event
        self.send(order)
        result: Opened | Refused | None = None
        try:
            result = await self._answered(answer, number)
        finally:
            if not isinstance(result, self._opened):  # or the caller of this was cancelled
                self._opening.pop(number, None)
                self._listeners.pop(number, None)
                self.send(self._close_order(number))
        return result

    async def _answered(
        self, answer: asyncio.Future[Opened | Refused], number: int
    ) -> Opened | Refused:
        await asyncio.wait([answer], timeout=self._open_timeout_s)
        if answer.done():
            self._unanswered = 0
            return answer.result()
        self._unanswered += 1
        if self._unanswered >= MAX_UNANSWERED and self._child is not None:
            self._child.give_up("does not answer")
        return self._refused(number, f"the {self._program.name} does not answer")

    # -- what it says -------------------------------------------------------------------------

    def _take(self, message: Heard) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        self._deliver(message)

    def _greet(self, version: int, missing: str = "") -> None:
        """Its `Hello`."""
        if self._child is not None and self._child.greet(version):
            self.missing = missing

    def _answer(self, number: int, answer: Opened | Refused) -> None:
        """The answer to an `Open`."""
        opening = self._opening.pop(number, None)
        if opening is not None and not opening.done():
            opening.set_result(answer)

    def _tell(self, number: int, event: Event, last: bool = False) -> None:
        """An event of a channel; after the `last` there is no channel."""
        listener = self._listeners.pop(number, None) if last else self._listeners.get(number)
        if listener is not None:
            listener(event)
