"""Who holds a port on this machine, from /proc (Linux)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a port open; `pid` 0 where another user's process hides it."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"{self.command} (process {self.pid})" if self.pid else self.command


def holder_of(port: int, kind: Literal["udp", "tcp"]) -> Holder | None:
    """The process listening on `port`, or None where nobody is."""
    inodes = _inodes(port, kind)
    if not inodes:
        return None
    for process in PROC.iterdir():
        if process.name.isdigit() and _holds(process, inodes):
            return Holder(int(process.name), _command(process))
    return Holder(0, "another user's process")


def _inodes(port: int, kind: str) -> set[str]:
    """Socket inodes bound to `port`; for TCP only those that listen (state 0A)."""
    found = set()
    for table in (PROC / "net" / kind, PROC / "net" / f"{kind}6"):
        if not table.exists():
            continue
        for line in table.read_text(encoding="ascii").splitlines()[1:]:
            columns = line.split()
            local, state, inode = columns[1], columns[3], columns[9]
            if int(local.rpartition(":")[2], 16) == port and (kind == "udp" or state == "0A"):
                found.add(inode)
    return found


def _holds(process: Path, inodes: set[str]) -> bool:
    try:
        for descriptor in (process / "fd").iterdir():
            name = str(descriptor.readlink())
            if name.startswith("socket:[") and name[8:-1] in inodes:
                return True
    except OSError:  # the process ended, or belongs to somebody else
        return False
    return False


def _command(process: Path) -> str:
    try:
        raw = (process / "cmdline").read_bytes()
    except OSError:
        return "a process"
    words = raw.decode("utf-8", "replace").split("\0")
    return " ".join(words).strip()[:120] or "a process"
