"""Fixtures of the rooms whose tests run on an SQLite file and on a real PostgreSQL alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import store_run
from support.store_postgresql import StoreServer

DATABASES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def server() -> Iterator[StoreServer]:
    """A PostgreSQL of this run."""
    if (running := store_run.of_run()) is not None:
        yield running
        return
    started = StoreServer.start()
    yield started
    started.remove()


@pytest.fixture
def remote(server: StoreServer, tmp_path: Path) -> Iterator[Path]:
    """A data folder whose store is an empty database on PostgreSQL."""
    name = server.lend(tmp_path)
    yield tmp_path
    server.take_back(name)


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A data folder whose store is either; tests that take `tmp_path` itself are about the file."""
    if request.param == "postgresql":
        found: Path = request.getfixturevalue("remote")
        return found
    return tmp_path
