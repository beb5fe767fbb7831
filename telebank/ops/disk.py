"""A disk that fills up: when new money is refused, and a ballast file that is let go in time.

SQLite at a full disk cannot even delete. So the node keeps a file of real blocks beside its
database, and removes it when the disk is low: what is open can be written to its end.
"""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from telebank.ops.disk_options import MB, DiskOptions

BALLAST = "ballast"
"""Its name under the data folder."""


class Act(Enum):
    """What is to be done about the ballast."""

    LET_GO = "let go"
    MAKE = "make"


@dataclass(slots=True)
class DiskWatch:
    """A machine: how much is free is given, in octets, and whether the ballast lies there."""

    options: DiskOptions
    low: bool = False
    """Whether no new money is to be taken."""

    def looked(self, free: int, *, held: bool) -> Act | None:
        """What to do now; `low` is then as it should be."""
        options = self.options
        ballast = 0 if held else options.ballast_mb * MB
        roomy = free >= options.clear_mb * MB + ballast
        if free < options.low_mb * MB:
            self.low = True
        elif roomy:
            self.low = False
        if self.low and held:
            return Act.LET_GO
        return Act.MAKE if ballast and roomy else None


class Ballast:
    """The file. Its blocks are really taken, so that letting it go gives them back."""

    def __init__(self, data: Path, size_mb: int, free: Callable[[], int] | None = None) -> None:
        """`free` tells the octets that are free there, where it is not asked of the system."""
        self._path = data / BALLAST
        self._size = size_mb * MB
        self.free = free or self._free

    @property
    def held(self) -> bool:
        """Whether it lies there, whole."""
        try:
            return self._path.stat().st_size >= max(self._size, 1)
        except FileNotFoundError:
            return False

    def make(self) -> None:
        """Take its room; raises `OSError` where there is none, and then nothing is left of it."""
        part = self._path.with_suffix(".part")
        file = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        try:
            os.posix_fallocate(file, 0, self._size)
            os.fsync(file)
            part.replace(self._path)
        except OSError:
            part.unlink()
            raise
        finally:
            os.close(file)

    def let_go(self) -> None:
        """Give its room back; raises `OSError`."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    def _free(self) -> int:
        """Octets that this user may still write there; raises `OSError`."""
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize
