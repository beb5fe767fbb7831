"""Orders at a rate: held, executed as the market comes to them, expired, cancelled and undone."""

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core_adapters.corehost.ledger import transaction
from core_adapters.corehost.products.exchange.execution import FxExecution
from core_adapters.corehost.products.exchange.market import converted
from core_adapters.corehost.products.exchange.orders import MAX_OPEN, OrderQuote
from core_adapters.corehost.refusal import Refusal
from support.foreign import ACCOUNT, CARD, MONDAY, NOON, TICK, Foreign, money
from transactions.money import currency

USD_CNY, CNY_USD, CNY_GBP, HKD_GBP = ("usd", "cny"), ("cny", "usd"), ("cny", "gbp"), ("hkd", "gbp")
USD_GBP = ("usd", "gbp")
WEEK_LATER = MONDAY + timedelta(days=8)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Foreign]:
    opened = Foreign(tmp_path / "bank.sqlite3")
    yield opened
    assert opened.findings() == []
    opened.close()


def met_at(bank: Foreign, number: int = 100_001) -> datetime:
    """When the market comes to an order, by its own count."""
    order = bank.order(number)
    end = bank.market.day_ends(order.until) - 1
    tick = bank.market.reached(order.wanted, order.since, end)
    assert tick is not None
    return bank.market.began(tick)


def test_an_order_holds_its_money_until_the_market_comes_to_it(bank: Foreign) -> None:
    before = bank.held()
    quote = bank.waiting.place(CARD, bank.near(USD_CNY, "1000.00 usd", limit="0.02"), MONDAY)
    assert isinstance(quote, OrderQuote)
    assert (quote.fee.minor, quote.until) == (0, date(2026, 3, 9))
    bank.place(bank.near(USD_CNY, "1000.00 usd", limit="0.02"))
    order = bank.order()
    assert (order.number, order.state, order.wanted.limit) == (100_001, "open", Decimal("704.58"))
    assert bank.held() == before | {"7001": 150_000}
    usd = bank.moves.holdings(ACCOUNT)[0]
    assert (str(usd.amount), str(usd.available)) == ("5980.50 USD", "1980.50 USD")
    assert bank.findings() == []
    when = met_at(bank)
    assert when > MONDAY
    assert bank.execution.execute_due(when - TICK) == 0
    assert bank.held() == before | {"7001": 150_000}
    assert bank.execution.execute_due(when) == 1
    rate = bank.pays(USD_CNY, when)
    assert rate >= Decimal("704.58")
    got = converted(money("1000.00 usd"), rate, currency("CNY")).minor
    assert bank.held() == before | {"7001": 150_000, "cny": 1_000_000 + got}
    assert (bank.order().state, bank.position("usd")) == ("done", 100_000)
    assert bank.execution.execute_due(when) == 0
    assert bank.execution.execute_due(when + timedelta(hours=1)) == 0


def test_of_two_sides_the_first_is_met_and_the_other_dies(bank: Foreign) -> None:
    bank.place(bank.near(USD_CNY, "1000.00 usd", limit="4", stop="-0.3"))
    when = met_at(bank)
    assert bank.execution.execute_due(when) == 1
    assert bank.pays(USD_CNY, when) <= Decimal("704.26")
    assert bank.order().state == "done"
    assert bank.execution.execute_due(WEEK_LATER) == 0


def test_bought_currency_goes_to_a_deposit_that_is_opened(bank: Foreign) -> None:
    bank.place(bank.near(CNY_GBP, "5000.00 cny", limit="0.001"))
    assert bank.balance(ACCOUNT) == 500_000
    assert bank.execution.execute_due(met_at(bank)) == 1
    last = bank.of_account()[-1]
    assert (last.sub, last.kind, last.held.currency.code) == ("7007", "demand", "GBP")
    assert 40_000 < last.held.minor < 70_000


def test_an_order_that_is_not_met_ends_with_its_last_day(bank: Foreign) -> None:
    before = bank.held()
    bank.place(bank.near(USD_CNY, "2600.00 usd", limit="60", days="2"))
    assert (bank.held()["7001"], bank.held()["7002"]) == (0, 38_050)
    end = datetime(2026, 3, 4, 16, tzinfo=UTC)  # midnight at the bank
    assert bank.execution.execute_due(end - TICK) == 0
    assert bank.order().state == "open"
    assert bank.execution.execute_due(end) == 1
    assert (bank.order().state, bank.held()) == ("expired", before)
    assert bank.execution.execute_due(end + timedelta(days=30)) == 0


