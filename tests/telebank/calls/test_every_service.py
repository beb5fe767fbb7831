"""Every key sequence of docs/menus.md, in both languages: menus, processor, journal, adapter, host.

Audio alone is missing (see `support.quiet_line`); the calls of tests/system have it.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from core_adapters.corehost.seed import SeedCard
from support.corehost_process import CoreHostProcess
from support.menu_keys import complaint, typed
from support.menu_people import SPENT, People, done_before, family_of, payee_of
from support.quiet_line import Call, House
from support.store_kit import rows
from telebank.flow.keymap import Route, routes
from telebank.store import tables

REFUSED = {
    "deposit.place kind=instalment term=y3": [("deposit.place_quote", "bad_term")],
    "deposit.place kind=instalment term=y5": [("deposit.place_quote", "bad_term")],
}
"""The test customers have an instalment deposit of one year, and it keeps its term."""
LANGUAGES = {"1": "zh", "2": "en"}


async def press(
    house: House, host: CoreHostProcess, route: Route, one: SeedCard, keys: Sequence[str]
) -> Call:
    """A call of a customer who presses these keys, the language before them."""
    payee = payee_of(one, host)
    call = house.call()
    await call.dial([keys[0], *typed(keys[1:], route.service, dict(route.constants), one, payee)])
    await call.hang_up()
    return call


@pytest.mark.parametrize("language", ["1", "2"], ids=["zh", "en"])
async def test_every_way_of_the_menus_ends_in_its_service(
    house: House, host: CoreHostProcess, folder: Path, language: str
) -> None:
    wrong: list[str] = []
    people = People(host, language)
    moved = ordered = 0
    for number, route in enumerate(routes(house.release)):
        card = (2 * number + int(language)) % SPENT
        ordered = card if route.service == "fx.order" else ordered
        card = ordered if route.service == "fx.cancel" else card
        one = people.caller(route.keys[1:], card)
        family, calls = family_of(route.keys[1:]), []
        for _ in range(people.calls_before(route.keys[1:], one)):
            assert family is not None
            calls.append(await press(house, host, route, one, [language, *family.before]))
        calls.append(await press(house, host, route, one, [language, *route.keys[1:]]))
        again = done_before(route.keys[1:])
        said = complaint(route.service, calls[-1], REFUSED.get(route.what, ()), again)
        wrong += [f"{route.what}: {said}"] if said else []
        assert calls[-1].session.language == LANGUAGES[language]
        for name, exit_ in (asked for call in calls for asked in call.asked):
            contract = house.release.contracts[name]
            moved += contract.effect != "read" and contract.source == "host" and exit_ == "ok"
    assert not wrong, "\n".join(wrong)
    assert moved > 30
    assert host.findings() == []
    mine = [row for row in rows(folder, tables.request) if row.language == LANGUAGES[language]]
    assert len([row for row in mine if row.state == "APPROVED"]) == moved
    assert {row.state for row in mine} <= {"APPROVED", "DECLINED"}
