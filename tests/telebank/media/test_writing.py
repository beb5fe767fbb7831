"""The worker's end of the process that writes recordings, when that process is gone."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from telebank.media.bank import FRAME
from telebank.media.recorder import PIECE, Recorder
from telebank.media.writing import Begin, Done, Sound, Writer
from telebank.workers.cpu import children


def _begin(folder: Path, name: str) -> Begin:
    path = str(folder / name)
    return Begin(number=0, path=path, key=bytes(32), wrapped="w", begun="now", note="")


def _kill_writer() -> None:
    [writer] = children(os.getpid())
    os.kill(writer, signal.SIGKILL)
    while Path(f"/proc/{writer}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)


def test_that_it_is_gone_is_told_by_a_poll_and_not_to_who_hands_over(tmp_path: Path) -> None:
    writer, told = Writer(), list[Done]()
    number = writer.begin(_begin(tmp_path, "one"), told.append)
    _kill_writer()
    for at in (0, 1):
        writer.hand(Sound(number=number, at=at, samples=bytes(4)))
    assert (told, len(writer)) == ([], 1)
    writer.poll()
    assert [(done.number, done.cut) for done in told] == [(number, True)]
    assert len(writer) == 0


def test_the_next_recording_has_another_process(tmp_path: Path) -> None:
    writer, told = Writer(), list[Done]()
    number = writer.begin(_begin(tmp_path, "one"), told.append)
    _kill_writer()
    writer.hand(Sound(number=number, at=0, samples=bytes(4)))
    writer.begin(_begin(tmp_path, "two"), told.append)
    assert [done.number for done in told] == [number]
    _kill_writer()
    writer.poll()


def test_a_recorder_survives_it_in_the_middle_of_a_tick(tmp_path: Path) -> None:
    writer = Writer()
    recorder = Recorder(4, writer.hand)
    rows = (1, 2)
    for row in rows:
        number = writer.begin(_begin(tmp_path, str(row)), lambda _, row=row: recorder.end(row))
        recorder.begin(row, number, 8_000 * 60)
    _kill_writer()
    heard = np.array(rows, np.intp), np.ones((len(rows), FRAME), np.int16)
    nothing = np.zeros((4, FRAME), np.uint8), np.zeros(4, np.intp), np.zeros(4, np.bool_)
    for _ in range(2 * PIECE):
        recorder.take(heard, *nothing)
    assert len(recorder) == len(rows)
    writer.poll()
    assert len(recorder) == 0
    for row, number in zip((0, 3), (11, 12), strict=True):
        recorder.begin(row, number, 8_000)
    assert recorder._recorded[0].place != recorder._recorded[3].place
