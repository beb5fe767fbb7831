"""What all tests of the running bank share: the stage."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from support import money_secrets
from support.bank_process import Voice
from support.money_stage import Stage, scenes_of

BOOKS = "test_the_books_are_in_order"
"""Looks at a bank when its last caller has gone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on the stage come last and together: its scenes stand still while any other test runs
    on an event loop of its own, and their callers would be taken for gone. Last of all come those
    that wait until all scenes are over: before the others they would wait for them."""
    items.sort(key=lambda item: ("stage" in getattr(item, "fixturenames", ()), item.name == BOOKS))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(
    request: pytest.FixtureRequest, voice: Voice, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """The scenes of all money tests that were collected, begun together."""
    stage = Stage(voice, tmp_path_factory.mktemp("money"))
    stage.begin(scenes_of(request.session.items))
    yield stage
    await stage.close()


@pytest.fixture(scope="session", autouse=True)
def nothing_secret_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """After the whole run: no test PIN or card number in any node's folder; a hit fails the run."""
    yield
    found = money_secrets.findings_below(tmp_path_factory.getbasetemp())
    if found:
        pytest.fail("secrets were written:\n" + "\n".join(found[:50]))
