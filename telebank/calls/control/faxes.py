"""Paths of faxes: `GET /v1/faxes` (whether faxes go here, and how many), `POST /v1/faxes` (send
one), `POST /v1/faxes/{id}/cancel`. Sending is one person's act; where it may go is for the rules
of `[outbound]`.

A paper comes as files, not in the body (64 KB, and read in the loop that carries the calls): the
command has drawn it into a folder of `DATA/fax/handed`, named in the body with the digest of its
PDF, and the node takes the folder by renaming.
"""

import asyncio
import contextlib
import hashlib
import re
import shutil
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import msgspec
from aiohttp import web

from fax.page.count import count_pages
from fax.page.options import MAX_PAGES, PageError
from telebank.calls.control.acts import Acts
from telebank.calls.control.common import Reply, RequestId, as_json, read_body, refused
from telebank.calls.control.desk import Counter
from telebank.calls.faxes.files import PAGES, PAPER
from telebank.staff.roles import FAX, RIGHTS, Role, may
from transactions.approval import Actor

HANDED = Path("fax") / "handed"
"""Under the data folder: papers on their way from the command line, mode 0700."""
STALE_S = 3_600.0
"""A paper that nobody asked to send is removed after so long, in seconds: when a node starts, and
when the next paper is handed over."""
_LONG_NUMBER = re.compile(r"\d(?:[\W_]*\d){12,}")
"""Thirteen digits or more: a card's or an account's, however a file's name parts them."""
SHOWN = 4
_FOLDER = re.compile(r"[0-9a-f]{16}")


class SendBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One paper to one number."""

    request_id: RequestId
    paper: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    """Name of its folder in `DATA/fax/handed`."""
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    """Of the PDF."""
    pages: Annotated[int, msgspec.Meta(ge=1, le=MAX_PAGES)]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    to: Annotated[str, msgspec.Meta(max_length=128)] = ""
    """A telephone number in digits, or a SIP URI."""
    like: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z-]{0,40}$")] = ""
    """Instead of `to`: where the fax of this id went, or came from. Who asks never sees the number
    in clear; the rules are asked about it as about any other."""
    at: Annotated[str, msgspec.Meta(max_length=40)] = ""
    """Not before: ISO 8601 with an offset; empty: now."""
    language: Literal["zh", "en"] = "zh"


class CancelBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An act of one person."""

    request_id: RequestId


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asks for; `folder` holds both files, checked."""

    request: str
    """Its id, of this person."""
    folder: Path
    pages: int
    title: str
    to: str
    due_at: datetime | None
    """In UTC; None: now."""
    language: str
    by: Actor
    like: str = ""
    """Where `to` is empty: the fax whose number it is."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A fax that is kept and goes by itself."""

    id: str
    number: str
    """Masked."""
    pages: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Why not, for programs and for people."""

    code: str
    error: str


class FaxRoom(Protocol):
    """What the node has for faxes."""

    @property
    def missing(self) -> str:
        """Why no fax can go, and what to do; empty where they can."""
        ...

    def counts(self) -> dict[str, int]:
        """Channels, and how many are in use."""
        ...

    async def take(self, order: Order) -> Taken | NotTaken:
        """Keep a fax, and its files elsewhere; what is not taken stays in the order's folder."""
        ...

    async def cancel(self, fax: str, by: Actor) -> str | NotTaken:
        """Stop one that waits or goes: `cancelled`, or `stopping` where its call is being ended."""
        ...


class FaxesPart:
    """A `ControlPart`; `data` is the data folder."""

    def __init__(self, counter: Counter, faxes: FaxRoom, data: Path) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._faxes = faxes
        self._handed = data / HANDED

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [
            web.get("/v1/faxes", self._state),
            web.post("/v1/faxes", self._send),
            web.post("/v1/faxes/{id}/cancel", self._cancel),
        ]

    async def _state(self, _request: web.Request) -> web.Response:
        missing = self._faxes.missing
        told: dict[str, Any] = {"available": not missing, "missing": missing}
        return web.json_response({**told, **self._faxes.counts()})

    async def _send(self, request: web.Request) -> web.Response:
        body = await read_body(request, SendBody)
        by = await self._counter.actor(request)

        async def work() -> Reply:
            if not may(Role(by.role), FAX):
                return await self._acts.denied(by, FAX, request.path, RIGHTS[FAX])
            return await self._take(body, by)

        return await self._counter.once(request, by.id, body.request_id, work)

    async def _take(self, body: SendBody, by: Actor) -> Reply:
        due = _time(body.at)
        folder = self._handed / body.paper
        wrong = "the time has no offset" if body.at and due is None else ""
        if bool(body.to) == bool(body.like):
            wrong = wrong or "give `to`, or `like`, and not both"
        wrong = wrong or await asyncio.to_thread(_complaint, folder, body)
        if wrong:
            return refused(400, "bad_request", wrong)
        if self._faxes.missing:
            return refused(409, "not_available", self._faxes.missing)
        order = Order(
            *(body.request_id, folder, body.pages, harmless(body.title), body.to),
            *(due, body.language, by, body.like),
        )
        taken = await self._faxes.take(order)
        if isinstance(taken, NotTaken):
            return refused(409, taken.code, taken.error)
        told = {"id": taken.id, "state": "queued", "number": taken.number, "pages": taken.pages}
        return Reply(200, {**told, "due_at": as_json(taken.due_at)})

    async def _cancel(self, request: web.Request) -> web.Response:
        body = await read_body(request, CancelBody)
        by = await self._counter.actor(request)
        fax = request.match_info["id"]

        async def work() -> Reply:
            if not may(Role(by.role), FAX):
                return await self._acts.denied(by, FAX, fax, RIGHTS[FAX])
            state = await self._faxes.cancel(fax, by)
            if isinstance(state, NotTaken):
                return refused(409, state.code, state.error)
            return Reply(200, {"id": fax, "state": state})

        return await self._counter.once(request, by.id, body.request_id, work)


def harmless(title: str) -> str:
    """A title without card and account numbers, which people put into names of files."""
    return _LONG_NUMBER.sub(lambda found: f"****{found[0][-SHOWN:]}", title)


def sweep(data: Path) -> None:
    """Remove papers that were handed over long ago and never asked to be sent."""
    handed, over = data / HANDED, time.time() - STALE_S
    for folder in list(handed.iterdir()) if handed.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):  # just taken, or laid under its own name
            if _FOLDER.fullmatch(folder.name) and folder.lstat().st_mtime < over:
                shutil.rmtree(folder, ignore_errors=True)


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _complaint(folder: Path, said: SendBody) -> str:
    """What is wrong with a paper that was handed over; empty where it is what it is said to be."""
    for name in (PAPER, PAGES):
        try:
            mode = (folder / name).lstat().st_mode
        except OSError:
            return f"there is no {name} in {folder}"
        if not stat.S_ISREG(mode):
            return f"{folder / name} is no file"
    try:
        with (folder / PAPER).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        pages = count_pages(folder / PAGES)
    except (OSError, PageError) as error:
        return f"the paper in {folder} cannot be read: {error}"
    if digest != said.sha256 or pages != said.pages:
        return "this is not the paper that was handed over"
    return ""
