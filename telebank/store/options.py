"""Settings of the store."""

from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Final

MAX_NODES: Final = 99
"""A node's number has two digits."""


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """How the writer batches, waits and numbers; section `[store]` of telebank.toml."""

    queue_jobs: int = 10_000
    """Jobs waiting for the writer; a further one waits on the loop until there is room."""
    batch_jobs: int = 256
    """Jobs in one commit at most."""
    url: str = ""
    """`postgresql+psycopg://user@host/database`; empty: the SQLite file `DATA/telebank.db`."""
    password_file: str = ""
    """File with the database user's password, mode 0600; relative to the data folder. Empty: as
    the PostgreSQL library finds it (PGPASSFILE, ~/.pgpass)."""
    connect_timeout_s: int = 5
    """How long a connection to a database server may take, in seconds."""
    busy_timeout_ms: int = 5_000
    """How long a commit waits for another process's write lock, in milliseconds; a database server
    ends a transaction that stands still for as long."""
    doubt_s: float = 20.0
    """How long the server is asked about a COMMIT whose answer was lost, in seconds."""
    repeat_window_s: int = 600
    """Rule 13: the same triple approved within these seconds needs a second read-back."""
    number_block: int = 1_000
    """STANs or references reserved by one commit; a restart skips what is left of a block."""
    utc_offset_minutes: int = 480
    """The bank's wall clock: the day of a request that brings no business date of the host."""
    max_bytes: int | None = None
    """Largest size of an SQLite file, in bytes; past it the store says the disk is full."""
    nodes: int = 1
    """How many nodes share the acquirer id (field 32) and with it the STANs; from `[node] of`."""
    terminal: str = ""
    """Field 41 of this node, from `[hosts.NAME] terminal`: it stays with the lease for whoever
    settles the node's rows. Empty: the adapter's own."""
    heartbeat_s: float = 10.0
    """Age in seconds at which a commit renews the lease's heartbeat; a running node commits at
    least so often."""

    def __post_init__(self) -> None:
        backend = self.url.partition(":")[0]
        if backend not in ("", "sqlite", "postgresql+psycopg"):
            raise ValueError(
                f"store.url begins with {backend[:40]!r}: give"
                " postgresql+psycopg://user@host/database, or nothing for the SQLite file"
            )

    @property
    def zone(self) -> timezone:
        """The bank's wall clock as a time zone."""
        return timezone(timedelta(minutes=self.utc_offset_minutes))
