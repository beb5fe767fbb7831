"""Options of the call shell."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from types import MappingProxyType

from telebank.sip.uri import TRANSPORTS, Hop, Transport


@dataclass(frozen=True, slots=True)
class CallOptions:
    """Limits and times of calls on one node."""

    listen: str | tuple[str, ...] = "127.0.0.1:5060"
    """Where SIP is received, one or several: `address:port` is UDP and TCP (RFC 3261 18.1.1 wants
    both), `udp:`, `tcp:` or `tls:` before it that alone; IPv6 in brackets, `tls:[::]:5061`. One of
    each for IPv4 and one for IPv6. Port 0 lets the system choose. TLS needs `[sip_tls]`."""
    advertise: str | tuple[str, ...] = ""
    """Address that peers are told in Contact and SDP, one of IPv4 and one of IPv6 at most; empty:
    the one listened on, or, when that is 0.0.0.0 or ::, the address of the default route."""
    lines: int = 500
    """Calls taken at once; a further caller hears busy (486). Overload of the machine is 503."""
    max_seconds: int = 1_800
    """Longest call, in seconds; then the caller is told goodbye by BYE."""
    max_events_waiting: int = 20_000
    """Event-log rows waiting for the store; above it new calls get 503."""
    drain_s: float = 60.0
    """Seconds that live calls may go on after the node was told to stop; new calls get 503."""

    def __post_init__(self) -> None:
        ways = [(place.transport, place.family) for place in self.places]
        if not ways or len(ways) > len(set(ways)):
            raise ValueError(
                "calls.listen: give one address or more, one for each transport and IP version"
            )
        if len(self.advertised) < len(_several(self.advertise)):
            raise ValueError("calls.advertise: give one address of IPv4 and one of IPv6 at most")
        if min(self.lines, self.max_seconds, self.max_events_waiting) <= 0 or self.drain_s < 0:
            raise ValueError(
                "calls: lines, max_seconds and max_events_waiting above 0, drain_s not below"
            )

    @property
    def places(self) -> tuple[Hop, ...]:
        """What is listened on; raises `ValueError`."""
        return tuple(place for text in _several(self.listen) for place in places_in(text))

    @property
    def advertised(self) -> Mapping[int, str]:
        """What peers are told, by IP version; raises `ValueError`."""
        found: dict[int, str] = {}
        for text in _several(self.advertise):
            try:
                address = ip_address(text.strip("[]"))
            except ValueError as error:
                raise ValueError(f"calls.advertise is {text!r}: give an IP address") from error
            found[address.version] = str(address)
        return MappingProxyType(found)


def places_in(text: str) -> list[Hop]:
    """One entry of `listen`; raises `ValueError`."""
    kind, colon, rest = text.partition(":")
    named = next((known for known in TRANSPORTS if known == kind and colon), None)
    host, _, port = (rest if named else text).rpartition(":")
    bare = host[1:-1] if host[:1] == "[" and host[-1:] == "]" else host
    try:
        address = str(ip_address(bare))
        good = port.isascii() and port.isdigit() and int(port) <= 65_535  # noqa: PLR2004 - a port
    except ValueError:
        good = False
    if not good or (":" in bare) != (bare != host):
        raise ValueError(
            f"calls.listen is {text!r}: give address:port, as 127.0.0.1:5060, [::1]:5060,"
            " tcp:0.0.0.0:5060 or tls:[::]:5061"
        )
    both: tuple[Transport, ...] = ("udp", "tcp")
    return [Hop(address, int(port), each) for each in ((named,) if named else both)]


def _several(value: str | tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return value
