"""Options of one ISO 8583 host."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta, timezone
from pathlib import Path

from core_adapters.iso8583.links.mux_types import MuxOptions
from core_adapters.iso8583.links.tls import TlsOptions

MAX_LINKS = 8
MAX_ADDRESSES = 4
MAX_PORT = 65_535
MAX_FRAME_S = 600.0
MAX_OVERLAP_S = 604_800.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a host listens; `rank` 0 is the preferred address."""

    host: str
    port: int
    rank: int = 0

    @classmethod
    def parse(cls, text: str, rank: int = 0) -> "Address":
        """Read `host:port` or `[IPv6]:port`; raises `ValueError`."""
        host, _, port = text.rpartition(":")
        name = host.removeprefix("[").removesuffix("]")
        bracketed = host.startswith("[") and host.endswith("]")
        digits = port.isascii() and port.isdigit() and len(port) <= len(str(MAX_PORT))
        if not name or not digits or not 0 < int(port) <= MAX_PORT or (":" in name) != bracketed:
            raise ValueError(f"address {text!r}: write host:port, such as 10.1.2.3:8583")
        return cls(name, int(port), rank)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Iso8583Options:
    """Where the host is, who we are to it, and how patient we are."""

    addresses: tuple[str, ...] = ("127.0.0.1:8583",)
    """`host:port` of the host, the preferred first, 1 to 4; an IPv6 address in brackets."""
    links: int = 1
    """TCP connections held at once to each address, 1 to 8."""
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
    frame_timeout_s: float = 10.0
    """Seconds that a frame may take to come whole; a slower one costs its link."""
    key_overlap_s: float = 3600.0
    """Seconds for which the key before goes on verifying after a change; then it is destroyed."""
    tls: TlsOptions | None = None
    """Certificates, where the host wants TLS; without it the link is plain TCP."""
    mux: MuxOptions = field(default_factory=MuxOptions)
    """Limits and times of the multiplexer."""

    def __post_init__(self) -> None:
        if self.alarms_a_second < 1:
            raise ValueError("alarms_a_second must be 1 or more, or nobody would see any")
        if not 0 < self.frame_timeout_s <= MAX_FRAME_S:
            raise ValueError(f"frame_timeout_s is up to {MAX_FRAME_S:g}")
        if not 0 <= self.key_overlap_s <= MAX_OVERLAP_S:
            raise ValueError(f"key_overlap_s is up to {MAX_OVERLAP_S:g}, a week")
        if not 1 <= self.links <= MAX_LINKS:
            raise ValueError(f"links is 1 to {MAX_LINKS}")
        if not 1 <= len(set(self.addresses)) == len(self.addresses) <= MAX_ADDRESSES:
            raise ValueError(f"addresses are 1 to {MAX_ADDRESSES}, none twice")
        for text in self.addresses:
            Address.parse(text)
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

    def under(self, keys: Path) -> "Iso8583Options":
        """The same, with relative names of TLS files taken from the folder of keys."""
        return self if self.tls is None else replace(self, tls=self.tls.under(keys))

    @property
    def ranked(self) -> tuple[Address, ...]:
        """The addresses, each with its rank."""
        return tuple(Address.parse(text, rank) for rank, text in enumerate(self.addresses))

    @property
    def link_addresses(self) -> Mapping[str, Address]:
        """Links by name: `a`, `b` … to one address, `a1`, `b1`, `a2`, `b2` … to several."""
        several = len(self.addresses) > 1
        return {
            f"{letter}{address.rank + 1}" if several else letter: address
            for address in self.ranked
            for letter in "abcdefgh"[: self.links]
        }
