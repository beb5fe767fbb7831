"""Migrations: from nothing, twice, down and up again, and equal to the tables in the code."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from support.store_kit import DAY, NOON, message, open_store, recorded, rows
from support.store_postgresql import StoreServer, name_in_settings
from telebank.settings import store_url
from telebank.store import tables
from telebank.store.engine import database_url, is_sqlite, open_read_only
from telebank.store.errors import MessageKeysReused, StoreMissing
from telebank.store.migrate import downgrade, known_revisions, migrate


@pytest.fixture
def blank(place: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database without tables, named by the settings of `place`; its URL."""
    if is_sqlite(store_url(place)):
        yield store_url(place)
        return
    server: StoreServer = request.getfixturevalue("server")
    name = server.empty()
    name_in_settings(place, server.url(name))
    yield server.url(name)
    server.drop(name)


def _shape(url: str) -> dict[str, Any]:
    """Every table as the database describes it."""
    engine = create_engine(url)
    found = inspect(engine)
    shape = {
        name: {
            "columns": [
                (column["name"], repr(column["type"]), column["nullable"])
                for column in found.get_columns(name)
            ],
            "indexes": sorted(map(_index, found.get_indexes(name))),
            "checks": sorted(map(repr, found.get_check_constraints(name))),
            "foreign keys": sorted(map(repr, found.get_foreign_keys(name))),
            "key": repr(found.get_pk_constraint(name)),
        }
        for name in found.get_table_names()
    }
    engine.dispose()
    return shape


def _index(index: Any) -> str:
    where = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return f"{index['name']} {index['column_names']} {bool(index['unique'])} {where}"


def test_from_nothing_twice_down_and_up(blank: str) -> None:
    migrate(blank)
    first = _shape(blank)
    assert set(first) == {"alembic_version", *tables.metadata.tables}
    migrate(blank)
    assert _shape(blank) == first
    downgrade(blank)
    assert set(_shape(blank)) == {"alembic_version"}
    migrate(blank)
    assert _shape(blank) == first


def test_migrations_and_tables_agree(blank: str) -> None:
    migrate(blank)
    engine = create_engine(blank)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


async def test_rows_stay_when_it_is_opened_again(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "r1")
    migrate(store_url(place))
    assert [row.id for row in rows(place, tables.request)] == ["r1"]


async def test_rows_of_the_first_release_go_to_the_second_and_back(place: Path, blank: str) -> None:
    """What r0002 adds is empty at first; what it does not know of is as it was."""
    migrate(blank, "0001")
    old = _shape(blank)
    migrate(blank)
    new = _shape(blank)
    async with open_store(place) as store:
        await recorded(store, "r1")
        sent = message("r1", "000001")
        await store.journal.sending(sent)
        await store.journal.answered(replace(sent, reply39="00", reply_at=NOON, settled_on=DAY))
        await store.releases.begin({"services.yaml": b""})
    kept = {name: _rows(blank, name) for name in old}
    assert [row["settled_on"] is None for row in kept["host_message"]] == [False]
    downgrade(blank, "0001")
    assert _shape(blank) == old
    kept["host_message"] = [_without(row, "settled_on") for row in kept["host_message"]]
    kept["lease"] = [_without(row, "nodes", "terminal") for row in kept["lease"]]
    kept["alembic_version"] = [{"version_num": "0001"}]
    assert {name: _rows(blank, name) for name in old} == kept
    migrate(blank)
    assert _shape(blank) == new
    assert [row.settled_on for row in rows(place, tables.host_message)] == [None]
    assert rows(place, tables.release) == []
    async with open_store(place) as store:
        (row,) = await store.journal.open_rows()
        assert row.sent is not None
        assert row.sent.reply39 == "00"
        await recorded(store, "r2")
        with pytest.raises(MessageKeysReused):  # the partial index is there again
            await store.journal.sending(message("r2", "000001"))


async def test_down_to_nothing_with_rows_and_up_again(place: Path, blank: str) -> None:
    """Rows hold no table back, on their way down through every revision; a new life begins."""
    migrate(blank)
    first = _shape(blank)
    async with open_store(place) as store:
        await recorded(store, "r1")
        sent = message("r1", "000001")
        await store.journal.sending(sent)
        await store.journal.answered(replace(sent, reply39="00", reply_at=NOON, settled_on=DAY))
        await store.releases.begin({"services.yaml": b""})
    for revision in known_revisions()[1:]:  # the newest is where it is
        downgrade(blank, revision)
        assert len(_rows(blank, "request")) == 1, revision
    downgrade(blank)
    assert set(_shape(blank)) == {"alembic_version"}
    migrate(blank)
    assert _shape(blank) == first
    async with open_store(place) as store:
        assert store.epoch == 1
        await recorded(store, "r1")


def _rows(url: str, name: str) -> list[dict[str, Any]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f'SELECT * FROM "{name}"').mappings()
        result = sorted((dict(row) for row in found), key=repr)
    engine.dispose()
    return result


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in names}


@pytest.mark.sqlite_file
async def test_database_and_wal_are_for_the_owner_alone(tmp_path: Path) -> None:
    # About the file.
    folder = tmp_path / "var"
    async with open_store(folder) as store:
        await recorded(store, "r1")
        files = sorted(path.name for path in folder.iterdir() if path.is_file())
        assert files == ["telebank.db", "telebank.db-shm", "telebank.db-wal"]
        for name in files:
            assert (folder / name).stat().st_mode & 0o077 == 0


@pytest.mark.sqlite_file
def test_readers_are_told_what_is_missing_and_make_nothing(tmp_path: Path) -> None:
    # The file; a server is in test_postgresql.
    with pytest.raises(StoreMissing, match="no database at"):
        open_read_only(database_url(tmp_path))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "telebank.db").touch()
    with pytest.raises(StoreMissing, match="no tables"):
        open_read_only(database_url(tmp_path))


@pytest.mark.sqlite_file
async def test_readers_cannot_write(tmp_path: Path) -> None:
    # The file; a server is in test_postgresql.
    async with open_store(tmp_path):
        engine = open_read_only(database_url(tmp_path))
        with engine.connect() as connection, pytest.raises(Exception, match="readonly"):
            connection.exec_driver_sql("DELETE FROM lease")
        engine.dispose()
