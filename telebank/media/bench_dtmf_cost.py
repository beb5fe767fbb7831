"""CPU time of in-band key recognition, in a process like a worker's, with one BLAS thread."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from telebank.media.bench_dtmf_material import Block, voices
from telebank.media.inband import InbandKeys
from telebank.media.inband_bank import FRAME, RATE

TICKS = 250
"""Five seconds."""
EVERY = 20
"""Clips: a few minutes of speech do."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""Of the workers' environment; two threads that wait for each other cost four times as much."""
_TIME_OUT_S = 300


def cost(packs: Path, channels: int) -> float:
    """CPU us of a second of one of `channels`, all of which hear speech without a pause.

    Measured in a process of its own; raises `subprocess.SubprocessError` when that fails.
    """
    words = [sys.executable, "-m", "telebank.media.bench_dtmf_cost", str(packs), str(channels)]
    done = subprocess.run(  # noqa: S603 - our own module
        words,
        check=True,
        capture_output=True,
        timeout=_TIME_OUT_S,
        env={**os.environ, **ONE_THREAD},
    )
    return float(done.stdout)


def measure(clips: Sequence[Block], channels: int) -> float:
    """The same in this process."""
    samples = np.concatenate(clips)
    samples = np.resize(samples, max(len(samples), (TICKS + 1) * FRAME))
    starts = (np.arange(channels) * 12_347) % (len(samples) - TICKS * FRAME)
    receiver, active = InbandKeys(channels), np.ones(channels, np.bool_)
    used = 0.0
    for tick in range(TICKS):
        block = samples[starts[:, None] + np.arange(tick * FRAME, (tick + 1) * FRAME)]
        began = time.process_time()
        receiver.hear(block, active)
        used += time.process_time() - began
    return used / channels / (TICKS * FRAME / RATE) * 1e6


def main() -> None:
    packs, channels = Path(sys.argv[1]), int(sys.argv[2])
    clips = [clip for voice in voices(packs, EVERY).values() for clip in voice]
    print(measure(clips, channels))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
