"""`telebank order`: lists and shows, masked, and changes nothing."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.ledger_world import CARDS
from support.order_house import FIRST, OrderHouse
from telebank.commands.order import command
from transactions.money import Money


@pytest.fixture
async def house(tmp_path: Path) -> OrderHouse:
    """One order that was carried out, one that waits."""
    made = OrderHouse(tmp_path)
    async with made.life() as life:
        await life.order(fee=Money.parse("0.00"))
        await life.order("o2", every="month", first=FIRST.replace(day=2))
        life.host.business_date = FIRST
        await life.look()
    return made


def _run(house: OrderHouse, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, [*words, "--data", str(house.place)])
    return done.exit_code, done.output


async def test_listed_masked(house: OrderHouse) -> None:
    code, text = _run(house, "list", "--json")
    assert code == 0
    second, first = json.loads(text)
    assert (second["number"], second["state"], second["next"]) == (100002, "waiting", "2026-04-02")
    assert (first["state"], first["amount"], first["fee"]) == ("ended", "100.00 CNY", "0.00 CNY")
    code, waiting = _run(house, "list", "--state", "waiting")
    assert "100002" in waiting
    assert "100001" not in waiting
    assert not any(card.digits in text + waiting for card in CARDS)


async def test_shown_with_its_dates_and_requests(house: OrderHouse) -> None:
    code, text = _run(house, "show", "100001", "--json")
    shown = json.loads(text)
    assert code == 0
    assert [(one["due"], one["state"]) for one in shown["dates"]] == [("2026-04-01", "done")]
    assert [one["id"] for one in shown["requests"]] == ["order-100001-20260401"]
    code, text = _run(house, "show", "100001")
    assert "2026-04-01  done" in text


async def test_none_of_that_number_and_no_store(house: OrderHouse, tmp_path: Path) -> None:
    assert _run(house, "show", "7")[0] == 1
    empty = CliRunner().invoke(command, ["list", "--data", str(tmp_path / "none")])
    assert empty.exit_code == 3
