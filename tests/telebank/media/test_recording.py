"""Recordings on the disk: what went in comes out, also of a cut one; what was changed does not."""

import hashlib
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from telebank.media import writing
from telebank.media.recording import (
    PART,
    RATE,
    RECORD_S,
    Finished,
    Header,
    Mark,
    Recording,
    check,
    play,
)
from telebank.media.sealed import MAGIC, SealError, measure, pieces, unseal
from telebank.media.writer import WriterProcess
from telebank.workers.link import Link

KEY = bytes(range(32))
HEADER = Header(wrapped="k1:wrapped", begun="2026-11-23T01:02:03Z", note="call 7")


def key_of(wrapped: str) -> bytes:
    assert wrapped == HEADER.wrapped
    return KEY


def sound_of(seconds: float, seed: int = 1) -> NDArray[np.int16]:
    draw = np.random.default_rng(seed)
    return draw.integers(-9_000, 9_000, (int(seconds * RATE), 2)).astype(np.int16)


def written(path: Path, sound: NDArray[np.int16], piece: int = 4_000) -> Recording:
    recording = Recording(path, KEY, HEADER)
    for at in range(0, len(sound), piece):
        recording.add(at, sound[at : at + piece])
    return recording


def test_what_went_in_comes_out(tmp_path: Path) -> None:
    path, sound = tmp_path / "call.rec", sound_of(17.3)
    recording = written(path, sound)
    recording.mark(Mark("paused", 800, 1_600))
    recording.mark(Mark("paused", 1_600, 2_400))
    recording.mark(Mark("secret", 4_000, 4_000))
    finished = recording.finish()
    assert (finished.seconds, finished.cut) == (17.3, False)
    assert finished.marks == (Mark("paused", 800, 2_400),)
    assert finished.sealed_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert finished.size == path.stat().st_size
    assert path.stat().st_mode & 0o777 == 0o600
    checked = check(path, key_of)
    assert (checked.header, checked.marks, checked.cut) == (HEADER, finished.marks, False)
    assert checked.sha256 == finished.sha256
    for name in ("out.flac", "out.wav"):
        play(path, key_of, tmp_path / name)
        found, rate = soundfile.read(tmp_path / name, dtype="int16")
        assert rate == RATE
        assert np.array_equal(found, sound)
    flac = (tmp_path / "out.flac").read_bytes()
    assert hashlib.sha256(flac).hexdigest() == finished.sha256
    assert soundfile.info(tmp_path / "out.flac").frames == len(sound)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["call.rec", "out.flac", "out.wav"]


def test_nothing_is_in_the_clear_but_the_header(tmp_path: Path) -> None:
    path = tmp_path / "call.rec"
    written(path, sound_of(6)).finish()
    octets, plain = path.read_bytes(), unseal(path, KEY).plain
    assert octets.startswith(MAGIC)
    assert b"call 7" in octets
    assert KEY not in octets
    assert not any(plain[at : at + 16] in octets for at in range(0, len(plain) - 16, 997))


@pytest.mark.parametrize("seconds", [0.2, 4.9, 12.0, 33.0])
def test_a_cut_recording_opens_up_to_its_last_record(tmp_path: Path, seconds: float) -> None:
    path, sound = tmp_path / "call.rec", sound_of(seconds)
    written(path, sound)  # and its process is killed here
    part = tmp_path / ("call.rec" + PART)
    checked = check(part, key_of)
    assert checked.cut
    assert checked.why == "it was never finished"
    assert seconds - RECORD_S - 1 <= checked.seconds <= seconds
    if checked.seconds:
        play(part, key_of, tmp_path / "out.flac")
        found, _ = soundfile.read(tmp_path / "out.flac", dtype="int16")
        assert np.array_equal(found, sound[: len(found)])
        assert len(found) == round(checked.seconds * RATE)


def test_a_file_cut_anywhere_opens_or_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "call.rec"
    written(path, sound_of(11)).finish()
    octets, cut = path.read_bytes(), tmp_path / "cut.rec"
    for size in [*range(0, 300, 7), *range(300, len(octets), 9_001), len(octets) - 1]:
        cut.write_bytes(octets[:size])
        try:
            assert check(cut, key_of).cut
        except SealError:
            assert size < 300


