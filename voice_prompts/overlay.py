"""Recordings of a release, laid over the shipped voice: what a new text needs beside the packs.

    CONFIG/recordings/zh/bill.gas-0.flac     clip `bill.gas#0` (or .wav)
    CONFIG/recordings/en/unit-gas.flac       clip `unit:gas`

One channel, 16 bits, 8000 samples a second or more (then it is brought to 8000), at the packs'
level. A clip recorded there is played in place of the shipped one of the same id.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from voice_prompts import g711, pack, slow, sound
from voice_prompts.bank import INDEX, BankIndex, placed, read_index, write_index
from voice_prompts.catalogue import Catalogue
from voice_prompts.making import Line, script
from voice_prompts.readings import LANGUAGES
from voice_prompts.speaker import needed

RECORDINGS = "recordings"
SUFFIXES = (".flac", ".wav")
MAX_RATE = 48_000
"""Samples a second of a recording, at most."""
SCRIPT_HINT = (
    "`telebank voice list --missing --texts FOLDER/prompts` prints the recording script, "
    "`telebank voice make --missing --texts FOLDER/prompts --packs FOLDER/recordings` speaks it"
)


class RecordingError(ValueError):
    """A recording that cannot be played; names the file and what to do."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A clip that a text needs and nobody recorded; `stale` is what the shipped one says."""

    language: str
    clip: str
    text: str
    stale: str = ""

    def __str__(self) -> str:
        file = pack.file_name(self.clip)
        was = f", the shipped recording says {self.stale!r}" if self.stale else ""
        return (
            f"{RECORDINGS}/{self.language}/{file}: {self.clip} {self.text!r} is not recorded{was}"
        )


def recordings(config: Path) -> Mapping[str, Path]:
    """Recordings of a configuration folder: `LANGUAGE/FILE` without its ending -> file."""
    found = sorted((config / RECORDINGS).glob("*/*"))
    return {f"{path.parent.name}/{path.stem}": path for path in found if path.suffix in SUFFIXES}


def missing(catalogue: Catalogue, shipped: BankIndex, config: Path) -> Iterator[Missing]:
    """Clips that the texts need and that are neither shipped in these words nor recorded."""
    recorded, spoken = recordings(config), _script(catalogue)
    for key in needed(catalogue):
        language, _, clip = key.partition("/")
        if name_of(key) in recorded:
            continue
        line = spoken.get(key)
        said = shipped.texts.get(key)
        if said is None:
            yield Missing(language, clip, line.text if line else clip)
        elif line is not None and line.text != said:
            yield Missing(language, clip, line.text, said)


def faults(catalogue: Catalogue, config: Path) -> Iterator[str]:
    """What is wrong with the recordings themselves, a line each."""
    wanted = {name_of(key) for key in needed(catalogue)}
    for name, path in recordings(config).items():
        where = path.relative_to(config).as_posix()
        if name not in wanted:
            yield f"{where}: no text needs it; remove it, or name it as the clip that it is"
            continue
        try:
            samples = read(path)
        except RecordingError as error:
            yield f"{where}: {error}"
            continue
        yield from _level_faults(where, samples)


def read(path: Path) -> NDArray[np.int16]:
    """A recording's samples at 8000 a second; raises `RecordingError`."""
    try:
        info = soundfile.info(path)
        if info.channels != 1 or info.subtype != "PCM_16":
            raise RecordingError("must have one channel of 16 bits; record it so or convert it")
        if not sound.RATE <= info.samplerate <= MAX_RATE:
            raise RecordingError(f"must have {sound.RATE} to {MAX_RATE} samples a second")
        if not 0 < info.frames <= pack.MAX_CLIP_SECONDS * info.samplerate:
            raise RecordingError(f"must last at most {pack.MAX_CLIP_SECONDS} s, and not be empty")
        values, rate = soundfile.read(path, dtype="int16")
    except (OSError, soundfile.SoundFileError) as error:
        raise RecordingError(f"cannot be read: {error}") from error
    if rate == sound.RATE:
        return np.asarray(values, np.int16)
    return resampled(values.astype(np.float64), rate)


def resampled(values: sound.Samples, rate: int) -> NDArray[np.int16]:
    """At 8000 samples a second: the spectrum above 4 kHz is left out."""
    length = max(1, round(len(values) * sound.RATE / rate))
    spectrum = np.fft.rfft(values)[: length // 2 + 1]
    out = np.fft.irfft(spectrum, length) * (length / len(values))
    return np.asarray(np.clip(np.rint(out), -32_768, 32_767), np.int16)


def lay_over(base: Path, config: Path, out: Path, catalogue: Catalogue) -> None:
    """Make the bank of `base` with the recordings of `config` behind it in `out`; nothing to do
    where it is there. Raises `RecordingError`, or `PackError` where `base` is no bank."""
    recorded = recordings(config)
    under = read_index(base)
    if under is None:
        raise pack.PackError([f"{base}: no voice bank; `telebank voice build` makes it"])
    stamp = _stamp(under.stamp, recorded)
    there = read_index(out)
    if there is not None and there.stamp == stamp:
        return
    paths = {key: path for key in needed(catalogue) if (path := recorded.get(name_of(key)))}
    pieces = {key: read(path) for key, path in paths.items()}
    spoken = _script(catalogue)
    texts = {**under.texts, **{key: spoken[key].text for key in pieces}}
    pieces |= slow.slowed(pieces)
    clips, end = placed(pieces, under.samples)
    _append(base, out, np.concatenate([np.zeros(0, np.int16), *pieces.values()]))
    write_index(out, stamp, end, BankIndex({**under.clips, **clips}, texts))


def _append(base: Path, out: Path, samples: NDArray[np.int16]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / INDEX).unlink(missing_ok=True)  # whoever finds none builds anew
    for law in g711.LAWS:
        name = f"prompts.{law}"
        part = out / f"{name}.{os.getpid()}.part"
        shutil.copyfile(base / name, part)
        with part.open("ab") as file:
            file.write(g711.encode(samples, law).tobytes())
        part.replace(out / name)


def _script(catalogue: Catalogue) -> Mapping[str, Line]:
    return {f"{each}/{line.id}": line for each in LANGUAGES for line in script(catalogue, each)}


def name_of(key: str) -> str:
    """The key of a clip, `LANGUAGE/CLIP`, as `recordings` names its file."""
    language, _, clip = key.partition("/")
    return f"{language}/{pack.file_name(clip).removesuffix('.flac')}"


def _stamp(base: str, recorded: Mapping[str, Path]) -> str:
    digest = hashlib.sha256(base.encode())
    for name, path in recorded.items():
        digest.update(f"{name} {path.suffix}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _level_faults(where: str, samples: NDArray[np.int16]) -> Iterator[str]:
    values = samples.astype(np.float64)
    level, peak = sound.level_dbov(values), sound.peak_dbfs(values)
    if abs(level - sound.TARGET_DBOV) > sound.LEVEL_TOLERANCE_DB:
        yield f"{where}: level {level:.1f} dBov, not {sound.TARGET_DBOV:.1f} within 1 dB"
    if peak > sound.PEAK_LIMIT_DBFS:
        yield f"{where}: peak {peak:.1f} dBFS, above {sound.PEAK_LIMIT_DBFS:.1f}"
