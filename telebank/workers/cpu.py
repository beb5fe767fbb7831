"""CPU time of processes, in seconds, for measurements."""

import time
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far; clock_getcpuclockid(3) by its definition."""
    return time.clock_gettime((~pid << 3) | 2)


def children(pid: int) -> list[int]:
    """Processes that a process started by its first thread, and that run."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]