def test_an_order_placed_at_the_week_end_waits_for_monday(bank: Foreign) -> None:
    asked = bank.near(USD_CNY, "1000.00 usd", NOON, limit="0.01", stop="-0.01", days="3")
    bank.place(asked, NOON)
    midnight = datetime(2026, 3, 1, 16, tzinfo=UTC)
    assert bank.execution.execute_due(midnight - TICK) == 0
    assert bank.execution.execute_due(midnight) == 1
    assert bank.order().state == "done"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"limit": "0"}, Refusal.BAD_RATE),
        ({"limit": "-1"}, Refusal.BAD_RATE),
        ({"limit": "70.46"}, Refusal.BAD_RATE),
        ({"limit": "0.0000001"}, Refusal.BAD_RATE),
        ({"stop": "0"}, Refusal.BAD_RATE),
        ({"stop": "1"}, Refusal.BAD_RATE),
        ({"stop": "-70.46"}, Refusal.BAD_RATE),
        ({"days": "0"}, Refusal.BAD_TERM),
        ({"days": "8"}, Refusal.BAD_TERM),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(
    bank: Foreign, change: dict[str, str], refusal: Refusal
) -> None:
    assert bank.place(bank.near(USD_CNY, "100.00 usd", **change)) is refusal


def test_what_cannot_be_held_is_refused(bank: Foreign) -> None:
    assert bank.place(bank.near(USD_CNY, "2980.51 usd")) is Refusal.INSUFFICIENT
    assert bank.place(bank.near(("eur", "usd"), "100.00 eur")) is Refusal.NO_ACCOUNT
    assert bank.place(bank.near(USD_CNY, "1.00 usd")) is Refusal.BAD_AMOUNT
    wrong = replace(bank.near(USD_CNY, "100.00 usd"), bought="usd")
    assert bank.place(wrong) is Refusal.NO_PAIR


def test_a_customer_has_so_many_orders_at_once(bank: Foreign) -> None:
    for _ in range(MAX_OPEN):
        assert isinstance(bank.place(bank.near(USD_CNY, "10.00 usd", limit="60")), str)
    assert bank.place(bank.near(USD_CNY, "10.00 usd", limit="60")) is Refusal.OVER_LIMIT
    numbers = [one.number for one in bank.waiting.book.of_account(ACCOUNT)]
    assert numbers == list(range(100_020, 100_000, -1))


def test_a_cancelled_order_gives_its_money_back_and_undone_it_waits_again(bank: Foreign) -> None:
    before = bank.held()
    bank.place(bank.near(USD_CNY, "2600.00 usd", limit="0.02"))
    during = bank.held()
    key = bank.cancel("100001")
    assert (bank.order().state, bank.held()) == ("cancelled", before)
    assert bank.cancel("100001") is Refusal.NO_ORDER
    when = met_at(bank)
    assert bank.execution.execute_due(when) == 0
    assert bank.undo(key, when)
    assert (bank.order().state, bank.held()) == ("open", during)
    assert bank.execution.execute_due(when + TICK) == 1  # as though nobody had cancelled it
    rate = bank.db.execute("SELECT rate, rate_at FROM fx_deal").fetchone()
    assert rate == (str(bank.pays(USD_CNY, when)), when.isoformat())


@pytest.mark.parametrize(
    "number", ["100002", "000000", "", "abc", "1000001", "-00001", "１００００１"]
)
def test_an_order_that_is_not_there_is_not_cancelled(bank: Foreign, number: str) -> None:
    bank.place(bank.near(USD_CNY, "100.00 usd"))
    assert bank.cancel(number) is Refusal.NO_ORDER


