"""Options of one ISO 8583 host."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta, timezone
from pathlib import Path

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


MAX_NAME = 253
MAX_WARN_DAYS = 365
MAX_HANDSHAKE_S = 60.0
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class MuxOptions:
    """Limits and times of one host's multiplexer."""

    in_flight_max: int = 200
    """Messages waiting for an answer; one more is refused at once."""
    in_flight_urgent: int = 20
    """Places beyond `in_flight_max` kept for reversals and loss reports."""
    sign_on_timeout_s: float = 10.0
    """Seconds to wait for the answer to sign-on (and to sign-off)."""
    echo_interval_s: float = 30.0
    """Seconds without a frame from the host after which an echo is sent."""
    echo_timeout_s: float = 5.0
    """Seconds to wait for the answer to an echo."""
    echo_missed_max: int = 3
    """Echoes missed in a row that close the link."""
    recent_max: int = 10_000
    """Answered messages remembered, to name duplicate replies."""
    given_up_max: int = 100_000
    """Messages given up and remembered, for their late replies: money may hang on one. Of the
    order of 100 MB when full; it takes an outage of some minutes under full load."""
    recent_s: float = 300.0
    """Seconds for which both are remembered."""
    fail_back_s: float = 60.0
    """Seconds for which a better address must hold before traffic goes back to it."""
    sign_on_again_s: float = 60.0
    """Seconds after the host's own sign-off after which a link asks to be signed on again."""

    def __post_init__(self) -> None:
        if self.in_flight_max < 1 or self.in_flight_urgent < 0:
            raise ValueError("mux.in_flight_max is 1 or more, mux.in_flight_urgent 0 or more")
        room = self.in_flight_max + self.in_flight_urgent
        if self.recent_max < 1 or self.given_up_max < room:
            raise ValueError(f"mux.recent_max is 1 or more, mux.given_up_max at least {room}")
        if not 0 <= self.fail_back_s <= DAY_S:
            raise ValueError(f"mux.fail_back_s is 0 to {DAY_S}")
        if not 0 < self.sign_on_again_s <= DAY_S:
            raise ValueError(f"mux.sign_on_again_s is above 0, up to {DAY_S}")


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """TLS 1.2 or later; the host's name is always checked against its certificate."""

    ca: str
    """File of the CA certificates that the host's certificate must come from (PEM)."""
    certificate: str
    """File of our own certificate, issuers behind it (PEM): the host asks for it."""
    key: str
    """File of its private key (PEM, not encrypted, mode 0600)."""
    server_name: str = ""
    """Name that must stand in the host's certificate; empty: the host of its address."""
    handshake_timeout_s: float = 5.0
    """Seconds for the TLS handshake, after the TCP connection."""
    warn_days: int = 30
    """Days before a certificate expires from which an alarm is raised once a day."""

    def __post_init__(self) -> None:
        if not (self.ca and self.certificate and self.key):
            raise ValueError("tls needs the files ca, certificate and key")
        if len(self.server_name) > MAX_NAME or not self.server_name.isascii():
            raise ValueError(f"tls.server_name has up to {MAX_NAME} ASCII characters")
        if not 0 < self.handshake_timeout_s <= MAX_HANDSHAKE_S:
            raise ValueError(f"tls.handshake_timeout_s is up to {MAX_HANDSHAKE_S:g}")
        if not 0 <= self.warn_days <= MAX_WARN_DAYS:
            raise ValueError(f"tls.warn_days is 0 to {MAX_WARN_DAYS}")

    def under(self, folder: Path) -> "TlsOptions":
        """The same, with relative file names taken from `folder`."""
        names = {name: str(folder / getattr(self, name)) for name in ("ca", "certificate", "key")}
        return replace(self, **names)  # type: ignore[arg-type]


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
