"""The installed voice: every clip of every language in one file per law, memory-mapped.

    prompts.pcma  prompts.pcmu    G.711 octets, the clips end to end in the same order
    index.json                    clip -> [first octet, octets] and the clip's text

Building only checks hashes, makes the slow forms (`voice_prompts.slow`) and encodes. A clip's key
is `zh/bal.amount#0` or `en/unit:twenty`; its slow form has a key without a text of its own.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import msgspec
import numpy as np
from numpy.typing import NDArray

from voice_prompts import g711, pack, slow

FORMAT = "telebank-bank/2"
INDEX = "index.json"


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`index.json`: `stamp` tells what the bank was made of, `samples` its length."""

    stamp: str
    samples: int
    clips: dict[str, tuple[int, int]]
    texts: dict[str, str]


@dataclass(frozen=True, slots=True)
class BankIndex:
    """Where each clip lies: key -> (first sample, samples), and what it says."""

    clips: Mapping[str, tuple[int, int]]
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bank:
    """An open bank: its index, and per law a read-only memory map of octets (uint8)."""

    index: BankIndex
    laws: Mapping[g711.Law, NDArray[np.uint8]]

    @classmethod
    def open(cls, folder: Path) -> "Bank":
        """Map the bank in `folder`; PackError where it is missing or half written."""
        index = read_index(folder)
        if index is None:
            raise pack.PackError([f"{folder}: no voice bank; `telebank voice build` makes it"])
        laws: dict[g711.Law, NDArray[np.uint8]] = {}
        for law in g711.LAWS:
            octets = np.memmap(folder / f"prompts.{law}", np.uint8, mode="r")
            if len(octets) != index.samples:
                raise pack.PackError([f"{folder}: prompts.{law} and {INDEX} differ; build again"])
            laws[law] = octets
        return cls(
            BankIndex(MappingProxyType(index.clips), MappingProxyType(index.texts)),
            MappingProxyType(laws),
        )


def build_bank(packs_dir: Path, out_dir: Path) -> None:
    """Encode the packs under `packs_dir` into `out_dir`; nothing to do where they are unchanged.

    PackError lists every clip that is missing or is not what its manifest says; the bank that
    was there before then stays.
    """
    folders = sorted(path.parent for path in packs_dir.glob(f"*/{pack.MANIFEST}"))
    if not folders:
        raise pack.PackError([f"{packs_dir}: no packs; `telebank voice make` makes them"])
    stamp = _stamp(folders)
    if _is_current(out_dir, stamp):
        return
    findings: list[str] = []
    texts: dict[str, str] = {}
    pieces: dict[str, NDArray[np.int16]] = {}
    for folder in folders:
        manifest = pack.load(folder)
        for clip in manifest.prompts:
            key = f"{manifest.language}/{clip.id}"
            try:
                pieces[key], texts[key] = pack.samples(folder, clip), clip.text
            except pack.PackError as error:
                findings.extend(error.findings)
    if findings:
        raise pack.PackError(findings)
    pieces |= slow.slowed(pieces)
    clips, end = placed(pieces, 0)
    _write(out_dir, list(pieces.values()), Index(stamp, end, clips, texts))


def placed(
    pieces: Mapping[str, NDArray[np.int16]], at: int
) -> tuple[dict[str, tuple[int, int]], int]:
    """Where each piece lies, the first one at sample `at`; and where the last one ends."""
    clips: dict[str, tuple[int, int]] = {}
    for key, samples in pieces.items():
        clips[key] = (at, len(samples))
        at += len(samples)
    return clips, at


def _stamp(folders: list[Path]) -> str:
    digest = hashlib.sha256(FORMAT.encode())
    for folder in folders:
        digest.update((folder / pack.MANIFEST).read_bytes())
    return digest.hexdigest()


def read_index(folder: Path) -> Index | None:
    """The index of a bank; None where there is none, or not a whole one."""
    try:
        return msgspec.json.decode((folder / INDEX).read_bytes(), type=Index)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write_index(folder: Path, stamp: str, samples: int, index: BankIndex) -> None:
    """Write `index.json`; the octets are there by then."""
    written = Index(stamp, samples, dict(index.clips), dict(index.texts))
    part = folder / f"{INDEX}.{os.getpid()}.part"
    part.write_bytes(msgspec.json.encode(written))
    part.replace(folder / INDEX)


def _is_current(folder: Path, stamp: str) -> bool:
    index = read_index(folder)
    if index is None or index.stamp != stamp:
        return False
    files = [folder / f"prompts.{law}" for law in g711.LAWS]
    return all(path.is_file() and path.stat().st_size == index.samples for path in files)


def _write(folder: Path, pieces: list[NDArray[np.int16]], index: Index) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    samples = np.concatenate(pieces)
    contents = {f"prompts.{law}": g711.encode(samples, law).tobytes() for law in g711.LAWS}
    contents[INDEX] = msgspec.json.encode(index)
    for name, octets in contents.items():
        part = folder / f"{name}.{os.getpid()}.part"
        part.write_bytes(octets)
        part.replace(folder / name)
