"""A node's releases while it runs: publishes what people decide, takes what another node of the
store published, lets live calls keep theirs, and drops what nobody has any more.

An edition is made ready first: read, spoken by processor and adapter, its bank open in every media
worker. Then comes the commit, then new calls get it. Where the commit fails nothing was changed;
where the process ends between, its next start takes what is in force, whole.
"""

import asyncio
import contextlib
import gc
import shutil
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from core_adapters.profiles.errors import ProfileError
from telebank.calls.control.releases import NotStaged
from telebank.calls.edition import Edition
from telebank.calls.node import VoiceNode
from telebank.commands.wiring.alarms import warn
from telebank.commands.wiring.editions import Loaded, drop_bank, load
from telebank.commands.wiring.release_check import check_staged, drop_checking
from telebank.commands.wiring.rules import Taught
from telebank.flow.load import FlowError
from telebank.media.client import MediaError, MediaWorkers
from telebank.settings import Settings, SettingsError
from telebank.store.releases import Published, ReleaseError, lay_out
from telebank.store.store import Store
from transactions.approval import Actor, Approving
from transactions.contract import ContractError
from transactions.journal import JournalEvent
from transactions.ports import JournalUnavailable, LeaseLost
from voice_prompts.catalogue import CatalogueError
from voice_prompts.overlay import RecordingError
from voice_prompts.pack import PackError
from voice_prompts.speaker import MissingClips

log = structlog.get_logger("telebank.releases")

NOT_YET = "it is not taken yet"
MAX_PAUSE_S = 300.0
"""Longest time between two goes at a release that could not be taken, in seconds."""
UNFIT = (
    *(FlowError, ContractError, CatalogueError, PackError, RecordingError, MissingClips),
    *(ProfileError, ReleaseError, SettingsError, MediaError, OSError),
)
"""Why a release cannot be taken; the error says which file and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where releases lie: laid out under `run`, banks under `voice`, all under `data`."""

    data: Path
    run: Path
    voice: Path


@dataclass(frozen=True, slots=True)
class Ready:
    """A release that calls can have; `restart` says why it can only be had by a restart."""

    edition: Edition | None
    loaded: Loaded | None
    restart: str = ""


@dataclass(frozen=True, slots=True)
class Trying:
    """Goes at a publication that another node made: number `of`, the next not before `at`
    (monotonic seconds), `pause_s` after the last."""

    of: int = 0
    at: float = 0.0
    pause_s: float = 0.0

    def due(self, number: int, now: float) -> bool:
        """Whether to try this one now."""
        return number != self.of or now >= self.at

    def again(self, number: int, now: float, first_s: float) -> "Trying":
        """After a go at it that begins now."""
        pause = min(2 * self.pause_s, MAX_PAUSE_S) if number == self.of else first_s
        return Trying(number, now + pause, pause)


