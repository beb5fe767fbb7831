"""Paths of releases: `GET /v1/releases`, `POST /v1/releases/HASH/propose`, `…/approve`,
`POST /v1/releases/rollback`. A proposal is refused or withdrawn like any other
(`POST /v1/approvals/ID/refuse`).

Two people publish: what is proposed is a hash over every file, and what was then in force; the
second says the same. One person takes back the last publication, one step and while it is young,
with an alarm; any other release, though it was in force once, is put in force by two.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

import msgspec
from aiohttp import web

from telebank.calls.control.acts import Acts, Done, Saying, Turned, note_complaint
from telebank.calls.control.common import Note, Reply, RequestId, read_body, refused, stop
from telebank.calls.control.desk import Counter
from telebank.staff.roles import ACTS, RIGHTS, ROLL_BACK, Role, may
from telebank.store import approvals, releases
from telebank.store.releases import ACT, ALONE, Published
from telebank.store.transaction import Transaction
from transactions.approval import Actor, Approving, Detail

_HASH = re.compile(r"[0-9a-f]{64}")
_BY_TWO = (
    "two people put an older release in force again: `telebank release export HASH ./old`, then "
    "`telebank release propose ./old`"
)
_WORDS = {
    "moved_on": (
        "another release was put in force since it was proposed: look at the difference again "
        "(`telebank release diff`) and propose it anew"
    ),
    "in_force": "this release is in force: nothing is to be done",
    "first": "nothing was in force before it",
    "too_far": (
        "one person takes back the last publication by two people, to what was in force just "
        f"before it, and nothing else; {_BY_TWO}"
    ),
    "too_late": (
        f"it was published more than {ALONE // timedelta(hours=1)} hours ago, so one person alone "
        f"does not take it back; {_BY_TWO}"
    ),
}


@dataclass(frozen=True, slots=True)
class NotStaged:
    """Why a release is not taken: findings of the check, a line each, or one reason."""

    findings: Sequence[str]
    error: str = ""


class Publishing(Protocol):
    """What a node does about releases."""

    def standing(self) -> Mapping[str, Any]:
        """What is in force, what new calls get, how many calls have what."""
        ...

    async def in_force(self) -> str:
        """The hash of what is in force."""
        ...

    async def staged(self, release: str) -> Mapping[str, bytes] | NotStaged:
        """The files staged for a proposal, checked."""
        ...

    async def publish(self, approving: Approving) -> Published | str | NotStaged:
        """Approve, publish and take, or why not."""
        ...

    async def roll_back(self, by: Actor, to: str, note: str) -> Published | str | NotStaged:
        """Put in force what was just before (`to` empty, or its hash), or why not."""
        ...


class WordBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One person's word on a release."""

    request_id: RequestId
    note: Note = ""


class RollbackBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What to go back to, where the caller names it: it must be what was in force just before."""

    request_id: RequestId
    note: Note
    release: str = ""


@dataclass(frozen=True, slots=True)
class Publish:
    """The act's carrier. `files` is what is proposed; without it nothing can be."""

    publishing: Publishing
    files: Mapping[str, bytes] | None = None
    by: Actor | None = None
    note: str = ""

    def complaint(self, of: str, detail: Detail) -> str | None:
        """See `Carrier`."""
        if not _HASH.fullmatch(of) or set(detail) != {"before"}:
            return "a release is proposed by `telebank release propose`, approved by its hash"
        return None

    def check(self, of: str, detail: Detail) -> approvals.Check | None:
        """Keep the files in the proposal's commit; without any there is no proposal."""
        if self.files is None or self.by is None:
            return _no_proposal
        job = partial(releases.propose, files=self.files, detail=detail)
        return partial(job, by=self.by, note=self.note)

    def why(self, code: str) -> str | None:
        """Words for a release that cannot be published."""
        return _WORDS.get(code)

    async def carry_out(self, approving: Approving, detail: Detail) -> Done | Turned:
        """Approve, publish and take it."""
        return _told(await self.publishing.publish(approving))


def _no_proposal(_part: Transaction) -> str:
    return "no_proposal"


class ReleasesPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, publishing: Publishing) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._publishing = publishing

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [
            web.get("/v1/releases", self._standing),
            web.post("/v1/releases/rollback", self._roll_back),
            web.post("/v1/releases/{release}/propose", self._propose),
            web.post("/v1/releases/{release}/approve", self._approve),
        ]

    async def _standing(self, _request: web.Request) -> web.Response:
        return web.json_response(self._publishing.standing())

    async def _propose(self, request: web.Request) -> web.Response:
        body = await read_body(request, WordBody)
        release, by = _named(request), await self._counter.actor(request)

        async def work() -> Reply:
            if Role(by.role) not in ACTS[ACT].proposes:
                return await self._acts.denied(by, ACT, release, ACTS[ACT].proposes)
            wrong = note_complaint(body.note, needed=True)
            if wrong is not None:
                return refused(400, "bad_request", wrong)
            files = await self._publishing.staged(release)
            if isinstance(files, NotStaged):
                return _not_staged(files)
            detail: Detail = {"before": await self._publishing.in_force()}
            saying = Saying(body.request_id, ACT, release, detail, body.note, by)
            return await self._acts.say(saying, Publish(self._publishing, files, by, body.note))

        return await self._counter.once(request, by.id, body.request_id, work)

    async def _approve(self, request: web.Request) -> web.Response:
        body = await read_body(request, WordBody)
        release, by = _named(request), await self._counter.actor(request)

        async def work() -> Reply:
            pending = partial(approvals.pending, act=ACT, of=release)
            waiting = await self._counter.run(pending)
            detail: Detail = {"before": ""} if waiting is None else waiting.detail
            saying = Saying(body.request_id, ACT, release, detail, body.note, by)
            return await self._acts.say(saying, Publish(self._publishing))

        return await self._counter.once(request, by.id, body.request_id, work)

    async def _roll_back(self, request: web.Request) -> web.Response:
        body = await read_body(request, RollbackBody)
        by = await self._counter.actor(request)
        wrong = note_complaint(body.note, needed=True)
        if wrong is None and body.release and not _HASH.fullmatch(body.release):
            wrong = "a release is named by its whole hash"
        if wrong is not None:
            stop(400, "bad_request", wrong)

        async def work() -> Reply:
            if not may(Role(by.role), ROLL_BACK):
                return await self._acts.denied(by, ROLL_BACK, body.release, RIGHTS[ROLL_BACK])
            done = _told(await self._publishing.roll_back(by, body.release, body.note))
            if isinstance(done, Turned):
                return refused(409, done.code, done.error or _WORDS.get(done.code, done.code))
            return Reply(200, {"state": "rolled_back", **done.result})

        return await self._counter.once(request, by.id, body.request_id, work)


def _named(request: web.Request) -> str:
    release = request.match_info["release"]
    if not _HASH.fullmatch(release):
        stop(400, "bad_request", "a release is named by its whole hash")
    return release


def _not_staged(found: NotStaged) -> Reply:
    error = found.error or f"{len(found.findings)} findings; nothing was stored"
    return refused(409, "findings", error, findings=list(found.findings))


def _told(done: Published | str | NotStaged) -> Done | Turned:
    if isinstance(done, NotStaged):
        return Turned("not_taken", done.error)
    if isinstance(done, str):
        return Turned(done, "")
    return Done({"release": done.hash, "publication": done.number, "by": done.by})
