"""`telebank order`: lists and shows, masked, and changes nothing."""

import json
import re
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
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


async def test_shown_in_the_forms_of_the_list(house: OrderHouse) -> None:
    shown = {
        name: told
        for line in _run(house, "show", "100002")[1].splitlines()
        for name, told in [line.strip().split("  ", 1)]
    }
    listed = _run(house, "list", "--state", "waiting")[1]
    for name in ("number", "state", "payer", "payee", "amount", "every", "next"):
        assert shown[name] in listed
    assert (shown["fee"], shown["proved by"]) == ("as on the day", "telephone PIN")
    for name in ("made", "changed"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", shown[name])
    assert "fee  0.00 CNY" in _run(house, "show", "100001")[1]


async def test_numbers_are_completed(house: OrderHouse, tmp_path: Path) -> None:
    shell = ShellComplete(command, {}, "order", "_X")

    def found(data: Path, begun: str) -> list[str]:
        words = ["show", "--data", str(data)]
        return [item.value for item in shell.get_completions(words, begun)]

    assert found(house.place, "1") == ["100002", "100001"]
    assert found(house.place, "100001") == ["100001"]
    assert found(tmp_path / "none", "") == []


async def test_none_of_that_number_and_no_store(house: OrderHouse, tmp_path: Path) -> None:
    assert _run(house, "show", "7")[0] == 1
    empty = CliRunner().invoke(command, ["list", "--data", str(tmp_path / "none")])
    assert empty.exit_code == 3
