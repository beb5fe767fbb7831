"""Paths of matters: what is still to be done after a talk.

GET  /v1/matters?of=mine|own|groups|all&state=open|closed|any&person=&number=
GET  /v1/matters/targets            to whom one can be handed
GET  /v1/matters/NUMBER             one, with all that was said of it
POST /v1/matters                    open one about one's own talk in a call
POST /v1/matters/NUMBER             add to it: a note, a hand-over, a result, its closing
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Annotated, Any, get_args

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from telebank.calls.control.acts import Acts, note_complaint
from telebank.calls.control.common import Reply, as_json, read_body, refused, stop
from telebank.calls.control.desk import Counter
from telebank.calls.control.seating import DeskBody
from telebank.staff.roles import MATTERS, RIGHTS, SEE_MATTERS, Role, may
from telebank.store import matter_views, matters
from telebank.store.clock import Clock, SystemClock
from telebank.store.matter_views import Wanted
from telebank.store.matters import Acting, Entry, Kind, Matter, NewMatter, Said, Sight
from telebank.store.sealing import Keyring
from transactions.approval import Actor
from transactions.card import CardNumberError, SealedCard

PATH = "/v1/matters"
MAX_SUBJECT, MAX_WORDS, MAX_NAME = 80, 2_000, 64
LONGEST = timedelta(days=366)
"""How far off a matter may be due."""
SITS = frozenset(str(role) for role in RIGHTS[MATTERS])
STATES = {"open": matters.OPEN, "closed": matters.CLOSED, "any": ""}
WHY = {
    "gone": "you are not on the staff in this role any more",
    "no_call": "you had no talk in this call: a matter is opened from one's own talk",
    "unknown_target": "nobody here has this name or skill: see who there is at /v1/matters/targets",
    "unknown": "there is no such matter, or none that you may see",
    "closed": "this matter is closed: nothing is added to it any more",
    "no_result": "enter the result first, then close it",
    "too_many": f"there are too many open matters, or this one has {matters.MAX_ENTRIES} entries",
}
_Name = Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._-]{1,64}$")]
_To = Annotated[str, msgspec.Meta(pattern="^(seat:[0-9A-Za-z._-]{1,64}|skill:[a-z0-9_.]{1,32})?$")]
_Words = Annotated[str, msgspec.Meta(max_length=MAX_WORDS)]
_Due = Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?)?$")]


class OpenBody(DeskBody, frozen=True, kw_only=True):
    """A new matter; `to`: without it one keeps it oneself. `due` is of the bank's clock."""

    call: _Name
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SUBJECT)]
    text: _Words = ""
    business: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._-]{0,64}$")] = ""
    to: _To = ""
    due: _Due = ""


class AddBody(DeskBody, frozen=True, kw_only=True):
    """What is added."""

    kind: Kind
    text: _Words = ""
    to: _To = ""


