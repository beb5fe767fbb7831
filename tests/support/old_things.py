"""Rows of a store that are older than others, for whoever deletes what has had its time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert

from telebank.store.fax_tables import fax_dial, fax_job
from telebank.store.matter_tables import matter, matter_entry
from telebank.store.seat_tables import contact, recording
from telebank.store.store import Store
from telebank.store.transaction import Transaction
from telebank.store.types import CanonicalJson
from transactions.journal import JournalEvent


class OldThings:
    """Puts them into a store; `days` is their age at `now`."""

    def __init__(self, store: Store, data: Path, now: datetime) -> None:
        self._store = store
        self._data = data
        self._now = now

    async def talk(self, name: str, days: float, **more: Any) -> None:
        began = self._at(days)
        values = {"id": name, "call": f"call-{name}", "began": began, "answered": began}
        await self._put(contact, {**values, "direction": "in", "how_ended": "caller", **more})

    async def recording(self, name: str, days: float, **more: Any) -> Path:
        values = {"name": f"{name}.rec", "call": f"call-{name}", "began": self._at(days)}
        await self._put(recording, {**values, "marks": [], "state": "kept", **more})
        path = self._data / "recordings" / f"{name}.rec"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"sealed")
        return path

    async def matter(self, name: str, days: float, **more: Any) -> None:
        values = {"number": name, "call": f"call-{name}", "state": "closed"}
        at = self._at(days)
        await self._put(matter, {**values, "opened_at": at, "changed_at": at, **more})
        await self._put(matter_entry, {"matter": name, "nth": 1, "at": at, "kind": "opened"})

    async def fax(self, name: str, days: float, **more: Any) -> None:
        at = self._at(days)
        times = dict.fromkeys(("due_at", "expires_at", "held_until", "made_at", "changed_at"), at)
        await self._put(fax_job, {"id": name, "state": "done", **times, **more})
        await self._put(fax_dial, {"job": name, "attempt": 1, "at": at})

    async def personal(self, call: str) -> None:
        """An event of now with personal detail."""
        event = JournalEvent("call.proved", call=call)
        event.detail.update(card_masked="6222********1234", customer=f"token-of-{call}")
        await self._store.journal.append(event)

    def _at(self, days: float) -> datetime:
        return self._now - timedelta(days=days)

    async def _put(self, table: Table, values: Mapping[str, Any]) -> None:
        full = {
            column.name: _blank(column)
            for column in table.columns
            if not column.nullable and column.server_default is None
        }
        full |= {"node": self._store.node} if "node" in table.columns else {}
        row = {**full, **values}

        def put(part: Transaction) -> None:
            part.connection.execute(insert(table).values(row))

        await self._store.journal.run(put)


def _blank(column: Any) -> Any:
    if isinstance(column.type, CanonicalJson):
        return {}
    kind = column.type.python_type
    return kind() if kind in (str, int, bytes, bool) else None
