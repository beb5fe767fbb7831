"""Paths of contacts: `GET /v1/desk/history`, a seat's contacts of today with their recordings and
figures, by the bank's clock; `POST /v1/desk/note`, what a teller writes of his last contact in a
call. Everybody at a desk sees his own; `?seat=` shows another's day, and that is an event.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, timezone
from functools import partial
from typing import Annotated, Any

import msgspec
from aiohttp import web

from telebank.calls.control.acts import Acts, note_complaint
from telebank.calls.control.common import Reply, as_json, read_body, refused, stop
from telebank.calls.control.desk import Counter
from telebank.calls.control.seating import DeskBody
from telebank.staff.roles import HISTORY, RIGHTS, SIT, Role, may
from telebank.store import contacts, recordings
from telebank.store.clock import Clock, SystemClock
from telebank.store.contacts import MAX_NOTE, Contact
from telebank.store.recordings import RecordingSeen
from telebank.store.sealing import Keyring
from telebank.store.transaction import Transaction
from transactions.approval import Actor
from transactions.card import CardNumberError, SealedCard

MAX_NAME = 64
NOTHING = SealedCard("", "", "", b"")
"""A note without words."""


class NoteBody(DeskBody, frozen=True, kw_only=True):
    """What a teller wrote; it takes the place of what he wrote of this contact before."""

    call: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    text: Annotated[str, msgspec.Meta(max_length=4 * MAX_NOTE)] = ""
    """Above `MAX_NOTE` it is refused in words."""
    business: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._-]{0,64}$")] = ""


class HistoryPart:
    """A `ControlPart`; `zone` is the bank's."""

    def __init__(
        self, counter: Counter, keys: Keyring, zone: timezone, clock: Clock | None = None
    ) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._keys = keys
        self._zone = zone
        self._clock = clock or SystemClock()

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [
            web.get("/v1/desk/history", self._history),
            web.post("/v1/desk/note", self._note),
        ]

    async def _history(self, request: web.Request) -> web.Response:
        by = await self._counter.actor(request)
        seat = request.query.get("seat", by.id)
        if not seat or len(seat) > MAX_NAME:
            stop(400, "bad_request", "`seat` is the name of a person")
        right = SIT if seat == by.id else HISTORY
        if not may(Role(by.role), right):
            return (await self._acts.denied(by, right, seat, RIGHTS[right])).response()
        since, until = self._today()

        def work(part: Transaction) -> tuple[Sequence[Contact], Sequence[RecordingSeen]]:
            if seat != by.id:
                contacts.shown(part, seat, by)
            found = contacts.of_day(part, seat, since, until)
            return found, recordings.of_day(part, seat, since, until)

        found, recorded = await self._counter.run(work)
        day = since.astimezone(self._zone).date().isoformat()
        told: dict[str, Any] = {"seat": seat, "day": day, "figures": figures(found)}
        told["contacts"] = [self._contact(one, recorded) for one in found]
        return web.json_response(told)

    async def _note(self, request: web.Request) -> web.Response:
        body = await read_body(request, NoteBody)
        by = await self._counter.actor(request)

        async def work() -> Reply:
            if not may(Role(by.role), SIT):
                return await self._acts.denied(by, SIT, request.path, RIGHTS[SIT])
            return await self._keep(body, by)

        return await self._counter.once(request, by.id, body.request_id, work)

    async def _keep(self, body: NoteBody, by: Actor) -> Reply:
        wrong = note_complaint(body.text, needed=False) or note_complaint(
            body.business, needed=False
        )
        if wrong is not None:
            return refused(400, "note_number", wrong)
        if len(body.text) > MAX_NOTE:
            words = f"the note has {len(body.text)} letters, and {MAX_NOTE} may be kept: shorten it"
            return refused(400, "note_long", words)
        sealed = self._keys.seal_digits(body.text) if body.text else NOTHING
        job = partial(contacts.note, call=body.call, business=body.business, sealed=sealed, by=by)
        code = await self._counter.desk.run(job)
        if code is not None:
            words = "you have not talked in this call: who did writes of it, each of his own part"
            return refused(409, "note_not_yours", words)
        return Reply(200, {"call": body.call, "done": "note"})

    def _today(self) -> tuple[datetime, datetime]:
        now = datetime.fromtimestamp(self._clock.read().utc_us / 1e6, self._zone)
        since = datetime.combine(now.date(), time(), self._zone).astimezone(UTC)
        return since, since + timedelta(days=1)

    def _contact(self, one: Contact, recorded: Sequence[RecordingSeen]) -> Mapping[str, Any]:
        return {
            "id": one.id,
            "call": one.call,
            "queue": one.queue,
            "direction": one.direction,
            "began": as_json(one.began),
            "answered": as_json(one.answered),
            "ended": as_json(one.ended),
            "talk_s": one.talk_s,
            "hold_s": one.hold_s,
            "wrap_s": one.wrap_s,
            "caller": one.caller_masked,
            "customer": one.card_masked,
            "language": one.language,
            "level": one.level,
            "business": one.business,
            "how_ended": one.how_ended,
            "note": self._words(one.note),
            "recordings": [_recording(each) for each in recorded if each.contact == one.id],
        }

    def _words(self, note: SealedCard) -> str | None:
        """What was written; None where its key is not here any more."""
        if not note.ciphertext:
            return ""
        try:
            return self._keys.unseal_digits(note)
        except CardNumberError:
            return None


def figures(found: Sequence[Contact]) -> Mapping[str, float | int]:
    """A day in figures, in seconds."""
    talked = [one for one in found if one.answered is not None]
    seconds = [one.talk_s for one in talked]
    return {
        "contacts": len(talked),
        "talk_s": round(sum(seconds), 1),
        "mean_talk_s": round(sum(seconds) / len(seconds), 1) if seconds else 0.0,
        "longest_talk_s": round(max(seconds, default=0.0), 1),
        "hold_s": sum(one.hold_s for one in talked),
        "wrap_s": sum(one.wrap_s for one in talked),
        "transferred": sum(one.how_ended == "transfer" for one in talked),
    }


def _recording(one: RecordingSeen) -> Mapping[str, Any]:
    return {
        "name": one.name,
        "began": as_json(one.began),
        "seconds": one.seconds,
        "by": one.by,
        "state": one.state,
        "cut": one.cut,
    }
