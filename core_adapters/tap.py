"""A tap on an adapter: JSON lines for the few who watch, and no work at all while nobody does."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping

MAX_WATCHERS = 4
QUEUE_LINES = 1_000
"""Lines that one watcher may be behind; a slower one is dropped, and told so."""


class Watcher:
    """One watcher's lines. Iterate; it ends when it was too slow, or after `close`."""

    def __init__(self, tap: "Tap") -> None:
        self._tap = tap
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_LINES + 2)
        self._ended = False

    def put(self, line: bytes) -> None:
        """Take a line, or end with a word about it."""
        if self._ended:
            return
        if self._queue.qsize() >= QUEUE_LINES:
            self._queue.put_nowait(_line({"what": "dropped", "why": "this watcher is too slow"}))
            self.close()
            return
        self._queue.put_nowait(line)

    def close(self) -> None:
        """No further lines; what waits may still be read."""
        if not self._ended:
            self._ended = True
            self._queue.put_nowait(None)
            self._tap.forget(self)

    async def lines(self) -> AsyncIterator[bytes]:
        """Lines of JSON, each with its newline."""
        while (line := await self._queue.get()) is not None:
            yield line


class Tap:
    """What an adapter tells its watchers. One event loop, at most `MAX_WATCHERS`."""

    def __init__(self) -> None:
        self._watchers: list[Watcher] = []

    @property
    def wanted(self) -> bool:
        """Whether anybody watches; an adapter makes no lines while nobody does."""
        return bool(self._watchers)

    def put(self, event: Mapping[str, object]) -> None:
        """Tell every watcher. Never waits."""
        if self._watchers:
            line = _line(event)
            for watcher in tuple(self._watchers):
                watcher.put(line)

    def watch(self) -> Watcher | None:
        """A new watcher; None where there are too many already."""
        if len(self._watchers) >= MAX_WATCHERS:
            return None
        watcher = Watcher(self)
        self._watchers.append(watcher)
        return watcher

    def forget(self, watcher: Watcher) -> None:
        """The watcher has gone."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)


def _line(event: Mapping[str, object]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode() + b"\n"
