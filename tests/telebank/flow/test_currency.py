"""Amounts in the currency that a word says, and rates, on the machine."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from support.flow_bank import LISTS, changed, findings_of
from support.flow_caller import CARD, Caller
from telebank.flow.commands import Record, Submit
from telebank.flow.load import load_release
from telebank.flow.session import Session
from transactions.money import Money

AMOUNT = 'money: {min: "1"'
IN_KIND = 'money: {currency: $kind, min: "1"'


def edit(path: Path, *changes: tuple[str, str]) -> None:
    """Each change's first text is in the file, and becomes its second one."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """The first item is in dollars and the second one in yen."""
    config = changed(tmp_path, "flows/place.yaml", AMOUNT, IN_KIND, LISTS)
    main = config / "flows" / "main.yaml"
    edit(main, ("kind: savings", "kind: usd"), ("{kind: time", "{kind: jpy"))
    return config


@pytest.fixture
def caller(bank: Path) -> Caller:
    """At the front menu."""
    caller = Caller(load_release(bank)).start()
    caller.press(f"{CARD}#")
    return caller


def test_the_amount_is_in_the_currency_of_the_word(caller: Caller) -> None:
    caller.press("212*5#")
    assert caller.of(Submit)[-1].inputs["amount"] == Money.parse("12.50", "USD")


def test_what_has_no_smaller_unit_takes_no_point(caller: Caller) -> None:
    caller.press("312*")
    assert (caller.session.place, caller.heard) == ("place.amount", ["sys.invalid", "place.amount"])
    caller.press("12#")
    assert caller.of(Submit)[-1].inputs["amount"] == Money.parse("12", "JPY")


def test_the_limits_are_in_its_major_units(caller: Caller) -> None:
    caller.press("35001#")
    assert caller.heard == ["sys.invalid", "place.amount"]
    caller.press("5000#")
    assert caller.of(Submit)[-1].inputs["amount"] == Money.parse("5000", "JPY")


def test_an_amount_in_half_is_none(caller: Caller) -> None:
    caller.press("212")
    caller.wait()
    assert caller.heard == ["sys.invalid", "place.amount"]


def test_it_goes_on_after_a_restart(caller: Caller) -> None:
    caller.press("212*")
    data = caller.session.dump()
    caller.session = Session.load(data, caller.release, "c1", caller.options, caller.vault)
    caller.press("5#")
    assert caller.of(Submit)[-1].inputs["amount"] == Money.parse("12.50", "USD")


def test_a_word_that_is_no_currency_asks_for_no_amount(tmp_path: Path) -> None:
    """As a host's list may have one; here, a row's word is kept in `kind`."""
    config = changed(tmp_path, "flows/place.yaml", AMOUNT, IN_KIND, LISTS)
    edit(
        config / "flows" / "main.yaml",
        ("set: {kind: savings, term: }", "set: {term: }"),
        ("set: {kind: time, term: m3}", "set: {kind: jpy, term: m3}"),
        ("pick: {what: what, ", "pick: {what: what, kind: what, "),
        ("say: list.chosen, next: front", "say: list.chosen, next: savings"),
        ('"2": savings, ', ""),
    )
    assert findings_of(config) == []
    caller = Caller(load_release(config)).start()
    caller.press(f"{CARD}#1")
    row = {"on": date(2026, 1, 3), "what": "fee", "amount": Money.parse("1")}
    caller.answer("ok", items=(row,), cursor="c")
    caller.press("1")
    caller.listen()
    assert caller.session.place == "main.front"
    assert "value.missing" in [one.kind for one in caller.of(Record)]


def test_a_rate_is_keyed_with_its_point(tmp_path: Path) -> None:
    config = changed(tmp_path, "services.yaml", "amount: money, term", "limit: rate, term", LISTS)
    edit(config / "services.yaml", ("[kind, amount, fee]", "[kind, limit, fee]"))
    edit(
        config / "flows" / "place.yaml",
        ("amount: money, fee", "limit: rate, fee"),
        ("into: amount, money:", "into: limit, rate:"),
        ("amount: $amount", "limit: $limit"),
        ("reads: [kind, amount, fee]", "reads: [kind, limit, fee]"),
    )
    for language in ("zh", "en"):
        path = config / "prompts" / f"{language}.yaml"
        confirm = path.read_text(encoding="utf-8").partition("place.confirm: ")[2].split("\n")[0]
        edit(path, (confirm, confirm.replace("{amount|money}", "{limit|rate}")))
    assert findings_of(config) == []
    caller = Caller(load_release(config)).start()
    caller.press(f"{CARD}#3716*955#")
    assert caller.of(Submit)[-1].inputs["limit"] == Decimal("716.955")
