"""Options of the call shell."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallOptions:
    """Limits and times of calls on one node."""

    listen: str = "127.0.0.1:5060"
    """Where SIP is received over UDP, `address:port`; port 0 lets the system choose."""
    advertise: str = ""
    """Address that peers are told in Contact and SDP; empty: the one listened on, or, when that is
    0.0.0.0, the address of the default route."""
    lines: int = 500
    """Calls taken at once; a further caller hears busy (486). Overload of the machine is 503."""
    max_seconds: int = 1_800
    """Longest call, in seconds; then the caller is told goodbye by BYE."""
    max_events_waiting: int = 20_000
    """Event-log rows waiting for the store; above it new calls get 503."""
    drain_s: float = 60.0
    """Seconds that live calls may go on after the node was told to stop; new calls get 503."""

    def __post_init__(self) -> None:
        host, _, port = self.listen.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65_535:  # noqa: PLR2004 - a port
            raise ValueError(f"calls.listen is {self.listen!r}: give address:port")
        if min(self.lines, self.max_seconds, self.max_events_waiting) <= 0 or self.drain_s < 0:
            raise ValueError(
                "calls: lines, max_seconds and max_events_waiting above 0, drain_s not below"
            )
