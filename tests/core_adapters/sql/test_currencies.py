"""Money that goes without a currency of its own is in that of the rest, or nothing goes."""

import pytest

from core_adapters.sql.build import Builder, Terms
from core_adapters.sql.options import SqlOptions
from core_adapters.sql.profile_load import load_profile
from core_adapters.sql.session import Job
from core_adapters.sql.values import BuildError
from support.sql_banks import CARDS, PROFILE_FILE
from transactions.money import Money
from transactions.outcome import Value
from transactions.request import Request


def posted(fee: Money) -> Job:
    profile = load_profile(PROFILE_FILE)
    options = SqlOptions(dsn="", dialect="sqlite")
    builder = Builder(profile.dialects["sqlite"], options, None)
    inputs: dict[str, Value] = {
        "quote": "Q1",
        "from": CARDS[0],
        "to": CARDS[1],
        "amount": Money.parse("5"),
        "fee": fee,
    }
    request = Request("r1", "transfer.card_to_card", 1, inputs, "customer")
    row = builder.first_row(request, "000001")
    call = profile.services["transfer.card_to_card"].call
    return builder.job(call, Terms(request, row, inputs=inputs), lambda rows: True)


def test_a_fee_in_the_currency_of_the_amount_goes() -> None:
    assert any(200 in parameters for _, parameters in posted(Money.parse("2")).steps)


@pytest.mark.parametrize(
    ("fee", "unit", "said"),
    [
        ("2", "USD", "fee: in another currency than the rest"),
        ("-2", "CNY", "fee: an amount to send is never negative"),
    ],
)
def test_any_other_fee_does_not(fee: str, unit: str, said: str) -> None:
    with pytest.raises(BuildError, match=said):
        posted(Money.parse(fee, unit))
