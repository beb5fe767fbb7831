"""A card number in a text of the host is masked where the reply is judged."""

from dataclasses import replace

import pytest

from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.replies import judge
from core_adapters.terms import handles
from support.iso8583_kit import codec, contracts
from transactions.contract import Contracts
from transactions.outcome import Approved


@pytest.mark.parametrize(
    ("payee", "kept"),
    [
        ("6227001234567899 ZHANG", "622700******7899 ZHANG"),
        ("ZHANG 6227 0012 3456 7899", "ZHANG 622700******7899"),
        ("6227001234567899", "622700******7899"),
        ("陈*海", "陈*海"),
    ],
)
def test_what_the_host_calls_the_payee_has_no_card_number(payee: str, kept: str) -> None:
    used = codec()
    fields = {
        39: "00",
        48: used.join(48, {"payee_masked": payee, "fee": "200"}),
        61: used.join(61, {"quote": "123456789012", "expiry": "20261122043000"}),
    }
    service = used.profile.services["transfer.quote"]
    contract = contracts()["transfer.quote"]
    known = handles(contract, contracts())
    judged = judge(used, service, contract, "156", Message("0210", fields), known)
    assert isinstance(judged.outcome, Approved)
    assert judged.outcome.data["payee_masked"] == kept
    assert judged.outcome.data["quote"] == "123456789012"


def test_what_the_host_looks_up_again_is_known_by_the_contract_not_by_its_name() -> None:
    every = contracts()
    assert handles(every["transfer.quote"], every) == {"quote"}
    assert handles(every["card.today"], every) == {"cursor"}
    assert handles(every["card.balance"], every) == set()
    quote, money = every["transfer.quote"], every["transfer.card_to_card"]
    offer = replace(quote, outputs={"fee": "money", "payee_masked": "text", "offer": "text"})
    named = {
        quote.name: offer,
        money.name: replace(money, inputs={"offer": "text"}),
    }
    assert handles(offer, Contracts({**every.services, **named})) == {"offer"}


def test_a_text_that_is_only_called_a_quote_is_masked() -> None:
    used, contract = codec(), contracts()["transfer.quote"]
    fields = {
        39: "00",
        48: used.join(48, {"payee_masked": "*", "fee": "200"}),
        61: used.join(61, {"quote": "6227001234567899"}),
    }
    service = used.profile.services["transfer.quote"]
    judged = judge(used, service, contract, "156", Message("0210", fields), frozenset())
    assert isinstance(judged.outcome, Approved)
    assert judged.outcome.data["quote"] == "622700******7899"
