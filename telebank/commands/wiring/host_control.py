"""Keys of the core host at a node: read again, and changed by two people.

`POST /v1/keys/reload`: see what `telebank keys` changed. The act `key.change` (telebank/staff)
gives the host a new key of ours; its object is the key's name. Neither tells or takes key material.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from aiohttp import web

from core_adapters.hsm.errors import SecurityModuleError
from core_adapters.iso8583.keys.change_types import KeyEvent
from transactions.approval import Actor, Detail

RELOAD = "/v1/keys/reload"
ACT = "key.change"


class KeyedHost(Protocol):
    """A host that shares keys with us."""

    @property
    def exchanged_keys(self) -> tuple[str, ...]:
        """Names that `rotate_key` takes."""
        ...

    async def rotate_key(self, name: str) -> KeyEvent:
        """Give the host a new key of this name."""
        ...

    async def reload_keys(self) -> None:
        """See what another process did; raises `SecurityModuleError`."""
        ...


class HostKeysPart:
    """The path; `host` is None where the host shares no keys (SQL)."""

    def __init__(self, host: KeyedHost | None) -> None:
        self._host = host

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart.routes`."""
        return [web.post(RELOAD, self._reload)]

    async def _reload(self, _request: web.Request) -> web.Response:
        if self._host is None:
            return _refused("this node's host shares no keys")
        try:
            await self._host.reload_keys()
        except SecurityModuleError as error:
            return _refused(str(error))
        return web.json_response({"reloaded": True})


def _refused(error: str) -> web.Response:
    return web.json_response({"error": error, "code": "keys"}, status=409)


class KeyChangeAct:
    """What `key.change` does, and whether it can be proposed."""

    def __init__(self, host: KeyedHost) -> None:
        self._host = host

    def complaint(self, of: str, detail: Detail) -> str | None:
        """What is wrong with a proposal; None where nothing is."""
        known = ", ".join(self._host.exchanged_keys) or "none"
        if of not in self._host.exchanged_keys:
            return f"{of!r} is not exchanged with this host; known are {known}"
        return "a key change has no detail" if detail else None

    async def work(self, of: str, _detail: Detail, _by: Actor) -> Mapping[str, Any]:
        """Change it. May be done twice: the second time makes one more new key."""
        try:
            return asdict(await self._host.rotate_key(of))
        except SecurityModuleError as error:
            return asdict(KeyEvent(of, "failed", "us", why=str(error)))
