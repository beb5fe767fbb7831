"""The node's way to the event log, before a store that stands still and one that writes."""

import asyncio

import pytest

from telebank.calls.recorder import Recorder
from transactions.journal import JournalEvent


class Store:
    """A journal that writes while its gate is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.written: list[str] = []

    async def append(self, event: JournalEvent) -> None:
        await self.gate.wait()
        self.written.append(event.kind)


@pytest.mark.parametrize("most", [1, 10, 100])
async def test_no_call_begins_above_the_limit_of_the_settings(most: int) -> None:
    store = Store()
    recorder = Recorder(store, most, lambda: None)  # type: ignore[arg-type]
    given = 0
    while not recorder.full:
        recorder.append(JournalEvent(f"event {given}"))
        given += 1
        await asyncio.sleep(0)  # it takes what it can
        assert given <= most
    assert given == most
    recorder.append(JournalEvent("of a live call"))  # these are always taken
    store.gate.set()
    await recorder.close()
    assert len(store.written) == most + 1
    assert not recorder.full
