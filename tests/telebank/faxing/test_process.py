"""The process and its lines: limits as values, a library that is not there, the end of everything
at any time."""

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fax.terminal import Accept, Transmit
from support.fax_process import (
    HOST,
    RECEIVER,
    SENDER,
    Told,
    audio_pair,
    opened,
    write_pages,
)
from telebank.faxing.__main__ import HEADROOM_MB, LINE_MB, zone_name
from telebank.faxing.client import (
    Closed,
    Ended,
    FaxLine,
    FaxProcess,
    Heard,
    LineLost,
    OpenFailed,
)
from telebank.faxing.options import FaxingOptions
from telebank.faxing.room import shortage

NODE = """
import asyncio, sys
from telebank.faxing.client import FaxProcess
from telebank.faxing.options import FaxingOptions
from telebank.faxing.room import shortage

async def main():
    process = FaxProcess(FaxingOptions())
    await process.start()
    print(process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


GREEDY = """
from telebank.faxing.__main__ import HEADROOM_MB, _limit_memory

_limit_memory(1)
page = bytearray(HEADROOM_MB // 2 << 20)
try:
    bytearray(HEADROOM_MB << 20)
except MemoryError:
    print("no")
"""


def size(pid: int) -> int:
    """Address space of a process, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


async def gone(pid: int) -> None:
    async with asyncio.timeout(40):
        while Path(f"/proc/{pid}").exists() and "Z" not in state(pid):
            await asyncio.sleep(0.01)


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


# -- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [FaxingOptions(lines=2)])
async def test_the_limit_of_lines_is_a_value_and_lines_come_back(process: FaxProcess) -> None:
    (first, told), _ = await opened(process), await opened(process)
    refused = await process.open(HOST, Told())
    assert isinstance(refused, OpenFailed)
    assert "all 2 fax lines" in refused.reason
    assert process.lines == 2
    first.close()
    first.close()
    await told.of(Closed)
    await opened(process)
    assert len(told.all) == 1


@pytest.mark.parametrize("address", ["192.0.2.77", "bank.example", "", "127.0.0.1:99"])
async def test_an_address_that_is_not_ours_is_a_value(process: FaxProcess, address: str) -> None:
    refused = await process.open(address, Told())
    assert isinstance(refused, OpenFailed)
    assert "no fax socket on" in refused.reason
    assert process.lines == 0


async def test_ports_come_even_from_the_range_and_both_or_none() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        low = min(taken.getsockname()[1] & ~1, 65_400)
        process = FaxProcess(FaxingOptions(port_low=low, port_high=low + 10))
        await process.start()
        answers = [await process.open(HOST, Told()) for _ in range(4)]
        await process.close()
    lines = [answer for answer in answers if isinstance(answer, FaxLine)]
    ports = [port for line in lines for port in (line.audio_port, line.t38_port)]
    assert ports
    assert len(set(ports)) == len(ports)
    assert all(port % 2 == 0 and low <= port < low + 10 for port in ports)
    assert isinstance(answers[-1], OpenFailed)


# -- what cannot begin ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["libnothing.so.99", __file__])
async def test_without_the_library_everything_else_works_and_says_how_to_get_it(name: str) -> None:
    process = FaxProcess(FaxingOptions(library=name))
    await process.start()
    assert "apt-get install libspandsp2" in process.missing
    refused = await process.open(HOST, Told())
    assert isinstance(refused, OpenFailed)
    assert refused.reason == process.missing
    assert (process.pid, process.lines) == (0, 0)
    await process.close()


async def test_a_process_that_does_not_come_up_stops_no_node(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process = FaxProcess(FaxingOptions())
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/bin/false")
        await process.start()
        assert isinstance(await process.open(HOST, Told()), OpenFailed)
    async with asyncio.timeout(20):
        while not isinstance(await process.open(HOST, Told()), FaxLine):
            await asyncio.sleep(0.05)
    await process.close()


async def test_what_cannot_be_begun_ends_at_once_and_says_why(
    process: FaxProcess, tmp_path: Path
) -> None:
    line, told = await opened(process)
    accept = Accept(tmp_path / "a.tiff")
    line.begin_audio((HOST, 4_000), "G729", accept, False, RECEIVER)
    assert "PCMA or PCMU" in (await told.of(Ended)).reason
    line.begin_t38(("bank.example", 4_000), None, accept, False, RECEIVER)
    assert "bank.example" in (await told.of(Ended)).reason
    line.begin_t38((HOST, 70_000), None, accept, False, RECEIVER)
    assert "70000" in (await told.of(Ended)).reason
    deep = tmp_path / ("x" * 150) / ("y" * 150)
    deep.mkdir(parents=True)
    line.begin_audio((HOST, 4_000), "PCMA", Accept(deep / "a.tiff"), False, RECEIVER)
    ended = await told.of(Ended)
    assert "path" in ended.reason
    assert (ended.code, ended.pages, ended.asked) == (-1, 0, False)
    line.begin_t38((HOST, 4_000), None, Accept(tmp_path / "no" / "a.tiff"), False, RECEIVER)
    assert "no fax can be received into" in (await told.of(Ended)).reason
    assert len(told.all) == 5


# -- ends -----------------------------------------------------------------------------------------


async def test_a_line_may_be_closed_at_any_time(process: FaxProcess, tmp_path: Path) -> None:
    pages = write_pages(tmp_path / "p.tiff")
    unused, told_unused = await opened(process)
    unused.close()
    assert (await told_unused.of(Closed)).foreign == 0
    audio, told_audio = await opened(process)
    audio.begin_audio((HOST, unused.audio_port), "PCMU", Transmit(pages), True, SENDER)
    audio.close()
    audio.close()
    await told_audio.of(Closed)
    assert [type(event) for event in told_audio.all] == [Ended, Closed]
    t38, told_t38 = await opened(process)
    t38.begin_audio((HOST, unused.audio_port), "PCMA", Transmit(pages), True, SENDER)
    t38.begin_t38((HOST, unused.t38_port), -1, Transmit(pages), True, SENDER)
    t38.close()
    t38.begin_t38((HOST, unused.t38_port), 72, Transmit(pages), True, SENDER)
    await told_t38.of(Closed)
    [ended, _] = told_t38.all
    assert isinstance(ended, Ended)
    assert (ended.pages, ended.asked) == (0, False)
    assert ended.code != 0
    await opened(process)
    assert process.lines == 1


async def test_the_end_of_the_process_ends_its_faxes(tmp_path: Path) -> None:
    process = FaxProcess(FaxingOptions())
    await process.start()
    line, told = await opened(process)
    line.begin_t38((HOST, 4_000), None, Accept(tmp_path / "a.tiff"), False, RECEIVER)
    await process.close()
    assert [type(event) for event in told.all] == [Ended, Closed]
    assert (process.pid, process.lines) == (0, 0)
    assert process.stats is not None
    line.close()
    assert isinstance(await process.open(HOST, Told()), OpenFailed)


@pytest.mark.parametrize("options", [FaxingOptions(max_seconds=0.5)])
async def test_no_fax_goes_on_for_ever(process: FaxProcess, tmp_path: Path) -> None:
    line, told = await opened(process)
    line.begin_t38((HOST, line.t38_port), None, Accept(tmp_path / "a.tiff"), False, RECEIVER)
    ended = await told.of(Ended)
    assert ended.seconds == 0.5
    assert "0.5 s" in ended.reason


def test_a_fax_is_received_only_where_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    assert shortage(path, 1) == ""
    path.touch()
    assert shortage(path, 1) == ""
    os.truncate(path, 1 << 20)
    assert "takes 1 MB" in shortage(path, 1)
    assert "are free" in shortage(path, 1 << 40)


async def test_a_killed_process_loses_its_own_lines_and_is_replaced(
    process: FaxProcess, other: FaxProcess, tmp_path: Path
) -> None:
    pages = write_pages(tmp_path / "p.tiff")
    (line, told), (_, heard) = await audio_pair(process, other, pages, tmp_path / "r.tiff")
    _, idle = await opened(process)
    await told.of(Heard)
    before, kept = process.pid, other.pid
    os.kill(before, signal.SIGKILL)
    assert await told.of(LineLost) == LineLost(line.number)
    assert await idle.of(LineLost)
    async with asyncio.timeout(40):
        while not isinstance(await process.open(HOST, Told()), FaxLine):
            await asyncio.sleep(0.01)
    assert process.pid not in (0, before)
    assert other.pid == kept
    line.close()  # into the void, without harm
    assert [type(event) for event in told.all] == [Heard, LineLost]
    assert not heard.every(LineLost)
    assert not heard.every(Ended)
    assert process.lines == 1


@pytest.mark.parametrize("options", [FaxingOptions(open_timeout_s=0.3)])
async def test_a_stopped_process_is_a_value_and_in_the_end_replaced(process: FaxProcess) -> None:
    line, told = await opened(process)
    pid = process.pid
    os.kill(pid, signal.SIGSTOP)
    for _ in range(3):
        refused = await process.open(HOST, Told())
        assert isinstance(refused, OpenFailed)
        assert "does not answer" in refused.reason
    assert await told.of(LineLost) == LineLost(line.number)
    async with asyncio.timeout(40):
        while not isinstance(await process.open(HOST, Told()), FaxLine):
            await asyncio.sleep(0.05)
    assert process.pid != pid


@pytest.mark.parametrize("options", [FaxingOptions(silent_s=0.6)])
async def test_a_process_that_falls_silent_is_replaced(process: FaxProcess) -> None:
    line, told = await opened(process)
    pid = process.pid
    os.kill(pid, signal.SIGSTOP)
    assert await told.of(LineLost) == LineLost(line.number)
    async with asyncio.timeout(40):
        while not isinstance(await process.open(HOST, Told()), FaxLine):
            await asyncio.sleep(0.05)
    assert process.pid != pid


async def test_an_open_given_up_by_its_caller_leaves_nothing(process: FaxProcess) -> None:
    opening = asyncio.create_task(process.open(HOST, Told()))
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening])
    assert process.lines == 0
    await opened(process)
    assert process.lines == 1


