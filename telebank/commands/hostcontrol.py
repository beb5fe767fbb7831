"""Keys of the core host at a node's control socket.

`POST /v1/keys/reload`: read again what `telebank keys` changed. `POST /v1/keys/rotate` with
`{"name": "tb87.mak"}`: give the host a new key of ours. Neither tells or takes key material.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol

from aiohttp import web

from core_adapters.hsm.errors import SecurityModuleError
from core_adapters.iso8583.keychange_types import KeyEvent

RELOAD, ROTATE = "/v1/keys/reload", "/v1/keys/rotate"
MAX_NAME = 32


class KeyedHost(Protocol):
    """A host that shares keys with us."""

    async def rotate_key(self, name: str) -> KeyEvent:
        """Give the host a new key; raises `LookupError` where it is none that is exchanged."""
        ...

    async def reload_keys(self) -> None:
        """See what another process did; raises `SecurityModuleError`."""
        ...


class HostKeysPart:
    """The paths; `host` is None where the host shares no keys (SQL)."""

    def __init__(self, host: KeyedHost | None) -> None:
        self._host = host

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart.routes`."""
        return [web.post(RELOAD, self._reload), web.post(ROTATE, self._rotate)]

    async def _reload(self, _request: web.Request) -> web.Response:
        try:
            await self._need_host().reload_keys()
        except SecurityModuleError as error:
            return _said(409, {"error": str(error), "code": "keys"})
        return _said(200, {"reloaded": True})

    async def _rotate(self, request: web.Request) -> web.Response:
        host = self._need_host()
        try:
            name = str((await request.json())["name"])[:MAX_NAME]
        except (ValueError, KeyError, TypeError):
            return _said(400, {"error": 'write {"name": "tb87.mak"}'})
        try:
            event = await host.rotate_key(name)
        except LookupError as error:
            return _said(400, {"error": str(error.args[0])})
        except SecurityModuleError as error:
            return _said(409, {"error": str(error), "code": "keys"})
        changed = event.outcome == "changed"
        body = {**asdict(event), "error": "" if changed else event.why, "code": event.outcome}
        return _said(200 if changed else 409, body)

    def _need_host(self) -> KeyedHost:
        if self._host is None:
            raise web.HTTPConflict(
                text=json.dumps({"error": "this node's host shares no keys", "code": "keys"}),
                content_type="application/json",
            )
        return self._host


def _said(status: int, body: dict[str, Any]) -> web.Response:
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/json")
