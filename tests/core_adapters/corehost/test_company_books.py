"""A company's payments over months: drafts whose time is over, loans, reversals in any order."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from core_adapters.corehost.house import House, days_ended, findings, holdings, open_house
from core_adapters.corehost.products.companies.loans import CompanyLoans
from core_adapters.corehost.products.companies.orders import (
    Asked,
    CompanyOrders,
    Ordered,
    Paid,
    PayQuote,
    terms_of,
)
from core_adapters.corehost.products.companies.payments import KINDS, CompanyPayments
from core_adapters.corehost.products.end_of_day.run import EndOfDay
from core_adapters.corehost.products.orders import Agreed
from core_adapters.corehost.refusal import Refusal
from core_adapters.corehost.rules import Rules
from core_adapters.corehost.seed import DEMO, PEOPLE
from support.ending_bank import noon
from transactions.money import Money, currency

CNY = currency("CNY")
BEGIN = date(2026, 3, 2)
MAKER, FIRST, SECOND, VIEWER = (one.card for one in PEOPLE)
COMPANY = DEMO[-1]
TO = {"transfer": DEMO[0].card, "remote": "62220000123456", "draft": "62220000123456"}


class Desk:
    """The company's desk at a bank of this process."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.orders = CompanyOrders(house.bank.office, house.bank.orders)
        self.days = EndOfDay(house.bank.office)
        self.day = BEGIN
        self._keys = count(1)

    def pass_to(self, day: date) -> None:
        """Be at noon of a day."""
        self.day = day
        self.days.run_due(self.now)

    @property
    def now(self) -> datetime:
        return noon(self.day)

    def asked(self, kind: str, minor: int, sub: str = "0001") -> Asked:
        to, bank = TO.get(kind, "6001"), "9002" if kind == "remote" else ""
        return Asked(FIRST, sub, kind, to, bank, Money(minor, CNY))

    def pay(self, kind: str, minor: int) -> tuple[str, Paid | Refusal]:
        """Quote and pay; gives the business key."""
        asked = self.asked(kind, minor)
        quote = self.orders.quote(asked, self.now)
        assert isinstance(quote, PayQuote), quote
        return self.post(asked, quote)

    def post(self, asked: Asked, quote: PayQuote) -> tuple[str, Paid | Refusal]:
        key = f"2026-02-28/TB010001/{next(self._keys):06d}/0228040000"
        about = terms_of(asked, quote.interest.minor)
        kind, amount = KINDS[asked.kind], asked.amount
        agreed = Agreed(key, FIRST, kind, quote.id, amount, quote.fee, about=about)
        return key, self.orders.pay(Ordered(agreed, COMPANY.account, "0001"), self.now)

    def undo(self, key: str) -> bool:
        return self.house.bank.undo(key, self.now)

    def balances(self) -> dict[str, int]:
        return {one.name: one.balance.minor for one in holdings(self.house.folder)}

    def findings(self) -> list[str]:
        return findings(self.house.folder)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    house = open_house(tmp_path, Rules(), noon(BEGIN))
    yield Desk(house)
    house.close()


def paid(desk: Desk, kind: str, minor: int) -> str:
    key, done = desk.pay(kind, minor)
    assert isinstance(done, Paid), done
    return key


def test_a_draft_comes_back_when_its_month_is_over_and_goes_again_if_undone(desk: Desk) -> None:
    before = desk.balances()
    key = paid(desk, "draft", 700_000)
    assert desk.balances()["drafts:CNY"] == 700_000
    desk.pass_to(date(2026, 4, 2))
    assert desk.balances()["drafts:CNY"] == 700_000
    desk.pass_to(date(2026, 4, 3))
    after = desk.balances()
    assert (after["drafts:CNY"], after[COMPANY.card]) == (0, before[COMPANY.card] - 148)
    assert desk.findings() == []
    assert desk.undo(key)
    assert not desk.undo(key)
    assert desk.balances()[COMPANY.card] == before[COMPANY.card]
    assert desk.findings() == []


def test_interest_of_a_loan_in_parts_and_late_by_hand(desk: Desk) -> None:
    loans = CompanyLoans(desk.house.db)
    loan = loans.find(COMPANY.account, "6001")
    assert loan is not None
    assert (loan.opened, loan.matures, loan.owed) == (
        date(2026, 1, 2),
        date(2027, 1, 2),
        24_000_000,
    )
    desk.pass_to(date(2026, 4, 2))
    # 240,000.00 for 90 days at 4.35: 2,610.00.
    assert loans.interest(loan, desk.day) == 261_000
    key = paid(desk, "repay", 4_000_000)
    assert loans.interest(loan, desk.day) == 0
    desk.pass_to(date(2027, 1, 22))
    # 200,000.00 for the 275 days to the end, 20 more at 6.525: 6,645.83 + 725.00.
    assert loans.interest(loan, desk.day) == 664_583 + 72_500
    # Overdue is all that the schedule wanted: twelve months less what was repaid.
    assert loans.overdue(replace(loan, owed=20_000_000), desk.day) == 20_000_000
    assert desk.undo(key)
    # Its interest is owed again; the days on which less was owed stay what they were.
    assert loans.interest(loan, desk.day) == 664_583 + 72_500 + 261_000
    assert desk.findings() == []


