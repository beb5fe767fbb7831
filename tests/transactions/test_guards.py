"""What makes two requests the same to a person (rule 13), for the money services as shipped."""

from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest

from support.ledger_world import CARDS
from support.limited import LIMITED
from support.transactions_journal import PlainVault
from transactions.contract import ContractError, load_contracts
from transactions.guard import guard_key, holds
from transactions.inputs import canonical
from transactions.journal import GuardKey, Hold
from transactions.money import Money
from transactions.outcome import Value, Values

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "services.yaml"
CONTRACTS = load_contracts(SHIPPED)
VAULT = PlainVault()
MONEY = [service for service in CONTRACTS.services.values() if service.effect == "money"]
SAMPLES: dict[str, Value] = {
    "money": Money.parse("100.00"),
    "digits": "0003",
    "word": "m3",
    "rate": Decimal("7.10"),
}


def key_of(name: str, **other: Value) -> GuardKey:
    """The key of a service whose every term is the sample of its kind, but for `other`."""
    service = CONTRACTS[name]
    quote = CONTRACTS[str(service.quoted_by)]
    kinds = {**quote.inputs, **quote.outputs, "company": "digits"}
    terms: Values = {
        term: SAMPLES.get(kinds[term], CARDS[0 if term == service.customer else 1])
        for term in service.guard
    }
    key = guard_key(service, {**terms, **other}, VAULT)
    assert key is not None
    return key


def test_no_two_money_services_are_the_same_to_a_person() -> None:
    assert len(MONEY) == 16
    for one, two in combinations(MONEY, 2):
        assert key_of(one.name) != key_of(two.name), (one.name, two.name)


def test_a_transfer_is_known_by_its_two_cards_alone() -> None:
    key = key_of("transfer.card_to_card")
    assert (key.payer, key.payee) == (VAULT.token(CARDS[0]), VAULT.token(CARDS[1]))


def test_an_order_at_another_rate_is_the_same_order() -> None:
    assert key_of("fx.order", limit=Decimal(710)) == key_of("fx.order", limit=Decimal("705.5"))
    assert key_of("fx.order", to="usd") != key_of("fx.order")


@pytest.mark.parametrize(
    ("one", "two"), [("710", "710.0"), ("7.10", "7.1"), ("0.00", "0"), ("7100", "7.1E+3")]
)
def test_a_rate_keyed_in_two_ways_is_one_rate(one: str, two: str) -> None:
    assert canonical(Decimal(one), VAULT) == canonical(Decimal(two), VAULT)


def test_what_leaves_the_customer_is_limited_and_his_own_is_not() -> None:
    limited = {service.name: service.limits for service in MONEY if service.limits}
    assert limited == {
        "transfer.card_to_card": ("transfer_daily", "payee_daily"),
        "bill.pay": ("bill_daily",),
        "corp.pay": ("corporate_daily",),
    }
    ceiling, amount = Money.parse("20000.00"), Money.parse("100.00")
    terms: Values = {"card": CARDS[0], "biller": "water", "number": "4417", "amount": amount}
    (hold,) = holds(CONTRACTS["bill.pay"], terms, "token", {"bill_daily": ceiling}, VAULT)
    assert (hold.limit, hold.customer) == ("bill_daily", "token")
    assert (hold.amount, hold.ceiling) == (amount, ceiling)
    assert (hold.owner, hold.payee) == ("token", "")


def test_a_limit_of_a_payee_is_counted_by_payer_and_payee_and_that_of_a_company_by_it() -> None:
    ceilings = dict.fromkeys(LIMITED, Money.parse("50000.00"))
    service, amount = CONTRACTS["transfer.card_to_card"], Money.parse("100.00")

    def told(payer: int, payee: int) -> list[Hold]:
        terms: Values = {"from": CARDS[payer], "to": CARDS[payee], "amount": amount}
        return list(holds(service, terms, VAULT.token(CARDS[payer]), ceilings, VAULT))

    whole, first = told(0, 1)
    assert (whole.customer, whole.owner, whole.payee) == (*[VAULT.token(CARDS[0])] * 2, "")
    assert (first.owner, first.payee) == (VAULT.token(CARDS[0]), VAULT.token(CARDS[1]))
    every = {told(payer, payee)[1].customer for payer in range(3) for payee in range(3, 6)}
    assert len({*every, first.customer}) == 10
    assert all(len(key) == 64 for key in every)
    terms = {"kind": "remote", "payee_masked": "*三", "amount": amount}
    paid: Values = terms | {"company": "7001"}
    one, other = (
        holds(CONTRACTS["corp.pay"], paid | {"card": card}, VAULT.token(card), ceilings, VAULT)[0]
        for card in CARDS[:2]
    )
    assert one == other
    assert (one.owner, one.payee) == ("", "")


def test_a_money_service_says_its_limits_even_where_there_are_none(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert text.count("    limits: [bill_daily]\n") == 1
    file = tmp_path / SHIPPED.name
    file.write_text(text.replace("    limits: [bill_daily]\n", ""), encoding="utf-8")
    with pytest.raises(ContractError, match=r"bill\.pay: needs `limits`"):
        load_contracts(file)
