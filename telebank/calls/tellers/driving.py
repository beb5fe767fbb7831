"""The room of tellers, the innermost part: what it keeps, and how it drives the machine of queues
and seats with the loop's clock."""

import asyncio
from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from collections.abc import Coroutine
from itertools import count
from typing import Any

import structlog

from telebank.agents import commands, events
from telebank.agents.options import CentreOptions, QueueOptions
from telebank.calls.alarm import Alarm
from telebank.calls.services import CallServices
from telebank.calls.tellers.known import NoRecords, Records
from telebank.calls.tellers.line import Line
from telebank.calls.tellers.recordings import Recordings, Tapes
from telebank.calls.tellers.talk import Seat, Talk
from telebank.calls.tellers.values import Code, Keeper, Machine, OnChange, Phones
from transactions.clock import Clock
from transactions.journal import JournalEvent

SUPERVISOR = "supervisor"
"""The role of who acts at others' desks: nobody else may."""

log = structlog.get_logger("telebank.tellers")


class Driving(ABC):
    """Seats, callers and the machine. `_obey_one` of a class above carries a command out."""

    def __init__(
        self,
        machine: Machine,
        options: CentreOptions,
        clock: Clock,
        tapes: Tapes | None = None,
    ) -> None:
        """Without `tapes` nothing is recorded."""
        self._machine = machine
        self.options = options
        self._clock = clock
        self._queues: dict[str, QueueOptions] = {queue.name: queue for queue in options.queues}
        self._seats: dict[str, Seat] = {}
        self._talks: dict[str, Talk] = {}
        self._mixers = count(1)
        self._contacts = count(1)
        self._last_seat: OrderedDict[str, str] = OrderedDict()
        """By customer."""
        self._waiting: deque[events.Event] = deque()
        self._telling = self._stopped = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._shell: CallServices
        self._phones: Phones
        self._alarm: Alarm
        self.on_change: OnChange = lambda _kind, _key: None
        """Takes kind and key of a row of the board that changed or is gone."""
        self.records: Records = NoRecords()
        """What is said of customers, for their places in queues."""
        self._keeper: Keeper | None = None
        self._recordings = Recordings(tapes)

    def use(self, options: CentreOptions) -> list[str]:
        """Other options of the same queues; see `Machine.use`."""
        fixed = self._machine.use(options)
        if not fixed:
            self.options = options
            self._queues.update({queue.name: queue for queue in options.queues})
            for name in self._queues:
                self.on_change("QueueRow", name)
        return fixed

    def attach(self, shell: CallServices, phones: Phones) -> None:
        """The node is about to take calls."""
        self._shell, self._phones = shell, phones
        self._alarm = Alarm(lambda now: self._perform(self._machine.wake(now)))

    @property
    def keeper(self) -> Keeper | None:
        """Where contacts and recordings are kept; None: nowhere."""
        return self._keeper

    @keeper.setter
    def keeper(self, keeper: Keeper) -> None:
        self._keeper = self._recordings.keeper = keeper

    # -- the machine --------------------------------------------------------------------------

    def _stop(self) -> None:
        """Nobody is rung or moved any more, whatever happens."""
        self._stopped = True
        self._alarm.cancel()

    def _tell(self, event: events.Event) -> None:
        """Events that come of obeying a command wait until all commands are obeyed."""
        if self._stopped:
            return
        self._waiting.append(event)
        if self._telling:
            return
        self._telling = True
        try:
            while self._waiting:
                now = self._shell.endpoint.now()
                self._obey(self._machine.receive(self._waiting.popleft(), now))
        finally:
            self._telling = False
        self._alarm.set(self._machine.wake_at)

    def _perform(self, todo: list[commands.Command]) -> None:
        self._telling = True
        try:
            self._obey(todo)
        finally:
            self._telling = False
        if self._waiting:
            self._tell(self._waiting.popleft())
        self._alarm.set(self._machine.wake_at)

    def _obey(self, todo: list[commands.Command]) -> None:
        for command in todo:
            self._obey_one(command)

    @abstractmethod
    def _obey_one(self, command: commands.Command) -> None:
        """Carry a command out."""

    # -- small things -------------------------------------------------------------------------

    def _changed(self, talk: Talk) -> None:
        self.on_change("CallRow", talk.ref)

    def _note(
        self,
        kind: str,
        call: str = "",
        actor: str = "system",
        role: str = "teller",
        **detail: str | int | float | bool | None,
    ) -> None:
        """`role` of an actor who is not the system."""
        self._write(kind, call, actor, detail, role)

    def _write(
        self,
        kind: str,
        call: str,
        actor: str,
        detail: dict[str, str | int | float | bool | None],
        role: str = "system",
    ) -> None:
        role = "system" if actor == "system" else role
        self._shell.recorder.append(
            JournalEvent(kind, call=call or None, actor=actor, role=role, detail=detail)
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="teller")
        self._tasks.add(task)
        task.add_done_callback(self._spawned)

    def _spawned(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("tellers.failed", error=type(error).__name__)

    # -- who is where -------------------------------------------------------------------------

    def _own(self, seat: str) -> Talk | None:
        """The conversation whose teller he is."""
        talk = self._talk_of(seat)
        return talk if talk is not None and talk.conversation.teller == seat else None

    def _talk_of(self, seat: str) -> Talk | None:
        """The conversation that he has a part in."""
        return next((talk for talk in self._talks.values() if seat in talk.parts), None)

    def _rung(self, seat: str) -> Talk | None:
        """The caller for whom he is rung."""
        return next((talk for talk in self._talks.values() if talk.ringing == seat), None)

    def _called_for(self, seat: str) -> Talk | None:
        """Whom he has called, or is to talk with, and who is not there yet."""
        return next((talk for talk in self._talks.values() if talk.calling == seat), None)

    def _line_of(self, seat: str) -> Line | None:
        """His line in a conversation, also while it rings."""
        lines = (talk.lines.get(seat) for talk in self._talks.values())
        return next((line for line in lines if line is not None), None)

    def _seat_named(self, to: str) -> Seat | None:
        kind, _, name = to.partition(":")
        return self._seats.get(name) if kind == "seat" else None

    def _none(self, seat: str) -> Code:
        return "no_call" if seat in self._seats else "no_seat"
