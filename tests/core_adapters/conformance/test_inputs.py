"""What a scenario gives a request, what its customer has, and where the money must have gone."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from core_adapters.conformance.inputs import Asked, NotTried
from core_adapters.conformance.judge import BROKEN, MOVED, STAYED, UNSEEN
from core_adapters.conformance.moved import Held, Move, moved
from core_adapters.conformance.people import Person, load_people
from core_adapters.conformance.preparing import having
from core_adapters.conformance.scenarios import Scenario, load_scenarios
from core_adapters.profiles.errors import ProfileError
from support.conformance_bench import CONTRACTS
from telebank.commands.host.certify_people import demo_people
from transactions.card import CardNumber
from transactions.money import Money, currency
from transactions.outcome import Row, Values

PEOPLE = demo_people()
WHO, TO = PEOPLE.payers[0], PEOPLE.others["payee"]
CNY = currency("CNY")


def asked(service: str, **inputs: str) -> Asked:
    return Asked(Scenario("a", "甲", "a", service, amount="100.00", inputs=inputs), WHO, TO)


def test_what_is_optional_is_given_only_where_the_scenario_says_so() -> None:
    contract = CONTRACTS["deposit.draw_quote"]
    whole = asked(contract.name, sub="0003").inputs(contract)
    assert whole == {"card": WHO.card, "sub": "0003"}
    part = asked(contract.name, sub="0003", part="12.50").inputs(contract)
    assert part["part"] == Money(1250, CNY)
    assert asked("card.recent").inputs(CONTRACTS["card.recent"]) == {"card": WHO.card}


def test_a_payee_is_the_other_card_and_who_proposed_is_a_detail_or_the_scenario_s() -> None:
    assert asked("payee.check").inputs(CONTRACTS["payee.check"]) == {
        "card": WHO.card,
        "payee": TO.card,
    }
    who = PEOPLE.others["approver"]
    plain = Asked(Scenario("a", "甲", "a", "corp.pay"), who, TO)
    assert plain.detail("maker") == who.details["maker"] != who.details["operator"]
    own = Scenario("a", "甲", "a", "corp.pay", inputs={"maker": "@operator"})
    assert Asked(own, who, TO).detail("maker") == who.details["operator"]
    with pytest.raises(NotTried, match="'company'"):
        asked("corp.pay").detail("company")


def test_details_are_the_customers() -> None:
    contract = CONTRACTS["bill.breakdown"]
    words = {"biller": "water", "number": "@water", "month": "@last_month"}
    found = asked(contract.name, **words).inputs(contract)
    assert found["number"] == WHO.details["water"]
    month = found["month"]
    assert isinstance(month, date)
    assert month.day == 1
    stranger = replace(asked(contract.name, **words), who=TO)
    with pytest.raises(NotTried, match="'water'"):
        stranger.inputs(contract)


def test_what_nobody_gives_is_not_tried() -> None:
    contract = CONTRACTS["info.branches"]
    with pytest.raises(NotTried, match=r"'area' \(digits\) of info.branches"):
        asked(contract.name).inputs(contract)


TERMS = {"amount": Money(10_000, CNY), "fee": Money(100, CNY), "interest": Money(305, CNY)}


@pytest.mark.parametrize(
    ("money", "cost", "gain"),
    [("transfer", 10_100, 10_000), ("pay", 10_405, 0), ("draw", -10_205, 0), ("inside", 0, 0)],
)
def test_where_money_goes(money: str, cost: int, gain: int) -> None:
    assert Move.of(money, TERMS, Money(1, CNY)) == Move(cost, gain)


@pytest.mark.parametrize(
    ("after", "word"),
    [
        (Held(1000, 500), STAYED),
        (Held(900, 600), MOVED),
        (Held(900, 500), BROKEN),
        (Held(800, 700), BROKEN),
        (Held(900, None), MOVED),
        (Held(950, None), BROKEN),
        (Held(None, 600), MOVED),
        (Held(None, None), UNSEEN),
    ],
)
def test_money_of_a_transfer(after: Held, word: str) -> None:
    assert moved(Held(1000, 500), after, Move(100, 100)) == word


@pytest.mark.parametrize(
    ("after", "word"),
    [
        (Held(900, 500), MOVED),
        (Held(900, 600), BROKEN),
        (Held(900, None), MOVED),
        (Held(None, 500), UNSEEN),
    ],
)
def test_money_that_no_payee_gets(after: Held, word: str) -> None:
    assert moved(Held(1000, 500), after, Move(100, 0)) == word


def test_details_of_a_file_of_customers(tmp_path: Path) -> None:
    path = tmp_path / "cards.yaml"
    path.write_text(
        f'schema: 1\npayers:\n- {{card: "{WHO.card.digits}", details: {{water: "8800000001"}}}}\n'
        f'payee: {{card: "{TO.card.digits}"}}\n'
    )
    path.chmod(0o600)
    assert load_people(path).payers[0].details == {"water": "8800000001"}


@pytest.mark.parametrize(
    ("row", "said"),
    [("inputs: {area: 880001}", "quote digits"), ("money: gone", "must be one of transfer")],
)
def test_a_wrong_scenario_is_told(tmp_path: Path, row: str, said: str) -> None:
    path = tmp_path / "scenarios.yaml"
    path.write_text(f"schema: 1\nscenarios:\n  a: {{title: {{zh: 甲, en: a}}, {row}}}\n")
    with pytest.raises(ProfileError, match=said):
        load_scenarios(path)


LISTED: Values = {"items": ({"sub": "7001"}, {"sub": "7002"})}
MERGED: Values = {"items": ({"sub": "7001"},)}


@pytest.mark.parametrize(
    ("after", "word"),
    [
        (Held(1000, 500, LISTED), STAYED),
        (Held(1000, 500, MERGED), MOVED),
        (Held(None, None, MERGED), MOVED),
        (Held(999, 500, MERGED), BROKEN),
        (Held(1000, 501, LISTED), BROKEN),
        (Held(1000, None, None), UNSEEN),
    ],
)
def test_what_no_balance_shows_is_seen_in_a_list(after: Held, word: str) -> None:
    move = Move.of("inside", TERMS, Money(1, CNY))
    assert moved(Held(1000, 500, LISTED), after, move) == word


def test_what_is_asked_first_gives_details() -> None:
    who = Person(CardNumber("6227000000000012"), details={"water": "1"})
    rows: tuple[Row, ...] = ({"order": "000007", "n": 1}, {"order": "000006"})
    found = having(who, {"items": rows, "cursor": "5"})
    assert found.details == {"water": "1", "first.order": "000007", "first.cursor": "5"}
    assert having(found, {"ref": "3"}).details["first.order"] == "000007"
