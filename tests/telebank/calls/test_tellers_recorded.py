"""Recordings of conversations whose media worker dies."""

import asyncio
import dataclasses
import os
import signal
from pathlib import Path

from support.bank_process import Voice
from support.teller_scene import OPTIONS, QUEUE, scene
from telebank.agents.board import CallRow

RECORDED = dataclasses.replace(OPTIONS, queues=(dataclasses.replace(QUEUE, record=True),))


async def test_a_killed_worker_ends_them_as_failed(tmp_path: Path, voice: Voice) -> None:
    async with scene(tmp_path, voice, RECORDED) as it:
        phone = await it.phone("8001", 900.0)
        assert it.room.enter("li", "Li", "8001", {"general": 5}) is None
        assert it.room.want("li", "ready") is None
        await it.caller("one", 550.0)
        await it.answers(phone)
        (row,) = [row for row in it.room.rows(for_supervisor=True) if isinstance(row, CallRow)]
        assert (await it.state("CallRow", row.key, "talking")).recording
        await it.pause(0.5)
        (new,) = it.kept.files
        assert it.kept.outcomes == {}
        (worker,) = it.house.node._parts.media.pids
        os.kill(worker, signal.SIGKILL)
        async with asyncio.timeout(20):
            while new.name not in it.kept.outcomes:
                await asyncio.sleep(0.02)
        outcome = it.kept.outcomes[new.name]
        assert outcome.cut
        assert "worker is gone" in outcome.why
