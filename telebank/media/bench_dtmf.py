"""How well and how cheaply in-band keys are recognised, with spandsp's `dtmf_rx` beside ours."""

import difflib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from telebank.media import bench_dtmf_material as material
from telebank.media.bench_dtmf_cost import cost
from telebank.media.bench_dtmf_material import Block
from telebank.media.bench_dtmf_spandsp import Spandsp
from telebank.media.inband import InbandKeys
from telebank.media.inband_bank import FRAME, RATE
from telebank.media.inband_values import InbandOptions, KeyOn

_SECONDS_PER_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Score:
    """Of one receiver on the whole material."""

    right: int
    missed: int
    false_keys: int
    """Keys in speech, and where there was none, another one or one too many."""
    false_in_speech: int


@dataclass(frozen=True, slots=True)
class Group:
    """Of cases of a sort, or of speech."""

    name: str
    ours: Score
    spandsp: Score | None


@dataclass(frozen=True, slots=True)
class DtmfResult:
    """Ours; and spandsp's on the same material, where it is installed."""

    right: int
    missed: int
    false_keys: int
    false_in_speech: int
    speech_hours: float
    channels: int
    cpu_us_per_channel_second: float
    spandsp: Score | None
    groups: tuple[Group, ...] = ()


@dataclass
class _Tally:
    """Adds up a score."""

    right: int = 0
    missed: int = 0
    false_keys: int = 0
    in_speech: int = 0

    def add(self, wanted: Sequence[str], heard: Sequence[str]) -> None:
        """Rows of keys; what is right is what both have in the same order."""
        for want, got in zip(wanted, heard, strict=True):
            blocks = difflib.SequenceMatcher(None, want, got, autojunk=False).get_matching_blocks()
            right = sum(block.size for block in blocks)
            self.right += right
            self.missed += len(want) - right
            self.false_keys += len(got) - right

    def add_speech(self, heard: Sequence[str]) -> None:
        count = sum(map(len, heard))
        self.false_keys += count
        self.in_speech += count

    def score(self) -> Score:
        return Score(self.right, self.missed, self.false_keys, self.in_speech)


class _Tallies(defaultdict[str, _Tally]):
    """By group of cases, in their order."""

    def __init__(self) -> None:
        super().__init__(_Tally)

    def total(self) -> Score:
        total = _Tally()
        for one in self.values():
            total.right += one.right
            total.missed += one.missed
            total.false_keys += one.false_keys
            total.in_speech += one.in_speech
        return total.score()


def heard_keys(rows: Block, options: InbandOptions | None = None) -> list[str]:
    """The keys that we hear in each row of (rows, whole frames)."""
    receiver = InbandKeys(len(rows), options)
    active = np.ones(len(rows), np.bool_)
    keys = [""] * len(rows)
    for start in range(0, rows.shape[1], FRAME):
        for event in receiver.hear(rows[:, start : start + FRAME], active):
            if isinstance(event, KeyOn):
                keys[event.row] += event.key
    return keys


def steps() -> int:
    """How often `bench_dtmf` tells of progress."""
    return len(list(material.cases())) + material.pieces() + 1


def bench_dtmf(
    packs: Path, channels: int, every: int, advance: Callable[[str], None]
) -> DtmfResult:
    """Measure on every so manieth clip of the packs; raises `PackError` where they are not whole.

    `advance` is told the name of each piece before it is begun.
    """
    voices, spandsp = material.voices(packs, every), Spandsp.load()
    ours, theirs = _Tallies(), _Tallies()
    spoken = 0
    for case in material.cases():
        advance(case.name)
        lines = material.lines(case)
        ours[case.group].add(lines.wanted, heard_keys(lines.rows))
        if spandsp is not None:
            theirs[case.group].add(lines.wanted, [spandsp.keys(row) for row in lines.rows])
    for name, rows in material.speech(voices):
        advance(name)
        spoken += rows.size
        ours["speech"].add_speech(heard_keys(rows))
        if spandsp is not None:
            theirs["speech"].add_speech([spandsp.keys(row) for row in rows])
    advance("cost")
    score = ours.total()
    return DtmfResult(
        right=score.right,
        missed=score.missed,
        false_keys=score.false_keys,
        false_in_speech=score.false_in_speech,
        speech_hours=round(spoken / RATE / _SECONDS_PER_HOUR, 3),
        channels=channels,
        cpu_us_per_channel_second=round(cost(packs, channels), 1),
        spandsp=None if spandsp is None else theirs.total(),
        groups=tuple(
            Group(name, tally.score(), None if spandsp is None else theirs[name].score())
            for name, tally in ours.items()
        ),
    )
