"""Options of the web console."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """The read-only pages; they never touch calls or money."""

    listen: str = "127.0.0.1:8080"
    """Where HTTP is served, `address:port`; port 0 lets the system choose."""
    threads: int = 8
    """Request threads of the one gunicorn worker."""
    calls_shown: int = 50
    """Calls on the page, newest first; at most 500."""
    refresh_ms: int = 1_000
    """How often an open page asks for news, in milliseconds."""

    def __post_init__(self) -> None:
        if not 1 <= self.calls_shown <= 500:  # noqa: PLR2004 - said in the docstring
            raise ValueError(f"console.calls_shown is {self.calls_shown}: give 1 to 500")
        if self.refresh_ms < 200:  # noqa: PLR2004 - a floor that spares the node's disk
            raise ValueError(f"console.refresh_ms is {self.refresh_ms}: give 200 or more")
