"""One running host for the tests that share it, one of their own for those that break it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.corehost_process import CoreHostProcess


@pytest.fixture(scope="module")
def shared_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreHostProcess]:
    with CoreHostProcess.start(tmp_path_factory.mktemp("host")) as host:
        yield host


@pytest.fixture
def own_host(tmp_path: Path) -> Iterator[CoreHostProcess]:
    with CoreHostProcess.start(tmp_path) as host:
        yield host
