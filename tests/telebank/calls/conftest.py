"""The shipped voice, encoded once for the tests of calls, and a bank for those without audio."""

import pytest

from support.bank_process import Voice
from support.quiet_house import folder, host, house

__all__ = ["folder", "host", "house", "voice"]


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    """The shipped packs as a bank, and its clips."""
    return Voice.build(tmp_path_factory.mktemp("voice"))
