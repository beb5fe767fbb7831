"""Loans, bonds, foreign exchange and securities by telephone: what is heard, and what has moved."""

from itertools import count
from typing import NamedTuple

import pytest

from core_adapters.corehost.seed import SeedCard
from support.corehost_process import CoreHostProcess
from support.menu_keys import off_the_market
from support.menu_people import COMPANY
from support.quiet_line import Call, House
from transactions.money import Money, currency
from voice_prompts.readings import read

NUMBERS = count()
PLEDGED_M3 = ("4", "1", "2", "1", "1", "1")
"""From the main menu to the amount of a loan on the first time deposit."""
SELF_M3 = ("4", "1", "2", "5", "1")
MY_LOANS, DEAL, ORDER, ORDERS = (
    ("4", "1", "1"),
    ("4", "3", "3"),
    ("4", "3", "4", "1"),
    ("4", "3", "4", "3"),
)
USD_FOR_YUAN = ("1", "1")
ONE_DAY = "1"
UNITS = {"1": ("美元", "欧元", "日元"), "2": ("yuan", "dollars", "euros", "yen")}


@pytest.fixture(params=["1", "2"], ids=["zh", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def customer(host: CoreHostProcess) -> SeedCard:
    """A card that no other test touches."""
    return host.cards[next(NUMBERS)]


async def ring(house: House, language: str, who: SeedCard, *keys: str) -> Call:
    """A call that has come to the main menu and pressed `keys`, and heard what followed."""
    call = house.call()
    await call.dial([language, "1", f"{who.card}#", f"{who.pin}#", *keys])
    await call.listen()
    return call


def spoken(fen: int, language: str, unit: str = "CNY") -> str:
    """An amount as it is read."""
    return read("money", Money(fen, currency(unit)), {"1": "zh", "2": "en"}[language]).text


def words(call: Call, prompt: str) -> str:
    """What was said as this prompt, the last time."""
    return [said for name, said in zip(call.prompts, call.said, strict=True) if name == prompt][-1]


async def test_a_loan_is_paid_out_holds_its_deposit_and_is_repaid(
    house: House, host: CoreHostProcess, customer: SeedCard, language: str
) -> None:
    before = host.balances()[customer.card]
    call = await ring(house, language, customer, *PLEDGED_M3, "200#", "1")
    assert call.asked[-1] == ("loan.open", "ok")
    assert spoken(20_000, language) in words(call, "loan.confirm_pledged")
    assert host.balances()[customer.card] == before + 20_000
    held = await ring(house, language, customer, "2", "3", "1", "1", "2")
    assert held.asked[-1][0] == "deposit.draw_quote"
    assert held.asked[-1][1] != "ok"
    mine = await ring(house, language, customer, *MY_LOANS)
    row = 1 + next(
        n for n, one in enumerate(_rows(mine, "loan.item")) if _is(one, 20_000, language)
    )
    await mine.press(str(row))
    await mine.press("3")
    await mine.press("1")
    await mine.listen()
    assert mine.asked[-1] == ("loan.repay", "ok")
    assert spoken(20_000, language) in words(mine, "loan.confirm_repay")
    assert host.balances()[customer.card] == before
    free = await ring(house, language, customer, "2", "3", "1", "1", "2")
    assert free.asked[-1] == ("deposit.draw_quote", "ok")
    assert host.findings() == []


def _rows(call: Call, prompt: str) -> list[str]:
    return [said for name, said in zip(call.prompts, call.said, strict=True) if name == prompt]


def _is(row: str, fen: int, language: str) -> bool:
    return spoken(fen, language) in row


async def test_dollars_are_bought_at_the_rate_that_was_read_back(
    house: House, host: CoreHostProcess, customer: SeedCard, language: str
) -> None:
    before = host.balances()[customer.card]
    call = await ring(
        house, language, customer, *DEAL, f"{customer.pin}#", *USD_FOR_YUAN, "1000#", "1"
    )
    assert call.asked[-3:] == [("pin.verify", "ok"), ("fx.quote", "ok"), ("fx.deal", "ok")]
    assert spoken(100_000, language) in words(call, "fx.confirm")
    assert host.balances()[customer.card] == before - 100_000
    assert host.findings() == []


async def test_a_wrong_pin_deals_in_nothing(
    house: House, host: CoreHostProcess, customer: SeedCard, language: str
) -> None:
    call = await ring(house, language, customer, *DEAL, "111222333444#")
    assert call.asked[-1] == ("pin.verify", "wrong_pin")
    assert call.prompts[-2:] == ["auth.wrong_pin", "auth.pin"]


async def test_an_order_holds_its_money_until_it_is_cancelled(
    house: House, host: CoreHostProcess, customer: SeedCard, language: str
) -> None:
    before = host.balances()[customer.card]
    order = (*ORDER, f"{customer.pin}#", *USD_FOR_YUAN, ONE_DAY, "1000#", off_the_market("1.08"))
    call = await ring(house, language, customer, *order, "1")
    assert call.asked[-1] == ("fx.order", "ok")
    assert host.balances()[customer.card] == before - 100_000
    call = await ring(house, language, customer, *ORDERS, "1", "1")
    assert call.asked[-3:] == [
        ("fx.orders", "last"),
        ("fx.cancel_quote", "ok"),
        ("fx.cancel", "ok"),
    ]
    assert spoken(100_000, language) in words(call, "fx.confirm_cancel")
    assert host.balances()[customer.card] == before
    call = await ring(house, language, customer, *ORDERS, "1")
    assert call.asked[-2] == ("fx.cancel_quote", "no_order")
    assert "fx.no_order" in call.prompts
    assert host.findings() == []


async def test_the_company_hears_its_accounts_in_each_currency(house: House, language: str) -> None:
    call = house.call()
    await call.dial([language, "4", f"{COMPANY.card}#", f"{COMPANY.pin}#", "1"])
    await call.listen()
    said = " ".join(_rows(call, "corp.balance"))
    assert [unit for unit in UNITS[language] if unit not in said] == []


class Wish(NamedTuple):
    """What is keyed after the PIN, and how it is refused."""

    keys: tuple[str, ...]
    service: str
    exit: str
    prompt: str


WISHES = (
    Wish((*PLEDGED_M3, "9000000#"), "loan.open_quote", "over_limit", "sys.over_limit"),
    Wish((*SELF_M3, "1#"), "loan.open_quote", "bad_amount", "sys.bad_amount"),
    Wish(("4", "2", "2", "1", "150#"), "bond.buy_quote", "bad_amount", "sys.bad_amount"),
    Wish(("4", "2", "2", "1", "40000#"), "bond.buy_quote", "insufficient", "tr.insufficient"),
    Wish(("4", "4", "1", "1", "45000#"), "sec.in_quote", "insufficient", "tr.insufficient"),
    Wish(("4", "4", "1", "2", "45000#"), "sec.out_quote", "insufficient", "tr.insufficient"),
)


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: f"{wish.service}-{wish.exit}")
async def test_what_cannot_be_done_is_said_and_moves_nothing(
    house: House, host: CoreHostProcess, customer: SeedCard, language: str, wish: Wish
) -> None:
    before = host.balances()[customer.card]
    call = await ring(house, language, customer, *wish.keys)
    assert call.asked[-1] == (wish.service, wish.exit)
    assert wish.prompt in call.prompts
    assert host.balances()[customer.card] == before


@pytest.mark.parametrize("key", ["1", "2", "3"])
async def test_only_a_company_hears_a_company(
    house: House, customer: SeedCard, language: str, key: str
) -> None:
    call = house.call()
    await call.dial([language, "4", f"{customer.card}#", f"{customer.pin}#", key])
    await call.listen()
    assert call.asked[-1][1] == "not_permitted"
    assert call.prompts[-2:] == ["corp.not_permitted", "corp.menu"]
