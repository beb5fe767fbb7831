"""What waits on the sockets of a worker's channels, read between two ticks.

A channel reads what is not just what was expected (`Express`) itself, at twenty times the price. So
as much is read as there is time for, in the order in which it came: whatever is sent to some ports,
ticks are kept, and nobody's turn is another's.
"""

import select
import time
from collections.abc import Callable

READY_AT_ONCE = 512
"""Sockets looked at between two ticks; the others' turn is five milliseconds later."""
READ_ANYHOW = 64
"""So many channels read, however late it is."""

Usual = Callable[[float], None]
"""Reads what waits on a channel's socket; given the time."""


class Reading:
    """The sockets of a worker's channels, by descriptor."""

    def __init__(self) -> None:
        self._usual: dict[int, Usual] = {}
        self._poller = select.epoll()
        self._unread: dict[int, None] = {}
        """Those that are ready and were not read yet, oldest first."""

    def add(self, descriptor: int, usual: Usual) -> None:
        """A channel has a socket."""
        self._usual[descriptor] = usual
        self._poller.register(descriptor, select.EPOLLIN)

    def remove(self, descriptor: int) -> None:
        """Before it is closed."""
        self._poller.unregister(descriptor)
        del self._usual[descriptor]
        self._unread.pop(descriptor, None)

    def poll(self, descriptor: int, wanted: bool) -> None:
        """Look at a socket, or no more; nothing happens once it is removed."""
        if descriptor in self._usual:
            self._poller.modify(descriptor, select.EPOLLIN if wanted else 0)

    def read(self, until: float) -> None:
        """Read what waits, until then, in monotonic seconds."""
        ready = self._poller.poll(0, READY_AT_ONCE)
        now = time.monotonic()
        self._unread.update(dict.fromkeys(descriptor for descriptor, _ in ready))
        for count, descriptor in enumerate(list(self._unread)):
            if count >= READ_ANYHOW and time.monotonic() >= until:
                return
            del self._unread[descriptor]
            self._usual[descriptor](now)