class Publisher:
    """Implements `telebank.calls.control.releases.Publishing`; looks at every heartbeat."""

    def __init__(
        self,
        *,
        store: Store,
        settings: Settings,
        place: Place,
        media: MediaWorkers,
        taught: Taught,
        node: VoiceNode,
        now: Published,
        loaded: Loaded,
        older: Sequence[str] = (),
    ) -> None:
        """`now` is in force and `loaded` what the node's first calls have; `older` were taught for
        open rows."""
        self._store = store
        self._settings = settings
        self._place = place
        self._media = media
        self._taught = taught
        self._node = node
        self._now = now
        self._had: dict[str, tuple[Edition, Loaded] | None] = dict.fromkeys(older)
        self._had[loaded.release.hash] = (node.edition, loaded)
        self._seen = now.number
        """Number of the publication that new calls have here, or that waits for a restart."""
        self._why = ""
        """Why the one in force is not what new calls get here."""
        self._trouble = ""
        """What ended the last look, until one goes well again."""
        self._trying = Trying()
        self._turn = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None
        self._closing = False

    def start(self) -> None:
        """Look for what other nodes publish, until `close`."""
        drop_checking(self._place.data)
        self._begin()

    def _begin(self) -> None:
        self._looking = asyncio.create_task(self._keep_looking(), name="releases")
        self._looking.add_done_callback(self._ended)

    async def close(self) -> None:
        """Look no more."""
        self._closing = True
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    # -- what the control socket asks -----------------------------------------------------------

    def standing(self) -> Mapping[str, Any]:
        """What is in force, what new calls get here, and how many calls have what."""
        return {
            "release": self._now.hash,
            "publication": self._now.number,
            "by": self._now.by,
            "new_calls": self._node.edition.hash,
            "calls": dict(self._node.releases()),
            "why": self._trouble or self._why,
        }

    async def in_force(self) -> str:
        """The hash of what is in force in the store."""
        now = await self._store.releases.current()
        return self._now.hash if now is None else now.hash

    async def staged(self, release: str) -> Mapping[str, bytes] | NotStaged:
        """The files that were staged for a proposal, if nothing is wrong with them."""
        try:
            found = await check_staged(self._place.data, release)
        except ReleaseError as error:
            return NotStaged((), str(error))
        return NotStaged(found) if isinstance(found, tuple) else found

    async def publish(self, approving: Approving) -> Published | str | NotStaged:
        """Make it ready, approve and publish in one commit, and give it to new calls."""
        async with self._turn:
            ready = await self._make_ready(approving.object)
            if isinstance(ready, NotStaged):
                return ready
            done: Published | str = "not_done"
            try:
                done = await self._store.releases.publish(approving)
            finally:
                if isinstance(done, str):
                    await self._drop_unused()
            return done if isinstance(done, str) else await self._taken(done, ready)

    async def roll_back(self, by: Actor, to: str, note: str) -> Published | str | NotStaged:
        """Put in force what was before, and give it to new calls."""
        async with self._turn:
            target = await self._store.releases.back_to(to)
            ready = await self._make_ready(target) if len(target) == len(self._now.hash) else None
            if isinstance(ready, NotStaged):
                return ready
            done = await self._store.releases.roll_back(by, target if ready else to, note)
            if isinstance(done, str) or ready is None:
                await self._drop_unused()
                return done
            detail: dict[str, Any] = {"release": done.hash, "by": by.id, "note": note}
            warn(JournalEvent("alarm.release", outcome="rolled_back", detail=detail))
            return await self._taken(done, ready)

    # -- making ready, taking, dropping ---------------------------------------------------------

    async def _make_ready(self, release: str) -> Ready | NotStaged:
        known = self._had.get(release)
        if known is not None:
            return Ready(*known)
        try:
            return await self._read(release)
        except UNFIT as error:
            return NotStaged((), f"release {release[:16]} cannot be taken: {error}")

    async def _read(self, release: str) -> Ready:
        files = await self._store.releases.files(release)
        folder = await asyncio.to_thread(lay_out, release, files, self._place.run)
        place, settings = self._place.voice, self._settings
        # Reading makes so many objects that the collector would walk all of the node's, with every
        # thread stopped for a quarter of a second; frozen ones are not walked.
        gc.freeze()
        loaded = await asyncio.to_thread(load, folder, place, settings, check=False)
        restart = await self._taught.learn(loaded.rules)
        if restart:
            return Ready(None, None, restart)
        try:
            bank = await self._media.open_bank(loaded.bank) if loaded.own else 0
        except MediaError:
            if release not in self._had:  # else open rows have it
                await self._taught.forget(release)
            raise
        edition = Edition(loaded.release, loaded.speaker, bank)
        self._had[release] = (edition, loaded)
        return Ready(edition, loaded)

    async def _taken(self, now: Published, ready: Ready) -> Published:
        """Give it to new calls. Until that is done it counts as not taken: the next look tries."""
        self._now, self._why = now, ready.restart or NOT_YET
        detail: dict[str, Any]
        if ready.edition is None:
            self._has(now, ready.restart)
            detail = {"release": now.hash, "why": ready.restart, "todo": "restart this node"}
            await self._tell("alarm.release", "restart", detail)
            return now
        await self._taught.use(now.hash)
        self._node.use(ready.edition)
        self._has(now)
        detail = {"release": now.hash, "number": now.number, "by": now.by}
        await self._tell("release.taken", "ok", detail)
        await self._drop_unused()
        return now

    def _has(self, now: Published, why: str = "") -> None:
        self._seen, self._why, self._trying = now.number, why, Trying()

    def _in_use(self) -> set[str]:
        """What live calls, requests in flight and new calls have. A request that a call began may
        outlive it; those of scheduled transfers have no call."""
        flying = self._taught.processor.in_flight()
        return {*self._node.releases(), *flying, self._node.edition.hash}

    async def _drop_unused(self) -> None:
        """What no live call, no request in flight and no open row has, and new calls do not get."""
        used = self._in_use()
        if not self._had.keys() - used:
            return
        used |= await self._store.releases.used()
        for release in sorted(self._had.keys() - used - self._in_use()):
            had = self._had.pop(release)
            await self._taught.forget(release)
            if had is not None:
                edition, loaded = had
                self._media.leave_bank(edition.bank)
                await asyncio.to_thread(drop_bank, loaded)
                await asyncio.to_thread(shutil.rmtree, loaded.folder, ignore_errors=True)
            log.info("release.dropped", release=release)

    async def _tell(self, kind: str, outcome: str, detail: dict[str, Any]) -> None:
        event = JournalEvent(kind, outcome=outcome, detail=detail)
        if kind.startswith("alarm"):
            warn(event)
        else:
            log.info(kind, outcome=outcome, **detail)
        with contextlib.suppress(JournalUnavailable):
            await self._store.releases.note(event)

    # -- other nodes ----------------------------------------------------------------------------

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._settings.store.heartbeat_s)
            try:
                await self._look()
            except JournalUnavailable as error:
                log.warning("releases.not_seen", error=str(error))
            except LeaseLost:
                return  # the node ends

    async def _look(self) -> None:
        async with self._turn:
            now = await self._store.releases.current()
            if now is not None and now.number != self._seen:
                await self._take(now)
            await self._drop_unused()
            if now is None or now.number == self._seen:
                self._trouble = ""

    async def _take(self, now: Published) -> None:
        """Another node published it. What cannot be taken is an alarm, once, and is tried again,
        ever later; new calls go on with what they had."""
        if not self._trying.due(now.number, asyncio.get_running_loop().time()):
            return
        first, self._trying = self._trying.of != now.number, self._tried(now.number)
        ready = await self._make_ready(now.hash)
        if not isinstance(ready, NotStaged):
            await self._taken(now, ready)
            return
        self._now, self._why = now, ready.error
        if first:
            detail: dict[str, Any]
            detail = {"release": now.hash, "number": now.number, "why": ready.error}
            await self._tell("alarm.release", "not_taken", detail)

    def _tried(self, number: int) -> Trying:
        return self._trying.again(
            number, asyncio.get_running_loop().time(), self._settings.store.heartbeat_s
        )

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """What nobody foresaw is an alarm, once until all is well again; the looking goes on."""
        error = None if task.cancelled() else task.exception()
        if error is None or self._closing:
            return
        why = f"looking for releases failed: {type(error).__name__}"
        if not self._trouble:
            log.error("releases.failed", error=type(error).__name__)
            told = self._tell("alarm.release", "failed", {"release": self._now.hash, "why": why})
            self._note = asyncio.create_task(_noted(told), name="alarm")
        self._trouble = why
        self._begin()


async def _noted(told: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(LeaseLost):  # it is in the log
        await told
