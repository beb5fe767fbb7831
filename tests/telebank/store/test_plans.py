"""How SQLite runs the reads that must not slow down as the journal grows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from support.store_kit import open_store
from telebank.settings import store_url
from telebank.store.engine import open_read_only
from telebank.store.unsettled import unsettled

Ran = list[tuple[str, Any]]


@contextmanager
def watched() -> Iterator[Ran]:
    """What any engine is asked meanwhile: each statement with its values."""
    ran: Ran = []

    def keep(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        ran.append((statement, values))

    event.listen(Engine, "before_cursor_execute", keep)
    try:
        yield ran
    finally:
        event.remove(Engine, "before_cursor_execute", keep)


def steps(folder: Path, ran: Ran) -> list[str]:
    """The first step of each statement that reads requests."""
    engine = open_read_only(store_url(folder))
    found = []
    with engine.connect() as connection:
        for statement, values in list(ran):
            if "request.state IN" in statement:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                found.append(str(plan.first().detail))  # type: ignore[union-attr]
    engine.dispose()
    return found


async def test_a_nodes_open_rows_are_found_by_their_index(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        with watched() as ran:
            await store.journal.open_rows()
    assert steps(tmp_path, ran) == ["SEARCH request USING INDEX ix_request_open (node=?)"] * 3


async def test_the_tellers_list_is_read_by_the_index_of_open_rows(tmp_path: Path) -> None:
    async with open_store(tmp_path):
        pass
    engine = open_read_only(store_url(tmp_path))
    with engine.connect() as connection, watched() as ran:
        unsettled(connection)
    engine.dispose()
    assert steps(tmp_path, ran) == ["SCAN request USING INDEX ix_request_open"]
