"""Settings of the user agent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SipOptions:
    """Every limit and time of the SIP user agent."""

    t1: float = 0.5
    """Round-trip estimate, seconds (RFC 3261 17.1.1.1); 64 of it end a transaction."""
    t2: float = 4.0
    """Longest interval between retransmissions, seconds."""
    t4: float = 5.0
    """How long a message may stay in the network, seconds."""
    user_agent: str = "telebank"
    """User-Agent and Server header text; empty leaves both out."""
    max_calls: int = 1_000
    """Legs alive at once, both directions; above it new INVITEs get 503."""
    max_transactions: int = 20_000
    """Live transactions; above it new calls get 503, above twice that everything does."""
    max_pending: int = 300
    """INVITEs not yet answered by the application; above it new ones get 503."""
    retry_after: int = 5
    """Retry-After of a 503, seconds."""
    ring_timeout: float = 180.0
    """Longest time an INVITE stays without a final answer, seconds, either direction."""
    offer_timeout: float = 10.0
    """Longest time the application may take over a re-INVITE or UPDATE, seconds."""
    max_glare_retries: int = 3
    """How often our re-INVITE is sent again after a 491."""
    reliable_always: bool = False
    """Send 18x reliably (RFC 3262) to every caller that supports it; False: to those that require
    it."""
    session_expires: int = 1_800
    """Session interval that we ask for and allow at most, seconds (RFC 4028); 0: no session timers
    at all."""
    min_se: int = 90
    """Shortest session interval that we take, seconds; 90 or more."""
    refer_timeout: float = 60.0
    """Longest time from a REFER to its outcome, seconds, either direction."""
    scanners: tuple[str, ...] = ("friendly-scanner", "sipvicious", "sipcli", "sundayddr")
    """Lower-case pieces of User-Agent texts whose requests are dropped without an answer."""

    troubles_per_second: int = 50
    """`Trouble` commands let out within one second; the rest are counted and named by number."""

    def __post_init__(self) -> None:
        for name in ("t1", "t2", "t4", "ring_timeout", "offer_timeout", "refer_timeout"):
            if getattr(self, name) <= 0:
                raise ValueError(f"sip option {name} must be above 0 seconds")
        if self.min_se < 90:  # noqa: PLR2004 - RFC 4028 section 4
            raise ValueError("sip option min_se must be 90 seconds or more")
        if self.session_expires and self.session_expires < self.min_se:
            raise ValueError("sip option session_expires must be 0, or min_se or more")

    @property
    def supported(self) -> str:
        """The option tags of what we can, as in Supported."""
        return "100rel, timer" if self.session_expires else "100rel"

    @property
    def transaction_timeout(self) -> float:
        """64 times T1, seconds (timers B, F, H, J, L, M)."""
        return 64 * self.t1
