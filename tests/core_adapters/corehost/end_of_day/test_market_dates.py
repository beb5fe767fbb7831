"""Orders at a rate and ends of dates together: a fill is of the date on which the market came."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core_adapters.corehost.ledger import transaction
from core_adapters.corehost.products.end_of_day.run import EndOfDay
from core_adapters.corehost.products.exchange.accounts import FxAccounts
from core_adapters.corehost.products.exchange.execution import FxExecution
from core_adapters.corehost.products.exchange.orders import FX_ORDER, Asked, FxOrders, OrderQuote
from core_adapters.corehost.rules import Rules, business_date, date_ends
from support.bank_services import ACCOUNT, CARD, CNY
from support.ending_bank import DayBank, noon
from transactions.money import Money

MONDAY = date(2026, 3, 16)
"""Interest is settled on the 20th of this week."""
NEXT = MONDAY + timedelta(days=9)


class Trading:
    """A bank whose market orders and dates are looked at as the host does."""

    def __init__(self, path: Path) -> None:
        self.bank = DayBank(path, MONDAY)
        execution = FxExecution(self.bank.office)
        self.days = EndOfDay(self.bank.office, before=execution.end_date)
        self.execution = execution
        self.orders = FxOrders(self.bank.office, self.bank.orders)

    def look(self, now: datetime) -> None:
        """As `Desk.pass_time`."""
        self.days.run_due(now)
        self.execution.execute_due(now)

    def place(self, share: str, fen: int = 300_000) -> str:
        """Yuan for dollars, at a rate better by a share."""
        now, market = noon(MONDAY), self.orders.market
        pays = market.rate("cny", "usd", market.last(now)).buy
        limit = (pays * (1 + Decimal(share))).quantize(Decimal("0.0001"))
        asked = Asked("cny", "usd", Money(fen, CNY), limit, None, 5)
        with transaction(self.bank.db):
            quote = self.orders.place(CARD, asked, now)
        assert isinstance(quote, OrderQuote), quote
        key = self.bank.order(FX_ORDER, quote.id, (asked.amount, quote.fee), asked.about, now)
        assert isinstance(key, str), key
        return key

    def state(self) -> list[tuple[object, ...]]:
        rows = self.bank.db.execute(
            "SELECT substr(p.key, 1, 22), p.kind, p.business_date, l.minor, d.rate_at"
            " FROM posting p JOIN leg l ON l.posting = p.id LEFT JOIN fx_deal d ON d.key = p.key"
            " WHERE p.key LIKE 'fx:%' OR (p.key LIKE 'day:%' AND l.account NOT LIKE 'X%')"
            " ORDER BY 1, 2, l.minor"
        )
        return rows.fetchall()


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Trading, Trading]]:
    made = Trading(tmp_path / "one.sqlite3"), Trading(tmp_path / "other.sqlite3")
    yield made
    for one in made:
        assert one.bank.findings() == []
        one.bank.close()


def test_a_host_that_was_away_has_the_books_of_one_that_was_there(
    both: tuple[Trading, Trading],
) -> None:
    there, away = both
    for one in both:
        for share in ("0.0005", "0.004", "0.09"):
            one.place(share)
    now = noon(MONDAY)
    while now < noon(NEXT):
        now += timedelta(minutes=30)
        there.look(now)
    away.look(noon(NEXT))
    assert there.state() == away.state()
    filled = [row for row in away.state() if row[1] == "fx_filled"]
    expired = [row for row in away.state() if row[1] == "fx_expired"]
    assert filled
    assert expired
    for _key, _kind, posted, _minor, rate_at in filled:
        assert str(posted) == f"{business_date(datetime.fromisoformat(str(rate_at)))}"
        assert str(posted) < NEXT.isoformat()
    # It stood to the end of Saturday, and its money came back when that was over.
    assert {row[2] for row in expired} == {f"{MONDAY + timedelta(days=6)}"}


def test_a_fill_that_is_undone_takes_its_interest_with_it(both: tuple[Trading, Trading]) -> None:
    one, other = both
    key = one.place("0.0005", 900_000)
    for each in both:
        each.look(noon(NEXT))
    (opened,) = FxAccounts(one.bank.db).of_account(ACCOUNT)
    assert opened.held.minor > 0
    assert one.bank.balance("interest:USD") < 0
    assert one.bank.undo(key, noon(NEXT))
    assert FxAccounts(one.bank.db).of_account(ACCOUNT) == []
    for name in ("interest:USD", "position:USD", ACCOUNT):
        assert one.bank.balance(name) == other.bank.balance(name)


@pytest.mark.parametrize("cut_over", [time(0), time(17, 30), time(23, 59, 50)])
def test_a_date_ends_where_the_next_one_begins(cut_over: time) -> None:
    ends = date_ends(MONDAY, cut_over)
    assert business_date(ends, cut_over) == MONDAY + timedelta(days=1)
    assert business_date(ends - timedelta(seconds=1), cut_over) == MONDAY
    assert Rules().cut_over == time(0)
