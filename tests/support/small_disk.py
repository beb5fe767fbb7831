"""A small file system of its own, mounted for one test, which it fills to the last octet."""

import contextlib
import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

CHUNK = 2**20
LAST = 512


@contextlib.contextmanager
def small_disk(folder: Path, mb: int) -> Iterator[Path]:
    """A tmpfs of so many mebibytes; without the right to mount the test is skipped, saying so."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mb}m,mode=0700", "telebank-test", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no small file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write a file until the disk takes not one octet more."""
    with path.open("ab", buffering=0) as file:
        for size in (CHUNK, LAST, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
