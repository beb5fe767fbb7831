"""Every key sequence of docs/menus.md, in both languages: menus, processor, journal, adapter, host.

Audio alone is missing (see `support.quiet_line`); the calls of tests/system have it.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from support.corehost_process import CoreHostProcess
from support.menu_keys import COMPANY, complaint, typed
from support.quiet_line import House, open_house
from support.store_kit import rows
from telebank.flow.keymap import Route, routes
from telebank.store import tables

REFUSED = {
    "deposit.place kind=instalment term=y3": ("deposit.place_quote", "bad_term"),
    "deposit.place kind=instalment term=y5": ("deposit.place_quote", "bad_term"),
}
"""The test customers have an instalment deposit of one year, and it keeps its term."""
LAST_OF_ALL = ("pin.change", "card.report_loss")
"""After these a card is of no more use here; each takes cards of its own."""
LANGUAGES = {"1": "zh", "2": "en"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreHostProcess]:
    with CoreHostProcess.start(tmp_path_factory.mktemp("host")) as host:
        yield host


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The node's; its numbers go on, or two messages within a second would be one to the host."""
    return tmp_path_factory.mktemp("node")


@pytest.fixture
async def house(host: CoreHostProcess, folder: Path) -> AsyncIterator[House]:
    async with open_house(host, folder) as house:
        yield house


def keys_of(route: Route, host: CoreHostProcess, card: int, language: str) -> list[str]:
    """The route's keys with what the holder of the card enters."""
    one = COMPANY if route.service.startswith("corp.") else host.cards[card]
    payee = host.cards[(card + 1) % 50]
    keys = typed(route.keys[1:], route.service, dict(route.constants), one, payee)
    return [language, *keys]


@pytest.mark.parametrize("language", ["1", "2"], ids=["zh", "en"])
async def test_every_way_of_the_menus_ends_in_its_service(
    house: House, host: CoreHostProcess, folder: Path, language: str
) -> None:
    wrong: list[str] = []
    moved = ordered = 0
    for number, route in enumerate(routes(house.release)):
        card = (2 * number + int(language)) % 50
        if route.service in LAST_OF_ALL:
            card = 49 + int(language) + 2 * LAST_OF_ALL.index(route.service)
        ordered = card if route.service == "fx.order" else ordered
        card = ordered if route.service == "fx.cancel" else card
        call = house.call()
        await call.dial(keys_of(route, host, card, language))
        await call.listen()
        fine = [REFUSED[route.what]] if route.what in REFUSED else []
        said = complaint(route.service, call, fine)
        wrong += [f"{route.what}: {said}"] if said else []
        assert call.session.language == LANGUAGES[language]
        moved += sum(house.release.contracts[name].effect != "read" for name, _ in call.asked)
    assert not wrong, "\n".join(wrong)
    assert moved > 30
    assert host.findings() == []
    mine = [row for row in rows(folder, tables.request) if row.language == LANGUAGES[language]]
    assert [row.state for row in mine] == ["APPROVED"] * moved
