"""The library as such: absent, with faults of ours in its callbacks, and without leaks."""

import gc
import os
from pathlib import Path

import numpy as np
import pytest

from fax.terminal import (
    Accept,
    AudioTerminal,
    Ended,
    Missing,
    T38Peer,
    T38Terminal,
    TerminalOptions,
    ToneListener,
    library,
)
from fax.terminal.guard import danger
from fax.terminal.values import UNFINISHED
from fax.udptl import encode
from support.fax_fuzz import V21, packed
from support.fax_lines import fax, over_t38, page, spandsp, t38_pair

PAGE = page(1, 300)
DCS = bytes.fromhex("ff138300e2f844")


def test_an_absent_library_says_how_to_get_it() -> None:
    absent = library("libspandsp-that-is-not-there.so.2")
    assert isinstance(absent, Missing)
    assert absent.why.endswith("apt-get install libspandsp2, then start again")
    assert "libspandsp-that-is-not-there" in absent.fault


def test_another_library_of_that_name_is_absent_too() -> None:
    other = library("libc.so.6")
    assert isinstance(other, Missing)
    assert "libspandsp 0.0.6" in other.why


def test_a_fault_of_ours_in_a_callback_ends_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: T38Terminal, _incoming: bool, _frame: bytes) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(T38Terminal, "frame_passed", broken)
    sent, received = over_t38(t38_pair(fax(tmp_path, [PAGE])))
    assert received.result.code == UNFINISHED
    assert "ZeroDivisionError('a bug')" in received.result.reason
    assert received.events == [Ended(received.result)]
    assert (sent.result.code > 0, sent.result.pages) == (True, 0)


@pytest.mark.parametrize(
    ("frame", "sending", "dangerous"),
    [
        (DCS, False, False),
        (DCS, True, True),
        (bytes.fromhex("ff138300e279"), False, True),
        (bytes.fromhex("ff138300e27b"), False, True),
        (bytes.fromhex("ff138000e27b"), False, False),
        (bytes.fromhex("ff1383"), False, False),
        (bytes.fromhex("ff0306"), False, True),
        (bytes.fromhex("ff030600"), False, False),
        (bytes.fromhex("ff030600") + bytes(256), False, False),
        (bytes.fromhex("ff030600") + bytes(257), False, True),
        (b"", True, False),
    ],
)
def test_frames_that_the_library_must_not_see(frame: bytes, sending: bool, dangerous: bool) -> None:
    assert bool(danger(frame, sending)) == dangerous


@pytest.mark.parametrize(
    ("sending", "frame", "why"),
    [
        (True, DCS, "the peer wants to send, and so do we"),
        (False, DCS[:5] + b"\x7b", "the peer commands a page width that was not offered"),
    ],
    ids=["glare", "width"],
)
def test_a_frame_that_it_must_not_see_ends_the_terminal(
    sending: bool, frame: bytes, why: str, tmp_path: Path
) -> None:
    work = fax(tmp_path, [PAGE])[0 if sending else 1]
    terminal = T38Terminal(spandsp(), work, False, TerminalOptions(), T38Peer())
    for sequence, ifp in enumerate([b"\x06", *packed(V21, frame, 0x40)]):
        assert not terminal.finished
        terminal.tick()
        terminal.datagram(encode(sequence, ifp))
    assert terminal.finished
    result = terminal.close()
    assert (result.code, result.reason, result.pages) == (UNFINISHED, why, 0)


def pages_in_memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1])


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_terminals_give_their_memory_and_files_back(tmp_path: Path) -> None:
    """Of some 150 KB each; 200 that leaked would be 30 MB."""
    work = fax(tmp_path, [PAGE])

    def once(whole: bool) -> None:
        over_t38(t38_pair(work), most_seconds=60 if whole else 20)
        audio = AudioTerminal(spandsp(), Accept(tmp_path / "a"), False, TerminalOptions())
        for _ in range(50):
            audio.tick(np.zeros(160, np.int16))
        audio.close()
        listener = ToneListener(spandsp())
        listener.hear(np.zeros(160, np.int16))
        listener.close()

    for _ in range(20):
        once(whole=True)
    gc.collect()
    before, files = pages_in_memory(), open_files()
    for number in range(200):
        once(whole=number % 2 == 0)
    gc.collect()
    grown = (pages_in_memory() - before) * os.sysconf("SC_PAGE_SIZE")
    assert grown < 4_000_000
    assert open_files() <= files
