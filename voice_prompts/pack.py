"""A voice pack: FLAC masters and the manifest that says what each of them is."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import soundfile
from numpy.typing import NDArray

from voice_prompts import sound

MANIFEST = "manifest.json"
MAX_CLIPS = 5000
MAX_CLIP_SECONDS = 60


class PackError(Exception):
    """A pack that is not what its manifest says; one finding a line."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = tuple(findings)


class Clip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One recording. `samples` at the pack's rate, `level` in dBov, `peak` in dBFS.

    `source` is `tts` or `studio`; `take` counts how often it was made, `revision` is the pack's
    when it was.
    """

    id: str
    text: str
    phonemes: str
    file: str
    samples: int
    sha256: str
    level: float
    peak: float
    source: str
    take: int
    revision: int
    approved_by: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pack's own description; `model` is the SHA-256 of the weights, `rate` in samples a second,
    `level` the active level in dBov that every clip was brought to, `chain` the sound chain."""

    id: str
    language: str
    voice: str
    actor: str
    revision: int
    licence: str
    engine: str
    model: str
    chain: str
    rate: int
    level: float
    prompts: tuple[Clip, ...]


def load(folder: Path) -> Manifest:
    """The manifest of a pack; PackError where it is missing, malformed or too large."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise PackError([f"{path}: missing; `telebank voice make` makes it"]) from None
    except msgspec.DecodeError as error:
        raise PackError([f"{path}: {error}"]) from None
    if manifest.rate != sound.RATE or len(manifest.prompts) > MAX_CLIPS:
        raise PackError(
            [f"{path}: must be at {sound.RATE} samples a second, with at most {MAX_CLIPS} clips"]
        )
    outside = [c.file for c in manifest.prompts if Path(c.file).name != c.file]
    if outside:
        raise PackError([f"{path}: files must lie in the pack's folder: {', '.join(outside)}"])
    return manifest


def save(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, one clip a line group, replacing the old one at once."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{MANIFEST}.part"
    part.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    part.replace(folder / MANIFEST)


def file_name(clip: str) -> str:
    """The file of a clip: ASCII on every file system, `unit:一百` as `unit-u4e00u767e.flac`."""
    safe = clip.replace(":", "-").replace("#", "-").replace(" ", "_")
    return "".join(each if each.isascii() else f"u{ord(each):x}" for each in safe) + ".flac"


def samples(folder: Path, clip: Clip) -> NDArray[np.int16]:
    """A clip's samples; PackError where the file is not the one in the manifest."""
    path = folder / clip.file
    if not path.is_file():
        raise PackError([f"{path}: missing; make the pack again or restore the file"])
    if clip.samples > MAX_CLIP_SECONDS * sound.RATE:
        raise PackError([f"{path}: longer than {MAX_CLIP_SECONDS} s"])
    if hashlib.sha256(path.read_bytes()).hexdigest() != clip.sha256:
        raise PackError([f"{path}: not the recording in the manifest (SHA-256 differs)"])
    values, rate = soundfile.read(path, dtype="int16")
    if rate != sound.RATE or values.shape != (clip.samples,):
        raise PackError([f"{path}: not {clip.samples} samples, one channel, {sound.RATE} Hz"])
    return np.asarray(values, np.int16)


def faults(folder: Path) -> Iterator[str]:
    """Everything wrong between a pack's manifest, its files and the levels it promises."""
    try:
        manifest = load(folder)
    except PackError as error:
        yield from error.findings
        return
    for clip in manifest.prompts:
        try:
            values = samples(folder, clip)
        except PackError as error:
            yield from error.findings
            continue
        yield from _level_faults(folder / clip.file, values.astype(np.float64), manifest.level)
    known = {clip.file for clip in manifest.prompts} | {MANIFEST}
    for path in sorted(folder.iterdir()):
        if path.name not in known:
            yield f"{path}: in no manifest; remove it"


def _level_faults(path: Path, values: sound.Samples, level: float) -> Iterator[str]:
    measured = sound.level_dbov(values)
    if abs(measured - level) > sound.LEVEL_TOLERANCE_DB:
        yield f"{path}: level {measured:.1f} dBov, not {level:.1f} within 1 dB"
    peak = sound.peak_dbfs(values)
    if peak > sound.PEAK_LIMIT_DBFS:
        yield f"{path}: peak {peak:.1f} dBFS, above {sound.PEAK_LIMIT_DBFS:.1f}"
