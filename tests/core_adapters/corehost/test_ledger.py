"""The ledger under random operations: balanced, conserved, nothing twice, nothing changed."""

import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_adapters.corehost.ledger import (
    SCHEMA,
    Ledger,
    LedgerError,
    Leg,
    connect,
    connect_read_only,
    findings,
    statements,
    transaction,
)
from transactions.money import currency

DAY, NOW = date(2026, 2, 28), datetime(2026, 2, 28, 12, tzinfo=UTC)
ACCOUNTS = ["a", "b", "c", "usd"]


def new_ledger(path: str | Path = ":memory:") -> tuple[sqlite3.Connection, Ledger]:
    db = connect(Path(path))
    for statement in statements(SCHEMA):
        db.execute(statement)
    ledger = Ledger(db)
    for name in ACCOUNTS:
        ledger.open_account(name, currency("USD" if name == "usd" else "CNY"))
    return db, ledger


legs = st.lists(
    st.builds(Leg, st.sampled_from(ACCOUNTS), st.integers(-1000, 1000).filter(bool)), max_size=5
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.integers(0, 9), legs),
        st.tuples(st.just("pay"), st.integers(0, 9), st.integers(1, 500)),
        st.tuples(st.just("undo"), st.integers(0, 9), st.just(0)),
    ),
    max_size=30,
)


@given(steps)
@settings(max_examples=200, deadline=None)
def test_any_order_of_operations_leaves_the_books_whole(
    work: list[tuple[str, int, object]],
) -> None:
    db, ledger = new_ledger()
    model = dict.fromkeys(ACCOUNTS, 0)
    posted: dict[str, list[Leg]] = {}
    undone: set[str] = set()
    for kind, number, what in work:
        key = f"k{number}"
        if kind == "undo":
            expected = key in posted and key not in undone
            assert ledger.undo(key, f"undo:{key}", DAY, NOW) is expected
            if expected:
                undone.add(key)
                for leg in posted[key]:
                    model[leg.account] -= leg.minor
            continue
        asked = [Leg("a", -what), Leg("b", what)] if isinstance(what, int) else what
        assert isinstance(asked, list)
        yuan = sum(leg.minor for leg in asked if leg.account != "usd")
        dollars = sum(leg.minor for leg in asked if leg.account == "usd")
        if len(asked) >= 2 and not yuan and not dollars and key not in posted:
            ledger.post(key, "test", asked, DAY, NOW)
            posted[key] = asked
            for leg in asked:
                model[leg.account] += leg.minor
        else:
            with pytest.raises(LedgerError):
                ledger.post(key, "test", asked, DAY, NOW)
    assert {name: ledger.balance(name).minor for name in ACCOUNTS} == model
    assert findings(db) == []
    db.close()


def test_a_reversal_is_posted_once() -> None:
    _, ledger = new_ledger()
    ledger.post("k", "test", [Leg("a", -5), Leg("b", 5)], DAY, NOW)
    assert ledger.undo("k", "undo:k", DAY, NOW)
    assert not ledger.undo("k", "undo:k", DAY, NOW)
    assert ledger.balance("a").minor == 0


@pytest.mark.parametrize("table", ["posting", "leg"])
def test_postings_are_never_changed_or_deleted(table: str) -> None:
    db, ledger = new_ledger()
    ledger.post("k", "test", [Leg("a", -5), Leg("b", 5)], DAY, NOW)
    with pytest.raises(sqlite3.IntegrityError, match="kept"):
        db.execute(f"DELETE FROM {table}")
    column = "minor" if table == "leg" else "kind"
    with pytest.raises(sqlite3.IntegrityError, match="kept"):
        db.execute(f"UPDATE {table} SET {column} = 7")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE leg SET minor = 6 WHERE account = 'b'",
        "UPDATE leg SET balance = 6 WHERE account = 'b'",
        "DELETE FROM leg WHERE account = 'b'",
        "UPDATE leg SET ordinal = 9 WHERE account = 'b'",
    ],
)
def test_the_check_finds_every_kind_of_damage(damage: str) -> None:
    db, ledger = new_ledger()
    ledger.post("k", "test", [Leg("a", -5), Leg("b", 5)], DAY, NOW)
    assert findings(db) == []
    for name in ("leg_kept", "leg_stays"):
        db.execute(f"DROP TRIGGER {name}")
    db.execute(damage)
    assert findings(db) != []


def post_then_fail(ledger: Ledger) -> None:
    ledger.post("k", "test", [Leg("a", -5), Leg("b", 5)], DAY, NOW)
    ledger.balance("nobody")


def test_what_is_raised_in_a_transaction_undoes_it(tmp_path: Path) -> None:
    db, ledger = new_ledger(tmp_path / "l.sqlite3")
    for _ in range(2):
        with pytest.raises(LedgerError, match="no account"), transaction(db):
            post_then_fail(ledger)
    assert ledger.balance("b").minor == 0
    reader = connect_read_only(tmp_path / "l.sqlite3")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM ledger_account")
