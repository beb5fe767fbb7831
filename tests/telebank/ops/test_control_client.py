"""Asking a node: what it answers, that it says no, that it is away."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from telebank.ops import control_client
from telebank.ops.control_client import NodeAway, Refused, ask, fetch

OPEN = Path("/proc/self/fd")


async def answers(request: web.Request) -> web.Response:
    status = int(request.query["status"])
    if status == 418:
        return web.Response(text="words alone", status=status)
    if request.query.get("text"):
        return web.Response(text=request.query["text"] * int(request.query["times"]))
    told = {
        "for": request.headers.get("Forwarded", ""),
        "token": request.headers.get("Authorization", ""),
        "code": "why",
        "error": "what to do",
    }
    return web.json_response(told, status=status)


async def asked(socket: Path, status: int, query: str = "", **more: Any) -> object:
    app = web.Application()
    app.add_routes([web.get("/v1/x", answers)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    try:
        return await asyncio.to_thread(ask, socket, "GET", f"/v1/x?status={status}{query}", **more)
    finally:
        await runner.cleanup()


async def test_an_answer_and_who_asks(tmp_path: Path) -> None:
    told = await asked(tmp_path / "c.sock", 200, token="t0ken", address="2001:db8::1")
    assert told == {
        "for": 'for="[2001:db8::1]"',
        "token": "Bearer t0ken",
        "code": "why",
        "error": "what to do",
    }


@pytest.mark.parametrize("status", [400, 401, 403, 409])
async def test_no(tmp_path: Path, status: int) -> None:
    with pytest.raises(Refused, match="what to do") as refused:
        await asked(tmp_path / "c.sock", status)
    assert (refused.value.status, refused.value.code) == (status, "why")


async def test_a_refusal_without_json(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="words alone"):
        await asked(tmp_path / "c.sock", 418)


async def test_away(tmp_path: Path) -> None:
    with pytest.raises(NodeAway, match="what to do") as busy:
        await asked(tmp_path / "c.sock", 503)
    assert busy.value.code == "why"
    with pytest.raises(NodeAway, match="no node answers") as nobody:
        await asyncio.to_thread(ask, tmp_path / "none.sock", "GET", "/v1/x")
    assert nobody.value.code == ""


@pytest.mark.parametrize("query", ["&text=words&times=1", "&text=[1,&times=1200000"])
async def test_an_answer_that_cannot_be_read_leaves_it_open(tmp_path: Path, query: str) -> None:
    with pytest.raises(NodeAway, match="look what became of it") as away:
        await asked(tmp_path / "c.sock", 200, query)
    assert away.value.code == "unreadable"


def test_octets_of_nobody_leave_nothing_open(tmp_path: Path) -> None:
    before = len(list(OPEN.iterdir()))
    with pytest.raises(NodeAway, match="no node answers") as nobody:
        fetch(tmp_path / "none.sock", "/v1/x", {}, "t0ken")
    assert len(list(OPEN.iterdir())) == before, nobody  # which holds the connection


async def test_a_refusal_that_never_ends_has_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_client, "TIMEOUT_S", 1.0)

    async def drips(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=409)
        await response.prepare(request)
        for _ in range(1_000):  # sooner each than the time-out of a piece
            await response.write(b" ")
            await asyncio.sleep(0.1)
        return response

    app = web.Application()
    app.add_routes([web.post("/v1/x", drips)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    socket = tmp_path / "c.sock"
    await web.UnixSite(runner, str(socket)).start()
    try:
        with pytest.raises(NodeAway) as away:
            await asyncio.wait_for(asyncio.to_thread(fetch, socket, "/v1/x", {}, "t0ken"), 60)
        assert away.value.code == "timeout"
    finally:
        await runner.cleanup()
