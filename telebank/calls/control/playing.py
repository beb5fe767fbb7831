"""`GET /v1/recordings`: which there are; `POST /v1/recordings/play`: the sound of one, as FLAC.

Whoever asks gets octets and never a key. The right is looked at here, the file is compared with the
checksum that was kept when it was made and opened to its end, and that it is played is an event
with whose it is, all before the first octet goes out. A file is never in memory whole. People at
desks hear their own, also those that a supervisor began; others' are a right of its own.
"""

import asyncio
import hashlib
from collections import Counter as Tally
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Protocol

import msgspec
import structlog
from aiohttp import web

from telebank.agents.board import AnyRow, QueueRow
from telebank.calls.control.acts import Acts
from telebank.calls.control.common import Reply, as_json, read_body, refused, stop
from telebank.calls.control.desk import Counter
from telebank.calls.recording_keys import unwrap
from telebank.calls.tellers.recordings import Tapes
from telebank.media.sealed import SealError, measure, pieces, read_header
from telebank.staff.roles import HEAR, HEAR_OWN, RIGHTS, Role, may
from telebank.store import recording_views, recordings
from telebank.store.clock import Clock, SystemClock
from telebank.store.recording_views import Began, Listed
from telebank.store.recordings import FOLDER, KEPT, RUNNING, RecordingSeen
from transactions.approval import Actor

log = structlog.get_logger("telebank.control")

MOST_OCTETS = 128 << 20
"""Of a file that is played; about four hours."""
MOST_AT_ONCE = 8
MOST_OF_ONE = 2
"""Played at once for one person."""
MOST_WAIT_S = 30.0
"""How long one who takes no octets is waited for."""
DAYS = 31
"""Shown where no day is asked for."""
FLAC = "audio/flac"
MAX_ID = 64
MAX_NAME = 255


class Rows(Protocol):
    """The room of tellers, as far as queues have names there."""

    def row(self, kind: str, key: str, *, for_supervisor: bool) -> AnyRow | None:
        """A row of the board; None: there is none."""
        ...


class PlayBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Which recording."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]


@dataclass(frozen=True, slots=True)
class _Sound:
    size: int
    octets: Generator[bytes, None, None]


