"""`GET /v1/host/trace`: what passes between this node and its core host, as lines of JSON.

Few may watch at once; the adapter drops a watcher that reads too slowly, and tells him so.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from aiohttp import web

HEARTBEAT_S = 5.0
"""Seconds without a line after which an empty one shows whether the watcher is still there."""
WRITE_S = 2.0
"""Longest time that one line may take to be read before the watcher is left."""


class TraceWatcher(Protocol):
    """One watcher's lines."""

    def lines(self) -> AsyncIterator[bytes]:
        """Lines of JSON, until dropped or closed."""
        ...

    def close(self) -> None:
        """No further lines."""
        ...


class TraceSource(Protocol):
    """The adapter's tap."""

    def watch(self) -> TraceWatcher | None:
        """A new watcher; None where there are too many."""
        ...


TRACE: web.AppKey["HostTrace"] = web.AppKey("host_trace")


class HostTrace:
    """Open watchers of one control server."""

    def __init__(self, source: TraceSource | None) -> None:
        self._source = source
        self._open: set[TraceWatcher] = set()

    def close(self) -> None:
        """End every stream, so that stopping waits for none."""
        for watcher in tuple(self._open):
            watcher.close()

    def watch(self) -> TraceWatcher:
        """A watcher, or the HTTP error that says why not."""
        watcher = self._source.watch() if self._source is not None else None
        if watcher is None:
            text = "too many watch already" if self._source else "this node's host has no trace"
            raise web.HTTPServiceUnavailable(text=text)
        self._open.add(watcher)
        return watcher

    def left(self, watcher: TraceWatcher) -> None:
        """The watcher has gone."""
        watcher.close()
        self._open.discard(watcher)


async def host_trace(request: web.Request) -> web.StreamResponse:
    """Stream lines until the watcher goes, is dropped, or the node stops."""
    trace = request.app[TRACE]
    watcher = trace.watch()
    response = web.StreamResponse(headers={"Content-Type": "application/jsonl"})
    try:
        await response.prepare(request)
        async for line in _beating(watcher):
            async with asyncio.timeout(WRITE_S):
                await response.write(line)
    except (ConnectionError, TimeoutError):
        pass  # the watcher went, or does not read
    finally:
        trace.left(watcher)
    return response


async def _beating(watcher: TraceWatcher) -> AsyncIterator[bytes]:
    """The watcher's lines, and an empty one in every pause."""
    lines = aiter(watcher.lines())
    pending = asyncio.ensure_future(anext(lines, None))
    try:
        while True:
            done, _ = await asyncio.wait({pending}, timeout=HEARTBEAT_S)
            if not done:
                yield b"\n"
                continue
            line = pending.result()
            if line is None:
                return
            yield line
            pending = asyncio.ensure_future(anext(lines, None))
    finally:
        pending.cancel()
