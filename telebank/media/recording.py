"""Recordings of calls: stereo FLAC, the caller left and what it heard right, sealed as it grows.

While a call lasts its file is `NAME.part`; finished it is `NAME`. One that was cut (a killed
process, a full disk) stays `.part`, and everything up to its last record can be opened.
"""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from telebank.media.sealed import (
    DATA,
    END,
    HEAD,
    Json,
    SealedWriter,
    SealError,
    read_header,
    rename,
    unseal,
)

RATE = 8_000
RECORD_S = 5
"""Seconds of sound in a sealed record: what a killed process loses at most."""
PART = ".part"
HEAD_BYTES = 4_096
"""Of the FLAC file's beginning, that its end may still change."""
LEAST_COMPRESSION = 0.0
"""Half the time of the usual one, 5 % more octets."""

MarkKind = Literal["paused", "secret", "lost"]
Stereo = NDArray[np.int16]
"""(samples, 2)."""
KeyOf = Callable[[str], bytes]
"""Unwraps the key of a recording, as its header has it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What is not in a recording, in samples from its beginning.

    `paused` by the flow, `secret` keys being entered (the caller's side only), `lost` sound.
    """

    kind: MarkKind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A recording as it lies on the disk. `cut` where it ends before it should, and `error` why."""

    path: str
    seconds: float
    sha256: str
    """Of the FLAC file inside."""
    sealed_sha256: str
    """Of the file as it lies there."""
    size: int
    marks: tuple[Mark, ...] = ()
    cut: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """What is in the clear at the beginning of a recording."""

    wrapped: str
    """Its key, as the keyring wrapped it."""
    begun: str
    """UTC, ISO 8601."""
    note: str = ""
    """What the node wants to find it by; nothing secret."""
    form: str = "flac"


class _Stream:
    """A file that FLAC is written to; libsndfile goes back to its beginning at the end. No method
    raises: libsndfile would not pass it on."""

    def __init__(self) -> None:
        self.head = bytearray()
        self.fresh = bytearray()
        """Not sealed yet."""
        self.changed = False
        self._size = self._at = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def write(self, data: bytes) -> int:
        data = bytes(data)
        if self._at == self._size:
            self.fresh += data
            self.head += data[: max(0, HEAD_BYTES - len(self.head))]
            self._size += len(data)
        else:
            self.head[self._at : self._at + len(data)] = data
            self.changed = True
        self._at += len(data)
        return len(data)

    def read(self, count: int) -> bytes:
        return b""


@dataclass(slots=True)
class _Marks:
    """Marks begun and ended; two of a kind that touch are one."""

    done: list[Mark] = field(default_factory=list)
    most: int = 1_000

    def add(self, mark: Mark) -> None:
        if mark.end <= mark.start:
            return
        last = self.done[-1] if self.done else None
        if last and last.kind == mark.kind and last.end >= mark.start:
            self.done[-1] = Mark(mark.kind, last.start, max(last.end, mark.end))
        elif len(self.done) < self.most:
            self.done.append(mark)


class Recording:
    """One recording being written. Methods but `abandon`, which follows, raise `OSError`."""

    def __init__(self, path: Path, key: bytes, header: Header) -> None:
        """Raises `FileExistsError` too: nothing is ever overwritten. After an error nothing is left
        open, nor on the disk."""
        if path.exists():
            raise FileExistsError(17, "there is a recording of this name", str(path))
        self._path = path
        self._part = path.with_name(path.name + PART)
        self._key = key
        self._stream = _Stream()
        self._flac = soundfile.SoundFile(
            self._stream,
            "w",
            RATE,
            2,
            "PCM_16",
            format="FLAC",
            compression_level=LEAST_COMPRESSION,
        )
        self._file = SealedWriter(self._part, key, asdict(header))
        self._marks = _Marks()
        self._samples = self._sealed = 0

    def add(self, at: int, sound: Stereo) -> None:
        """Sound from sample `at` on; what is missing before it is silence, and marked lost."""
        if at > self._samples:
            self._marks.add(Mark("lost", self._samples, at))
            self._silence(at - self._samples)
        late = self._samples - at
        self._append(sound[late:] if late > 0 else sound)

    def mark(self, mark: Mark) -> None:
        """Something is left out on purpose."""
        self._marks.add(mark)

    def finish(self, cut: str = "") -> Finished:
        """The end; `cut`: why it comes too early. Read back from the disk before it counts."""
        self._flac.close()
        self._seal()
        if self._stream.changed:
            self._file.seal(HEAD, bytes(self._stream.head))
        marks = [asdict(mark) for mark in self._marks.done]
        end: Json = {"samples": self._samples, "marks": marks, "cut": cut}
        self._file.seal(END, json.dumps(end).encode())
        self._file.close(sync=True)
        plain = hashlib.sha256(unseal(self._part, self._key).plain).hexdigest()
        rename(self._part, self._path)
        return self._finished(str(self._path), plain, cut)

    def abandon(self, why: str) -> Finished:
        """What is on the disk stays as it is, cut; `why` in words."""
        with suppress(OSError, soundfile.SoundFileError):
            self._flac.close()
        with suppress(OSError):
            self._file.close(sync=False)
        return self._finished(str(self._part), "", why)

    def _finished(self, path: str, sha256: str, why: str) -> Finished:
        return Finished(
            path=path,
            seconds=round((self._samples if sha256 else self._sealed) / RATE, 3),
            sha256=sha256,
            sealed_sha256=self._file.sha256,
            size=self._file.size,
            marks=tuple(self._marks.done),
            cut=bool(why),
            error=why,
        )

    def _silence(self, samples: int) -> None:
        piece = np.zeros((RATE, 2), np.int16)
        while samples > 0:
            self._append(piece[:samples])
            samples -= RATE

    def _append(self, sound: Stereo) -> None:
        self._flac.write(sound)
        self._samples += len(sound)
        if self._samples - self._sealed >= RECORD_S * RATE:
            self._seal()

    def _seal(self) -> None:
        if self._stream.fresh:
            self._file.seal(DATA, bytes(self._stream.fresh))
            self._stream.fresh.clear()
        self._sealed = self._samples


@dataclass(frozen=True, slots=True)
class Checked:
    """What is in a recording that lies on the disk."""

    header: Header
    seconds: float
    marks: tuple[Mark, ...]
    sha256: str
    cut: bool
    why: str
    """Why it is cut, as far as is known."""


def check(path: Path, key_of: KeyOf) -> Checked:
    """Open a recording, or what there is of it, and decode all of it. Raises `SealError` where it
    was changed or is none, `OSError`."""
    header, plain, end = _open(path, key_of)
    sound = _decoded(plain)
    marks = tuple(_mark(mark) for mark in _list(end, "marks"))
    if end is not None and end.get("samples") != len(sound):
        raise SealError(f"{path}: {len(sound)} samples, its end says {end.get('samples')}")
    why = str(end.get("cut", "")) if end is not None else "it was never finished"
    digest = hashlib.sha256(plain).hexdigest()
    return Checked(header, len(sound) / RATE, marks, digest, bool(why), why)


def play(path: Path, key_of: KeyOf, out: Path) -> Checked:
    """Write what is in a recording as `out` (.flac or .wav), in the clear; errors as `check`, and
    `FileExistsError`."""
    checked = check(path, key_of)
    _, plain, end = _open(path, key_of)
    if out.suffix not in {".flac", ".wav"}:
        raise ValueError(f"{out}: name it .flac or .wav")
    with out.open("xb") as file:
        if out.suffix == ".flac" and end is not None:
            file.write(plain)
        else:
            form = out.suffix[1:].upper()
            soundfile.write(file, _decoded(plain), RATE, format=form, subtype="PCM_16")
    return checked


def _open(path: Path, key_of: KeyOf) -> tuple[Header, bytes, Json | None]:
    clear = read_header(path)
    names = {name: str(clear.get(name, "")) for name in ("wrapped", "begun", "note", "form")}
    header = Header(**names)
    if header.form != "flac":
        raise SealError(f"{path} is sealed, but no recording")
    found = unseal(path, key_of(header.wrapped))
    return header, found.plain, found.end


class _Forward(soundfile.SoundFile):  # type: ignore[misc, unused-ignore]
    """Read from its beginning on, never sought in: one that was cut does not know its length."""

    def seekable(self) -> bool:
        return False


def _decoded(plain: bytes) -> Stereo:
    """All sound up to where the octets end."""
    if not plain:
        return np.zeros((0, 2), np.int16)
    pieces = []
    with _Forward(BytesIO(plain)) as file:
        while len(piece := file.read(RATE, dtype="int16", always_2d=True)):
            pieces.append(piece)
    return np.concatenate(pieces) if pieces else np.zeros((0, 2), np.int16)


def _list(end: Json | None, name: str) -> list[Json]:
    found = end.get(name) if end is not None else None
    return found if isinstance(found, list) else []


def _mark(found: Json) -> Mark:
    return Mark(**found)  # type: ignore[arg-type]
