"""When the channels of a worker report (RTCP): those that are due together, for warm caches.

A report costs more for being alone than for what it says; ten times a second is often enough for
what is due each five seconds. The ports of RTCP are read then too: the kernel notes when a datagram
came, so round-trip times are right all the same.
"""

import heapq
import itertools
import random
import select

from telebank.media.channel import Channel
from telebank.media.guard import Guard
from telebank.media.reports import interval

EVERY_S = 0.1
MOST = 64
"""Reports sent, and ports read, in one pass; the others' turn is the next tick."""


class Reporting:
    """`now` is monotonic seconds."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._due: list[tuple[float, int, Channel]] = []
        """A heap; channels that were closed leave it when their time comes."""
        self._orders = itertools.count()
        self._ports: dict[int, Channel] = {}
        self._poller = select.epoll()
        self._next = 0.0
        self._draw = random.Random()  # noqa: S311 - when to report

    def add(self, channel: Channel, now: float) -> None:
        """Report of it from now on."""
        descriptor = channel.control.descriptor
        if descriptor is not None:
            self._ports[descriptor] = channel
            self._poller.register(descriptor, select.EPOLLIN)
        due = now + interval(self._draw, first=True)
        heapq.heappush(self._due, (due, next(self._orders), channel))

    def remove(self, channel: Channel) -> None:
        """Before it is closed."""
        descriptor = channel.control.descriptor
        if descriptor is not None:
            self._poller.unregister(descriptor)
            del self._ports[descriptor]

    def look(self, now: float) -> None:
        """Once a tick: nothing, nine times out of ten and more."""
        if now < self._next:
            return
        for descriptor, _ in self._poller.poll(0, MOST):
            channel = self._ports[descriptor]
            self._guard.run(channel, channel.control_readable, now)
        for _ in range(MOST):
            if not self._due or self._due[0][0] > now:
                self._next = now + EVERY_S
                return
            _, order, channel = heapq.heappop(self._due)
            if not channel.closed:
                self._guard.run(channel, channel.report, now)
                due = now + interval(self._draw, first=False)
                heapq.heappush(self._due, (due, order, channel))
