"""The node's control socket: HTTP over `DATA/control.sock`, for this user and root only.

`GET /v1/status`, `GET /v1/lines`, `GET /v1/board`, `GET /v1/counts`, `GET /v1/host/trace` (lines of
JSON), `POST /v1/drain`. What else a node can be asked is added by `ControlPart`s, each in a module
of its own: acts on money, rights and releases, each with a staff token and a request id.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from telebank.calls.control.common import PEER, peer_uid
from telebank.calls.control.host_trace import TRACE, HostTrace, TraceSource, host_trace
from telebank.calls.node import VoiceNode
from telebank.sip.uri import host_port

MAX_BODY = 65_536
"""Largest request body, in bytes."""


class ControlPart(Protocol):
    """A family of paths of the control socket."""

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Paths below /v1/ and their handlers."""
        ...


_NODE: web.AppKey[VoiceNode] = web.AppKey("node", VoiceNode)


class ControlServer:
    """Serves one node; `close` removes the socket."""

    def __init__(
        self,
        node: VoiceNode,
        path: Path,
        trace: TraceSource | None = None,
        parts: Sequence[ControlPart] = (),
    ) -> None:
        self._path = path
        self._trace = HostTrace(trace)
        app = web.Application(client_max_size=MAX_BODY, middlewares=[_same_user])
        app[_NODE] = node
        app[TRACE] = self._trace
        app.add_routes(
            [
                web.get("/v1/status", _status),
                web.get("/v1/lines", _lines),
                web.get("/v1/board", _board),
                web.get("/v1/counts", _counts),
                web.get("/v1/host/trace", host_trace),
                web.post("/v1/drain", _drain),
            ]
        )
        for part in parts:
            app.add_routes(part.routes())
        self._runner = web.AppRunner(app, access_log=None)
        self._bound: int | None = None
        """Inode of our socket's path."""

    async def start(self) -> None:
        """Bind the socket with mode 0600."""
        self._path.unlink(missing_ok=True)
        await self._runner.setup()
        before = os.umask(0o177)
        try:
            await web.UnixSite(self._runner, str(self._path)).start()
        finally:
            os.umask(before)
        self._bound = _inode(self._path)

    async def close(self) -> None:
        """Stop serving."""
        self._trace.close()
        await self._runner.cleanup()
        if self._bound is not None and _inode(self._path) == self._bound:
            self._path.unlink()  # unless another process has the node, and the path, by now


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


@web.middleware
async def _same_user(request: web.Request, handler: Handler) -> web.StreamResponse:
    uid = peer_uid(request)
    if uid is None or uid not in (0, os.getuid()):
        raise web.HTTPForbidden(text="only the node's own user may use the control socket")
    request[PEER] = uid
    return await handler(request)


async def _status(request: web.Request) -> web.Response:
    node = request.app[_NODE]
    places = [str(place) for place in node.addresses]
    return _json({"sip": host_port(node.address), "places": places, "calls": len(node.lines())})


async def _lines(request: web.Request) -> web.Response:
    return _json(request.app[_NODE].lines())


async def _board(request: web.Request) -> web.Response:
    return _json(request.app[_NODE].board())


async def _counts(request: web.Request) -> web.Response:
    return _json(request.app[_NODE].counts())


async def _drain(request: web.Request) -> web.Response:
    node = request.app[_NODE]
    node.drain()
    return _json({"draining": True, "waits_for": node.waits_for()})


def _json(value: object) -> web.Response:
    return web.Response(text=json.dumps(value), content_type="application/json")
