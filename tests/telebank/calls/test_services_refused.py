"""What callers of the services hear when something is not as they wish, and what they see moved."""

from itertools import count
from typing import NamedTuple

import pytest

from core_adapters.corehost.products.bills.billers import load_billers
from core_adapters.corehost.seed import SeedCard
from support.corehost_process import CoreHostProcess, special_card
from support.quiet_line import Call, House
from transactions.money import Money, currency
from voice_prompts.readings import read

BILLERS, _ = load_billers()
NUMBERS = count()
TIME_M3 = ("2", "2", "1", "1")
WATER = ("3", "2")


@pytest.fixture(params=["1", "2"], ids=["zh", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def customer(host: CoreHostProcess) -> SeedCard:
    """A card that no other test touches."""
    return host.cards[next(NUMBERS)]


async def signed_in(house: House, language: str, who: SeedCard, *keys: str) -> Call:
    """A call that has come to the main menu and pressed `keys`, and heard what followed."""
    call = house.call()
    await call.dial([language, "1", f"{who.card}#", f"{who.pin}#", *keys])
    await call.listen()
    return call


async def press(call: Call, *keys: str) -> None:
    """More keys, each after what is being said."""
    for group in keys:
        await call.press(group)
    await call.listen()


def spoken(fen: int, language: str) -> str:
    """An amount as it is read."""
    return read("money", Money(fen, currency("CNY")), {"1": "zh", "2": "en"}[language]).text


async def test_a_long_list_is_heard_page_by_page(
    house: House, customer: SeedCard, language: str
) -> None:
    call = await signed_in(house, language, customer, "1", "3")
    for _ in range(50):
        if call.prompts[-2:] == ["list.more", "fax.offer"]:
            await press(call, "1")
    assert call.prompts[-2:] == ["list.end", "fax.offer"]
    exits = [exit_name for service, exit_name in call.asked if service == "card.recent"]
    assert 1 < len(exits) < 50
    assert exits == ["ok"] * (len(exits) - 1) + ["last"]
    pages = " ".join(call.prompts).split(" list.more")
    assert [page.count("list.entry") for page in pages[:-1]] == [5] * (len(exits) - 1)
    entries = [w for p, w in zip(call.prompts, call.said, strict=True) if p == "list.entry"]
    assert len(entries) > 5 * (len(exits) - 1)


async def test_a_deposit_takes_its_money_from_the_card_and_gives_it_back(
    house: House, host: CoreHostProcess, customer: SeedCard, language: str
) -> None:
    before = host.balances()[customer.card]
    call = await signed_in(house, language, customer, *TIME_M3, "60*50#", "1")
    assert call.asked[-1] == ("deposit.place", "ok")
    assert spoken(6_050, language) in call.said[call.prompts.index("place.confirm_term")]
    assert host.balances()[customer.card] == before - 6_050
    again = await signed_in(house, language, customer, *TIME_M3, "60*50#")
    assert again.prompts[-1] == "place.confirm_term_again"
    call = await signed_in(house, language, customer, "2", "3", "1", "3", "2", "1")
    assert call.asked[-1] == ("deposit.draw", "ok")
    told = call.said[call.prompts.index("draw.confirm_all")]
    assert spoken(6_050, language) in told
    assert spoken(0, language) in told  # placed and drawn on one day
    assert host.balances()[customer.card] == before
    assert host.findings() == []


async def test_a_paid_bill_is_owed_no_more(
    house: House, host: CoreHostProcess, customer: SeedCard, language: str
) -> None:
    number = f"{BILLERS['water'].number(customer.card)}#"
    before = host.balances()[customer.card]
    call = await signed_in(house, language, customer, *WATER, number, "1", "1")
    assert call.asked[-1] == ("bill.pay", "ok")
    paid = before - host.balances()[customer.card]
    assert paid > 0
    assert spoken(paid, language) in call.said[call.prompts.index("bill.confirm")]
    call = await signed_in(house, language, customer, *WATER, number)
    assert call.asked[-1] == ("bill.enquiry", "nothing_owed")
    assert "bill.nothing_owed" in call.prompts
    assert host.findings() == []


class Wish(NamedTuple):
    """What is keyed after the PIN, and how it is refused."""

    keys: tuple[str, ...]
    service: str
    exit: str
    prompt: str


WISHES = (
    Wish((*TIME_M3, "10#"), "deposit.place_quote", "bad_amount", "place.bad_amount"),
    Wish((*TIME_M3, "49000#"), "deposit.place_quote", "insufficient", "tr.insufficient"),
    Wish((*WATER, "9999#"), "bill.enquiry", "bad_number", "bill.bad_number"),
    Wish(
        ("2", "3", "1", "1", "1", "49000#"), "deposit.draw_quote", "bad_amount", "draw.bad_amount"
    ),
)


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: f"{wish.service}-{wish.exit}")
async def test_what_cannot_be_done_is_said_and_moves_nothing(
    house: House, host: CoreHostProcess, customer: SeedCard, language: str, wish: Wish
) -> None:
    before = host.balances()[customer.card]
    call = await signed_in(house, language, customer, *wish.keys)
    assert call.asked[-1] == (wish.service, wish.exit)
    assert wish.prompt in call.prompts
    assert host.balances()[customer.card] == before


async def test_more_decimals_than_there_are_fen_are_no_amount(
    house: House, customer: SeedCard, language: str
) -> None:
    call = await signed_in(house, language, customer, *TIME_M3, "60*505#")
    assert call.prompts[-2:] == ["sys.invalid", "place.amount"]
    assert call.asked[-1][0] == "usage.top"


async def test_a_postcode_without_branches_has_none(house: House, language: str) -> None:
    call = house.call()
    await call.dial([language, "3", "5", "1", "880999"])
    await call.listen()
    assert call.asked == [("info.branches", "none")]
    assert "info.no_branch" in call.prompts


async def test_a_card_without_an_account_hears_so(house: House, language: str) -> None:
    who = special_card("no_account")
    call = await signed_in(house, language, who, "1", "3")
    assert call.asked[-1] == ("card.recent", "no_account")
    assert "bal.no_account" in call.prompts
