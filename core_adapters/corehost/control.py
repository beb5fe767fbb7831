"""Commands to a running host: one line of JSON in, one out, over a socket in its folder.

A socket, because a command wants an answer (which date it is now, that a gateway refused a key),
which neither a signal nor a file that is read again can give; and because the folder's owner is the
only one who can open it.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

SOCKET = "control.sock"
MAX_LINE = 4096
"""Longest command or answer, bytes."""
MAX_PATH = 100
"""Longest path of a UNIX socket (sockaddr_un has 108 bytes)."""
READ_S = 5.0
"""Seconds in which a command must have come."""
ANSWER_S = 30.0
"""Seconds for which `ask` waits."""

Act = Callable[[Mapping[str, str]], Awaitable[Mapping[str, Any]]]

log = structlog.get_logger("corehost.control")


class ControlError(Exception):
    """The command was not carried out; says why."""


class NotRunning(Exception):  # noqa: N818 - reads as what it is
    """No host runs on that folder."""


class ControlSocket:
    """Carries out acts by name, one command a connection."""

    def __init__(self, folder: Path, acts: Mapping[str, Act]) -> None:
        self._path = folder / SOCKET
        self._acts = acts
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; raises `ControlError` where the folder's path is too long."""
        if len(str(self._path)) > MAX_PATH:
            raise ControlError(f"{self._path}: more than {MAX_PATH} characters; a shorter --data")
        # The folder's lock is ours, so what lies here is a dead host's.
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(
            self._serve, self._path, limit=MAX_LINE, backlog=4
        )
        self._path.chmod(0o600)

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(READ_S):
                line = await reader.readline()
            answer = await self._answer(line)
            writer.write(json.dumps(answer).encode() + b"\n")
            async with asyncio.timeout(READ_S):
                await writer.drain()
        except (TimeoutError, OSError, ValueError) as error:
            log.warning("command_lost", why=type(error).__name__)
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            words = json.loads(line)
            act = self._acts[words["do"]]
        except (ValueError, KeyError, TypeError):
            return {"error": f"a command is JSON with do = {' | '.join(self._acts)}"}
        try:
            return await act({str(k): str(v) for k, v in words.items()})
        except ControlError as error:
            return {"error": str(error)}


def ask(folder: Path, words: Mapping[str, str]) -> dict[str, Any]:
    """Have a running host do something. Raises `NotRunning`, or `ControlError` where it says no."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(ANSWER_S)
        try:
            line.connect(str(folder / SOCKET))
        except OSError as error:
            raise NotRunning(f"no core host runs on {folder}; `corehost run` starts one") from error
        data = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            line.sendall(json.dumps(words).encode() + b"\n")
            while not data.endswith(b"\n") and len(data) <= MAX_LINE:
                piece = line.recv(MAX_LINE)
                if not piece:
                    break
                data += piece
    try:
        answer: dict[str, Any] = json.loads(data)
    except ValueError:
        raise ControlError("the host gave no answer; see its log") from None
    if "error" in answer:
        raise ControlError(answer["error"])
    return answer
