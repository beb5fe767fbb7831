"""What files hold in another form than their octets: streams of PDFs, archives, sealed recordings.

`pieces` yields each with words for a finding. Of a recording these are the keys that are heard in
it, of either side, by our own receiver; of a PDF its streams, and its text where pdftotext is
installed. Pages of faxes are drawn, and are looked at as the PDF that they were drawn from.
"""

import gzip
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from telebank.calls.recording_keys import unwrap
from telebank.media.inband import InbandKeys
from telebank.media.inband_values import KeyOn
from telebank.media.recording import play
from telebank.media.sealed import MAGIC, SealError
from telebank.store.errors import KeyFileError
from telebank.store.sealing import Keyring

MOST = 64_000_000
"""Octets of one unpacked piece."""
FRAME = 160
CORE = re.compile(r"core(\.[0-9]+)?|.*\.core|vgcore\..*")
"""Names of a core file (core(5))."""
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
Piece = tuple[str, bytes]


def is_core(path: Path) -> bool:
    """Whether this is a process's memory, whatever it may have held."""
    if CORE.fullmatch(path.name):
        return True
    with path.open("rb") as file:
        head = file.read(18)
    return head[:4] == b"\x7fELF" and head[16:18] == b"\x04\x00"  # ET_CORE (elf(5))


def pieces(path: Path, keys: Path | None = None) -> Iterator[Piece]:
    """What is in a file beside its octets; `keys` is the DATA/keys of its node."""
    with path.open("rb") as file:
        head = file.read(len(MAGIC))
    if head.startswith(MAGIC):
        yield from _recording(path, keys)
    elif path.suffix == ".tar":
        with tarfile.open(path) as tar:
            for member in tar:
                inside = tar.extractfile(member)
                if inside is not None:
                    yield from _within(member.name, inside.read(MOST))
    else:
        yield from _unpacked(path.read_bytes() if _packed(head) else b"")


def _packed(head: bytes) -> bool:
    return head.startswith((b"%PDF", b"\x1f\x8b", b"PK\x03\x04"))


def _within(name: str, content: bytes) -> Iterator[Piece]:
    """Of an archive: a file, and what is in it."""
    yield name, content
    for words, piece in _unpacked(content):
        yield f"{name}, {words}", piece


def _unpacked(content: bytes) -> Iterator[Piece]:
    if content.startswith(b"%PDF"):
        yield from _pdf(content)
    elif content.startswith(b"\x1f\x8b"):
        with gzip.open(BytesIO(content)) as file:
            yield "unzipped", file.read(MOST)
    elif content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(BytesIO(content)) as archive:
            for name in archive.namelist():
                with archive.open(name) as file:
                    yield from _within(name, file.read(MOST))


def _pdf(content: bytes) -> Iterator[Piece]:
    for number, found in enumerate(_STREAM.finditer(content)):
        try:
            yield f"stream {number}", zlib.decompressobj().decompress(found[1], MOST)
        except zlib.error:
            continue  # not deflated: its octets are looked at as they are
    if (program := shutil.which("pdftotext")) is not None:
        done = subprocess.run(
            [program, "-", "-"], input=content, capture_output=True, timeout=60, check=False
        )
        yield "its text", done.stdout


def _recording(path: Path, keys: Path | None) -> Iterator[Piece]:
    """The keys that are heard in it; one that another test's key sealed is not opened."""
    if keys is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "sound.wav"
        try:
            play(path, partial(unwrap, Keyring.open(keys)), out)
        except (SealError, KeyFileError, OSError):
            return
        sound, _ = soundfile.read(out, dtype="int16", always_2d=True)
    for channel, side in enumerate(("the caller", "what he heard")):
        yield f"keys of {side}", keys_in(sound[:, channel]).encode()


def keys_in(sound: NDArray[np.int16]) -> str:
    """The keys that are heard in 8000 samples a second."""
    receiver, heard = InbandKeys(1), ""
    for frame in sound[: len(sound) // FRAME * FRAME].reshape(-1, 1, FRAME):
        events = receiver.hear(frame, np.ones(1, np.bool_))
        heard += "".join(one.key for one in events if isinstance(one, KeyOn))
    return heard
