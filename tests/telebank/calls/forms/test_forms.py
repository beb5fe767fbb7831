"""Every service of the catalogue as a form: which there are, what may be written, what is said."""

import re
from collections import Counter
from decimal import Decimal

import pytest

from support.calls_house import CARD, shipped
from support.form_counter import PAYEE, edition
from telebank.calls.forms.endings import general
from telebank.calls.forms.filling import fill
from telebank.calls.forms.labels import NAMES, OF_SERVICE, SERVICES
from telebank.calls.forms.making import by_business, forms_of, why_not
from telebank.calls.forms.menus import Menus
from telebank.calls.forms.model import Field, Form
from telebank.calls.forms.words import aloud, ending, lines_of
from transactions.card import CardNumber
from transactions.money import Money
from transactions.request import AuthLevel

FORMS = forms_of(shipped())
CONTRACTS = shipped().contracts
GOOD = {
    "card_no": PAYEE,
    "money": "100.00",
    "digits": "12345678901234567890",
    "number": "7",
    "rate": "7.1234",
    "date": "2026-03-31",
    "time": "09:30",
    "text": "text",
}


def written(form: Form, **changed: str) -> dict[str, str]:
    """Every field of a form, filled in well."""
    return {field.name: good(field) for field in form.fields} | changed


def good(field: Field) -> str:
    if field.choices:
        return field.choices[0].code
    return "usd" if field.kind == "word" else GOOD[field.kind][: field.longest]


def test_each_service_has_a_form_or_a_reason_for_having_none() -> None:
    reasons = {name: why_not(one, CONTRACTS) for name, one in CONTRACTS.services.items()}
    assert {name for name, why in reasons.items() if why is None} == set(FORMS)
    assert Counter(filter(None, reasons.values())) == {
        "inside": 27,
        "secret": 8,
        "people": 6,
        "node": 3,
        "channel": 2,
        "journal": 1,
    }
    for name, why in reasons.items():
        if why == "secret":
            code = CONTRACTS[name].auth is AuthLevel.CODE  # he keys it just before
            assert "secret" in CONTRACTS[name].inputs.values() or code
    money = {name for name, one in CONTRACTS.services.items() if one.effect == "money"}
    assert money - set(FORMS) == {"corp.pay"}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_form_has_words_limits_and_the_pin_where_it_moves_something(form: Form) -> None:
    service = CONTRACTS[form.service]
    assert form.service in SERVICES
    asked = CONTRACTS[form.asks]
    names = {field.name for field in form.fields}
    own = {asked.customer, "cursor", *form.looks}
    assert names | own >= set(asked.inputs) - asked.optional
    assert not names & own
    assert form.pin == (form.effect != "read" and service.auth.value != "none")
    assert form.effect != "money" or form.pin
    assert set(service.must_read_back) - {form.customer} <= {*form.reads, "card"}
    for field in form.fields:
        assert field.name in NAMES or f"{form.service} {field.name}" in OF_SERVICE
        assert field.label.zh != field.label.en
        assert field.kind != "secret"
        assert field.kind != "money" or field.currency or field.currency_of in names
        assert field.kind != "word" or field.choices
    for name in (*service.outputs, *form.reads):
        assert name in NAMES or f"{form.service} {name}" in OF_SERVICE or name == "cursor", name


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_is_filled_in_well_is_taken_and_each_limit_holds(form: Form) -> None:
    own = CardNumber(CARD)
    filled = fill(form, written(form), own)
    assert filled.wrong == {}
    asked = CONTRACTS[form.asks]
    assert set(filled.inputs) == set(asked.inputs) - {"cursor", "fee", *form.looks} or form.looks
    for field in form.fields:
        for bad in _bad(field):
            again = fill(form, written(form, **{field.name: bad}), own)
            assert set(again.wrong) >= {field.name}, (field.name, bad)
            assert len(bad) < 4 or bad not in repr(again.wrong)
        empty = fill(form, written(form, **{field.name: " "}), own)
        assert (field.name in empty.wrong) != (field.optional or field.own), field.name


def _bad(field: Field) -> list[str]:
    """What is just past a field's limits, or no value of its kind."""
    past = "8" * (field.longest + 1)
    most = [] if not field.most else [str(Decimal(field.most) + Decimal("0.01"))]
    pointed = [*most, "0", "-7.5", "seventy", "1e2", "1.23456789"]
    bad = {
        "card_no": [PAYEE[:-1] + "0", "6" * (field.shortest - 1), past],
        "money": pointed,
        "rate": pointed,
        "digits": [past, "八十八", "12-34"],
        "number": ["seven", "7.5", past],
        "word": ["no_such_code", "Drop Table"],
        "date": ["2026-02-30", "31.3.2026"],
    }
    return bad[field.kind]