def test_an_order_that_was_executed_meanwhile_is_not_cancelled(bank: Foreign) -> None:
    bank.place(bank.near(USD_CNY, "100.00 usd", limit="0.01", stop="-0.01"))
    quote = bank.waiting.cancel(CARD, "100001", MONDAY)
    assert not isinstance(quote, Refusal)
    when = met_at(bank)
    assert bank.execution.execute_due(when) == 1
    about = {"order": "100001"}
    late = bank.post_order("fx_cancel", quote.id, quote.amount, about, when)
    assert late is Refusal.INSUFFICIENT  # nothing is held any more


@pytest.mark.parametrize("fate", ["open", "done", "expired", "cancelled", "cancel_undone"])
def test_placing_is_undone_whatever_has_become_of_the_order(bank: Foreign, fate: str) -> None:
    before = bank.held()
    limit = "7" if fate == "expired" else "0.01"
    key = bank.place(bank.near(USD_GBP, "2600.00 usd", limit=limit))
    cancelled: str | Refusal = ""
    if fate in ("done", "expired"):
        assert bank.execution.execute_due(WEEK_LATER) == 1
        assert bank.order().state == fate
    if fate in ("cancelled", "cancel_undone"):
        cancelled = bank.cancel("100001")
    if fate == "cancel_undone":
        assert bank.undo(cancelled)
    assert bank.undo(key, WEEK_LATER)
    assert not bank.undo(key, WEEK_LATER)
    assert bank.held() == before
    assert bank.waiting.book.of_account(ACCOUNT) == []
    assert (bank.position("usd"), bank.position("gbp")) == (0, 0)
    assert bank.findings() == []
    if fate == "cancelled":
        assert bank.undo(cancelled, WEEK_LATER)
        assert bank.held() == before
        assert bank.findings() == []
    assert bank.execution.execute_due(WEEK_LATER + TICK) == 0


def test_a_number_is_not_used_again(bank: Foreign) -> None:
    key = bank.place(bank.near(USD_CNY, "100.00 usd"))
    assert bank.undo(key)
    bank.place(bank.near(USD_CNY, "100.00 usd"))
    assert bank.order(100_002).state == "open"


def test_what_fails_of_a_commit_is_done_by_the_next_call(bank: Foreign) -> None:
    bank.place(bank.near(USD_CNY, "100.00 usd"))
    when = met_at(bank)
    held = pytest.raises(sqlite3.OperationalError, match="transaction")
    with transaction(bank.db), held:  # somebody else is writing
        bank.execution.execute_due(when)
    assert bank.order().state == "open"
    assert bank.execution.execute_due(when) == 1


def test_an_order_that_cannot_be_executed_holds_up_no_other(bank: Foreign) -> None:
    bank.place(bank.near(CNY_GBP, "1000.00 cny", limit="0.001"))
    bank.place(bank.near(USD_CNY, "100.00 usd"))
    full = "UPDATE fx_deposit SET sub = ? WHERE sub = ?"
    bank.db.execute(full, ("7999", "7006"))  # no number is left for a deposit in pounds
    assert bank.execution.execute_due(WEEK_LATER) == 1
    assert [bank.order(n).state for n in (100_001, 100_002)] == ["open", "done"]
    bank.db.execute(full, ("7006", "7999"))
    assert bank.execution.execute_due(WEEK_LATER + TICK) == 1
    assert bank.order().state == "done"


def test_an_order_that_cannot_be_ended_is_tried_less_and_less(bank: Foreign) -> None:
    bank.place(bank.near(CNY_GBP, "5000.00 cny", limit="0.001"))
    full = "UPDATE fx_deposit SET sub = ? WHERE sub = ?"
    bank.db.execute(full, ("7999", "7006"))
    when = met_at(bank)
    with capture_logs() as logs:
        for tick in range(31):
            assert bank.execution.execute_due(when + tick * TICK) == 0
    assert [one["event"] for one in logs] == ["order_not_ended"] * 5  # after 0, 1, 3, 7, 15 ticks
    with capture_logs() as logs:
        for hour in range(2, 26):
            bank.execution.execute_due(when + timedelta(hours=hour))
    assert len(logs) == 24  # an hour is the longest that it waits
    assert (bank.order().state, bank.findings()) == ("open", [])
    bank.db.execute(full, ("7006", "7999"))
    assert bank.execution.execute_due(when + timedelta(hours=26)) == 1
    assert bank.position("gbp") < 0
    deal = bank.db.execute("SELECT rate_at FROM fx_deal").fetchone()
    assert deal == (when.isoformat(),)  # the rate of the tick that met it, as ever


