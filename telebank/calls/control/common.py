"""What the parts of the control socket share: bodies in, JSON out, refusals, who asks."""

import json
import os
import pwd
import re
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
from aiohttp import web

PEER: web.RequestKey[int] = web.RequestKey("peer_uid", int)
"""User id of the process at the other end of a request."""
MAX_NOTE = 255
MAX_DETAIL = 16
_FOR = re.compile(r'for="\[?([0-9A-Fa-f.:]{2,45})\]?"')
T = TypeVar("T")

RequestId = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{8,64}$")]
Note = Annotated[str, msgspec.Meta(max_length=MAX_NOTE)]
Name = Annotated[str, msgspec.Meta(max_length=64)]
Password = Annotated[str, msgspec.Meta(max_length=256)]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that can be given again: HTTP status and JSON object."""

    status: int
    body: Mapping[str, Any]

    def response(self) -> web.Response:
        """As aiohttp sends it."""
        return web.json_response(self.body, status=self.status)


def refused(status: int, code: str, error: str, **more: object) -> Reply:
    """No, with why for programs and what to do for people."""
    return Reply(status, {"code": code, "error": error, **more})


def stop(status: int, code: str, error: str) -> NoReturn:
    """End a handler with a refusal."""
    text = json.dumps({"code": code, "error": error})
    failures: Mapping[int, type[web.HTTPException]] = {
        400: web.HTTPBadRequest,
        401: web.HTTPUnauthorized,
        403: web.HTTPForbidden,
        404: web.HTTPNotFound,
        503: web.HTTPServiceUnavailable,
    }
    raise failures[status](text=text, content_type="application/json")


async def read_body(request: web.Request, kind: type[T]) -> T:
    """The checked body; 400 says which part of it is wrong, never its value."""
    raw = await request.read()
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        stop(400, "bad_request", f"the body cannot be used: {error}")
    except msgspec.DecodeError:
        stop(400, "bad_request", "the body is not JSON")


def peer_uid(request: web.Request) -> int | None:
    """User id of the process at the other end (SO_PEERCRED, unix(7))."""
    transport = request.transport
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None:
        return None
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def os_user(request: web.Request) -> str:
    """The other end's user of this machine: `os:wang`."""
    uid = request.get(PEER, os.getuid())
    try:
        return f"os:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"os:{uid}"


def origin(request: web.Request) -> str:
    """Where an act came from: the browser that the console says (RFC 7239, section 5.2), or the
    user of this machine. Only the node's own user and root get this far, so it can be believed."""
    said = _FOR.fullmatch(request.headers.get("Forwarded", ""))
    try:
        return f"console {ip_address(said[1])}" if said else f"control {os_user(request)}"
    except ValueError:
        return f"control {os_user(request)}"


def as_json(value: object) -> Any:
    """A time for JSON, or the value."""
    return value.isoformat() if isinstance(value, datetime) else value
