"""Amounts of several currencies in one message: sent by word or whole, read with their own."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from core_adapters.iso8583.build import Builder, Stamp
from core_adapters.iso8583.checks import check_services
from core_adapters.iso8583.errors import EncodeError
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile_load import load_profile
from core_adapters.iso8583.replies import judge
from core_adapters.iso8583.values import full_money, money_of
from core_adapters.profiles.errors import ProfileError
from core_adapters.terms import optional_terms
from support.iso8583_kit import CARD, MODULE, NAMES, TB87, codec, contracts, tb87
from transactions.money import Money
from transactions.outcome import Approved, Outcome, Unknown, Value
from transactions.request import Request


def built(service: str, inputs: Mapping[str, Value]) -> Message:
    options = Iso8583Options()
    optional = optional_terms(contracts())
    builder = Builder(codec(), options, MODULE, NAMES.pin, None, optional=optional)
    request = Request("r1", service, 1, inputs, "customer")
    stamp = Stamp.fresh("000001", datetime(2026, 11, 22, tzinfo=UTC), options, "1")
    return builder.request(tb87().services[service], request, stamp, "0200")


def judged(service: str, parts: Mapping[str, str], unit: str, answered: str = "") -> Outcome:
    """`unit` is field 49 of the request, `answered` that of the reply."""
    fields = {39: "00", 48: codec().join(48, parts), 61: codec().join(61, {"quote": "Q1"})}
    reply = Message("0210", fields | ({49: answered} if answered else {}))
    return judge(codec(), tb87().services[service], contracts()[service], unit, reply).outcome


# -- sent ----------------------------------------------------------------------------------------


def test_a_currency_goes_by_its_words_number() -> None:
    message = built("fx.merge_quote", {"card": CARD, "unit": "jpy"})
    assert (message.fields[49], message.fields[48]) == ("392", "40003jpy")


@pytest.mark.parametrize("word", ["yen", "JPY ", ""])
def test_a_word_that_is_no_currency_is_not_sent(word: str) -> None:
    with pytest.raises(EncodeError, match="word of a currency"):
        built("fx.merge_quote", {"card": CARD, "unit": word})


def test_what_is_bought_goes_with_its_currency() -> None:
    terms: dict[str, Value] = {
        "card": CARD,
        "from": "usd",
        "to": "jpy",
        "amount": Money.parse("12.50", "USD"),
        "gets": Money.parse("1880", "JPY"),
        "rate": Decimal("15045"),
        "fee": Money.parse("0", "USD"),
        "quote": "Q1",
    }
    message = built("fx.deal", terms)
    assert (message.fields[4], message.fields[49]) == ("000000001250", "840")
    assert message.fields[48] == "30003usd31003jpy37016392C000000001880"


def test_an_order_has_one_side_or_two() -> None:
    terms: dict[str, Value] = {
        "card": CARD,
        "from": "usd",
        "to": "cny",
        "amount": Money.parse("100", "USD"),
        "limit": Decimal("720.55"),
        "days": "3",
    }
    one = built("fx.order_quote", terms).fields[48]
    assert one == "30003usd31003cny32006272055340013"
    two = built("fx.order_quote", {**terms, "other": Decimal("700")}).fields[48]
    assert two == "30003usd31003cny32006272055330040700340013"


DEAL: dict[str, Value] = {
    "card": CARD,
    "from": "usd",
    "to": "jpy",
    "amount": Money.parse("12.50", "USD"),
    "gets": Money.parse("1880", "JPY"),
    "rate": Decimal("15045"),
    "fee": Money.parse("0", "USD"),
    "quote": "Q1",
}
DRAW: dict[str, Value] = {
    "card": CARD,
    "sub": "0001",
    "amount": Money.parse("100"),
    "interest": Money.parse("7"),
    "fee": Money.parse("0"),
    "quote": "Q1",
}


@pytest.mark.parametrize(
    ("service", "terms", "path", "said"),
    [
        ("fx.deal", {**DEAL, "fee": Money.parse("5", "CNY")}, "28", "another currency"),
        ("fx.deal", {**DEAL, "fee": Money.parse("-5", "USD")}, "28", "never negative"),
        ("deposit.draw", {**DRAW, "interest": Money.parse("7", "USD")}, "48", "another currency"),
        ("deposit.draw", {**DRAW, "interest": Money.parse("-7")}, "48", "never negative"),
        ("deposit.draw_quote", {**DRAW, "part": Money.parse("1", "USD")}, "4", "another currency"),
    ],
)
def test_money_in_another_currency_than_the_message_is_not_sent(
    service: str, terms: Mapping[str, Value], path: str, said: str
) -> None:
    with pytest.raises(EncodeError, match=rf"{path}.*{said}"):
        built(service, terms)


def test_the_same_terms_in_one_currency_go() -> None:
    assert built("fx.deal", {**DEAL, "fee": Money.parse("5", "USD")}).fields[28] == "D00000500"
    assert built("deposit.draw", DRAW).fields[48] == "180040001" + "22003700"


# -- read ----------------------------------------------------------------------------------------


def test_an_exchange_is_read_in_both_currencies() -> None:
    parts = {"gets": "392C000000001880", "rate": "015045", "fee": "25", "until": "093012"}
    outcome = judged("fx.quote", parts, "840")
    assert isinstance(outcome, Approved)
    assert outcome.data == {
        "gets": Money.parse("1880", "JPY"),
        "rate": Decimal("15045"),
        "fee": Money.parse("0.25", "USD"),
        "until": time(9, 30, 12),
        "quote": "Q1",
    }


def test_where_the_request_has_no_currency_the_reply_has_it() -> None:
    outcome = judged("fx.cancel_quote", {"principal": "12500", "fee": "0"}, "", "978")
    assert isinstance(outcome, Approved)
    assert outcome.data["amount"] == Money.parse("125.00", "EUR")
    whole = judged(
        "fx.cancel_quote", {"principal": "978C000000012500", "fee": "978C" + "0" * 12}, ""
    )
    assert isinstance(whole, Approved)
    assert whole.data == outcome.data


@pytest.mark.parametrize("amount", ["12500", "999C000000012500", "978X000000012500", "978C1"])
def test_an_amount_of_no_currency_is_none(amount: str) -> None:
    outcome = judged("fx.cancel_quote", {"principal": amount, "fee": "978C" + "0" * 12}, "")
    assert outcome == Unknown("incomplete")


GETS = "392C000000001880"
RATED = {"rate": "015045", "until": "093012"}


@pytest.mark.parametrize(
    ("service", "parts", "unit", "answered"),
    [
        ("fx.quote", {**RATED, "gets": GETS, "fee": "156C000000000500"}, "840", "840"),
        ("fx.quote", {**RATED, "gets": GETS, "fee": "C00000500"}, "840", ""),
        ("fx.quote", {**RATED, "gets": "1880", "fee": "0"}, "840", ""),
        ("fx.quote", {**RATED, "gets": GETS, "fee": "0"}, "840", "978"),
        ("fx.quote", {**RATED, "gets": GETS, "fee": "0", "rate": "0"}, "840", ""),
        ("fx.cancel_quote", {"principal": "1" + "0" * 12, "fee": "0"}, "", "978"),
        ("fx.cancel_quote", {"principal": "100", "fee": "D" + "0" * 13}, "", "978"),
        (
            "deposit.draw_quote",
            {"principal": "840C000000012500", "interest": "0", "fee": "0"},
            "156",
            "",
        ),
    ],
)
def test_what_is_not_in_the_messages_currency_is_not_believed(
    service: str, parts: Mapping[str, str], unit: str, answered: str
) -> None:
    assert judged(service, parts, unit, answered) == Unknown("incomplete")


def test_a_fee_may_be_written_as_a_debit() -> None:
    outcome = judged("fx.cancel_quote", {"principal": "12500", "fee": "D00000200"}, "", "978")
    assert isinstance(outcome, Approved)
    assert outcome.data["fee"] == Money.parse("2.00", "EUR")


@pytest.mark.parametrize("amount", ["0 CNY", "-0.01 USD", "9999999999.99 EUR", "-7 JPY"])
def test_whole_money_is_read_as_it_was_written(amount: str) -> None:
    number, _, code = amount.partition(" ")
    money = Money.parse(number, code)
    assert money_of(full_money(money)) == money


def test_a_day_or_a_time_ends_a_quote() -> None:
    outcome = judged("fx.order_quote", {"fee": "0", "until": "20261125"}, "840")
    assert isinstance(outcome, Approved)
    assert outcome.data["ends"] == date(2026, 11, 25)


# -- profiles ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{49: $card.currency}", r"\$card is card_no, `.currency` is of money or word"),
        ("{48: {unit: $unit.full}}", r"\$unit is word, `.full` is of money"),
    ],
)
def test_a_part_that_an_input_does_not_have(tmp_path: Path, template: str, said: str) -> None:
    path = tmp_path / "ourbank.yaml"
    head = "schema: 1\nextends: tb87\nprofile: ourbank\nversion: 1\n"
    path.write_text(f"{head}services: {{fx.merge_quote: {{request: {template}}}}}\n")
    profile = load_profile(path, TB87.parent)
    with pytest.raises(ProfileError, match=said):
        check_services(profile, contracts())


def test_only_money_is_full(tmp_path: Path) -> None:
    path = tmp_path / "ourbank.yaml"
    head = "schema: 1\nextends: tb87\nprofile: ourbank\nversion: 1\n"
    path.write_text(f"{head}services: {{fx.quote: {{reply: {{rate: 48.rate.full}}}}}}\n")
    profile = load_profile(path, TB87.parent)
    with pytest.raises(ProfileError, match=r"reply rate: `.full` is of money"):
        check_services(profile, contracts())


def test_a_part_that_there_is_not(tmp_path: Path) -> None:
    path = tmp_path / "ourbank.yaml"
    rows = "services: {fx.merge_quote: {request: {49: $unit.curency}}}"
    path.write_text(f"schema: 1\nextends: tb87\nprofile: ourbank\nversion: 1\n{rows}\n")
    with pytest.raises(ProfileError, match=r"use \$name, \$name.currency or \$name.full"):
        load_profile(path, TB87.parent)
