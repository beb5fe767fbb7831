"""What the tests against programs not ours share: the shipped voice, encoded once."""

import pytest

from support.bank_process import Voice


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    """The shipped packs as a bank, and its clips."""
    return Voice.build(tmp_path_factory.mktemp("voice"))
