"""The processor's small parts by themselves."""

import asyncio
import json
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.ledger_world import CARDS, CONTRACTS
from support.limited import LIMITED
from support.transactions_journal import PlainVault
from support.transactions_time import run
from transactions.contract import ContractError, Contracts, Kind
from transactions.guard import check_settings, guard_key
from transactions.inputs import KINDS, _content, canonical, content_hash, plain_content_hash
from transactions.lane import Lane
from transactions.money import Money
from transactions.options import ProcessorOptions
from transactions.outcome import Value, Values
from transactions.proposals import refused_terms, terms_hash
from transactions.quotes import QuoteBook
from transactions.secret import Secret

MONEY = CONTRACTS["transfer.card_to_card"]
VAULT = PlainVault()
CEILING = dict.fromkeys(LIMITED, Money.parse("1"))


def test_the_quote_book_is_bounded_and_forgets() -> None:
    book = QuoteBook(limit=3, ttl=10.0)
    for n in range(5):
        book.keep(f"Q{n}", MONEY, {"n": n}, now=float(n), told=False)
    assert len(book) == 3
    assert book.find("Q1", MONEY, 5.0) is None
    found = book.find("Q2", MONEY, 11.9)
    assert found is not None
    assert found.terms == {"n": 2}
    assert book.find("Q2", MONEY, 12.0) is None
    assert book.find("Q4", CONTRACTS["card.balance"], 5.0) is None
    book.keep("Q9", MONEY, {}, now=100.0, told=True)
    assert len(book) == 1


@pytest.mark.parametrize(
    ("name", "value"), [("quotes_max", 0), ("retry_first_s", -1.0), ("retry_factor", 0.5)]
)
def test_settings_out_of_bounds_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        replace(ProcessorOptions(), **{name: value})  # type: ignore[arg-type]


@given(st.integers(min_value=0, max_value=100_000))
def test_waits_grow_to_their_cap(attempts: int) -> None:
    options = ProcessorOptions()
    wait = options.wait_after(attempts)
    assert options.retry_first_s <= wait <= options.wait_after(attempts + 1)
    assert wait <= options.retry_cap_s


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"guard": ("from", "to")}, "exactly one amount"),
        ({"inputs": {"amount": "money"}}, "no input of it"),
        ({"inputs": {"fee": "money"}}, "must be text"),
        ({"limits": ("monthly",)}, "monthly"),
    ],
)
def test_contracts_that_cannot_work_are_named(change: dict[str, object], word: str) -> None:
    broken = replace(MONEY, **change)  # type: ignore[arg-type]
    contracts = Contracts({**CONTRACTS.services, MONEY.name: broken})
    with pytest.raises(ContractError, match=word):
        check_settings(contracts, CEILING)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("card_no", CARDS[0], CARDS[0].digits),
        ("secret", Secret("123456"), "123456"),
        ("secret", Secret("123456"), Secret("")),
        ("money", Money.parse("0.01"), Money.parse("0")),
        ("text", "Q1", "a\x00b"),
        ("text", "王", "x" * 201),
        ("digits", "11010119900307123X", "12 34"),
        ("digits", "1", "١"),
        ("date", date(2026, 2, 28), "2026-02-28"),
        ("time", time(9), 9),
        ("number", 3, True),
        ("rate", Decimal("0.5"), Decimal("NaN")),
    ],
)
def test_each_kind_takes_its_own(kind: Kind, good: Value, bad: Value) -> None:
    assert KINDS[kind](good)
    assert not KINDS[kind](bad)


def test_a_sealed_card_is_the_same_content_as_a_live_one() -> None:
    live: Values = {"card": CARDS[0], "amount": Money.parse("5")}
    sealed: Values = {**live, "card": VAULT.seal(CARDS[0])}
    assert content_hash(MONEY, live, "t", VAULT) == content_hash(MONEY, sealed, "t", VAULT)
    assert content_hash(MONEY, live, "t", VAULT) != content_hash(MONEY, live, "u", VAULT)
    other: Values = {**live, "amount": Money.parse("5", "USD")}
    assert content_hash(MONEY, live, "t", VAULT) != content_hash(MONEY, other, "t", VAULT)
    assert canonical(Secret("918273645091"), VAULT) == ""


def test_no_hash_can_be_guessed_from_what_was_keyed() -> None:
    """Neither of identity digits nor of an account number: both are under the vault's key."""
    inputs: Values = {"card": CARDS[0], "identity": "1234"}
    plain = plain_content_hash(MONEY, inputs, "t", VAULT)
    kept = content_hash(MONEY, inputs, "t", VAULT)
    assert len(plain) == 64
    assert plain not in kept
    assert kept == f"k:{VAULT.digest(_content(MONEY, inputs, 't', VAULT))}"
    money = CONTRACTS["corp.pay"]
    terms: Values = {"to": "88001234", "sub": "0001"}
    said = terms_hash(money, CONTRACTS, terms, VAULT, "f00d" * 16)
    text = json.dumps(["corp.pay", terms], sort_keys=True)
    assert said == f"f00df00df00d:{VAULT.digest(text)[:48]}"
    assert sha256(text.encode()).hexdigest()[:48] not in said


@pytest.mark.parametrize(
    ("kept", "said", "why"),
    [
        ("a:1", "a:1", None),
        ("a:1", "b:1", None),
        (":1", ":1", None),
        ("a:1", "a:2", "different_terms"),
        ("a:1", "b:2", "older_rules"),
        ("1", "a:1", "older_rules"),
        ("1", ":1", "older_rules"),
    ],
)
def test_terms_are_the_same_by_their_digest(kept: str, said: str, why: str | None) -> None:
    assert refused_terms(kept, said) == why


def test_the_guard_takes_payer_payee_and_amount_by_the_contract() -> None:
    terms: Values = {"from": CARDS[0], "to": CARDS[1], "amount": Money.parse("5"), "quote": "Q1"}
    key = guard_key(MONEY, terms, VAULT)
    assert key is not None
    assert (key.payer, key.payee) == (VAULT.token(CARDS[0]), VAULT.token(CARDS[1]))
    assert guard_key(replace(MONEY, guard=()), terms, VAULT) is None


def test_the_lane_gives_places_by_rank_and_gets_them_back() -> None:
    async def story() -> None:
        lane, order = Lane(1), []

        async def row(name: str, rank: int) -> None:
            async with lane.turn(rank):
                order.append(name)
                await asyncio.sleep(1)

        rows = [asyncio.ensure_future(row(f"{rank}{n}", rank)) for n in "ab" for rank in (2, 0, 1)]
        await asyncio.sleep(0.5)
        rows[3].cancel()  # "2b" waits
        rows[1].cancel()  # "0a" has the place
        await asyncio.wait(rows)
        assert order == ["0a", "0b", "1a", "1b", "2a"]

    run(story())