async def test_the_process_goes_with_its_node() -> None:
    node = await asyncio.create_subprocess_exec(
        sys.executable, "-c", NODE, stdout=asyncio.subprocess.PIPE
    )
    assert node.stdout is not None
    pid = int(await node.stdout.readline())
    assert state(pid) != "Z"
    node.kill()
    await node.wait()
    await gone(pid)


async def test_what_stops_the_whole_service_is_the_nodes_to_obey(process: FaxProcess) -> None:
    """systemd tells every process of a service to end; how its faxes end is the node's to say."""
    pid = process.pid
    os.kill(pid, signal.SIGTERM)
    line, told = await opened(process)
    line.close()
    await told.of(Closed)
    assert process.pid == pid
    assert told.every(LineLost) == []


# -- memory ---------------------------------------------------------------------------------------


async def test_a_page_that_unfolds_without_end_does_not_take_the_machines_memory(
    process: FaxProcess,
) -> None:
    """A block of 64 KB may be 100 MB of page; every line may have its three at once."""
    await opened(process)
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max address space")]
    room = int(line.split()[3]) - size(process.pid)
    lines = FaxingOptions().lines
    assert lines * 4 << 20 < room <= (HEADROOM_MB + LINE_MB * lines) << 20


def test_what_is_asked_for_beyond_the_limit_is_refused() -> None:
    """With one line."""
    command = [sys.executable, "-c", GREEDY]
    tried = subprocess.run(command, check=False, capture_output=True, text=True)
    assert tried.stdout == "no\n", tried.stderr


@pytest.mark.parametrize(
    ("minutes", "shown"),
    [(480, "20:00 +0800"), (0, "12:00 +0000"), (-210, "08:30 -0330"), (345, "17:45 +0545")],
)
def test_the_line_above_pages_has_the_banks_clock(minutes: int, shown: str) -> None:
    noon = "import time; print(time.strftime('%H:%M %z', time.localtime(12 * 3600)))"
    said = subprocess.run(
        [sys.executable, "-c", noon],
        env={**os.environ, "TZ": zone_name(minutes)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == shown
