"""The things to try in the README: their keys are those of docs/features.md, their cards seeded."""

import re
from pathlib import Path

import pytest

from core_adapters.corehost.seed import DEMO

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("transfer.card_to_card", "pin.change", "corp.propose", "order.make", "hours.state")
WORD = re.compile(r"`([0-9A-Z_]+#?)`")


def rows(file: str) -> list[list[str]]:
    """Cells of the table of things to try."""
    part = re.split(r"(?m)^## (?:Five things to try|五样可以试的)$", (ROOT / file).read_text())[1]
    lines = [line for line in part.split("\n## ")[0].splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ") for line in lines[1:]]


def ways(service: str) -> set[tuple[str, ...]]:
    """Keys by which features.md says that a service is had, entries as `#`."""
    lines = (ROOT / "docs/features.md").read_text().splitlines()
    told = [line.split(" | ")[3] for line in lines if f"`{service}" in line]
    return {_menu_keys(WORD.findall(cell)) for cell in told}


def _menu_keys(words: list[str]) -> tuple[str, ...]:
    return tuple("1" if word == "ROW" else "#" if len(word) > 1 else word for word in words)


def _typed(cell: str) -> list[str]:
    return WORD.findall(re.sub(r"(?:the code|验证码) `#`", "`CODE`", cell))


@pytest.mark.parametrize("file", ["README.md", "README.zh.md"])
def test_keys_and_cards(file: str) -> None:
    table = rows(file)
    assert len(table) == len(SERVICES)
    pins = {who.card: who.pin for who in DEMO}
    for (_, keys, _), service in zip(table, SERVICES, strict=True):
        for call in re.split(r"[;；](?=.*`4`)", keys):
            typed = _typed(call)
            wanted = ways("corp.pay" if "`5` `5`" in call and "`4`" in call else service)
            assert _menu_keys(typed) in wanted, (call, wanted)
            cards = [word.rstrip("#") for word in typed if word.startswith("6227")]
            assert all(card in pins for card in cards)
            assert pins[cards[0]] == typed[2].rstrip("#")
