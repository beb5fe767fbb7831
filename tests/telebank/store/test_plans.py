"""How SQLite runs the reads that must not slow down as the journal grows."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Pool, event

from support.store_kit import open_store
from telebank.settings import store_url
from telebank.store.engine import open_read_only
from telebank.store.unsettled import unsettled


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


def steps(folder: Path, ran: list[str]) -> list[str]:
    """The first step of each statement that reads requests by their state."""
    engine = open_read_only(store_url(folder))
    found = []
    with engine.connect() as connection:
        for statement in list(ran):
            if statement.startswith("SELECT") and "request.state IN" in statement:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
                found.append(str(plan.all()[0].detail))
    engine.dispose()
    return found


@pytest.mark.sqlite_file
async def test_a_nodes_open_rows_are_found_by_their_index(tmp_path: Path) -> None:
    with watched() as ran:
        async with open_store(tmp_path) as store:
            await store.journal.open_rows()
    assert steps(tmp_path, ran) == ["SEARCH request USING INDEX ix_request_open (node=?)"] * 5


@pytest.mark.sqlite_file
async def test_the_tellers_list_is_read_by_the_index_of_open_rows(tmp_path: Path) -> None:
    async with open_store(tmp_path):
        pass
    with watched() as ran:
        engine = open_read_only(store_url(tmp_path))
        with engine.connect() as connection:
            unsettled(connection)
        engine.dispose()
    assert steps(tmp_path, ran) == ["SCAN request USING INDEX ix_request_open"]
