"""Options of one ISO 8583 host."""

from dataclasses import dataclass, field
from datetime import timedelta, timezone

from core_adapters.iso8583.mux_types import MuxOptions

MAX_LINKS = 8


@dataclass(frozen=True, slots=True)
class Iso8583Options:
    """Where the host is, who we are to it, and how patient we are."""

    host: str = "127.0.0.1"
    """Name or address of the host."""
    port: int = 5087
    """TCP port of the host."""
    links: int = 1
    """TCP connections held at once, 1 to 8."""
    terminal: str = "TB010001"
    """Field 41, up to eight characters; one per node."""
    acquirer: str = "62270001"
    """Field 32, up to eleven digits."""
    merchant: str = "TELEBANK"
    """Field 42, up to fifteen characters."""
    connect_timeout_s: float = 5.0
    """Seconds to wait for a TCP connection."""
    backoff_min_s: float = 0.5
    """Seconds before the first reconnection; doubles, and half of it is chance."""
    backoff_max_s: float = 30.0
    """Longest seconds between reconnections."""
    write_buffer_max: int = 262_144
    """Bytes that may wait for a slow host before its link is closed."""
    drain_s: float = 16.0
    """Seconds that an orderly stop waits for answers before signing off."""
    utc_offset_minutes: int = 480
    """The bank's wall clock, which fields 12 and 13 are in; the same as the processor's."""
    alarms_a_second: int = 10
    """Alarms of one kind that frames may raise in a second; the others are told as a number."""
    mux: MuxOptions = field(default_factory=MuxOptions)
    """Limits and times of the multiplexer."""

    def __post_init__(self) -> None:
        if self.alarms_a_second < 1:
            raise ValueError("alarms_a_second must be 1 or more, or nobody would see any")
        if not 1 <= self.links <= MAX_LINKS:
            raise ValueError(f"links is 1 to {MAX_LINKS}")
        if len(self.terminal) > 8 or not self.terminal.isascii():  # noqa: PLR2004 - field 41
            raise ValueError("terminal (field 41) has up to eight ASCII characters")
        digits = self.acquirer.isascii() and self.acquirer.isdigit()
        if not digits or len(self.acquirer) > 11:  # noqa: PLR2004 - field 32
            raise ValueError("acquirer (field 32) has one to eleven digits")
        if len(self.merchant) > 15 or not self.merchant.isascii():  # noqa: PLR2004 - field 42
            raise ValueError("merchant (field 42) has up to fifteen ASCII characters")

    @property
    def zone(self) -> timezone:
        """The bank's wall clock as a time zone."""
        return timezone(timedelta(minutes=self.utc_offset_minutes))

    @property
    def link_names(self) -> tuple[str, ...]:
        """`a`, `b` …"""
        return tuple("abcdefgh"[: self.links])
