"""Settings of the watcher, section `[metrics]`."""

from dataclasses import dataclass

LEAST_S, MOST_S = 0.5, 60.0


@dataclass(frozen=True, slots=True)
class MetricsOptions:
    """Where figures and health are served, and how often the node is looked at."""

    listen: str = "127.0.0.1:9583"
    """TCP address:port of /metrics, /livez and /readyz; port 0: any."""
    every_s: float = 2.0
    """Seconds between two looks at node, store and disk."""

    def __post_init__(self) -> None:
        host, _, port = self.listen.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65_535:  # noqa: PLR2004 - a port
            raise ValueError(f"metrics.listen is {self.listen!r}: give address:port")
        if not LEAST_S <= self.every_s <= MOST_S:
            raise ValueError(f"metrics.every_s is {LEAST_S:g} to {MOST_S:g} seconds")
