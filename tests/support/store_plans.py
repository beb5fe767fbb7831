"""What SQLite was asked, for tests of how it finds it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Pool, event


@contextmanager
def watched() -> Iterator[list[str]]:
    """What connections made meanwhile are asked: each statement with its values in it."""
    ran: list[str] = []

    def watch(connection: sqlite3.Connection, _record: object) -> None:
        connection.set_trace_callback(ran.append)

    event.listen(Pool, "connect", watch)
    try:
        yield ran
    finally:
        event.remove(Pool, "connect", watch)
