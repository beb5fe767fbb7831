"""Foreign deposits, exchanges at once, merging and rolling over: what is offered and undone."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core_adapters.corehost.back_office import BackOffice
from core_adapters.corehost.ledger import transaction
from core_adapters.corehost.listing import rate_text
from core_adapters.corehost.orders import BadMessage
from core_adapters.corehost.products.desks.exchange import rate_of
from core_adapters.corehost.products.exchange.accounts import ROLL
from core_adapters.corehost.products.exchange.deals import DealQuote
from core_adapters.corehost.products.exchange.moves import FX_MERGE, MergeQuote, RollQuote
from core_adapters.corehost.products.orders import Agreed, Orders
from core_adapters.corehost.refusal import Refusal
from support.foreign import CARD, MONDAY, NOON, Foreign, money
from transactions.money import Money

USD_CNY, CNY_USD, CNY_GBP, EUR_USD = ("usd", "cny"), ("cny", "usd"), ("cny", "gbp"), ("eur", "usd")


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Foreign]:
    opened = Foreign(tmp_path / "bank.sqlite3")
    yield opened
    assert opened.findings() == []
    opened.close()


def test_the_customer_has_a_bit_of_everything(bank: Foreign) -> None:
    rows = [(one.sub, one.kind, str(one.held), one.matures) for one in bank.of_account()]
    assert rows == [
        ("7001", "demand", "2500.00 USD", None),
        ("7002", "demand", "480.50 USD", None),
        ("7003", "demand", "6000.00 HKD", None),
        ("7004", "demand", "80000 JPY", None),
        ("7005", "term", "3000.00 USD", date(2026, 1, 28)),
        ("7006", "term", "2000.00 EUR", date(2026, 10, 28)),
    ]
    told = [(one.word, str(one.amount), str(one.available)) for one in bank.moves.holdings(ACC)]
    assert told == [
        ("usd", "5980.50 USD", "2980.50 USD"),
        ("eur", "2000.00 EUR", "0.00 EUR"),
        ("jpy", "80000 JPY", "80000 JPY"),
        ("hkd", "6000.00 HKD", "6000.00 HKD"),
    ]


ACC = "01000100001"


def test_dollars_are_sold_for_yuan_and_it_is_undone(bank: Foreign) -> None:
    before = bank.held()
    quote = bank.deals.quote(CARD, *USD_CNY, money("100.00 usd"), MONDAY)
    assert isinstance(quote, DealQuote)
    assert (quote.rate, str(quote.gets)) == (Decimal("704.56"), "704.56 CNY")
    assert (quote.fee.minor, quote.expires_at) == (0, MONDAY + timedelta(seconds=60))
    key = bank.post_deal(USD_CNY, quote, "100.00 usd", MONDAY)
    assert bank.held() == before | {"7001": 240_000, "cny": 1_000_000 + 70_456}
    assert (bank.position("usd"), bank.position("cny")) == (10_000, -70_456)
    assert bank.findings() == []
    assert bank.undo(key)
    assert not bank.undo(key)
    assert bank.held() == before
    assert (bank.position("usd"), bank.position("cny")) == (0, 0)


def test_what_one_deposit_lacks_comes_out_of_the_next(bank: Foreign) -> None:
    key = bank.deal(USD_CNY, "2600.00 usd")
    assert (bank.held()["7001"], bank.held()["7002"]) == (0, 38_050)
    assert bank.undo(key)
    assert (bank.held()["7001"], bank.held()["7002"]) == (250_000, 48_050)


def test_a_currency_he_never_had_opens_a_deposit_and_undone_it_is_gone(bank: Foreign) -> None:
    before = bank.held()
    key = bank.deal(CNY_GBP, "1000.00 cny")
    assert bank.of_account()[-1].sub == "7007"
    assert bank.of_account()[-1].rate == Decimal("0.01")
    later = bank.deal(CNY_GBP, "2000.00 cny")
    assert len(bank.of_account()) == 7  # into the same one
    assert bank.findings() == []
    assert bank.undo(key)
    assert bank.of_account()[-1].sub == "7007"  # the other exchange is in it
    assert bank.undo(later)
    assert bank.held() == before
    bank.deal(CNY_GBP, "1000.00 cny")
    assert bank.of_account()[-1].sub == "7008"


@pytest.mark.parametrize(
    ("way", "amount", "refusal"),
    [
        (("usd", "usd"), "100.00 usd", Refusal.NO_PAIR),
        (("usd", "kwd"), "100.00 usd", Refusal.NO_PAIR),
        (("", ""), "100.00 usd", Refusal.NO_PAIR),
        (USD_CNY, "100.00 eur", Refusal.WRONG_CURRENCY),
        (USD_CNY, "9.99 usd", Refusal.BAD_AMOUNT),
        (USD_CNY, "50000.01 usd", Refusal.BAD_AMOUNT),
        (USD_CNY, "2980.51 usd", Refusal.INSUFFICIENT),  # the term deposit is none of it
        (EUR_USD, "100.00 eur", Refusal.NO_ACCOUNT),
        (CNY_USD, "10000.01 cny", Refusal.INSUFFICIENT),
    ],
)
def test_what_cannot_be_exchanged_is_refused_at_the_quote(
    bank: Foreign, way: tuple[str, str], amount: str, refusal: Refusal
) -> None:
    assert bank.deals.quote(CARD, *way, money(amount), MONDAY) is refusal


def test_on_a_saturday_nothing_is_exchanged(bank: Foreign) -> None:
    assert bank.deal(USD_CNY, "100.00 usd", NOON) is Refusal.MARKET_CLOSED
    live = bank.deals.live(*USD_CNY, NOON)
    assert not isinstance(live, Refusal)
    assert live.at == datetime(2026, 2, 27, 15, 59, 50, tzinfo=UTC)


def test_a_quote_stands_a_minute_whatever_the_market_does(bank: Foreign) -> None:
    quote = bank.deals.quote(CARD, *USD_CNY, money("100.00 usd"), MONDAY)
    assert isinstance(quote, DealQuote)
    late = MONDAY + timedelta(seconds=60, microseconds=1)
    assert bank.post_deal(USD_CNY, quote, "100.00 usd", late) is Refusal.EXPIRED_QUOTE
    assert bank.pays(USD_CNY, late) != quote.rate
    in_time = MONDAY + timedelta(seconds=60)
    assert isinstance(bank.post_deal(USD_CNY, quote, "100.00 usd", in_time), str)
    assert bank.post_deal(USD_CNY, quote, "100.00 usd", in_time) is Refusal.BAD_QUOTE


def test_nothing_of_a_quote_may_be_changed(bank: Foreign) -> None:
    quote = bank.deals.quote(CARD, *USD_CNY, money("100.00 usd"), MONDAY)
    assert isinstance(quote, DealQuote)
    assert bank.post_deal(CNY_USD, quote, "100.00 usd", MONDAY) is Refusal.BAD_QUOTE
    assert bank.post_deal(USD_CNY, quote, "100.01 usd", MONDAY) is Refusal.BAD_AMOUNT
    more = DealQuote(quote.id, quote.gets + money("0.01 cny"), quote.rate, quote.fee, MONDAY)
    assert bank.post_deal(USD_CNY, more, "100.00 usd", MONDAY) is Refusal.BAD_QUOTE


def test_demand_deposits_are_merged_and_parted_again(bank: Foreign) -> None:
    before = bank.held()
    quote = bank.moves.merge(CARD, "usd", MONDAY)
    assert isinstance(quote, MergeQuote)
    assert (str(quote.amount), quote.count) == ("2980.50 USD", 2)
    key = bank.merge("usd")
    assert "7002" not in bank.held()
    assert bank.held()["7001"] == 298_050
    about = {"unit": "usd"}
    late = bank.post_order(FX_MERGE, quote.id, quote.amount, about, MONDAY)
    assert late in (Refusal.BAD_QUOTE, Refusal.INSUFFICIENT)
    assert bank.merge("usd") is Refusal.NOTHING_TO_MERGE
    assert bank.merge("hkd") is Refusal.NOTHING_TO_MERGE
    assert bank.merge("eur") is Refusal.NO_ACCOUNT  # on term only
    assert bank.merge("kwd") is Refusal.NO_ACCOUNT
    assert bank.undo(key)
    assert bank.held() == before


def test_an_exchange_into_a_deposit_that_was_merged_away_is_refused(bank: Foreign) -> None:
    first = bank.deal(USD_CNY, "2500.00 usd")  # 7001 is empty now
    quote = bank.deals.quote(CARD, *CNY_USD, money("1000.00 cny"), MONDAY)
    assert isinstance(quote, DealQuote)
    assert bank.undo(first)
    assert isinstance(bank.merge("usd"), str)
    assert isinstance(bank.post_deal(CNY_USD, quote, "1000.00 cny", MONDAY), str)  # 7001 stays


def test_a_matured_deposit_is_rolled_over_with_its_interest(bank: Foreign) -> None:
    before = bank.held()
    quote = bank.moves.roll(CARD, "7005", "y1", MONDAY)
    assert isinstance(quote, RollQuote)
    # Half a year at 0.50, then 33 days at 0.05: 7.50 and 0.1375.
    assert (str(quote.amount), quote.rate) == ("3007.64 USD", Decimal("0.80"))
    assert quote.matures == date(2027, 3, 2)
    key = bank.roll("7005", "y1")
    assert "7005" not in bank.held()
    assert bank.held()["7007"] == 300_764
    assert bank.balance("interest:USD") == -764
    assert bank.roll("7007", "y1") is Refusal.NOT_DUE
    assert bank.findings() == []
    assert bank.undo(key)
    assert (bank.held(), bank.balance("interest:USD")) == (before, 0)


def test_a_demand_deposit_is_put_on_term_and_stays_open(bank: Foreign) -> None:
    before = bank.held()
    key = bank.roll("7003", "m1")
    assert (bank.held()["7003"], bank.held()["7007"]) == (0, 600_000)
    assert bank.of_account()[-1].matures == date(2026, 4, 2)
    assert bank.roll("7003", "m1") is Refusal.NO_ACCOUNT  # there is nothing in it
    assert bank.undo(key)
    assert bank.held() == before


@pytest.mark.parametrize(
    ("sub", "term", "refusal"),
    [
        ("7006", "y1", Refusal.NOT_DUE),
        ("7005", "y5", Refusal.BAD_TERM),
        ("7005", "demand", Refusal.BAD_TERM),
        ("7005", "", Refusal.BAD_TERM),
        ("7009", "y1", Refusal.NO_ACCOUNT),
        ("0001", "y1", Refusal.NO_ACCOUNT),
    ],
)
def test_what_cannot_be_rolled_over(bank: Foreign, sub: str, term: str, refusal: Refusal) -> None:
    assert bank.roll(sub, term) is refusal


def test_a_roll_over_without_a_number_left_changes_nothing(bank: Foreign) -> None:
    quote = bank.moves.roll(CARD, "7005", "y1", MONDAY)
    assert isinstance(quote, RollQuote)
    with transaction(bank.db):
        bank.db.execute("UPDATE fx_deposit SET sub = '7999' WHERE sub = '7006'")
    before = bank.held()
    about = {"sub": "7005", "term": "y1"}
    late = bank.post_order("fx_roll", quote.id, quote.amount, about, MONDAY)
    assert late is Refusal.OVER_LIMIT
    (closed,) = bank.db.execute("SELECT COUNT(closed_by) FROM fx_deposit").fetchone()
    assert (closed, bank.held(), bank.findings()) == (0, before, [])


class WritesAndRefuses:
    """An effect that finds out too late."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        del data, order, now
        office.db.execute("UPDATE fx_deposit SET cancelled = 1")
        return Refusal.BAD_QUOTE

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """Never posted."""


