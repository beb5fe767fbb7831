"""The child's side: what its process is given, and a loop of ticks, chores and orders."""

import gc
import logging
import os
import resource
import select
import signal
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypedDict, TypeVar

import msgspec

from telebank.workers.link import Link
from telebank.workers.ticker import FRAME_SECONDS, Ticker

Order = TypeVar("Order")

_log = logging.getLogger(__name__)


class Figures(TypedDict):
    """What a process tells of itself, by the names its message has for them."""

    cpu_seconds: float
    ticks: int
    tick_late_p99_ms: float
    """From due to done."""
    rss_mb: float
    """Its share of memory (PSS)."""


@dataclass(slots=True)
class _Chore:
    every: float
    do: Callable[[float], None]
    at: float


class Service(ABC, Generic[Order]):
    """The loop of one process. Runs until it is told to end, or `LinkGone` is raised."""

    def __init__(self, link: Link[Order], ticker: Ticker, report_s: float) -> None:
        """`report_s`: seconds between two reports of the figures."""
        self._link = link
        self._ticker = ticker
        self._ticking = False
        self._stopping = False
        self._dropped = 0
        """Messages left out, as last logged."""
        self._chores: list[_Chore] = []
        self._each(report_s, self._tidy)

    # -- what a service is --------------------------------------------------------------------

    @abstractmethod
    def _is_busy(self) -> bool:
        """Whether ticks are wanted."""

    @abstractmethod
    def _tick(self, now: float) -> None:
        """The tick that is due."""

    @abstractmethod
    def _leave_out(self, frames: int) -> None:
        """So many frames are never sent nor heard."""

    @abstractmethod
    def _carry_out(self, order: Order) -> None:
        """What the node asks. `ValueError` refuses it."""

    @abstractmethod
    def _stats(self, figures: Figures) -> msgspec.Struct:
        """The message that tells them."""

    # -- the loop -----------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until told to stop."""
        while not self._stopping:
            self._pass(time.monotonic())
            now = time.monotonic()
            for chore in self._chores:
                if now >= chore.at:
                    chore.at = now + chore.every
                    chore.do(now)
            self._wait(now)
        self._link.drain()

    def _each(self, seconds: float, do: Callable[[float], None]) -> None:
        """Do it each so many seconds, beginning so many from now; it is given the time."""
        self._chores.append(_Chore(seconds, do, time.monotonic() + seconds))

    def _pass(self, now: float) -> None:
        """The next tick, if it is due. Ticks begin anew when there is work again."""
        busy = self._is_busy()
        if busy and not self._ticking:
            self._ticker.restart(now)
        self._ticking = busy
        if busy and now >= self._ticker.due:
            skipped = self._ticker.skip(now)
            if skipped:
                _log.warning("stopped for %.2f s: frames were left out", skipped * FRAME_SECONDS)
                self._leave_out(skipped)
            self._tick(now)

    def _wait(self, now: float) -> None:
        """Until something is due or the node says something."""
        due = min(chore.at for chore in self._chores)
        if self._ticking:
            due = min(due, self._ticker.due)
        writes = [self._link.endpoint] if self._link.waiting else []
        reads = [self._link.endpoint]
        readable, writable, _ = select.select(reads, writes, [], max(0.0, due - now))
        if writable:
            self._link.flush()
        if readable:
            self._obey()

    def _obey(self) -> None:
        """Orders that came, one at least; those left when a tick is due wait until it is done."""
        try:
            for order in self._link.receive():
                self._carry_out(order)
                if self._ticking and time.monotonic() >= self._ticker.due:
                    return
        except (msgspec.DecodeError, ValueError) as error:
            _log.error("a message of the node was refused: %s", error)

    def _stop(self) -> None:
        """Leave the loop, with last figures."""
        self._report()
        self._stopping = True

    def _tidy(self, _: float) -> None:
        self._report()
        gc.collect()

    def _report(self) -> None:
        figures = Figures(
            cpu_seconds=time.process_time(),
            ticks=self._ticker.ticks,
            tick_late_p99_ms=self._ticker.late_p99() * 1_000,
            rss_mb=_proportional_set_mb(),
        )
        self._link.offer(self._stats(figures))
        if self._link.dropped > self._dropped:
            self._dropped = self._link.dropped
            _log.warning("the node does not read: %d messages were left out", self._dropped)


def inherited(descriptor: int) -> socket.socket:
    """The socket to the node, under a low number, as select() needs."""
    endpoint = socket.socket(fileno=os.dup(descriptor))
    os.close(descriptor)
    return endpoint


def prepare_process() -> None:
    """No core dumps (callers' secrets are in memory), and every descriptor we may have."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the node's business
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def real_time(priority: int) -> None:
    """SCHED_FIFO, where that is allowed."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))


def _proportional_set_mb() -> float:
    """This process's share of memory (PSS) in megabytes; 0 where the kernel does not tell."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    for line in lines:
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1_024
    return 0.0
