"""A card number in a text of the host is masked where the reply is judged."""

import pytest

from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.replies import judge
from support.iso8583_kit import codec, contracts
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
    judged = judge(
        used, service, contracts().services["transfer.quote"], "156", Message("0210", fields)
    )
    assert isinstance(judged.outcome, Approved)
    assert judged.outcome.data["payee_masked"] == kept
    assert judged.outcome.data["quote"] == "123456789012"
