"""CPU time of processes, in seconds, for measurements."""

import os
import time
from collections.abc import Iterable
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far; clock_getcpuclockid(3) by its definition."""
    return time.clock_gettime((~pid << 3) | 2)


def children(pid: int) -> list[int]:
    """Processes that a process started by its first thread, and that run."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]


def keep_apart(served: Iterable[int], load: int) -> None:
    """Give those that are measured all cores but the last, and who loads them that one: callers on
    a machine of their own do not take turns with the bank. Nothing happens on one core."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:  # noqa: PLR2004 - nothing to share out
        return
    for pid in served:
        os.sched_setaffinity(pid, cores[:-1])
    os.sched_setaffinity(load, cores[-1:])
