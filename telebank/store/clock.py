"""The store's clock: UTC and monotonic time, and the boot that the monotonic time belongs to."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import uuid4

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def to_us(moment: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z of an aware datetime."""
    return (moment - EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """The aware UTC datetime of microseconds since 1970-01-01T00:00:00Z."""
    return EPOCH + timedelta(microseconds=microseconds)


@dataclass(frozen=True, slots=True)
class Stamp:
    """One reading of both clocks, in microseconds."""

    utc_us: int
    monotonic_us: int

    @property
    def utc(self) -> datetime:
        """The UTC time."""
        return from_us(self.utc_us)


class Clock(Protocol):
    """Where the store gets its time; tests hand in their own."""

    @property
    def boot(self) -> str:
        """Identifies the run of the monotonic clock."""
        ...

    def read(self) -> Stamp:
        """Read both clocks."""
        ...


class SystemClock:
    """The machine's clocks and boot id."""

    def __init__(self) -> None:
        try:
            self.boot = _BOOT_ID.read_text(encoding="ascii").strip()
        except OSError:
            self.boot = str(uuid4())

    def read(self) -> Stamp:
        """Read both clocks."""
        return Stamp(time.time_ns() // 1000, time.monotonic_ns() // 1000)
