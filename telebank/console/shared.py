"""One result for many pages: the store and the node are asked no more often than it may be old."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """What `make` returned at most `seconds` ago. One thread asks, the others wait for its answer;
    what it raises is raised and not kept."""

    def __init__(
        self, make: Callable[[], T], seconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._now = now
        self._lock = threading.Lock()
        self._kept: tuple[float, T] | None = None

    def get(self, *, fresh: bool = False) -> T:
        """The result; `fresh`: made now, for everybody."""
        with self._lock:
            now = self._now()
            if fresh or self._kept is None or now - self._kept[0] >= self._seconds:
                self._kept = now, self._make()
            return self._kept[1]
