"""A pool of one real media worker with a small bank."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.media_peer import make_bank
from telebank.media.client import MediaWorkers
from telebank.media.options import MediaOptions


@pytest.fixture
def bank(tmp_path: Path) -> dict[str, bytes]:
    return make_bank(tmp_path)


@pytest.fixture
def options() -> MediaOptions:
    return MediaOptions()


@pytest.fixture
async def pool(
    bank: dict[str, bytes], tmp_path: Path, options: MediaOptions
) -> AsyncIterator[MediaWorkers]:
    pool = MediaWorkers(options, tmp_path)
    await pool.start()
    yield pool
    await pool.close()
    assert pool.pids == []