def test_whatever_an_effect_wrote_is_rolled_back_where_it_refuses(bank: Foreign) -> None:
    quote = bank.moves.roll(CARD, "7005", "y1", MONDAY)
    assert isinstance(quote, RollQuote)
    bank.orders = Orders(bank.office, {ROLL: WritesAndRefuses()})
    about = {"sub": "7005", "term": "y1"}
    late = bank.post_order("fx_roll", quote.id, quote.amount, about, MONDAY)
    assert late is Refusal.BAD_QUOTE
    (cancelled,) = bank.db.execute("SELECT SUM(cancelled) FROM fx_deposit").fetchone()
    assert cancelled == 0


def test_a_roll_over_overtaken_by_an_exchange_is_refused(bank: Foreign) -> None:
    quote = bank.moves.roll(CARD, "7001", "y1", MONDAY)
    assert isinstance(quote, RollQuote)
    assert isinstance(bank.deal(USD_CNY, "100.00 usd"), str)
    about = {"sub": "7001", "term": "y1"}
    late = bank.post_order("fx_roll", quote.id, quote.amount, about, MONDAY)
    assert late is Refusal.INSUFFICIENT
    assert isinstance(bank.deal(CNY_USD, "3000.00 cny"), str)
    again = bank.post_order("fx_roll", quote.id, quote.amount, about, MONDAY)
    assert again is Refusal.BAD_QUOTE


def test_a_hot_card_exchanges_nothing(bank: Foreign) -> None:
    bank.db.execute("UPDATE card SET hot_at = 'now'")
    assert bank.deal(USD_CNY, "100.00 usd") is Refusal.HOT_CARD
    assert bank.merge("usd") is Refusal.HOT_CARD
    assert bank.roll("7005", "y1") is Refusal.HOT_CARD


@pytest.mark.parametrize("text", ["", "2", "2a", "x704", "２704", "2" * 13])
def test_a_rate_in_a_message_is_digits(text: str) -> None:
    with pytest.raises(BadMessage, match="rate"):
        rate_of(text)


@pytest.mark.parametrize("rate", ["704.56", "0.52345", "20609", "13.506", "0.5"])
def test_a_rate_is_read_as_it_is_written(rate: str) -> None:
    assert rate_of(rate_text(Decimal(rate))) == Decimal(rate)


def test_minor_units_are_those_of_the_currency(bank: Foreign) -> None:
    quote = bank.deals.quote(CARD, "jpy", "cny", money("10000 jpy"), MONDAY)
    assert isinstance(quote, DealQuote)
    assert (quote.rate, quote.gets) == (Decimal("4.6190"), Money.parse("461.90"))
