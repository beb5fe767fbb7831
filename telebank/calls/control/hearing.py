"""`POST /v1/recordings/open`: the key of one recording, to who may hear it, once.

The node unwraps it; whoever asked opens the file with it. That he was given it is an event before
he has it. Supervisors may hear all, people at desks their own, also those that a supervisor began.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web

from telebank.calls.control.acts import Acts, note_complaint
from telebank.calls.control.answers import SECRET
from telebank.calls.control.common import Note, Reply, read_body, refused
from telebank.calls.control.desk import Counter
from telebank.calls.control.seating import DeskBody
from telebank.calls.recording_keys import unwrap
from telebank.media.sealed import SealError, read_header
from telebank.staff.roles import HEAR, HEAR_OWN, RIGHTS, Role, may
from telebank.store import recordings
from telebank.store.recordings import RUNNING
from telebank.store.sealing import Keyring
from transactions.approval import Actor

FOLDER = "recordings"
"""Under the data folder."""
MAX_NAME = 255


class OpenBody(DeskBody, frozen=True, kw_only=True):
    """Which recording, and why it is to be heard."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
    why: Note = ""


class RecordingsPart:
    """A `ControlPart`; `data` is the data folder."""

    def __init__(self, counter: Counter, keys: Keyring, data: Path) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._keys = keys
        self._folder = data / FOLDER

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [web.post("/v1/recordings/open", self._open)]

    async def _open(self, request: web.Request) -> web.Response:
        body = await read_body(request, OpenBody)
        by = await self._counter.actor(request)

        async def work() -> Reply:
            all_, own = may(Role(by.role), HEAR), may(Role(by.role), HEAR_OWN)
            if not (all_ or own):
                return await self._acts.denied(by, HEAR, body.name, RIGHTS[HEAR])
            wrong = note_complaint(body.why, needed=False)
            if wrong is not None:
                return refused(400, "bad_request", wrong)
            return await self._given(body, by, "" if all_ else by.id)

        return await self._counter.once(request, by.id, body.request_id, work)

    async def _given(self, body: OpenBody, by: Actor, whose: str) -> Reply:
        job = partial(recordings.heard, name=body.name, by=by, why=body.why, whose=whose)
        there = await self._counter.desk.run(job)
        if there is None:
            return refused(409, "unknown_recording", "there is no such recording that is yours")
        if there.state == RUNNING:
            return refused(409, "running", "this call is still being recorded: wait for its end")
        try:
            path = await asyncio.to_thread(lies_at, self._folder, there.name)
            clear = await asyncio.to_thread(read_header, path)
            key = unwrap(self._keys, str(clear.get("wrapped", "")))
        except OSError as error:
            why = f"the file of this recording cannot be read: {error.strerror}"
            return refused(409, "no_file", why)
        except SealError as error:
            return refused(409, "not_readable", f"{error}; `telebank recordings check`")
        return Reply(200, {"name": there.name, "file": str(path), SECRET: key.hex()})


def lies_at(folder: Path, name: str) -> Path:
    """The file of a recording, or what there is of one that was cut. Raises `OSError`."""
    path = file_of(folder, name)
    return path if path.exists() else path.with_name(path.name + ".part")


def file_of(folder: Path, name: str) -> Path:
    """Where a recording lies, never outside its folder. Raises `OSError`."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise FileNotFoundError(2, "its name leads out of the folder of recordings", name)
    return path
