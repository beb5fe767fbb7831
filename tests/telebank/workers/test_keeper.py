"""What keeps a process up: one that says nothing is replaced, one that does not start is tried
again, ever later."""

import asyncio
import os
import signal
import time

import msgspec
import pytest

from telebank.faxing import wire
from telebank.faxing.options import FaxingOptions
from telebank.workers import keeper
from telebank.workers.child import Program
from telebank.workers.keeper import Keeper

SILENT_S = 3.0
"""The process says something three times as often."""
ARGUMENTS = ("--options", msgspec.json.encode(FaxingOptions(silent_s=SILENT_S)).decode())


def program(*arguments: str, module: str = "telebank.faxing") -> Program[wire.FromProcess]:
    return Program(
        name="fax process",
        module=module,
        arguments=arguments,
        version=wire.VERSION,
        decoder=msgspec.msgpack.Decoder(wire.FromProcess),
        shutdown=wire.Shutdown(),
    )


class Plain(Keeper[wire.FromProcess, wire.Hello, str, str]):
    """Keeps a process of which nothing but its Hello is wanted."""

    def __init__(self, of: Program[wire.FromProcess], silent_s: float) -> None:
        super().__init__(of, wire.Hello, 1.0, silent_s)
        self.whys: list[str] = []
        self.started: asyncio.Queue[str] = asyncio.Queue()

    async def __aenter__(self) -> "Plain":
        await self._start()
        self._keep()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _start(self) -> str:
        why = await super()._start()
        self.started.put_nowait(why)
        return why

    def listen(self, number: int, heard: list[str]) -> None:
        """A channel."""
        self._listeners[number] = heard.append

    def _deliver(self, message: wire.FromProcess) -> None:
        if isinstance(message, wire.Hello):
            self._greet(message.version)

    def _refused(self, number: int, reason: str) -> str:
        return reason

    def _lost(self, number: int) -> str:
        return f"lost {number}"

    def _close_order(self, number: int) -> msgspec.Struct:
        return wire.Shutdown()


async def test_a_process_that_says_nothing_is_given_up_and_replaced(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with asyncio.timeout(60), Plain(program(*ARGUMENTS), silent_s=SILENT_S) as kept:
        assert await kept.started.get() == ""
        first, heard = kept.pid, list[str]()
        kept.listen(7, heard)
        os.kill(first, signal.SIGSTOP)
        assert await kept.started.get() == ""
        assert kept.pid not in (0, first)
        assert (heard, kept.load, kept.ready) == (["lost 7"], 0, True)
    assert "has said nothing for 3 s" in caplog.text
    assert kept.pid == 0


async def test_a_silence_of_the_whole_machine_is_no_fault_of_the_process() -> None:
    async with asyncio.timeout(60), Plain(program(*ARGUMENTS), silent_s=SILENT_S) as kept:
        first = kept.pid
        for _ in range(2):
            os.kill(first, signal.SIGSTOP)
            time.sleep(SILENT_S + keeper.STALL_S + 0.5)  # nothing runs here either
            os.kill(first, signal.SIGCONT)
            await asyncio.sleep(SILENT_S / 2)
            assert (kept.pid, kept.ready) == (first, True)


async def test_one_that_does_not_start_is_tried_again_after_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    sleep = asyncio.sleep

    async def pause(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    async with asyncio.timeout(60):
        kept = Plain(program(module="telebank.nothing_of_this_name"), silent_s=9.0)
        monkeypatch.setattr(asyncio, "sleep", pause)
        async with kept:
            for _ in range(len(keeper.RESTART_PAUSES_S) + 3):
                assert "did not start" in await kept.started.get()
    pauses = [seconds for seconds in slept if seconds in keeper.RESTART_PAUSES_S]
    most = keeper.RESTART_PAUSES_S
    assert pauses[: len(most) + 1] == [*most, most[-1]]