def test_what_was_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "call.rec"
    written(path, sound_of(11)).finish()
    octets, bad = path.read_bytes(), tmp_path / "bad.rec"
    for at in [3, 40, 90, 250, 5_000, len(octets) // 2, len(octets) - 3]:
        changed = bytearray(octets)
        changed[at] ^= 1
        bad.write_bytes(changed)
        with pytest.raises((SealError, AssertionError)):
            check(bad, key_of)
    bad.write_bytes(octets + octets[-80:])
    with pytest.raises(SealError):
        check(bad, key_of)
    with pytest.raises(SealError, match="another's"):
        check(path, lambda _: bytes(32))
    with pytest.raises(SealError, match="no sealed file"):
        check(Path(__file__), key_of)


def test_gaps_are_silence_and_marked_and_what_comes_twice_counts_once(tmp_path: Path) -> None:
    path, sound = tmp_path / "call.rec", sound_of(1)
    recording = Recording(path, KEY, HEADER)
    recording.add(0, sound)
    recording.add(4_000, sound)
    recording.add(30_000, sound)
    finished = recording.finish()
    assert finished.marks == (Mark("lost", 12_000, 30_000),)
    play(path, key_of, tmp_path / "out.wav")
    found, _ = soundfile.read(tmp_path / "out.wav", dtype="int16")
    assert np.array_equal(found[:8_000], sound)
    assert np.array_equal(found[8_000:12_000], sound[4_000:])
    assert not found[12_000:30_000].any()
    assert np.array_equal(found[30_000:], sound)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "call.rec"
    written(path, sound_of(1)).finish()
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        Recording(path, KEY, HEADER)
    written(tmp_path / "other.rec", sound_of(1))
    with pytest.raises(FileExistsError):
        Recording(tmp_path / "other.rec", KEY, HEADER)
    with pytest.raises(FileExistsError):
        play(path, key_of, path.with_name("other.rec" + PART).rename(tmp_path / "x.wav"))
    assert path.read_bytes() == before


def test_a_file_taken_away_under_way_is_a_failure_and_no_more(tmp_path: Path) -> None:
    recording = written(tmp_path / "call.rec", sound_of(6))
    (tmp_path / ("call.rec" + PART)).unlink()
    with pytest.raises(FileNotFoundError):
        recording.finish()
    assert recording.abandon("gone").cut


def forked(check: Callable[[], bool]) -> None:
    """Run it in a process of its own, whose limits and hooks are nobody else's."""
    pid = os.fork()
    if not pid:
        good = False
        try:
            good = check()
        finally:
            os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def limit(size: int) -> None:
    """No file grows beyond this, as on a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("size", [0, 40, 100])
def test_a_recording_that_cannot_begin_leaves_nothing(tmp_path: Path, size: int) -> None:
    """Not one octet of the header, half of it, or all but its end goes onto the disk."""

    def check() -> bool:
        before, failed = descriptors(), 0
        limit(size)
        for number in range(50):
            try:
                Recording(tmp_path / f"{number % 5}.rec", KEY, HEADER)
            except OSError as error:
                failed += not isinstance(error, FileExistsError)
        clean = (failed, descriptors(), list(tmp_path.iterdir())) == (50, before, [])
        limit(resource.RLIM_INFINITY)
        return clean and not written(tmp_path / "0.rec", sound_of(1)).finish().cut

    forked(check)
    assert [entry.name for entry in tmp_path.iterdir()] == ["0.rec"]


def test_the_writer_goes_on_after_a_full_disk(tmp_path: Path) -> None:
    """One recording fails at its first record, one cannot begin; then there is room again."""

    def begin(number: int) -> writing.Begin:
        path = str(tmp_path / f"{number}.rec")
        clear = {"wrapped": HEADER.wrapped, "begun": HEADER.begun, "note": HEADER.note}
        return writing.Begin(number=number, path=path, key=KEY, **clear)

    def check() -> bool:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        link = Link(theirs, msgspec.msgpack.Decoder(writing.ToWriter))
        process, before = WriterProcess(link), descriptors()
        process.take(begin(1))
        limit(300)
        for second in range(8):
            samples = sound_of(1).tobytes()
            process.take(writing.Sound(number=1, at=second * RATE, samples=samples))
        limit(40)
        process.take(begin(2))
        clean = descriptors() == before
        limit(resource.RLIM_INFINITY)
        process.take(begin(2))
        process.take(writing.Sound(number=2, at=0, samples=sound_of(1).tobytes()))
        process.take(writing.End(number=2))
        decoder = msgspec.msgpack.Decoder(writing.Done)
        ours.settimeout(5)
        told = [decoder.decode(ours.recv(65_536)) for _ in range(3)]
        return clean and [(done.number, done.cut) for done in told] == [
            (1, True),
            (2, True),
            (2, False),
        ]

    forked(check)


def test_the_name_of_a_finished_recording_is_on_the_disk_too(tmp_path: Path) -> None:
    """Its folder is opened, which is for fsync alone, after the rename."""

    def check() -> bool:
        seen: list[str] = []

        def note(event: str, given: tuple[object, ...]) -> None:
            if event == "os.rename" or (event == "open" and str(given[0]) == str(tmp_path)):
                seen.append(event)

        recording = written(tmp_path / "call.rec", sound_of(1))
        sys.addaudithook(note)
        recording.finish()
        return seen == ["os.rename", "open"]

    forked(check)


def test_a_full_disk_leaves_what_was_written(tmp_path: Path) -> None:
    path, sound = tmp_path / "call.rec", sound_of(40)
    failed: Finished | None = None
    pid = os.fork()
    if not pid:  # the limit of a file's size is the process's
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
        recording = Recording(path, KEY, HEADER)
        try:
            for at in range(0, len(sound), 4_000):
                recording.add(at, sound[at : at + 4_000])
        except OSError as error:
            failed = recording.abandon(str(error))
        good = failed is not None and failed.cut and 10 <= failed.seconds < 40
        os._exit(0 if good and failed and "File too large" in failed.error else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    checked = check(path.with_name("call.rec" + PART), key_of)
    assert checked.cut
    assert 10 <= checked.seconds < 40


def test_a_sealed_file_is_read_in_pieces_too(tmp_path: Path) -> None:
    path = tmp_path / "call.rec"
    finished = written(path, sound_of(17.3)).finish()
    found = measure(path, KEY)
    plain = b"".join(pieces(path, KEY, found.head))
    assert (len(plain), found.whole) == (found.size, True)
    assert hashlib.sha256(plain).hexdigest() == finished.sha256
    octets = path.read_bytes()
    path.write_bytes(octets[:-1])
    assert not measure(path, KEY).whole
    path.write_bytes(octets + octets[-80:])
    with pytest.raises(SealError):
        measure(path, KEY)
