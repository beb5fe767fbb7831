"""Profiles that cannot stand, statements, kinds of columns, and where a secret may go."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_adapters.hostfile_form import read_form
from core_adapters.profiles.errors import ProfileError
from core_adapters.sql.checks import check_profile
from core_adapters.sql.options import ALWAYS, SqlOptions
from core_adapters.sql.profile import DIALECTS, Column
from core_adapters.sql.profile_load import load_profile
from core_adapters.sql.statements import Source, parse_statement
from core_adapters.sql.stubs import stubs
from core_adapters.sql.values import BuildError, output, parameter
from support.sql_banks import CARDS, CONTRACTS, PROFILE_FILE, Gateway, SqlBank, make, options
from support.transactions_journal import PlainVault
from transactions.contract import Kind
from transactions.money import Money, currency
from transactions.outcome import Approved, Declined, Outcome
from transactions.secret import Secret

TEXT = PROFILE_FILE.read_text(encoding="utf-8")
PIN = "918273645091"


def test_the_shipped_profile_fits_the_shipped_contracts() -> None:
    profile = load_profile(PROFILE_FILE)
    for dialect in profile.dialects:
        check_profile(profile, CONTRACTS, dialect)
    assert read_form(profile.host_file or {}).columns["reference"] == "reference"


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("schema: 1", "schema: 2", "schema: 1"),
        ("kind: sql", "kind: iso8583", "kind"),
        ("currency: CNY", "currency: XXX", "currency"),
        ("test: true", "tset: true", "unknown key 'tset'"),
        ("  sqlite:\n    ping", "  sqlight:\n    ping", "dialects are"),
        ('"57014": {class: unknown', '"57014": {class: perhaps', "class"),
        ('"57014":', '"5701":', "SQLSTATE"),
        ("timeout_s: 15", "timeout_s: 0", "seconds"),
        ("timeout_s: 15", "timeout_s: soon", "seconds"),
        ("balance({card})", "balance(?)", "not ?"),
        ("balance({card})", "balance({ card })", "braces"),
        ("balance({card})", "balance({@card})", "known are"),
        ('"00": {class: success}', '"00": {class: good}', "class"),
        ('"00": {class: success}', "0: {class: success}", "quoted"),
        ('done: ["00"]', 'done: ["NP"]', "twice"),
        ("ref: reference", "ref: Reference!", "column"),
        ("ref: reference", "ref: {rows: {on: on}}", "lists are read from ISO 8583 hosts only"),
        ("host_file:\n  columns:", "hostfile:\n  columns:", "unknown key 'hostfile'"),
        ("host_file:\n", "host_file: some.csv\nfile:\n", "host_file must be a mapping"),
    ],
)
def test_a_profile_that_cannot_stand_says_where_and_why(
    tmp_path: Path, old: str, new: str, word: str
) -> None:
    path = tmp_path / "bad.yaml"
    assert old in TEXT
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProfileError, match=r"bad\.yaml:\d+:\d+: ") as error:
        load_profile(path)
    assert word in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("card.balance:\n    version: 1", "card.balance:\n    version: 2", "version 2"),
        ("card.balance:\n    version", "card.total:\n    version", "no contract"),
        ("      fee: {column: fee, currency: currency}\n", "", "'fee'"),
        ("  card.balance:\n", "  card.today:\n", "gives a list (items)"),
        ("  card.balance:\n", "  ceiling.tell:\n", "no host is asked for it (source own"),
        ("balance({card})", "balance({cart})", "{cart} is no input"),
        ("balance({card})", "balance({secret:card})", "a secret, and nothing else"),
        ("balance({card})", "balance({card.currency})", "no money"),
        ("report_loss({@request_id}, ", "report_loss(", "@request_id"),
        ("status({@request_id})", "status({card})", "only {@word}"),
        (
            "telebank.reverse({@request_id}, {@reason})",
            "telebank.reverse({@reason})",
            "@request_id",
        ),
    ],
)
def test_a_profile_that_does_not_fit_the_contracts(
    tmp_path: Path, old: str, new: str, word: str
) -> None:
    path = tmp_path / "bad.yaml"
    assert old in TEXT
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProfileError) as error:
        check_profile(load_profile(path), CONTRACTS, "postgresql")
    assert word in str(error.value)


def test_a_dialect_that_the_profile_has_not() -> None:
    with pytest.raises(ProfileError, match="it has postgresql, sqlite"):
        check_profile(load_profile(PROFILE_FILE), CONTRACTS, "oracle")


def test_inputs_become_positional_parameters_in_order() -> None:
    found = parse_statement("{CALL move({from}, {amount}, {amount.currency}, {@request_id})}")
    assert found.text == "{CALL move(?, ?, ?, ?)}"
    assert found.sources == (
        Source("from"),
        Source("amount"),
        Source("amount", currency=True),
        Source("request_id", known=True),
    )


@pytest.mark.parametrize(
    ("raw", "kind", "value"),
    [
        (12345, "money", Money.parse("123.45")),
        ("12345", "money", Money.parse("123.45")),
        (Decimal("12345.00"), "money", Money.parse("123.45")),
        (Decimal("123.45"), "money", None),
        (123.0, "money", None),
        (True, "money", None),
        (10**13, "money", None),
        ("0042 ", "digits", "0042"),
        (42, "digits", "42"),
        ("4 2", "digits", None),
        ("salary ", "word", "salary"),
        ("Salary", "word", None),
        (5, "word", None),
        ("*三 ", "text", "*三"),
        (5, "text", None),
        (datetime(2026, 3, 2, 9, 8, 7, 6, tzinfo=UTC), "time", time(9, 8, 7, tzinfo=None)),
        ("2026-03-02T09:08:07.123", "time", time(9, 8, 7)),
        ("090807", "time", time(9, 8, 7)),
        ("soon", "time", None),
        (date(2026, 3, 2), "date", date(2026, 3, 2)),
        ("20260302", "date", date(2026, 3, 2)),
        ("2026-13-02", "date", None),
        ("0.0142857", "rate", Decimal("0.0142857")),
        (0.5, "rate", None),
        ("NaN", "rate", None),
    ],
)
def test_columns_become_outputs_of_their_kind_or_nothing(
    raw: object, kind: Kind, value: object
) -> None:
    found = output({"x": raw}, Column("x"), kind, "CNY")
    assert found == value


@given(st.integers(-(10**12) + 1, 10**12 - 1), st.sampled_from(["CNY", "JPY", "KWD"]))
def test_money_travels_as_minor_units_and_back(minor: int, code: str) -> None:
    money = Money(minor, currency(code))
    assert parameter("amount", money, None) == minor
    for raw in (minor, str(minor), Decimal(minor)):
        row = {"minor": raw, "unit": code}
        assert output(row, Column("minor", "unit"), "money", "EUR") == money


def test_a_sealed_card_needs_the_vault() -> None:
    vault = PlainVault()
    sealed = vault.seal(CARDS[0])
    assert parameter("card", sealed, vault) == CARDS[0].digits
    with pytest.raises(BuildError, match="card"):
        parameter("card", sealed, None)


def test_a_secret_is_no_parameter_without_its_mark() -> None:
    with pytest.raises(BuildError) as error:
        parameter("pin", Secret(PIN), None)
    assert PIN not in str(error.value)


async def test_a_pin_goes_where_the_profile_marks_it_and_nowhere_else(
    postgresql: SqlBank, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The procedure's error quotes the PIN; nothing that we keep or say may."""
    bank = postgresql
    bank.query(
        "CREATE FUNCTION telebank.pin_verify(p_card text, p_pin text) RETURNS TABLE (result text)"
        " LANGUAGE plpgsql AS $$ BEGIN"
        " IF p_pin = '0' THEN RAISE EXCEPTION 'no digits but %', p_card USING ERRCODE = 'TB002';"
        " ELSIF length(p_pin) <> 12 THEN RAISE EXCEPTION 'bad PIN % of %', p_pin, p_card"
        " USING ERRCODE = 'TB003'; END IF;"
        " RETURN QUERY SELECT CASE WHEN p_pin LIKE '9182%' THEN '00' ELSE '55' END; END $$"
    )
    path = tmp_path / "pin.yaml"
    path.write_text(TEXT.replace("telebank.verify_pin(", "telebank.pin_verify("), encoding="utf-8")
    caplog.set_level(logging.DEBUG)
    async with Gateway(bank, options(bank), profile=load_profile(path)) as gateway:

        async def verify(pin: str, name: str) -> Outcome:
            request = make("pin.verify", {"card": CARDS[0], "pin": Secret(pin)}, name)
            return await gateway.ask(request)

        assert isinstance(await verify(PIN, "p1"), Approved)
        assert await verify(PIN[::-1], "p2") == Declined("wrong_pin")
        broken = await verify(PIN + "77", "p3")
    kept = f"{broken} {gateway.alarms} {gateway.books} {gateway.links} {caplog.text}"
    assert "TB003" in kept
    for hidden in (PIN, PIN[::-1], CARDS[0].digits):
        assert hidden not in kept


