"""The node's board by long polls over one connection of its control socket.

`telebank.ops.control_client` makes a connection and a loop for each question, which is right for
acts and too dear for forty screens that ask again with every change. Here asking and the answer
are apart, so that a thread may wait for the answer and for the browser at once.
"""

import re
import socket
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import msgspec

from telebank.agents.board import Board, Changes
from telebank.ops.control_client import MAX_ANSWER, NodeAway, no_node

READ_S: Final = 5.0
"""Longest time for an answer that has begun, in seconds."""
_BOOT, _AT = re.compile(r"[0-9A-Za-z._-]{1,64}"), re.compile(r"[0-9]{1,18}")
_ANSWER: Final = msgspec.json.Decoder(Board | Changes)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a screen has come: `Last-Event-ID`."""

    boot: str
    at: int

    @staticmethod
    def read(text: str) -> "Place | None":
        """From `boot:at`; None where it is none."""
        boot, _, at = text.rpartition(":")
        if not _BOOT.fullmatch(boot) or not _AT.fullmatch(at):
            return None
        return Place(boot, int(at))

    def __str__(self) -> str:
        return f"{self.boot}:{self.at}"


class LoginOver(Exception):  # noqa: N818 - reads as what it is
    """The node knows this login no more."""


class NotAllowed(Exception):  # noqa: N818 - reads as what it is
    """This login may not see the board."""


class _Connection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("node", timeout=READ_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class BoardLine:
    """`ask`, wait until `fileno` can be read, then `answer`. Raises `NodeAway`; after that `close`,
    and it can be asked again. Not `live`: asking keeps the login from idling out."""

    def __init__(self, path: Path, token: str, *, live: bool = True) -> None:
        self._path = path
        self._live = live
        self._headers = {"Authorization": f"Bearer {token}"}
        self._connection = _Connection(path)

    def ask(self, place: Place | None, wait_s: int) -> None:
        """What changed after that place, or the whole board; the node answers within `wait_s`.
        Never with `seat=1`: that a page is there it says itself (`Node.present`)."""
        query: dict[str, int | str] = {"wait": wait_s}
        if self._live:
            query["live"] = 1
        if place is not None:
            query |= {"after": place.at, "boot": place.boot}
        try:
            self._connection.request(
                "GET", f"/v1/desk/board?{urlencode(query)}", headers=self._headers
            )
        except (OSError, HTTPException) as error:
            raise NodeAway(no_node(self._path)) from error

    def fileno(self) -> int:
        """Of the connection; only between `ask` and `answer`."""
        sock: socket.socket = self._connection.sock
        return sock.fileno()

    def answer(self) -> Board | Changes:
        """Read it. Raises `LoginOver` and `NotAllowed` too."""
        try:
            response = self._connection.getresponse()
            raw = response.read(MAX_ANSWER)
        except (OSError, HTTPException) as error:
            raise NodeAway(f"the node went away: {type(error).__name__}") from error
        if response.status == HTTPStatus.UNAUTHORIZED:
            raise LoginOver
        if response.status == HTTPStatus.FORBIDDEN:
            raise NotAllowed
        if response.status != HTTPStatus.OK:
            raise NodeAway(f"the node answered {response.status}", "unreadable")
        try:
            board: Board | Changes = _ANSWER.decode(raw)
        except msgspec.DecodeError as error:
            raise NodeAway(f"the board cannot be read: {error}", "unreadable") from error
        return board

    def close(self) -> None:
        """End the connection; the next question makes a new one."""
        self._connection.close()
