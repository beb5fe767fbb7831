"""Values on paper: amounts, dates, words and masked cards; sums; nothing that is not so."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_adapters.corehost.bank import Balances
from core_adapters.corehost.house import open_house
from core_adapters.corehost.products.history import entries as entries_of
from core_adapters.corehost.rules import Rules
from core_adapters.corehost.seed import DEMO
from fax.documents.compose import MAX_ROWS, ComposeError
from fax.documents.formats import FormatError, amount, printed
from fax.words import Language
from support.fax_paper import CARD, SAMPLES, entries, paper, texts
from transactions.card import luhn_valid
from transactions.money import MAX_MINOR, Money, currency


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_no_paper_shows_a_card_number(name: str, language: Language) -> None:
    made = paper(name, language)
    made.check()
    assert CARD.digits not in repr(made)
    assert "*" not in repr(made)


def test_a_statement_has_what_moved_and_its_sums() -> None:
    made = paper("card_recent", "zh")
    table = made.tables[0]
    assert made.facts == (("卡号", "622700XXXXXX7894"),)
    assert table.rows[0] == ("2026-11-22", "", "取款", "123.45", "", "7,876.55")
    assert table.rows[1] == ("2026-11-22", "09:01:05", "转入", "", "500.00", "8,376.55")
    assert table.totals == (("合计", "", "", "490.05", "38,537.01", ""),)
    assert table.closing == "共 12 笔，以下空白"


@pytest.mark.parametrize(("language", "says"), [("zh", "账面余额"), ("en", "Ledger balance")])
def test_a_balance_says_which_it_is(language: Language, says: str) -> None:
    """A demo customer was told 12,680.50 to spend and shown 13,013.50 on paper: both were right."""
    statement, accounts = paper("card_recent", language), paper("fx_accounts", language)
    assert statement.tables[0].head[-1].startswith(says[:4])
    assert says.lower() in statement.note.lower()
    assert accounts.tables[0].head[1] == says


def test_a_statements_balance_is_the_ledger_balance_that_callers_are_told(tmp_path: Path) -> None:
    house = open_house(tmp_path, Rules(), datetime(2026, 2, 28, 4, tzinfo=UTC))
    try:
        held = house.bank.balances(DEMO[0].card)
        (newest,) = entries_of(house.db, DEMO[0].account, date.min, 0, 1)
    finally:
        house.close()
    assert isinstance(held, Balances)
    assert (held.available.minor, held.ledger.minor) == (1_268_050, 1_301_350)
    assert newest.balance == held.ledger.minor


def test_a_receipt_is_its_values() -> None:
    assert paper("transfer_receipt", "en").facts == (
        ("Transaction", "012345678901"),
        ("From card", "622700XXXXXX7894"),
        ("To card", "622700XXXXXX1116"),
        ("Amount", "CNY 12,345.67"),
        ("Fee", "CNY 5.00"),
    )


def test_a_bill_hides_its_number_but_for_the_end() -> None:
    made = paper("bill_detail", "zh")
    assert ("缴费号码", "XXXXXXX1234") in made.facts
    assert ("账单月份", "2026-10") in made.facts
    assert made.tables[0].totals == (("合计", "56.25"),)


def test_only_the_last_table_says_that_nothing_follows() -> None:
    first, last = paper("fx_accounts", "zh").tables
    assert (first.closing, last.closing) == ("共 2 笔", "共 1 笔，以下空白")
    assert last.rows == (("0007", "定期", "2027-03-01", "4.25%", "USD 5,000.00"),)
    empty = paper("fx_accounts", "zh", answers=[[], []]).tables
    assert [table.closing for table in empty] == ["没有记录", "没有记录"]


def test_spoken_texts_are_made_fit_for_paper() -> None:
    rows = paper("fx_rates", "en").tables[0].rows
    assert rows == (("US dollars", "712.34", "715.18"), ("Japanese yen", "4.6512", "4.70"))


def test_a_list_that_was_cut_says_so_and_has_no_sum() -> None:
    table = paper("card_recent", "en", answers=[entries(MAX_ROWS + 1)]).tables[0]
    assert len(table.rows) == MAX_ROWS
    assert table.totals == ()
    assert table.closing.startswith(f"Only the first {MAX_ROWS} rows")


def test_another_currency_keeps_its_code_and_has_a_sum_of_its_own() -> None:
    rows = [*entries(1), {"on": date(2026, 1, 1), "amount": Money.parse("-7", "USD")}]
    table = paper("card_recent", "en", answers=[rows]).tables[0]
    assert table.rows[1] == ("2026-01-01", "", "", "USD 7.00", "", "")
    assert [line[3] for line in table.totals] == ["123.45", "USD 7.00"]


def test_what_is_missing_or_of_another_kind_is_refused() -> None:
    with pytest.raises(ComposeError, match="needs card"):
        paper("card_recent", "zh", values={})
    with pytest.raises(ComposeError, match="1 parts"):
        paper("card_recent", "zh", answers=[])
    with pytest.raises(FormatError, match="str cannot be printed as money"):
        printed("12.00", "money", texts("zh"))


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        (None, "money", ""),
        ("6227001234567894", "card", "622700XXXXXX7894"),
        ("see 6227 0012 3456 7894", "text", "see 622700******7894"),
        ("nonsense", "word:txn", "其他"),
        ("deposit", "word:nothing", "Deposit"),
        (Decimal("0.5"), "percent", "0.50%"),
        (Decimal("1E+2"), "rate", "100.00"),
        (12345, "number", "12,345"),
        (Money.parse("0.00"), "money_in", "CNY 0.00"),
        (Money.parse("0.00"), "money_out", ""),
        (Money.parse("-1234", "JPY"), "money", "JPY -1,234"),
    ],
)
def test_forms(value: Any, form: str, shown: str) -> None:
    assert printed(value, form, texts("zh")) == shown


@given(st.integers(-MAX_MINOR, MAX_MINOR), st.sampled_from(["CNY", "JPY", "KWD"]))
def test_an_amount_can_be_read_back(minor: int, code: str) -> None:
    unit = currency(code)
    shown = amount(Money(minor, unit)).removeprefix(f"{code} ").replace(",", "")
    assert Money.parse(shown, code) == Money(minor, unit)


@given(st.text(alphabet="0123456789 -", min_size=12, max_size=40))
def test_no_text_carries_a_card_number(text: str) -> None:
    shown = printed(text, "text", texts("zh"))
    runs = re.split(r"\*|[ -]{3,}", shown)  # nobody writes a number with three blanks in a row
    figures = [run.replace(" ", "").replace("-", "") for run in runs]
    assert not [run for run in figures if len(run) == 16 and luhn_valid(run)]
