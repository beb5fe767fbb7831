"""Two real fax processes, as of two nodes."""

from collections.abc import AsyncIterator

import pytest

from telebank.faxing.client import FaxProcess
from telebank.faxing.options import FaxingOptions


@pytest.fixture
def options() -> FaxingOptions:
    return FaxingOptions()


@pytest.fixture
async def process(options: FaxingOptions) -> AsyncIterator[FaxProcess]:
    process = FaxProcess(options)
    await process.start()
    assert process.missing == ""
    yield process
    await process.close()
    assert process.pid == 0


@pytest.fixture
async def other(options: FaxingOptions) -> AsyncIterator[FaxProcess]:
    other = FaxProcess(options)
    await other.start()
    yield other
    await other.close()
    assert other.pid == 0
