"""Settings of the audit log."""

from dataclasses import dataclass
from pathlib import Path

MAX_ANCHORS = 8
HOUR_S, DAY_S = 3_600, 86_400
MAX_ENTRIES = 1_000_000


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """When checkpoints are made and where they are copied; section `[audit]`."""

    every_s: float = 60.0
    """A checkpoint of what is new after so many seconds, 1 to 3,600."""
    entries: int = 10_000
    """And after so many entries, looked at once a second; 1 to 1,000,000."""
    heartbeat_s: float = 60.0
    """An entry `audit.heartbeat` each so many seconds, so that silence shows; 1 to 3,600."""
    anchors: tuple[str, ...] = ()
    """Directories, absolute, on other machines (mounted), that checkpoints are copied to; 8 at
    most. None: what the database says is protected by its rights alone."""
    anchor_late_s: float = 300.0
    """A checkpoint that was copied nowhere for so many seconds is an alarm; 10 to 86,400."""

    def __post_init__(self) -> None:
        _within("every_s", self.every_s, 1, HOUR_S)
        _within("entries", self.entries, 1, MAX_ENTRIES)
        _within("heartbeat_s", self.heartbeat_s, 1, HOUR_S)
        _within("anchor_late_s", self.anchor_late_s, 10, DAY_S)
        if len(self.anchors) > MAX_ANCHORS:
            raise ValueError(f"audit.anchors has {len(self.anchors)} places: {MAX_ANCHORS} at most")
        for place in self.anchors:
            if not Path(place).is_absolute():
                raise ValueError(f"audit.anchors has {place!r}: give whole paths, /mnt/anchors")
        if len(set(map(Path, self.anchors))) < len(self.anchors):
            raise ValueError("audit.anchors has one directory twice: give each once")


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"audit.{name} is {value:g}: give {least:g} to {most:g}")