class PlayingPart:
    """A `ControlPart`; `zone` is the bank's."""

    def __init__(
        self,
        counter: Counter,
        tapes: Tapes,
        room: Rows,
        zone: timezone,
        clock: Clock | None = None,
    ) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._keys = tapes.keyring
        self._folder = tapes.data / FOLDER
        self._room = room
        self._zone = zone
        self._clock = clock or SystemClock()
        self._playing: Tally[str] = Tally()

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [
            web.get("/v1/recordings", self._list),
            web.post("/v1/recordings/play", self._play),
        ]

    # -- which there are ----------------------------------------------------------------------

    async def _list(self, request: web.Request) -> web.Response:
        by = await self._counter.actor(request)
        role, asked = Role(by.role), request.query
        seat, call = asked.get("seat", by.id), asked.get("call", "")
        if max(len(seat), len(call)) > MAX_ID:
            stop(400, "bad_request", "`seat` is the name of a person, `call` a call's reference")
        right = HEAR_OWN if seat == by.id else HEAR
        if not may(role, right):
            return (await self._acts.denied(by, right, seat, RIGHTS[right])).response()
        since, until = self._days(asked.get("day", ""))

        if seat != by.id:
            await self._counter.run(partial(recordings.shown, seat=seat, by=by))
        wanted = Began(since, until, seat, call)
        found = await self._counter.read(partial(recording_views.listed, wanted=wanted))
        return web.json_response({"seat": seat, "recordings": [self._shown(one) for one in found]})

    def _days(self, day: str) -> tuple[datetime, datetime]:
        """From when to when, by the bank's clock."""
        today = datetime.fromtimestamp(self._clock.read().utc_us / 1e6, self._zone).date()
        try:
            first = date.fromisoformat(day) if day else today - timedelta(days=DAYS)
            since = datetime.combine(first, time(), self._zone).astimezone(UTC)
            return since, since + timedelta(days=1 if day else DAYS + 1)
        except (ValueError, OverflowError):
            stop(400, "bad_request", "`day` is a date: 2026-03-31")

    def _shown(self, one: Listed) -> Mapping[str, Any]:
        of = one.recording
        row = self._room.row("QueueRow", one.queue, for_supervisor=True)
        words = (row.zh, row.en) if isinstance(row, QueueRow) else (one.queue, one.queue)
        return {
            "name": of.name,
            "began": as_json(of.began.astimezone(self._zone)),
            "call": of.call,
            "contact": of.contact,
            "seat": of.seat,
            "by": of.by,
            "queue": one.queue,
            "queue_words": words,
            "caller": one.caller_masked,
            "seconds": of.seconds,
            "state": of.state,
            "cut": of.cut,
        }

    # -- one of them --------------------------------------------------------------------------

    async def _play(self, request: web.Request) -> web.StreamResponse:
        body = await read_body(request, PlayBody)
        by = await self._counter.actor(request)
        if self._playing[by.id] >= MOST_OF_ONE:
            why = f"you are being sent {MOST_OF_ONE} recordings: try again when one is over"
            return refused(503, "busy", why).response()
        if self._playing.total() >= MOST_AT_ONCE:
            why = f"{MOST_AT_ONCE} recordings are being played: try again when one is over"
            return refused(503, "busy", why).response()
        self._playing[by.id] += 1
        try:
            sound = await self._opened(body.name, by)
            if isinstance(sound, Reply):
                return sound.response()
            return await _sent(request, sound)
        finally:
            self._playing -= Tally([by.id])  # keeps none of nought

    async def _opened(self, name: str, by: Actor) -> _Sound | Reply:
        """Its sound, once the log has that he is given it; or why not."""
        all_, own = may(Role(by.role), HEAR), may(Role(by.role), HEAR_OWN)
        if not (all_ or own):
            return await self._acts.denied(by, HEAR, name, RIGHTS[HEAR])
        whose = "" if all_ else by.id
        job = partial(recordings.wanted, name=name, by=by, whose=whose)
        there: RecordingSeen | None = await self._counter.run(job)
        if there is None:
            return refused(409, "unknown_recording", "there is no such recording that is yours")
        if there.state == RUNNING:
            return refused(409, "running", "this call is still being recorded: wait for its end")
        if there.size > MOST_OCTETS:
            most = f"{MOST_OCTETS >> 20} MB"
            return refused(409, "too_large", f"a recording of more than {most} is not played here")
        found: _Sound | Reply
        try:
            found, outcome = await asyncio.to_thread(self._sound, there), "ok"
        except OSError as error:
            why = f"its file cannot be read: {error.strerror}; node {there.node} has made it"
            found, outcome = refused(409, "no_file", why), "missing"
        except SealError as error:
            why = f"{error}; see `telebank recordings check`"
            found, outcome = refused(409, "damaged", why), "damaged"
        await self._counter.run(partial(recordings.played, there=there, by=by, outcome=outcome))
        return found

    def _sound(self, there: RecordingSeen) -> _Sound:
        """Looked through to its end. Raises `SealError`, `OSError`."""
        path = lies_at(self._folder, there.name)
        if there.state == KEPT:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != there.sealed_sha256:
                raise SealError("the file was changed since it was made")
        key = unwrap(self._keys, str(read_header(path).get("wrapped", "")))
        found = measure(path, key)
        if there.state == KEPT and not found.whole:
            raise SealError("the file has lost its end")
        return _Sound(found.size, pieces(path, key, found.head))


async def _sent(request: web.Request, sound: _Sound) -> web.StreamResponse:
    """Its octets; where they end early the connection does, so that nobody takes them for all."""
    response = web.StreamResponse(headers={"Cache-Control": "no-store"})
    response.content_type, response.content_length = FLAC, sound.size
    try:
        await response.prepare(request)
        while piece := await asyncio.to_thread(next, sound.octets, b""):
            async with asyncio.timeout(MOST_WAIT_S):
                await response.write(piece)
        async with asyncio.timeout(MOST_WAIT_S):
            await response.write_eof()
    except TimeoutError:
        log.warning("recording.not_played", error=f"nothing was taken for {MOST_WAIT_S:g} s")
        _cut(request)
    except (OSError, SealError) as error:  # the asker is gone, or the file was changed meanwhile
        log.warning("recording.not_played", error=str(error))
        response.force_close()
    finally:
        with suppress(ValueError):  # a thread still reads in it, and then it ends with that
            sound.octets.close()
    return response


def _cut(request: web.Request) -> None:
    """End the connection without what waits in it, which nobody takes."""
    if request.transport is not None:
        request.transport.abort()


def lies_at(folder: Path, name: str) -> Path:
    """The file of a recording, or what there is of one that was cut; never outside its folder.
    Raises `OSError`."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise FileNotFoundError(2, "its name leads out of the folder of recordings", name)
    return path if path.exists() else path.with_name(path.name + ".part")
