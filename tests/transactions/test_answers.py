"""What a host answers is of its kind, and of a quote what can be posted, or it is no answer."""

import asyncio
from datetime import time
from typing import Any

import pytest

from support.ledger_world import CARDS, CONTRACTS, PIN, World
from support.transactions_time import run
from transactions.inputs import answer_complaint
from transactions.money import Money
from transactions.outcome import Approved, Outcome, Values
from transactions.ports import MessageLog
from transactions.request import AuthLevel, Request
from transactions.secret import Secret

NONE = Money.parse("0")
REDEEM: dict[str, Any] = {
    "amount": Money.parse("100"),
    "interest": NONE,
    "fee": NONE,
    "early": "early",
    "quote": "Q1",
}


def wrong(service: str, data: Values) -> str | None:
    money = CONTRACTS.quoted_money(service)
    return answer_complaint(CONTRACTS[service], data, terms_of=money)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("amount", Money.parse("-5"), "no amount that can be posted"),
        ("amount", NONE, "no amount that can be posted"),
        ("interest", Money.parse("-0.01"), "no amount that can be posted"),
        ("fee", Money.parse("-2"), "no amount that can be posted"),
        ("fee", "2.00", "no usable money"),
        ("early", "Early", "no usable word"),
        ("quote", "Q\n1", "no usable text"),
        ("quote", "Q" * 201, "no usable text"),
        ("quote", "", "no usable text"),
    ],
)
def test_terms_that_cannot_be_are_no_answer(name: str, value: Any, said: str) -> None:
    assert wrong("bond.redeem_quote", REDEEM) is None
    assert wrong("bond.redeem_quote", {**REDEEM, name: value}) == f"{name} of the answer is {said}"


def test_what_is_no_term_may_be_a_debit() -> None:
    debt = {"available": Money.parse("-5"), "ledger": NONE}
    assert wrong("card.balance", debt) is None


def test_scalars_of_any_read_are_of_their_kind() -> None:
    said = wrong("card.points", {"points": time(1), "spent": NONE})
    assert said == "points of the answer is no usable number"


def test_an_optional_output_is_checked_where_it_is_there() -> None:
    rows: dict[str, Any] = {"items": ()}
    assert wrong("bond.issues", rows) is None
    assert wrong("bond.issues", {**rows, "cursor": "a\x00"}) == (
        "cursor of the answer is no usable text"
    )


@pytest.mark.parametrize(("fee", "exit_name"), [("0", "ok"), ("-2", "unavailable")])
def test_a_quote_with_a_negative_fee_is_unavailable(fee: str, exit_name: str) -> None:
    async def story() -> None:
        world = World()
        await world.start()
        plain = world.host.execute

        async def execute(request: Request, log: MessageLog) -> Outcome:
            outcome = await plain(request, log)
            if request.service == "transfer.quote" and isinstance(outcome, Approved):
                return Approved({**outcome.data, "fee": Money.parse(fee)})
            return outcome

        world.host.execute = execute  # type: ignore[method-assign, assignment]
        pin: Values = {"card": CARDS[0], "pin": Secret(PIN)}
        await world.processor.submit(Request("p", "pin.verify", 1, pin, "a"))
        inputs: Values = {"from": CARDS[0], "to": CARDS[1], "amount": Money.parse("5")}
        proved: Any = {
            "auth": AuthLevel.PIN,
            "authenticated_token": world.vault.token(CARDS[0]),
        }
        asked = Request("q", "transfer.quote", 1, inputs, "a", **proved)
        assert (await world.processor.submit(asked)).exit == exit_name
        await asyncio.sleep(0)

    run(story())
