"""The way of a one-time code to a mobile telephone: a port, and a file that stands for the network.

A bank's message gateway is another implementation of `CodeSender`.
"""

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from transactions.secret import Secret

FILE_MODE, FOLDER_MODE = 0o600, 0o700
OUTBOX = Path("sms") / "outbox.jsonl"
"""Under the data folder."""
MAX_BYTES = 10_000_000
"""Size of the file past which nothing is sent: it is for trying the bank."""


class CodeNotSent(Exception):  # noqa: N818 - reads as what it is
    """The network did not take it; the message says why, and has no digit of the code."""


class CodeSender(Protocol):
    """Sends codes by message."""

    async def send(self, number: str, code: Secret) -> None:
        """Send `code` to a mobile `number` (digits). Keeps neither; the code is not wiped here.
        Raises `CodeNotSent`."""
        ...


class FileSender:
    """Appends a line of JSON (at, to, code) to a file of mode 0600."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, number: str, code: Secret) -> None:
        """See `CodeSender`."""
        try:
            await asyncio.to_thread(self._append, number, code)
        except OSError as error:
            raise CodeNotSent(f"{self._path.name}: {error.strerror}") from error

    def _append(self, number: str, code: Secret) -> None:
        self._path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, FILE_MODE)
        with os.fdopen(descriptor, "a", encoding="ascii") as file:
            if file.tell() > MAX_BYTES:
                raise CodeNotSent(f"{self._path.name} is full: remove it")
            os.fchmod(file.fileno(), FILE_MODE)
            at = datetime.now(UTC).isoformat(timespec="seconds")
            file.write(json.dumps({"at": at, "to": number, "code": code.reveal()}) + "\n")
