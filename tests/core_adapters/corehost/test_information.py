"""What anybody may ask agrees with what is charged, and every word is spoken in both languages."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from core_adapters.corehost.orders import BadMessage
from core_adapters.corehost.products.bills.billers import load_billers
from core_adapters.corehost.products.cheques.books import PAID, RETURNED, STOPPED, UNUSED
from core_adapters.corehost.products.companies import accounts as companies
from core_adapters.corehost.products.deposits.terms import EITHER, load_tariff
from core_adapters.corehost.products.exchange.accounts import DEMAND, TERM, told_rates
from core_adapters.corehost.products.exchange.market import load_market
from core_adapters.corehost.products.exchange.orders import CANCELLED, DONE, EXPIRED, OPEN
from core_adapters.corehost.products.information import (
    deposit_rates,
    fees,
    fx_rates,
    places,
    stated_rates,
)
from core_adapters.corehost.products.names import NAMES, called
from core_adapters.corehost.products.stated import stated, word_sets
from core_adapters.corehost.rules import Rules
from transactions.money import Money, currency

CONFIG = Path(__file__).resolve().parents[3] / "config"
CNY = currency("CNY")
UNSPOKEN = "gas"
"""The biller of services that are added as data."""
AREAS: list[str] = sorted(stated("information.yaml")["branches"])


def sent() -> dict[str, set[str]]:
    """Word sets, and every code of each that the bank can send."""
    info = stated("information.yaml")
    table, _late = load_billers()
    tariff = load_tariff()
    spoken = [one for name, one in table.items() if name != UNSPOKEN]
    return {
        "bill": {"due", "overdue", "paid"},
        "charge": {what for one in spoken for what in one.charges} | {"late"},
        "biller": {one.name for one in spoken},
        "term": {what for what, _rate in deposit_rates()},
        "deposit": set(tariff.kinds),
        "loan": {what for what, _rate in stated_rates("loan_rates")},
        "fxterm": {what for what, _rate in told_rates()},
        "fee": {what for what, _fee in fees()},
        "currency": set(load_market(Rules()).traded),
        "fxkind": {DEMAND, TERM},
        "order": {OPEN, DONE, CANCELLED, EXPIRED},
        "branch": {word for words in info["branches"].values() for word in words},
        "merchant": {word for words in info["merchants"].values() for word in words},
        "loankind": set(stated("loans.yaml")["kinds"]),
        "bond": set(stated("bonds.yaml")["issues"]),
        "redeem": {"early", "matured"},
        "remit": {companies.INWARD, companies.OUTWARD},
        "remitstate": {companies.DONE, companies.PENDING, companies.BACK},
        "cheque": {UNUSED, PAID, STOPPED, RETURNED},
        "acctname": NAMES | {called({}, "0001", kind) for kind in tariff.kinds},
    }


@pytest.mark.parametrize("words", sorted(sent()))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_code_the_bank_can_send_has_its_text(words: str, language: str) -> None:
    texts = YAML(typ="safe").load(CONFIG / "prompts" / f"{language}.yaml")["texts"]
    codes = sent()[words] | {"other"}
    assert sorted(code for code in codes if not texts.get(f"word.{words}.{code}")) == []


@pytest.mark.parametrize("words", sorted(word_sets()))
def test_words_are_of_codes_that_are_sent_and_no_others(words: str) -> None:
    codes = word_sets()[words]
    assert sorted(codes) == sorted(sent()[words])


def test_what_is_told_of_deposits_is_what_they_are_opened_at() -> None:
    tariff, told = load_tariff(), dict(deposit_rates())
    assert told.pop("demand") == tariff.demand
    for name, kind in tariff.kinds.items():
        for term, rate in kind.rates.items():
            assert told.pop(f"i_{term}" if name == "instalment" else term) == rate
    assert told == {}
    assert not tariff.kinds[EITHER].rates


def test_what_is_told_of_fees_is_what_is_charged() -> None:
    told, table = dict(fees()), load_billers()[0]
    assert told["transfer_large"] == Money(Rules().fee(Rules().transfer_most), CNY)
    assert told["transfer_small"] == Money(Rules().fee(Rules().fee_free), CNY)
    others = {one.fee for name, one in table.items() if name != "pager"}
    assert others == {told["bill_payment"].minor}
    assert told["bill_pager"].minor == table["pager"].fee


def test_rates_are_a_banks() -> None:
    for what, rate in [*stated_rates("loan_rates"), *told_rates()]:
        assert Decimal(0) < rate < Decimal(10), what
    now = datetime(2026, 3, 2, 4, tzinfo=UTC)
    rates = fx_rates(load_market(Rules()), now)
    assert len(rates) >= 8
    for unit, buy, sell in rates:
        assert buy < sell < buy * Decimal("1.02"), unit


@pytest.mark.parametrize("area", ["88000", "8800001", "88000a", "", "８８０００１"])
def test_an_area_is_a_postcode(area: str) -> None:
    with pytest.raises(BadMessage, match="postcode"):
        places("branches", area)


@pytest.mark.parametrize("area", AREAS)
def test_areas_are_of_no_real_place_and_short_enough_to_hear(area: str) -> None:
    assert area.startswith("88")
    assert 1 <= len(stated("information.yaml")["branches"][area]) <= 5
    assert len(stated("information.yaml")["merchants"].get(area, ())) <= 5


def test_a_gram_of_paper_gold_has_a_price() -> None:
    price = stated("information.yaml")["paper_gold"]
    assert Decimal(0) < Decimal(price["buy"]) < Decimal(price["sell"])
