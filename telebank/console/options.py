"""Options of the web console."""

from dataclasses import dataclass

SENDERS = 4
"""People whose papers are drawn, or wait to be, at once."""
BESIDE = 32
"""Threads that are never with an open screen: they show pages and take clicks."""
FEWEST, MOST = BESIDE + 8, BESIDE + 368
"""Of threads."""


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """The web pages. They read the store; what people do there is asked of the node."""

    listen: str = "127.0.0.1:8080"
    """Where HTTP is served, `address:port`; port 0 lets the system choose."""
    threads: int = BESIDE + 40
    """Request threads of the one gunicorn worker, 40 to 400. Each open screen of a desk, a
    supervisor or a wall has one; 32 are never with screens, and of those two never with people who
    send."""
    proxies: int = 0
    """Servers in front of it that are trusted, one behind the other: so many entries of
    X-Forwarded-For and X-Forwarded-Proto are believed, from the right. 0: none is there."""
    calls_shown: int = 50
    """Calls on the page, newest first; at most 500."""
    refresh_ms: int = 1_000
    """How often an open page asks for news, in milliseconds."""

    def __post_init__(self) -> None:
        if not FEWEST <= self.threads <= MOST:
            raise ValueError(f"console.threads is {self.threads}: give {FEWEST} to {MOST}")
        if not 0 <= self.proxies <= 8:  # noqa: PLR2004 - more servers stand nowhere
            raise ValueError(f"console.proxies is {self.proxies}: give 0 to 8")
        if not 1 <= self.calls_shown <= 500:  # noqa: PLR2004 - said in the docstring
            raise ValueError(f"console.calls_shown is {self.calls_shown}: give 1 to 500")
        if self.refresh_ms < 200:  # noqa: PLR2004 - a floor that spares the node's disk
            raise ValueError(f"console.refresh_ms is {self.refresh_ms}: give 200 or more")

    @property
    def screens(self) -> int:
        """Screens that look at once."""
        return self.threads - BESIDE
