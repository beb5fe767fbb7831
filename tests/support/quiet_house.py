"""Fixtures: a demo bank, and a node without audio before it, for calls to its services."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from support.corehost_process import CoreHostProcess
from support.quiet_line import House, open_house


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreHostProcess]:
    """The bank of one file of tests."""
    with CoreHostProcess.start(tmp_path_factory.mktemp("host")) as host:
        yield host


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The node's; its numbers go on, or two messages within a second would be one to the host."""
    return tmp_path_factory.mktemp("node")


@pytest.fixture
async def house(host: CoreHostProcess, folder: Path) -> AsyncIterator[House]:
    """The node, for one test."""
    async with open_house(host, folder) as house:
        yield house
