"""Forty open screens at the real console: all are told, pages come meanwhile, and who goes away
leaves his place to another."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from support.console_process import console
from support.desk_place import DeskPlace, desk_place

SCREENS = 40
GONE_S = 5.0


async def stream(base: str, token: str) -> socket.socket:
    """An open one, with its answer begun."""
    host, _, port = base.removeprefix("http://").partition(":")

    def begin() -> socket.socket:
        browser = socket.create_connection((host, int(port)), 30)
        head = f"GET /floor/events HTTP/1.1\r\nHost: x\r\nCookie: telebank_staff={token}\r\n\r\n"
        browser.sendall(head.encode())
        return browser

    return await asyncio.to_thread(begin)


async def heard(browser: socket.socket, words: bytes) -> bytes:
    """What came until these words."""

    def read() -> bytes:
        told = b""
        while words not in told:
            part = browser.recv(65_536)
            assert part, told
            told += part
        return told

    return await asyncio.to_thread(read)


def tokens(place: DeskPlace) -> list[str]:
    """Of many logins of the supervisor."""
    sessions, wu = place.desk.house.desk.sessions, place.people["wu"]
    mine = sessions.find(wu.token, place.desk.house.desk._now(), act=False)
    assert mine is not None
    now = place.desk.house.desk._now()
    return [sessions.open("wu", mine.role, now, mine.changed_at) for _ in range(SCREENS + 1)]


async def test_forty_screens(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    settings = 'schema = 1\n[node]\ncontrol = "desk.sock"\n'
    (tmp_path / "config" / "telebank.toml").write_text(settings)
    desks = desk_place(tmp_path, sessions_each=SCREENS + 2)
    async with desks as place, contextlib.AsyncExitStack() as stack:
        served = console(tmp_path)
        base = await asyncio.to_thread(served.__enter__)
        stack.callback(served.__exit__, None, None, None)
        *logins, late = tokens(place)
        screens = [stack.enter_context(await stream(base, token)) for token in logins]
        for screen in screens:
            first = await heard(screen, b'"type":"Board"')
            assert b"text/event-stream" in first
            assert b"X-Accel-Buffering: no" in first
        full = stack.enter_context(await stream(base, late))
        assert b" 503 " in await heard(full, b"Retry-After")
        place.part.caller("c1")
        for screen in screens:
            assert b'"key":"c1"' in await heard(screen, b'"key":"c1"')
        assert (await asyncio.to_thread(httpx.get, f"{base}/livez")).text == "ok\n"
        screens[0].close()
        async with asyncio.timeout(GONE_S):
            while True:
                again = stack.enter_context(await stream(base, late))
                if b" 200 " in await heard(again, b"\r\n"):
                    break
                await asyncio.sleep(0.1)


async def test_a_desk_is_present_by_its_page_and_not_by_its_stream(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    settings = 'schema = 1\n[node]\ncontrol = "desk.sock"\n'
    (tmp_path / "config" / "telebank.toml").write_text(settings)
    async with desk_place(tmp_path) as place, contextlib.AsyncExitStack() as stack:
        served = console(tmp_path)
        base = await asyncio.to_thread(served.__enter__)
        stack.callback(served.__exit__, None, None, None)
        cookies = {"telebank_staff": place.people["li"].token}
        page = await stack.enter_async_context(httpx.AsyncClient(base_url=base, cookies=cookies))
        opened = page.stream("GET", "/desk/events", timeout=30)
        events = (await stack.enter_async_context(opened)).aiter_lines()
        hello = json.loads(await told(events, "hello"))
        await told(events, "board")
        place.part.caller("c1")
        await told(events, "board")
        assert place.part.seen == [], "the console said that a page is there which said nothing"
        headers = {"X-CSRFToken": hello["csrf"]}
        answer = await page.post(f"/desk/here?stream={hello['stream']}", headers=headers)
        assert answer.status_code == 204, answer.text
        assert place.part.seen == ["li"]


async def told(events: AsyncIterator[str], kind: str) -> str:
    """What the next event of this kind says."""
    named = ""
    async for line in events:
        if line.startswith("event: "):
            named = line.removeprefix("event: ")
        elif line.startswith("data: ") and named == kind:
            return line.removeprefix("data: ")
    raise AssertionError(f"the stream ended before {kind}")
