"""What a node tells its watcher of the copies of its audit log's checkpoints."""

import asyncio
from pathlib import Path

from support.store_kit import open_store
from telebank.commands.wiring.audit import AuditRoom
from telebank.ops.metrics_types import Anchors
from telebank.store.audit_options import AuditOptions
from transactions.journal import JournalEvent


async def seen(folder: Path, places: tuple[Path, ...]) -> Anchors:
    """What is told of a log of its own once something is copied, or late."""
    options = AuditOptions(anchors=tuple(map(str, places)), entries=1)
    async with open_store(folder) as store:
        room = AuditRoom(options, store, folder / "keys", 0.02)
        room.start()
        try:
            await store.journal.append(JournalEvent("call.ended"))
            for _ in range(600 if places else 1):
                told = room.anchors()
                if told.sequence or told.late:
                    break
                await asyncio.sleep(0.1)
            return told
        finally:
            await room.close()


async def test_copies_are_told_and_those_that_are_not_of_this_log(tmp_path: Path) -> None:
    place = tmp_path / "anchors"
    place.mkdir()
    for name in ("none", "one", "other"):
        (tmp_path / name).mkdir()
    assert await seen(tmp_path / "none", ()) == Anchors()
    told = await seen(tmp_path / "one", (place,))
    assert (told.places, told.late) == (1, 0)
    assert told.sequence > 0
    assert await seen(tmp_path / "other", (place,)) == Anchors(places=1, late=1)
