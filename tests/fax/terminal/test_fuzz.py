"""Nonsense into libspandsp, in a process of its own: it neither dies nor hangs.

A seed that kills it is the last line of what it printed.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "support" / "fax_fuzz.py"
ROOT = SCRIPT.parents[2]


def survives(kind: str, first: int, seeds: int, folder: Path, seconds: int) -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, str(SCRIPT), kind, str(first), str(seeds), str(folder)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    last = done.stdout.splitlines()[-1:]
    assert (done.returncode, last) == (0, ["survived"]), f"seed {last}: {done.stderr[-2000:]}"


@pytest.mark.parametrize(
    ("kind", "seeds"), [("t38", 60), ("random", 60), ("frames", 60), ("audio", 10)]
)
def test_the_library_survives_nonsense(kind: str, seeds: int, tmp_path: Path) -> None:
    survives(kind, 1, seeds, tmp_path, 100)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("kind", "seeds"), [("t38", 3000), ("random", 3000), ("frames", 3000), ("audio", 300)]
)
def test_the_library_survives_much_nonsense(kind: str, seeds: int, tmp_path: Path) -> None:
    survives(kind, 10_000, seeds, tmp_path, 1100)