def test_a_repayment_is_what_was_quoted_on_its_day(desk: Desk) -> None:
    asked = desk.asked("repay", 1_000_000)
    first = desk.orders.quote(asked, desk.now)
    second = desk.orders.quote(asked, desk.now)
    assert isinstance(first, PayQuote)
    assert isinstance(second, PayQuote)
    assert isinstance(desk.post(asked, first)[1], Paid)
    assert desk.post(asked, second)[1] is Refusal.BAD_QUOTE
    assert desk.findings() == []


@pytest.mark.parametrize("seed", range(6))
def test_money_of_months_undone_in_any_order(desk: Desk, seed: int) -> None:
    draw = random.Random(seed)
    before, keys = desk.balances(), list[str]()
    for _ in range(60):
        step = draw.random()
        if step < 0.5:
            keys.append(paid(desk, draw.choice(list(KINDS)), draw.randrange(1, 300_000)))
        elif step < 0.7 and keys:
            assert desk.undo(keys.pop(draw.randrange(len(keys))))
        else:
            desk.pass_to(desk.day + timedelta(days=draw.randrange(1, 20)))
    assert desk.findings() == []
    total = sum(one.balance.minor for one in holdings(desk.house.folder))
    assert total == sum(before.values())
    for key in draw.sample(keys, len(keys)):
        assert desk.undo(key)
    assert desk.findings() == []
    ours = ("drafts:CNY", "corp_interest:CNY", COMPANY.card, f"{COMPANY.account}-0002")
    after = desk.balances()
    assert {name: after[name] for name in ours} == {name: before[name] for name in ours}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE corp_payment SET minor = minor + 1 WHERE kind = 'transfer'",
        "UPDATE corp_payment SET undone = 1 WHERE kind = 'draft'",
        "UPDATE corp_payment SET interest = interest + 1 WHERE kind = 'repay'",
        "UPDATE corp_operator SET may = 'view' WHERE number = '0001'",
        "UPDATE corp_operator SET may = 'make' WHERE number = '0002'",
        "UPDATE corp_draft SET state = 'returned'",
        "UPDATE corp_draft SET minor = minor + 1",
        "DELETE FROM corp_draft",
        "UPDATE remittance SET state = 'done' WHERE id = (SELECT MAX(id) FROM remittance)",
        "UPDATE remittance SET state = 'returned' WHERE id = (SELECT MAX(id) FROM remittance)",
        "UPDATE corp_loan SET principal = principal + 1",
        "UPDATE corp_instalment SET minor = minor + 1 WHERE due_on LIKE '2026-05%'",
        "DELETE FROM day_item WHERE posted = 1",
        "INSERT INTO day_run VALUES ('2026-09-01', '2026-09-02')",
    ],
)
def test_the_check_finds_what_disagrees(desk: Desk, damage: str) -> None:
    for kind in KINDS:
        paid(desk, kind, 100_000)
    desk.pass_to(date(2026, 3, 21))
    paid(desk, "remote", 100_000)
    assert desk.findings() == []
    desk.house.db.execute("PRAGMA foreign_keys = OFF")
    desk.house.db.execute(damage)
    assert desk.findings() != []


@pytest.mark.parametrize("code", ["CNY", "USD", "EUR", "JPY"])
@pytest.mark.parametrize("sub", ["0001", "0002", "0003", "0004", "0005"])
@pytest.mark.parametrize("kind", [*TO, "repay"])
def test_whatever_is_quoted_can_be_posted(desk: Desk, kind: str, sub: str, code: str) -> None:
    """Ceilings and fees are in fen, drafts and loans in yuan: so nothing else is paid in."""
    unit = currency(code)
    asked = replace(desk.asked(kind, 100_000, sub), amount=Money(100_000, unit))
    quote = desk.orders.quote(asked, desk.now)
    if unit != CNY:
        assert quote is Refusal.WRONG_CURRENCY
    elif sub not in {"0001", "0002"}:
        assert quote is Refusal.NO_ACCOUNT
    else:
        assert isinstance(quote, PayQuote)
        _, paid = desk.post(asked, quote)
        assert isinstance(paid, Paid)
    assert findings(desk.house.folder) == []


def test_a_payment_in_another_currency_is_refused_whatever_was_quoted(desk: Desk) -> None:
    asked = desk.asked("transfer", 100_000)
    quote = desk.orders.quote(asked, desk.now)
    assert isinstance(quote, PayQuote)
    dollars = replace(asked, amount=Money(100_000, currency("USD")))
    _, paid = desk.post(dollars, quote)
    assert paid is Refusal.WRONG_CURRENCY


def test_what_was_paid_is_told_by_currency(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def totals(_self: CompanyPayments, _day: date) -> list[tuple[str, str, str, int, int, int]]:
        return [(COMPANY.account, "remote", code, 2, 500, 0) for code in ("CNY", "USD")]

    monkeypatch.setattr(CompanyPayments, "totals", totals)
    desk.pass_to(BEGIN + timedelta(days=1))
    (last,) = days_ended(desk.house.folder, 1)
    told = [(one.what, one.count, one.amount.currency.code) for one in last.lines]
    assert ("corp_paid_remote", 2, "CNY") in told
    assert ("corp_paid_remote", 2, "USD") in told
    assert "failed" not in {one.what for one in last.lines}
