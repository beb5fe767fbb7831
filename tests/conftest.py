"""For all rooms: the tests themselves cost the code under test no time."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from support import store_run

if TYPE_CHECKING:
    from support.bank_process import Voice

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy: small products must not take every core

# A slow machine is no fault of what is tried, nor is slow drawing of examples.
hypothesis.settings.register_profile(
    "rooms", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("rooms")

if store_run.chosen():
    store_run.instead.install()  # before anything of the store is imported


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", store_run.MARK)
    if store_run.chosen() and not config.getoption("numprocesses", None):
        store_run.start()


def pytest_unconfigure() -> None:
    store_run.stop()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if store_run.chosen():
        kept = store_run.kept(items)
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    yield
    if isinstance(folder, Path):
        store_run.forget(folder)


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
