"""Settings of the disk that the data folder is on."""

from dataclasses import dataclass

MB = 2**20
MAX_MB = 10_000_000


@dataclass(frozen=True, slots=True)
class DiskOptions:
    """Section `[disk]` of telebank.toml; only where the store is an SQLite file."""

    low_mb: int = 500
    """Mebibytes free below which no new money is taken and the ballast is let go; 0: never."""
    clear_mb: int = 600
    """Mebibytes free, beside room for the ballast, from which on new money is taken again."""
    ballast_mb: int = 64
    """Mebibytes of `DATA/ballast`, room that the node gives itself when it needs it; 0: none."""
    every_s: float = 2.0
    """Seconds between two looks."""

    def __post_init__(self) -> None:
        for name in ("low_mb", "clear_mb", "ballast_mb"):
            if not 0 <= getattr(self, name) <= MAX_MB:
                raise ValueError(f"{name} is {getattr(self, name)}: give 0 to {MAX_MB}")
        if self.clear_mb < self.low_mb:
            raise ValueError("clear_mb is below low_mb: give as much or more")
        if self.ballast_mb and not self.low_mb:
            raise ValueError("ballast_mb without low_mb would never be let go: give low_mb too")
        if not 0.05 <= self.every_s <= 60:  # noqa: PLR2004 - what can be asked of a disk
            raise ValueError("every_s is 0.05 to 60, in seconds")
