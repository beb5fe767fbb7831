"""The same tests on both databases."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.sql_banks import SqlBank, postgresql_bank, sqlite_bank
from support.sql_servers import Cluster

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    one = Cluster()
    yield one
    one.remove()


@pytest.fixture
def postgresql(cluster: Cluster) -> SqlBank:
    return postgresql_bank(cluster, f"bank{next(_numbers)}")


@pytest.fixture
def sqlite(tmp_path: Path) -> SqlBank:
    return sqlite_bank(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def bank(request: pytest.FixtureRequest) -> SqlBank:
    found: SqlBank = request.getfixturevalue(request.param)
    return found