@pytest.mark.parametrize("dialect", DIALECTS)
def test_stubs_of_every_dialect_say_whether_they_were_tested(dialect: str) -> None:
    text = stubs(dialect)
    top = text.splitlines()[:3]
    assert any("UNTESTED" in line for line in top) == (dialect not in ("postgresql", "sqlite"))
    words = ("status", "reverse", "transfer", "balance", "totals", "quote", "loss")
    assert all(word in text.lower() for word in words)


def test_stubs_of_no_dialect() -> None:
    with pytest.raises(ValueError, match="dialects are"):
        stubs("../options")


def test_options_keep_the_password_in_its_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("se;cr}et\n", encoding="utf-8")
    path.chmod(0o600)
    chosen = SqlOptions(connection="UID=u;PWD={password};", password_file=str(path))
    always = ALWAYS["postgresql"]
    assert chosen.connection_string() == "UID=u;PWD={se;cr}}et};" + always
    other = replace(chosen, dialect="sqlite")
    assert other.connection_string() == "UID=u;PWD={se;cr}}et};"
    source = SqlOptions(dsn="BANK", user="u", password_file=str(path))
    assert source.connection_string() == "DSN=BANK;UID=u;PWD={se;cr}}et};" + always
    assert "PWD" not in repr(chosen)
    path.chmod(0o640)
    with pytest.raises(ValueError, match="chmod 600"):
        chosen.connection_string()


@pytest.mark.parametrize(
    "change",
    [
        lambda: SqlOptions(workers=0),
        lambda: SqlOptions(terminal="TOO LONG A NAME"),
        lambda: SqlOptions(acquirer="x"),
        lambda: SqlOptions(wait_s=0),
        lambda: SqlOptions(hung_max=0),
    ],
)
def test_options_out_of_bounds(change: Callable[[], SqlOptions]) -> None:
    with pytest.raises(ValueError, match=r"workers|terminal|acquirer|above zero|or more"):
        change()


def test_the_longest_code_fits_the_message_row() -> None:
    profile = load_profile(PROFILE_FILE)
    assert max(map(len, profile.codes)) <= 3
