"""The store's sealing keys at a node: rotated and destroyed by two people, rows sealed anew.

Two people's act is `key.custody` on the object `store.seal`. `POST /v1/keys/store/reseal` seals one
small part of a place anew and says where to go on; `POST /v1/keys/store/reload` reads the folder
again, where keys were copied from another node. Neither path needs a person: they change no number
and give none away. Every act is an event.
"""

import asyncio
import re
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import msgspec
from aiohttp import web

from telebank.calls.control.acts import AfterApproval, Carrier, Done, Turned
from telebank.calls.control.common import origin, os_user, read_body, stop
from telebank.calls.control.desk import Counter
from telebank.calls.control.login import StaffDesk
from telebank.commands.wiring import key_custody
from telebank.store import approvals, key_files, resealing, seal_keys
from telebank.store.errors import KeyFileError
from telebank.store.sealing import Keyring
from transactions.approval import Actor, Approving, Detail

OBJECT = "store.seal"
RESEAL, RELOAD = "/v1/keys/store/reseal", "/v1/keys/store/reload"
ROTATE, DESTROY = "rotate", "destroy"
_KEY = re.compile(r"k[1-9][0-9]{0,8}")
Place = Annotated[str, msgspec.Meta(max_length=64)]


class ResealBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A place of `resealing.NAMES`, and the key of the last row that was looked at."""

    place: Place
    after: Annotated[tuple[str | int, ...], msgspec.Meta(max_length=4)] | None = None


class StoreKeysPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, keyring: Keyring) -> None:
        self._counter = counter
        self._keyring = keyring

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart.routes`."""
        return [web.post(RESEAL, self._reseal), web.post(RELOAD, self._reload)]

    async def _reseal(self, request: web.Request) -> web.Response:
        body = await read_body(request, ResealBody)
        if body.place not in resealing.NAMES:
            stop(400, "bad_request", f"nothing is sealed there; known: {resealing.NAMES}")
        look = partial(resealing.find, keys=self._keyring, place=body.place, after=body.after)
        found = await self._counter.read(look)
        job = partial(resealing.reseal, found=found, by=os_user(request))
        written = await self._counter.run(job) if found.changes else 0
        told = {"written": written, "spoilt": found.spoilt, "after": found.after}
        return web.json_response(told)

    async def _reload(self, request: web.Request) -> web.Response:
        try:
            changed = await asyncio.to_thread(self._keyring.reread)
        except KeyFileError as error:
            return web.json_response({"error": str(error), "code": "keys"}, status=409)
        current = self._keyring.current
        if changed:
            by = Actor(os_user(request), "machine", origin(request))
            await self._counter.run(partial(seal_keys.reread, name=current, by=by))
        return web.json_response({"current": current, "changed": changed})


class StoreKeysAct:
    """A `Carrier` of `key.custody` for the object `store.seal`."""

    def __init__(self, desk: StaffDesk, keyring: Keyring) -> None:
        self._desk = desk
        self._keyring = keyring

    def complaint(self, of: str, detail: Detail) -> str | None:
        """See `Carrier`."""
        key = str(detail.get("key", ""))
        if detail.keys() != {"do", "key"} or detail["do"] not in {ROTATE, DESTROY}:
            return "of the store's keys one is rotated to, or destroyed: `do` and `key`"
        return None if _KEY.fullmatch(key) else f"{key!r} is no sealing key; k7 is"

    def check(self, of: str, detail: Detail) -> approvals.Check | None:
        """Looked at when it is carried out: counting is nothing for the writer."""
        return None

    def why(self, code: str) -> str | None:
        """No codes of its own: `carry_out` has words with them."""
        return None

    async def carry_out(self, approving: Approving, detail: Detail) -> Done | Turned:
        """See `Carrier`. A crash after the approval leaves it undone or half done; the same two
        words then do the rest."""
        do, key = str(detail["do"]), str(detail["key"])
        try:
            turned = await (self._ready if do == ROTATE else self._unneeded)(key)
            if turned is not None:
                return turned
            decided = await self._desk.run(partial(approvals.approve, approving=approving))
            if isinstance(decided, str):
                return Turned(decided, "")
            await (self._rotate if do == ROTATE else self._destroy)(key, approving.by)
        except (KeyFileError, OSError) as error:
            return Turned("keys", str(error))
        return Done({"key": key, "do": do, "by": approving.by.id})

    async def _ready(self, key: str) -> Turned | None:
        above = await self._desk.read(seal_keys.highest_number)
        made = await asyncio.to_thread(key_files.prepare, self._keyring.directory, above)
        if key in {made, self._keyring.current}:
            return None
        return Turned("changed", f"the next key is {made}, not {key}; propose that")

    async def _unneeded(self, key: str) -> Turned | None:
        if key == self._keyring.current:
            return Turned("in_use", f"{key} is the key that seals; rotate first")
        counts = await self._desk.read(resealing.sealed_by)
        rows = {place: many[key] for place, many in counts.items() if many[key]}
        if not rows:
            return None
        needed = ", ".join(f"{place} {many}" for place, many in rows.items())
        return Turned("needed", f"{key} is needed to open {needed}: {_advice(rows)}")

    async def _rotate(self, key: str, by: Actor) -> None:
        before = self._keyring.current
        await asyncio.to_thread(key_files.promote, self._keyring.directory, key)
        await asyncio.to_thread(self._keyring.reread)
        fingerprint = self._keyring.fingerprints[f"seal-{key}.key"]
        await self._desk.run(
            partial(seal_keys.rotated, name=key, fingerprint=fingerprint, before=before, by=by)
        )

    async def _destroy(self, key: str, by: Actor) -> None:
        await self._desk.run(partial(seal_keys.destroyed, name=key, by=by))
        await asyncio.to_thread(key_files.destroy, self._keyring.directory, key)
        await asyncio.to_thread(self._keyring.reread)


class Custody:
    """`key.custody` of the security module's keys and of the store's, told apart by the object."""

    def __init__(self, desk: StaffDesk, keyring: Keyring) -> None:
        self._module = AfterApproval(desk, key_custody.work, key_custody.complaint)
        self._store = StoreKeysAct(desk, keyring)

    def complaint(self, of: str, detail: Detail) -> str | None:
        """See `Carrier`."""
        return self._of(of).complaint(of, detail)

    def check(self, of: str, detail: Detail) -> approvals.Check | None:
        """See `Carrier`."""
        return self._of(of).check(of, detail)

    def why(self, code: str) -> str | None:
        """Neither has codes of its own."""
        return None

    async def carry_out(self, approving: Approving, detail: Detail) -> Done | Turned:
        """See `Carrier`."""
        return await self._of(approving.object).carry_out(approving, detail)

    def _of(self, of: str) -> Carrier:
        return self._store if of == OBJECT else self._module


def _advice(rows: dict[str, Any]) -> str:
    if set(rows) == {resealing.IN_FILES}:
        return "recordings keep their key until they end ([recording] keep_days)"
    return "telebank keys store reseal"
