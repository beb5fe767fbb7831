"""Every key sequence of docs/menus.md, in both languages: menus, processor, journal, adapter, host.

Audio alone is missing (see `support.quiet_line`); the calls of tests/system have it.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from core_adapters.corehost.products.billers import load_billers
from core_adapters.corehost.products.market import load_market
from core_adapters.corehost.rules import Rules
from core_adapters.corehost.seed import trial_set
from support.corehost_process import CoreHostProcess
from support.quiet_line import Call, House, open_house
from support.store_kit import rows
from telebank.flow.keymap import Route, routes
from telebank.store import tables

BILLERS, _ = load_billers()
DONE = ("ok", "last", "none")
ODD = frozenset({"value.missing", "exit.unknown", "input.invalid", "input.exhausted", "rows.cut"})
"""Records of calls in which something is wrong."""
REFUSED = {
    "deposit.place kind=instalment term=y3": ("deposit.place_quote", "bad_term"),
    "deposit.place kind=instalment term=y5": ("deposit.place_quote", "bad_term"),
}
"""The test customers have an instalment deposit of one year, and it keeps its term."""
LAST_OF_ALL = ("pin.change", "card.report_loss")
"""After these a card is of no more use here; each takes cards of its own."""
COMPANY = trial_set()[-1]
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


def off_the_market(times: str) -> str:
    """Keys of a rate so far off that of dollars for a hundred yuan, which an order may wait for."""
    market = load_market(Rules())
    pays = market.rate("cny", "usd", market.last(datetime.now(UTC))).buy
    return f"{pays * Decimal(times):.2f}#".replace(".", "*")


def keys_of(route: Route, host: CoreHostProcess, card: int, language: str) -> list[str]:
    """The route's keys with what the holder of the card enters."""
    one, constants = host.cards[card], dict(route.constants)
    one = COMPANY if route.service.startswith("corp.") else one
    biller = BILLERS.get(constants.get("biller", ""))
    entries = {
        "CARD#": f"{one.card}#",
        "PIN#": f"{one.pin}#",
        "PAYEE#": f"{host.cards[(card + 1) % 50].card}#",
        "AMOUNT#": "1000#" if constants.get("kind") == "notice" else "100#",
        "PART#": "100#" if route.service == "bond.redeem" else "10*5#",
        "LIMIT#": off_the_market("1.05"),
        "OTHER#": off_the_market("0.95"),
        "NUMBER#": f"{biller.number(one.card)}#" if biller is not None else "",
        "ROW": "1",
        "AREA": "880001",
        "NEW_PIN#": "482915#",
        "LOST_CARD#": f"{one.card}#",
        "IDENTITY": one.identity,
    }
    return [language, *(entries.get(key, key) for key in route.keys[1:])]


def complaint(route: Route, call: Call) -> str:
    """What is wrong with a call that took a route, or nothing."""
    odd = ODD & set(call.records)
    if odd:
        return f"{route.what}: {sorted(odd)}, {call.said[-2:]}"
    if route.service.startswith("“"):
        told = route.service.strip("“”") in call.prompts
        return "" if told else f"{route.what}: not told"
    last = call.asked[-1] if call.asked else ("nothing", "")
    fine = last[0] == route.service and last[1] in DONE
    fine = last == REFUSED[route.what] if route.what in REFUSED else fine
    return "" if fine else f"{route.what}: {call.asked}, {call.said[-1:]}"


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
        wrong += [said] if (said := complaint(route, call)) else []
        assert call.session.language == LANGUAGES[language]
        moved += sum(house.release.contracts[name].effect != "read" for name, _ in call.asked)
    assert not wrong, "\n".join(wrong)
    assert moved > 30
    assert host.findings() == []
    mine = [row for row in rows(folder, tables.request) if row.language == LANGUAGES[language]]
    assert [row.state for row in mine] == ["APPROVED"] * moved