def test_a_card_may_have_blanks_and_an_amount_commas_and_who_is_proved_needs_no_number() -> None:
    own = CardNumber(CARD)
    transfer = FORMS["transfer.card_to_card"]
    typed = fill(transfer, {"to": "6227 0000-0100 0029", "amount": " 1,234.50 "}, own)
    assert typed.inputs == {
        "to": CardNumber(PAYEE),
        "amount": Money.parse("1234.50"),
        "from": own,
    }
    loss = FORMS["card.report_loss"]
    assert fill(loss, {"identity": "123x"}, own).inputs == {"card": own, "identity": "123X"}
    assert set(fill(loss, {"identity": "1234"}, None).wrong) == {"card"}
    assert set(fill(transfer, {"to": PAYEE, "amount": "1", "pin": "135246"}, own).wrong) == {"pin"}
    deal = FORMS["fx.deal"]
    yen = fill(deal, {"from": "jpy", "to": "cny", "amount": "5000"}, own)
    assert yen.inputs["amount"] == Money.parse("5000", "JPY")
    assert set(fill(deal, {"from": "jpy", "to": "cny", "amount": "1.5"}, own).wrong) == {"amount"}


def test_limits_are_those_of_the_telephone() -> None:
    fields = {field.name: field for field in FORMS["transfer.card_to_card"].fields}
    assert (fields["to"].shortest, fields["to"].longest, fields["to"].luhn) == (16, 19, True)
    amount = fields["amount"]
    assert (amount.least, amount.most, amount.currency) == ("0.01", "50000.00", "CNY")
    (biller, number, month) = FORMS["bill.pay"].fields
    assert {choice.code: choice.en for choice in biller.choices}["water"] == "water"
    assert (number.shortest, number.longest, month.optional) == (4, 20, True)


def test_the_right_form_for_the_business_of_the_menus() -> None:
    right = by_business(shipped(), FORMS)
    assert {
        name: right[name] for name in ("transfer", "bill", "bills", "report_loss", "balance")
    } == {
        "transfer": "transfer.card_to_card",
        "bill": "bill.pay",
        "bills": "bill.pay",
        "report_loss": "card.report_loss",
        "balance": "card.balance",
    }
    assert right["recent"] == "card.recent"
    assert right["order_place"] == "order.make"
    assert set(right.values()) <= set(FORMS)


def test_a_read_back_says_every_term_in_both_languages_and_no_whole_card() -> None:
    form = FORMS["bill.pay"]
    terms = {
        "biller": "water",
        "number": "20260001",
        "amount": Money.parse("1234.50"),
        "fee": Money.parse("0"),
        "card": CardNumber(CARD),
        "quote": "Q1",
    }
    lines = lines_of(shipped(), form, form.reads, terms)
    assert [line.name for line in lines] == ["biller", "number", "amount", "fee"]
    words = aloud(form, lines)
    assert words.en == (
        "Pay a bill: biller water, customer number 20260001, amount 1,234.50 yuan, "
        "fee 0.00 yuan. Is that right?"
    )
    assert re.search("缴费：收费单位 水费?.*1,234.50 元", words.zh)
    loss = FORMS["card.report_loss"]
    (card, _) = lines_of(shipped(), loss, loss.reads, {"card": CardNumber(CARD), "identity": "1"})
    assert CARD not in repr(card)
    assert card.value.en.endswith(CARD[-4:])


def test_endings_are_the_telephones_words_and_every_exit_has_some() -> None:
    menus = Menus(shipped())
    values = {"available": Money.parse("899"), "ref": "012345678901"}
    done = ending(edition(), menus, "transfer.card_to_card", "ok", values)
    assert done.en.startswith("The transfer is done.")
    assert "reference" in done.en
    doubt = ending(edition(), menus, "transfer.card_to_card", "in_doubt", {})
    assert "do not repeat it" in doubt.en
    unknown = general("read", "unavailable")
    for form in FORMS.values():
        for name in {form.service, form.asks}:
            for exit_name in CONTRACTS[name].outcomes:
                said = ending(edition(), menus, name, exit_name, {})
                assert said.zh
                assert said.en
                known = exit_name in ("unavailable", "repeated", "ok")
                assert known or said != unknown, (name, exit_name)
