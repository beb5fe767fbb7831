"""Who holds a lease: a process named so that another one is never taken for it.

A number alone is not a process: in a container everybody is number 1, and numbers come again. So
it stands with the time of its start, and with the boot and the number space that it belongs to.
"""

import hashlib
import os
import socket
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_SPACE = Path("/proc/self/ns/pid")
SETTLES = ":settle"
MACHINE_CHARS, PLACE_CHARS = 20, 16
START_FIELD = 22 - 3
"""Of /proc/PID/stat (proc(5)): clock ticks from boot to the start; counted behind the name."""


def this_process(*, to_settle: bool = False) -> str:
    """`machine:place:number:start`, at most 57 characters, and `:settle` where it only settles what
    another left. The machine's name is for people."""
    machine = socket.gethostname()[:MACHINE_CHARS].replace(":", "-")
    number = os.getpid()
    return f"{machine}:{_place()}:{number}:{_start(number)}{SETTLES if to_settle else ''}"


def settles(holder: str) -> bool:
    """Whether a holder takes no calls and gives the node back when its rows have an end."""
    return holder.endswith(SETTLES)


def shown(holder: str) -> str:
    """A holder for people: machine and number of the process."""
    machine, _, number = (*holder.split(":"), "", "")[:3]
    return f"process {number} on {machine}" if number else holder


def certainly_gone(holder: str) -> bool:
    """Whether the holder has ended: nobody, one who was of our boot and our number space and whose
    number is free or another's now, or ourselves. Of others, and of what is no such name, it cannot
    be known."""
    if not holder:
        return True
    _, place, number, start = (*holder.split(":"), "", "", "")[:4]
    if not place or place != _place() or not number.isdigit():
        return False
    found = _start(int(number))
    return (
        (not found and not _runs(int(number)))
        or (bool(found) and found != start)
        or (int(number) == os.getpid())
    )


def _place() -> str:
    """Names this boot of this machine and our space of process numbers; empty where not known."""
    try:
        told = f"{_BOOT.read_text(encoding='ascii').strip()} {_SPACE.readlink()}"
    except OSError:
        return ""
    return hashlib.sha256(told.encode()).hexdigest()[:PLACE_CHARS]


def _start(number: int) -> str:
    """When a process started, in ticks; empty where there is none or it cannot be known."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[START_FIELD]


def _runs(process: int) -> bool:
    """Whether there is such a process; signal 0 only asks (kill(2))."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass  # another user's
    return True
