"""Asks a node at its control socket (`DATA/control.sock`, HTTP), for commands and the console."""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

TIMEOUT_S = 30.0
"""Longest time for one answer, in seconds, unless a caller says otherwise."""
MAX_ANSWER = 4_000_000
"""Largest answer read, in bytes."""
BAD_REQUEST = HTTPStatus.BAD_REQUEST


class NodeAway(Exception):  # noqa: N818 - reads as what it is
    """No node runs there, it stops, or it is too busy; the words say which."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code
        """`busy`, `store`, …; `unreadable`: it answered, and not what can be read; empty where
        nothing answered."""


class Refused(Exception):  # noqa: N818 - reads as what it is
    """The node said no; the words say what to do."""

    def __init__(self, status: int, message: str, body: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.body = body
        self.code = str(body.get("code", ""))
        """Why, for programs: `expired`, `different_content`, `same_person`, …"""


def ask(
    socket: Path,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    token: str | None = None,
    *,
    address: str = "",
    timeout_s: float = TIMEOUT_S,
) -> dict[str, Any]:
    """Ask the node at `socket` and return the object it answers; not from a running event loop.

    `address`: for whom is asked, where that is somebody at another machine (RFC 7239, section 5.2).
    Raises `NodeAway` and `Refused`.
    """
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if address:
        headers["Forwarded"] = f'for="{f"[{address}]" if ":" in address else address}"'
    try:
        status, text = asyncio.run(_ask(socket, (method, path), body, headers, timeout_s))
    except aiohttp.ClientConnectorError as error:
        raise NodeAway(no_node(socket)) from error
    except TimeoutError as error:
        raise NodeAway(f"the node did not answer within {timeout_s:g} s", "timeout") from error
    except aiohttp.ClientError as error:
        raise NodeAway(f"the node went away: {type(error).__name__}") from error
    answer = _object(text)
    if status < BAD_REQUEST:
        if answer is None:
            raise NodeAway("the node's answer cannot be read: look what became of it", "unreadable")
        return answer
    answer = answer or {}
    message = str(answer.get("error") or text.strip() or f"the node answered {status}")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        raise NodeAway(message, str(answer.get("code", "")))
    raise Refused(status, message, answer)


def no_node(socket: Path) -> str:
    """What to say, and what to do, where nobody answers at a node's socket."""
    return (
        f"no node answers at {socket}: start one (`make run`, or `telebank serve`), or name the"
        " folder of one that runs: --data DATA"
    )


async def _ask(
    socket: Path,
    what: tuple[str, str],
    body: Mapping[str, Any] | None,
    headers: Mapping[str, str],
    timeout_s: float,
) -> tuple[int, str]:
    method, path = what
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    connector = aiohttp.UnixConnector(path=str(socket))
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        session.request(method, f"http://node{path}", json=body, headers=headers) as response,
    ):
        raw = await response.content.read(MAX_ANSWER)
        while raw and not response.content.at_eof() and len(raw) < MAX_ANSWER:
            raw += await response.content.read(MAX_ANSWER - len(raw))
        return response.status, raw.decode("utf-8", "replace")


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else {"items": value}
