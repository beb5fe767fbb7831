"""Deletes once a day what has had its time, and at the control socket: runs, legal holds."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import structlog
from aiohttp import web

from telebank.calls.control.acts import Acts
from telebank.calls.control.common import Name, Reply, RequestId, os_user, read_body, refused, stop
from telebank.calls.control.desk import Counter
from telebank.retention.holds import CUSTOMER, REFERENCE, Wanted, place, release
from telebank.retention.kinds import KINDS, Kind
from telebank.retention.rules import Rules
from telebank.retention.sweep import (
    Key,
    Old,
    Swept,
    before,
    count,
    due,
    holding,
    page,
    remove,
    tell,
)
from telebank.staff.roles import HOLD, RELEASE_HOLD, RIGHTS, Role, may
from telebank.store.recordings import FOLDER
from telebank.store.store import Store
from telebank.store.transaction import Transaction
from transactions.card import CardNumber, CardNumberError, CardVault
from transactions.card_text import without_numbers
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.retention")

RUN, HOLDS, RELEASE = "/v1/retention/run", "/v1/retention/holds", "/v1/retention/release"
LOOK_S = 30.0
BREATH_S = 0.02
"""Seconds between two commits: calls go before."""
SYSTEM = "system"
Why = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class RetentionRoom:
    """Sweeps each day at the hour of the rules, until `close`; one run at a time."""

    def __init__(
        self,
        rules: Rules,
        data: Path,
        store: Store,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.rules = rules
        self._now = now
        self._data = data
        self._store = store
        self._zone = store.journal.zone
        self._daily: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self.swept: dict[str, Swept] = {}
        """Of the run under way, or of the last one."""
        self.outcome = ""

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""
        return self._running is not None and not self._running.done()

    def start(self) -> None:
        """Look at the clock until `close`."""
        self._daily = asyncio.create_task(self._each_day(), name="retention")

    async def close(self) -> None:
        """End a run between two commits; what it has not done the next one does."""
        for task in (self._daily, self._running):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def begin(self, by: str) -> bool:
        """Run now; False where one is under way."""
        if self.busy:
            return False
        self.swept, self.outcome = {}, ""
        self._running = asyncio.create_task(self._run(by), name="retention run")
        self._running.add_done_callback(self._ended)
        return True

    def _ended(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.outcome = "failed"
            log.error("retention.failed", error=type(error).__name__, why=str(error)[:200])

    async def _each_day(self) -> None:
        last = self._now()
        while True:
            await asyncio.sleep(LOOK_S)
            now = self._now()
            if due(now, last, self.rules.hour, self._zone):
                self.begin(SYSTEM)
            last = now

    async def _run(self, by: str) -> None:
        outcome = "failed"
        try:
            now = self._now()
            ends = {n: before(now, days, self._zone) for n, days in self.rules.days().items()}
            for name, until in ends.items():
                ask = partial(count, kind=KINDS[name], until=until, node=self._store.node)
                self.swept[name] = Swept(found=await self._store.reader.run(ask))
            for name, until in ends.items():
                await self._sweep(KINDS[name], until, self.swept[name])
            outcome = "partly" if any(one.failed for one in self.swept.values()) else "ok"
        finally:
            with contextlib.suppress(JournalUnavailable, LeaseLost):
                await self._store.journal.run(
                    partial(tell, swept=self.swept, by=by, outcome=outcome)
                )
            self.outcome = outcome

    async def _sweep(self, kind: Kind, until: datetime, swept: Swept) -> None:
        after: Key | None = None
        while True:
            ask = partial(page, kind=kind, until=until, node=self._store.node, after=after)
            found = await self._store.reader.run(ask)
            if not found:
                return
            after = found[-1].key
            await self._batch(kind, found, swept)
            await asyncio.sleep(BREATH_S)

    async def _batch(self, kind: Kind, found: Sequence[Old], swept: Swept) -> None:
        held = await self._store.journal.run(partial(holding, zone=self._zone))
        free = [one for one in found if not one.held(held)]
        swept.held += len(found) - len(free)
        if kind.home is not None:
            gone = await asyncio.to_thread(self._without_files, free)
            swept.failed += len(free) - len(gone)
            free = gone
        if free:
            swept.deleted += await self._store.journal.run(partial(self._remove, kind, free))

    def _remove(self, kind: Kind, found: Sequence[Old], part: Transaction) -> int:
        return remove(part, kind, found, holding(part, self._zone))

    def _without_files(self, found: Sequence[Old]) -> list[Old]:
        """Those whose file is gone, now or before: a row never outlives the wish to keep it, and a
        file never its row."""
        gone = []
        for one in found:
            try:
                (self._data / FOLDER / one.key[0]).unlink(missing_ok=True)
                gone.append(one)
            except OSError as error:
                log.warning("retention.file", name=one.key[0], error=error.strerror)
        return gone


class HoldBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is held: one of card, token and reference."""

    request_id: RequestId
    why: Why
    card: Name = ""
    token: Name = ""
    reference: Name = ""
    until: date | None = None


class ReleaseBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which hold ends."""

    request_id: RequestId
    hold: Name
    why: Why


class RetentionPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, vault: CardVault, room: RetentionRoom) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._vault = vault
        self._room = room

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart.routes`."""
        return [
            web.get(RUN, self._how_far),
            web.post(RUN, self._run),
            web.post(HOLDS, self._hold),
            web.post(RELEASE, self._release),
        ]

    async def _how_far(self, _request: web.Request) -> web.Response:
        kinds = {name: asdict(one) for name, one in self._room.swept.items()}
        body = {"running": self._room.busy, "outcome": self._room.outcome, "kinds": kinds}
        return web.json_response(body)

    async def _run(self, request: web.Request) -> web.Response:
        """Who may use this socket may say that what is due is deleted: the rules say what is."""
        if not self._room.begin(os_user(request)):
            return refused(409, "busy", "a run is under way").response()
        return web.json_response({"running": True}, status=202)

    async def _hold(self, request: web.Request) -> web.Response:
        body = await read_body(request, HoldBody)
        by = await self._counter.actor(request)
        wanted = self._wanted(body)

        async def work() -> Reply:
            if not may(Role(by.role), HOLD):
                return await self._acts.denied(by, HOLD, wanted.id, RIGHTS[HOLD])
            outcome = await self._counter.run(partial(place, wanted=wanted, by=by))
            if outcome == "unknown":
                return refused(404, "unknown", f"no transaction has the reference {wanted.value}")
            if outcome != "ok":
                return refused(409, outcome, "there are too many holds: release some")
            return Reply(200, {"hold": wanted.id, "kind": wanted.kind, "masked": wanted.masked})

        return await self._counter.once(request, by.id, body.request_id, work)

    def _wanted(self, body: HoldBody) -> Wanted:
        given = [word for word in (body.card, body.token, body.reference) if word]
        if len(given) != 1:
            stop(400, "bad_request", "give one of card, token and reference")
        name, why = f"h-{secrets.token_hex(4)}", without_numbers(body.why)
        if body.reference:
            return Wanted(name, REFERENCE, body.reference, why, body.until)
        if body.token:
            return Wanted(name, CUSTOMER, body.token, why, body.until)
        try:
            card = CardNumber(body.card)
        except CardNumberError as error:
            stop(400, "bad_request", str(error))
        return Wanted(name, CUSTOMER, self._vault.token(card), why, body.until, card.masked)

    async def _release(self, request: web.Request) -> web.Response:
        body = await read_body(request, ReleaseBody)
        by = await self._counter.actor(request)
        job = partial(release, hold=body.hold, why=without_numbers(body.why), by=by)

        async def work() -> Reply:
            if not may(Role(by.role), RELEASE_HOLD):
                return await self._acts.denied(by, RELEASE_HOLD, body.hold, RIGHTS[RELEASE_HOLD])
            if await self._counter.run(job) != "ok":
                return refused(404, "unknown", "no hold in force has this number")
            return Reply(200, {"hold": body.hold, "released": True})

        return await self._counter.once(request, by.id, body.request_id, work)
