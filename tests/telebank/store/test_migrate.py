"""Migrations: from nothing, twice, down and up again, and equal to the tables in the code."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from support.store_kit import open_store, recorded, rows
from telebank.store import tables
from telebank.store.engine import database_url, open_read_only
from telebank.store.errors import StoreMissing
from telebank.store.migrate import downgrade, migrate


def _names(url: str) -> set[str]:
    engine = create_engine(url)
    names = set(inspect(engine).get_table_names())
    engine.dispose()
    return names


def test_from_nothing_twice_down_and_up(tmp_path: Path) -> None:
    url = database_url(tmp_path)
    wanted = {"alembic_version", *tables.metadata.tables}
    migrate(url)
    assert _names(url) == wanted
    migrate(url)
    assert _names(url) == wanted
    downgrade(url)
    assert _names(url) == {"alembic_version"}
    migrate(url)
    assert _names(url) == wanted


def test_migrations_and_tables_agree(tmp_path: Path) -> None:
    url = database_url(tmp_path)
    migrate(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


async def test_rows_stay_when_it_is_opened_again(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await recorded(store, "r1")
    migrate(database_url(tmp_path))
    assert [row.id for row in rows(tmp_path, tables.request)] == ["r1"]


async def test_database_and_wal_are_for_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    async with open_store(folder) as store:
        await recorded(store, "r1")
        files = sorted(path.name for path in folder.iterdir() if path.is_file())
        assert files == ["telebank.db", "telebank.db-shm", "telebank.db-wal"]
        for name in files:
            assert (folder / name).stat().st_mode & 0o077 == 0


def test_readers_are_told_what_is_missing_and_make_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing, match="no database at"):
        open_read_only(database_url(tmp_path))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "telebank.db").touch()
    with pytest.raises(StoreMissing, match="no tables"):
        open_read_only(database_url(tmp_path))


async def test_readers_cannot_write(tmp_path: Path) -> None:
    async with open_store(tmp_path):
        engine = open_read_only(database_url(tmp_path))
        with engine.connect() as connection, pytest.raises(Exception, match="readonly"):
            connection.exec_driver_sql("DELETE FROM lease")
        engine.dispose()