class MattersPart:
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
            web.get(PATH, self._list),
            web.get(f"{PATH}/targets", self._targets),
            web.get(f"{PATH}/{{number}}", self._show),
            web.post(PATH, self._open),
            web.post(f"{PATH}/{{number}}", self._add),
        ]

    # -- looking ------------------------------------------------------------------------------

    async def _list(self, request: web.Request) -> web.Response:
        by = await self._counter.actor(request)
        asked = {name: request.query.get(name, "") for name in ("of", "state", "person", "number")}
        sight, state = asked["of"] or "mine", asked["state"] or "open"
        if sight not in get_args(Sight) or state not in STATES:
            stop(400, "bad_request", "`of` is mine, own, groups or all; `state` open, closed, any")
        if max(map(len, asked.values())) > MAX_NAME:
            stop(400, "bad_request", f"names have {MAX_NAME} letters at most")
        if wrong := note_complaint(f"{asked['person']} {asked['number']}", needed=False):
            stop(400, "bad_request", wrong)  # it would stand in an event
        right = SEE_MATTERS if sight == "all" else MATTERS
        if not may(Role(by.role), right):
            return (await self._acts.denied(by, right, PATH, RIGHTS[right])).response()
        wanted = Wanted(sight, STATES[state], asked["person"], asked["number"])  # type: ignore[arg-type]
        if sight == "all":
            await self._counter.run(partial(matters.shown, by=by, asked=asked | {"state": state}))

        def work(connection: Connection) -> dict[str, Any]:
            found = matter_views.listed(connection, wanted, by)
            ids = {one.opened_by for one in found} | {_person(one.holder) for one in found}
            shown = [self._matter(one) for one in found]
            return {"matters": shown, "names": dict(matter_views.names(connection, ids - {""}))}

        return web.json_response(await self._counter.read(work))

    async def _targets(self, request: web.Request) -> web.Response:
        by = await self._counter.actor(request)
        if not may(Role(by.role), MATTERS):
            return (await self._acts.denied(by, MATTERS, PATH, RIGHTS[MATTERS])).response()
        people, skills = await self._counter.read(partial(matter_views.targets, sits=SITS))
        return web.json_response({"people": dict(people), "skills": list(skills)})

    async def _show(self, request: web.Request) -> web.Response:
        by, number = await self._counter.actor(request), request.match_info["number"][:MAX_NAME]
        if not (may(Role(by.role), MATTERS) or may(Role(by.role), SEE_MATTERS)):
            return (await self._acts.denied(by, MATTERS, number, RIGHTS[MATTERS])).response()
        if note_complaint(number, needed=False):
            stop(404, "unknown", WHY["unknown"])
        look = partial(self._whole, number=number, acting=_acting(by))
        shown, outcome = await self._counter.read(look)
        if outcome:
            logged = partial(matters.looked, number=number, by=by, outcome=outcome)
            await self._counter.run(logged)
        if shown is None:
            stop(404, "unknown", WHY["unknown"])
        return web.json_response(shown)

    def _whole(
        self, connection: Connection, number: str, acting: Acting
    ) -> tuple[dict[str, Any] | None, str]:
        """All of it, and what its event says of the look; empty: it concerns him, and has none."""
        found = matter_views.find(connection, number, acting)
        if found is None:
            return None, "unknown"
        one, entries, concerned = found
        ids = {one.opened_by, _person(one.holder)}
        ids |= {each.by for each in entries} | {_person(each.to) for each in entries}
        names = dict(matter_views.names(connection, ids - {""}))
        told = {**self._matter(one), "entries": list(map(self._entry, entries)), "names": names}
        return told, "" if concerned else "ok"

    # -- acting -------------------------------------------------------------------------------

    async def _open(self, request: web.Request) -> web.Response:
        body = await read_body(request, OpenBody)

        async def work(by: Actor) -> Reply:
            due = self._due(body.due)
            if isinstance(due, str):
                return refused(400, "bad_request", due)
            new = NewMatter(
                *(body.call, body.business, self._sealed(body.subject), self._sealed(body.text)),
                *(body.to or f"{matters.SEAT}{by.id}", due),
            )
            job = partial(matters.open_one, new=new, acting=_acting(by))
            number, why = await self._counter.desk.run(job)
            if why is not None:
                return refused(409, why, WHY[why])
            return Reply(200, {"number": number})

        return await self._act(request, body, (body.subject, body.text), work)

    async def _add(self, request: web.Request) -> web.Response:
        body, number = await read_body(request, AddBody), request.match_info["number"][:MAX_NAME]

        async def work(by: Actor) -> Reply:
            if body.kind in ("note", "result") and not body.text.strip():
                return refused(400, "bad_request", "write something: nothing can be added later")
            if (body.kind == "hand") != bool(body.to):
                return refused(400, "bad_request", "`to` says to whom a matter is handed")
            said = Said(body.kind, self._sealed(body.text), body.to)
            job = partial(matters.add, number=number, said=said, acting=_acting(by))
            why = await self._counter.desk.run(job)
            if why is not None:
                return refused(404 if why == "unknown" else 409, why, WHY[why])
            return Reply(200, {"number": number})

        return await self._act(request, body, (body.text,), work)

    async def _act(
        self,
        request: web.Request,
        body: DeskBody,
        words: tuple[str, ...],
        work: Callable[[Actor], Awaitable[Reply]],
    ) -> web.Response:
        by = await self._counter.actor(request)

        async def allowed() -> Reply:
            if not may(Role(by.role), MATTERS):
                return await self._acts.denied(by, MATTERS, request.path, RIGHTS[MATTERS])
            wrong = next(filter(None, (note_complaint(one, needed=False) for one in words)), None)
            return await work(by) if wrong is None else refused(400, "bad_request", wrong)

        return await self._counter.once(request, by.id, body.request_id, allowed)

    def _due(self, text: str) -> datetime | str | None:
        """When it is due; or what is wrong with it."""
        if not text:
            return None
        now = datetime.fromtimestamp(self._clock.read().utc_us / 1e6, UTC)
        try:
            due = datetime.fromisoformat(text).replace(tzinfo=self._zone).astimezone(UTC)
        except ValueError:
            return "`due` is no time: 2026-11-30T17:00"
        if not now < due <= now + LONGEST:
            return f"`due` is to come, within {LONGEST.days} days"
        return due

    # -- words --------------------------------------------------------------------------------

    def _sealed(self, words: str) -> SealedCard:
        return self._keys.seal_digits(words) if words.strip() else matters.NOTHING

    def _words(self, sealed: SealedCard) -> str | None:
        """What was written; None where its key is not here any more."""
        if not sealed.ciphertext:
            return ""
        try:
            return self._keys.unseal_digits(sealed)
        except CardNumberError:
            return None

    def _matter(self, one: Matter) -> dict[str, Any]:
        now = datetime.fromtimestamp(self._clock.read().utc_us / 1e6, UTC)
        late = one.state == matters.OPEN and one.due_at is not None and one.due_at < now
        return {
            "number": one.number,
            "call": one.call,
            "subject": self._words(one.subject),
            "business": one.business,
            "customer": one.card_masked,
            "opened_at": as_json(one.opened_at),
            "opened_by": one.opened_by,
            "due_at": as_json(one.due_at),
            "late": late,
            "state": one.state,
            "holder": one.holder,
            "changed_at": as_json(one.changed_at),
        }

    def _entry(self, one: Entry) -> dict[str, Any]:
        return {
            "nth": one.nth,
            "at": as_json(one.at),
            "by": one.by,
            "kind": one.kind,
            "to": one.to,
            "text": self._words(one.words),
        }


def _acting(by: Actor) -> Acting:
    return Acting(by, may(Role(by.role), SEE_MATTERS), SITS)


def _person(holder: str) -> str:
    return holder.removeprefix(matters.SEAT) if holder.startswith(matters.SEAT) else ""
