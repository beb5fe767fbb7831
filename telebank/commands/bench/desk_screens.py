"""Screens of a console that is measured: event streams and pages as a browser asks for them."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import aiohttp
import msgspec

from telebank.agents.board import Board, CallRow, Changes, SeatRow
from telebank.console.login import COOKIE

MAX_EVENT: Final = 4_000_000
_BOARD: Final = msgspec.json.Decoder(Board | Changes)


@dataclass
class Seen:
    """Times in milliseconds."""

    events: list[float] = field(default_factory=list)
    """From a state's beginning at the node to its coming by a stream."""
    pages: list[float] = field(default_factory=list)
    """From asking for a page to the end of its answer."""
    acts: list[float] = field(default_factory=list)
    refused: int = 0
    """Acts that were not done."""
    failed: int = 0
    """Pages and streams that were not as they should be."""
    counting: bool = False


class Screen:
    """A browser with one login at one screen; `board` is what it shows."""

    def __init__(self, base: str, token: str, path: str, seen: Seen) -> None:
        self._base, self._path, self._seen = base, path, seen
        jar = aiohttp.CookieJar(unsafe=True)  # of an address, not of a name
        self._client = aiohttp.ClientSession(
            base, cookie_jar=jar, cookies={COOKIE: token}, read_bufsize=MAX_EVENT
        )
        self._csrf = self._stream = ""
        self._since: dict[str, str] = {}
        self._changed = asyncio.Event()
        self.guarded = asyncio.Event()
        """It may act."""
        self.seats: dict[str, SeatRow] = {}
        self.calls: dict[str, CallRow] = {}

    async def close(self) -> None:
        """Close the browser."""
        await self._client.close()

    async def watch(self) -> None:
        """Its stream, until it is cancelled; one that ends is opened anew."""
        while True:
            try:
                timeout = aiohttp.ClientTimeout(total=None, sock_read=30)
                async with self._client.get(f"{self._path}/events", timeout=timeout) as answer:
                    answer.raise_for_status()
                    await self._hear(answer.content)
            except (aiohttp.ClientError, TimeoutError):
                pass
            self._seen.failed += 1
            await asyncio.sleep(0.5)

    async def _hear(self, stream: aiohttp.StreamReader) -> None:
        kind = ""
        async for line in stream:
            if line.startswith(b"event: "):
                kind = line[7:].strip().decode()
            elif line.startswith(b"data: "):
                await self._event(kind, line[6:])

    async def _event(self, kind: str, data: bytes) -> None:
        if kind == "hello":
            hello = msgspec.json.decode(data)
            self._csrf, self._stream = hello["csrf"], hello["stream"]
            self.guarded.set()
        elif kind == "beat" and self._path == "/desk":
            async with self._client.post(
                f"/desk/here?stream={self._stream}", headers=self._guard
            ) as answer:
                self._seen.failed += answer.status >= 400  # noqa: PLR2004 - of HTTP
        elif kind == "board":
            self._take(_BOARD.decode(data), time.time())

    def _take(self, board: Board | Changes, now: float) -> None:
        if isinstance(board, Board):
            self.seats, self.calls = {}, {}
        else:
            for gone in board.gone:
                (self.seats if gone.kind == "SeatRow" else self.calls).pop(gone.key, None)
        for row in board.rows:
            if isinstance(row, SeatRow | CallRow):
                rows: dict[str, Any] = self.seats if isinstance(row, SeatRow) else self.calls
                rows[row.key] = row
                self._time(row, now, whole=isinstance(board, Board))
        self._changed.set()
        self._changed = asyncio.Event()

    def _time(self, row: SeatRow | CallRow, now: float, *, whole: bool) -> None:
        before, self._since[row.key] = self._since.get(row.key, ""), row.since
        if row.since > before and not whole and self._seen.counting:
            began = datetime.fromisoformat(row.since).timestamp()
            self._seen.events.append((now - began) * 1000)

    async def until(self, seat: str, *states: str) -> SeatRow:
        """Wait until that seat is in one of these states."""
        while (row := self.seats.get(seat)) is None or row.state not in states:
            await self._changed.wait()
        return row

    @property
    def _guard(self) -> dict[str, str]:
        return {"X-CSRFToken": self._csrf}

    async def page(self, path: str) -> None:
        """Ask for a page."""
        began = time.perf_counter()
        async with self._client.get(path) as answer:
            await answer.read()
        if self._seen.counting:
            self._seen.pages.append((time.perf_counter() - began) * 1000)
            self._seen.failed += answer.status != 200  # noqa: PLR2004 - of HTTP

    async def act(self, name: str, **body: object) -> bool:
        """Do it; False where it is not done."""
        asked = {"request_id": secrets.token_hex(8), **body}
        began = time.perf_counter()
        path = f"{self._path}/act/{name}"
        async with self._client.post(path, json=asked, headers=self._guard) as answer:
            await answer.read()
        if self._seen.counting:
            self._seen.acts.append((time.perf_counter() - began) * 1000)
            self._seen.refused += answer.status == 409  # noqa: PLR2004 - of HTTP
            self._seen.failed += answer.status not in (200, 409)
        return answer.status == 200  # noqa: PLR2004 - of HTTP
