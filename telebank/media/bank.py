"""Prompt banks: every clip of every voice in two files, one per G.711 law, mapped and shared.

`prompts.pcma` and `prompts.pcmu` hold the same samples at the same positions, a byte each, 8000 a
second. A mapping costs no memory of a worker's own, and a bank replaced by renaming stays readable
to those who mapped it before.
"""

import mmap
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

FRAME = 160
"""Samples, and bytes, in a packet of 20 ms."""
LAWS = ("PCMA", "PCMU")
"""Codec names in the order of the plane's law numbers."""
SILENCE = np.array([0xD5, 0xFF], dtype=np.uint8)
"""The byte of silence per law: A-law 0xD5, mu-law 0xFF (ITU-T G.711)."""
FILE_NAMES = ("prompts.pcma", "prompts.pcmu")


class BankError(ValueError):
    """The bank cannot be used; the text says what to do."""


class Bank:
    """`laws[i]` is the whole bank in law i; `windows[i][p]` the frame that begins at sample p."""

    def __init__(self, a_law: NDArray[np.uint8], mu_law: NDArray[np.uint8]) -> None:
        if len(a_law) != len(mu_law):
            raise BankError(
                f"the bank's files differ in length ({len(a_law)} and {len(mu_law)} bytes): "
                "build the bank again"
            )
        self.samples = len(a_law)
        self.laws = (a_law, mu_law)
        self.windows = tuple(_windows(law) for law in self.laws)

    @classmethod
    def open(cls, directory: Path) -> "Bank":
        """Map the two files of a bank directory; raises `BankError`."""
        return cls(*(_map(directory / name) for name in FILE_NAMES))

    def holds(self, start: int, samples: int) -> bool:
        """Whether a segment lies in the bank (start -1 is silence and always does)."""
        return samples >= 0 and (start == -1 or 0 <= start <= self.samples - samples)


Banks = dict[int, Bank]
"""The banks of a worker by number, `wire.MAX_BANKS` at most; 0 is the one that it began with."""


def _map(path: Path) -> NDArray[np.uint8]:
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    except (OSError, ValueError) as error:
        raise BankError(f"{path}: {error}; build the prompt bank first") from error
    return np.frombuffer(mapped, dtype=np.uint8)


def _windows(law: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if len(law) < FRAME:
        return np.empty((0, FRAME), dtype=np.uint8)
    return sliding_window_view(law, FRAME)
