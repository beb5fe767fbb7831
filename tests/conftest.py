"""For all rooms: the tests themselves cost the code under test no time."""

import gc
import os
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from support.bank_process import Voice

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy: small products must not take every core

# A slow machine is no fault of what is tried, nor is slow drawing of examples.
hypothesis.settings.register_profile(
    "rooms", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("rooms")


def pytest_collection_finish() -> None:
    """Thousands of collected tests are half a million objects, and each walk of the collector over
    them stops every thread for a quarter of a second: as long as some time-outs that are tried."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> "Voice":
    """The shipped packs as a bank, and its clips; encoded once in a run, whoever asks first."""
    from support.bank_process import Voice  # takes a second that few rooms need

    return Voice.build(tmp_path_factory.mktemp("voice"))
