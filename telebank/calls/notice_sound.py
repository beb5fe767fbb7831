"""Recordings of notices as files: trimmed, in both laws, in a folder of their hash, mode 0600.

Such a folder is a prompt bank of one clip (`telebank.media.bank`).
"""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from telebank.media.bank import FILE_NAMES, FRAME
from voice_prompts import g711

LOUD = 200
"""Mean level of a frame, in 16-bit steps, from which on it is no silence: about -44 dB."""
MARGIN = 15
"""Frames kept before the first loud one and after the last: 300 ms."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording in both laws, trimmed."""

    octets: tuple[bytes, bytes]
    """As in `media.bank.LAWS`."""

    @property
    def samples(self) -> int:
        """Its length, 8000 a second."""
        return len(self.octets[0])

    @property
    def content(self) -> str:
        """What it is known by."""
        return _hash(self.octets)


def recording_of(octets: bytes, codec: str) -> Recording:
    """What was recorded in one law, without silence at its ends, in both."""
    law: g711.Law = "pcma" if codec == "PCMA" else "pcmu"
    linear = trimmed(g711.decode(np.frombuffer(octets, np.uint8), law))
    a_law, mu_law = (g711.encode(linear, one).tobytes() for one in g711.LAWS)
    return Recording((a_law, mu_law))


def trimmed(linear: NDArray[np.int16]) -> NDArray[np.int16]:
    """Without the silence at both ends; nothing where there is no more than silence."""
    frames = len(linear) // FRAME
    whole = linear[: frames * FRAME].astype(np.int32).reshape(frames, FRAME)
    loud = np.flatnonzero(np.abs(whole).mean(axis=1) >= LOUD) if frames else np.empty(0, np.int64)
    if not len(loud):
        return linear[:0]
    first, last = max(0, int(loud[0]) - MARGIN), int(loud[-1]) + 1 + MARGIN
    return linear[first * FRAME : last * FRAME]


def write(recording: Recording, root: Path) -> Path:
    """Keep it in its folder below `root`; returns that. Raises `OSError`."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = root / recording.content
    folder.mkdir(exist_ok=True, mode=0o700)
    for name, octets in zip(FILE_NAMES, recording.octets, strict=True):
        new = folder / f"{name}.new"
        new.touch(mode=0o600)
        with new.open("wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / name)
    return folder


def intact(folder: Path) -> bool:
    """Whether a folder's files are those of its name."""
    try:
        octets = tuple((folder / name).read_bytes() for name in FILE_NAMES)
    except OSError:
        return False
    return _hash(octets) == folder.name


def drop_others(root: Path, keep: set[str]) -> None:
    """Remove recordings that nobody kept, of an earlier life."""
    for folder in root.glob("*"):
        if folder.name not in keep:
            shutil.rmtree(folder, ignore_errors=True)


def _hash(octets: tuple[bytes, ...]) -> str:
    whole = hashlib.sha256()
    for one in octets:
        whole.update(hashlib.sha256(one).digest())
    return whole.hexdigest()
