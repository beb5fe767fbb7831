"""Asks a node at its control socket (`DATA/control.sock`, HTTP), for commands and the console."""

import contextlib
import json
import socket as sockets
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from pathlib import Path
from typing import Any

TIMEOUT_S = 30.0
"""Longest time for one answer, in seconds, unless a caller says otherwise."""
MAX_ANSWER = 4_000_000
"""Largest answer read, in bytes."""
PIECE = 65_536
"""Most octets in a piece of an answer that is no JSON."""
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
    """Ask the node at `socket` and return the object it answers; it waits, so on no event loop.

    `address`: for whom is asked, where that is somebody at another machine (RFC 7239, section 5.2).
    Raises `NodeAway` and `Refused`.
    """
    connection = _Connection(socket, timeout_s)
    try:
        status, text = connection.ask(method, path, body, _headers(token, address))
    except TimeoutError as error:
        raise NodeAway(f"the node did not answer within {timeout_s:g} s", "timeout") from error
    except (OSError, HTTPException) as error:
        raise NodeAway(f"the node went away: {type(error).__name__}") from error
    finally:
        connection.close()
    return _judged(status, text)


class Octets:
    """An answer that is no JSON, read piece by piece; `length` octets in all. `close` it."""

    def __init__(self, connection: "_Connection", response: HTTPResponse) -> None:
        self._connection = connection
        self._response = response
        self.length = response.length or 0
        self.kind = response.headers.get_content_type()

    def __iter__(self) -> Iterator[bytes]:
        """Raises `NodeAway` where they end too early."""
        left = self.length
        try:
            while left > 0 and (piece := self._response.read1(PIECE)):
                left -= len(piece)
                yield piece
        except (OSError, HTTPException) as error:
            raise NodeAway(f"the node went away: {type(error).__name__}") from error
        if left > 0:
            raise NodeAway("the node's answer ended too early", "unreadable")

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def fetch(
    socket: Path, path: str, body: Mapping[str, Any], token: str, *, address: str = ""
) -> Octets:
    """Ask for octets; raises as `ask`. No piece of them takes longer than `TIMEOUT_S`, nor does
    all of a refusal."""
    connection = _Connection(socket, TIMEOUT_S)
    with contextlib.ExitStack() as stack:
        stack.callback(connection.close)
        try:
            response = connection.say("POST", path, body, _headers(token, address))
            if response.status < BAD_REQUEST:
                stack.pop_all()  # whoever reads them closes it
                return Octets(connection, response)
            raw = connection.read(response)
        except TimeoutError as error:
            raise NodeAway(f"the node did not answer within {TIMEOUT_S:g} s", "timeout") from error
        except (OSError, HTTPException) as error:
            raise NodeAway(f"the node went away: {type(error).__name__}") from error
    _judged(response.status, raw)
    raise NodeAway("the node's answer cannot be read", "unreadable")


def _headers(token: str | None, address: str) -> dict[str, str]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if address:
        headers["Forwarded"] = f'for="{f"[{address}]" if ":" in address else address}"'
    return headers


def _judged(status: int, text: str) -> dict[str, Any]:
    """The object of an answer. Raises `NodeAway` and `Refused`."""
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


class _Connection(HTTPConnection):
    """For one question, at a Unix socket."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("node", timeout=timeout_s)
        self._path = path
        self._until = time.monotonic() + timeout_s

    def connect(self) -> None:
        """Raises `NodeAway`, and `TimeoutError`."""
        self.sock = sockets.socket(sockets.AF_UNIX)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except TimeoutError:
            raise
        except OSError as error:
            raise NodeAway(no_node(self._path)) from error

    def say(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> HTTPResponse:
        """The beginning of an answer; errors as `ask`."""
        sent, typed = None, dict(headers)
        if body is not None:
            sent, typed["Content-Type"] = json.dumps(body).encode(), "application/json"
        self.request(method, path, sent, typed)
        return self.getresponse()

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> tuple[int, str]:
        """Status and text, of which no more than `MAX_ANSWER` is read. Raises `OSError`, of which
        `TimeoutError` is one, and `HTTPException`."""
        response = self.say(method, path, body, headers)
        return response.status, self.read(response)

    def read(self, response: HTTPResponse) -> str:
        """Its text, before the connection's time is over; errors as `ask`."""
        raw = bytearray()
        while len(raw) < MAX_ANSWER:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if self.sock is not None:  # it is gone where the answer ends with the connection
                self.sock.settimeout(left)
            part = response.read1(MAX_ANSWER - len(raw))
            if not part:
                break
            raw += part
        if len(raw) < MAX_ANSWER and response.length:
            raise IncompleteRead(bytes(raw), response.length)
        return raw.decode("utf-8", "replace")


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else {"items": value}
