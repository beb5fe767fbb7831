"""Settings of the store."""

from dataclasses import dataclass
from datetime import timedelta, timezone


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """How the writer batches, waits and numbers; section `[store]` of telebank.toml."""

    queue_jobs: int = 10_000
    """Jobs waiting for the writer; a further one waits on the loop until there is room."""
    batch_jobs: int = 256
    """Jobs in one commit at most."""
    busy_timeout_ms: int = 5_000
    """How long a commit waits for another process's write lock, in milliseconds."""
    repeat_window_s: int = 600
    """Rule 13: the same triple approved within these seconds needs a second read-back."""
    number_block: int = 1_000
    """STANs or references reserved by one commit; a restart skips what is left of a block."""
    utc_offset_minutes: int = 480
    """The bank's wall clock: the day of a request that brings no business date of the host."""
    max_bytes: int | None = None
    """Largest size of an SQLite file, in bytes; past it the store says the disk is full."""
    heartbeat_s: float = 10.0
    """Age in seconds at which a commit renews the lease's heartbeat."""

    @property
    def zone(self) -> timezone:
        """The bank's wall clock as a time zone."""
        return timezone(timedelta(minutes=self.utc_offset_minutes))