def orders_of(bank: Foreign, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(12):
        way, amount = rng.choice(
            [
                (USD_CNY, "100.00 usd"),
                (CNY_USD, "500.00 cny"),
                (HKD_GBP, "300.00 hkd"),
                (("jpy", "usd"), "5000 jpy"),
            ]
        )
        pays = bank.pays(way, MONDAY)
        off = [f"{pays * rng.randrange(1, 900) / 100_000:.5f}" for _ in range(2)]
        more = {"stop": f"-{off[1]}"} if rng.random() < 0.5 else {}
        asked = bank.near(way, amount, limit=off[0], days=str(rng.randrange(1, 8)), **more)
        assert isinstance(bank.place(asked), str)


def outcome(bank: Foreign) -> list[tuple[object, ...]]:
    """What became of every order, and at what rate of when."""
    return bank.db.execute(
        "SELECT o.number, o.state, d.rate, d.rate_at, d.got FROM fx_order o"
        " LEFT JOIN fx_deal d ON d.key = o.ended_by ORDER BY o.number"
    ).fetchall()


@pytest.mark.parametrize("seed", range(4))
def test_it_is_all_the_same_when_and_how_often_the_market_is_looked_at(
    tmp_path: Path, seed: int
) -> None:
    """Once a week, now and then with restarts between, or often: the same fate for every order."""
    rng, fates, held = random.Random(seed), [], []
    for way in ("once", "seldom", "often"):
        bank = Foreign(tmp_path / f"{way}.sqlite3")
        orders_of(bank, seed)
        now = MONDAY
        while way != "once" and now < WEEK_LATER:
            now += timedelta(seconds=rng.randrange(1, 400_000 if way == "seldom" else 3_000))
            bank.execution.execute_due(now)
            if rng.random() < 0.2:
                bank.execution = FxExecution(bank.office)
        bank.execution.execute_due(WEEK_LATER)
        fates.append(outcome(bank))
        held.append(bank.held())
        assert bank.findings() == []
        bank.close()
    assert fates[0] == fates[1] == fates[2]
    assert held[0] == held[1] == held[2]
    states = {state for _number, state, *_ in fates[0]}
    assert "done" in states
    assert states <= {"done", "expired"}


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_done_and_undone_in_whatever_order_comes_out_even(
    tmp_path: Path, seed: int
) -> None:
    bank = Foreign(tmp_path / "bank.sqlite3")
    before, rng, now, done = bank.held(), random.Random(seed), MONDAY, []
    ways = [(USD_CNY, "100.00 usd"), (CNY_USD, "700.00 cny"), (CNY_GBP, "400.00 cny")]
    ways += [(HKD_GBP, "900.00 hkd"), (USD_GBP, "150.00 usd")]
    for _ in range(70):
        now += timedelta(seconds=rng.choice([0, 5, 600, 20_000]))
        way, amount = rng.choice(ways)
        key: str | Refusal = Refusal.BAD_QUOTE
        match rng.randrange(7):
            case 0 | 1:
                key = bank.deal(way, amount, now)
            case 2:
                limit = f"{bank.pays(way, now) / rng.choice([200, 5000]):.5f}"
                key = bank.place(bank.near(way, amount, now, limit=limit), now)
            case 3:
                key = bank.cancel(f"{100_001 + rng.randrange(12)}", now)
            case 4:
                key = rng.choice([bank.merge, lambda _, at: bank.roll("7001", "m1", at)])(
                    "usd", now
                )
            case 5 if done:
                bank.undo(done.pop(rng.randrange(len(done))), now)
            case _:
                bank.execution.execute_due(now)
        if isinstance(key, str):
            done.append(key)
    assert len(done) > 8
    assert bank.findings() == []
    rng.shuffle(done)
    for old in done:
        assert bank.undo(old, now)
        assert bank.findings() == []
    bank.execution.execute_due(now + timedelta(days=9))
    assert bank.held() == before
    assert {bank.position(word) for word in bank.market.traded} == {0}
    bank.close()
