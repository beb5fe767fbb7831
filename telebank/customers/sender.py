"""The way of a one-time code to a mobile telephone: a port, and a file that stands for the network.

A bank's message gateway is another implementation of `CodeSender`.
"""

import asyncio
import fcntl
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from transactions.secret import Secret

FILE_MODE, FOLDER_MODE = 0o600, 0o700
OUTBOX = Path("sms") / "outbox.jsonl"
"""Under the data folder."""
MAX_BYTES = 10_000_000
"""Of the file that are read; what is beyond them goes."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class CodeNotSent(Exception):  # noqa: N818 - reads as what it is
    """The network did not take it; the message says why, and has no digit of the code."""


class CodeSender(Protocol):
    """Sends codes by message."""

    async def send(self, number: str, code: Secret) -> None:
        """Send `code` to a mobile `number` (digits). Keeps neither; the code is not wiped here.
        Raises `CodeNotSent`."""
        ...


class FileSender:
    """Appends a line of JSON (at, to, code) to a file of mode 0600, and takes out lines whose code
    is over: a code is in the file for no longer than until the next one is sent."""

    def __init__(self, path: Path, valid_s: float) -> None:
        """`valid_s`: seconds for which a code is taken."""
        self._path, self._valid = path, timedelta(seconds=valid_s)

    async def send(self, number: str, code: Secret) -> None:
        """See `CodeSender`."""
        try:
            await asyncio.to_thread(self._append, number, code)
        except OSError as error:
            raise CodeNotSent(f"{self._path.name}: {error.strerror}") from error

    def _append(self, number: str, code: Secret) -> None:
        self._path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, FILE_MODE)
        with os.fdopen(descriptor, "r+", encoding="ascii", errors="replace") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # of each other process that sends
            os.fchmod(file.fileno(), FILE_MODE)
            now = datetime.now(UTC)
            lines = file.read(MAX_BYTES).splitlines()
            left = [line for line in lines if _at(line) > now - self._valid]
            at = now.isoformat(timespec="seconds")
            left.append(json.dumps({"at": at, "to": number, "code": code.reveal()}))
            file.seek(0)
            file.truncate()
            file.write("\n".join(left) + "\n")


def _at(line: str) -> datetime:
    """When its code was sent; long ago where it says nothing of the kind."""
    try:
        said = json.loads(line)["at"]
        at = datetime.fromisoformat(said)
    except (ValueError, TypeError, KeyError):
        return LONG_AGO
    return at if at.tzinfo is not None else LONG_AGO
