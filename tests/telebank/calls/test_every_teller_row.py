"""Every row of docs/tellers.md: it is promised once, and its test is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "tellers.md"
NOT_THERE = {"T-29", "T-30", "T-32"}
PROMISED = {
    *(f"T-{number:02}" for number in range(1, 33)),
    *(f"R-{number:02}" for number in range(1, 4)),
    *(f"D-{number:02}" for number in range(1, 15)),
    *(f"A-{number:02}" for number in range(1, 10)),
    *(f"J-{number:02}" for number in range(5, 10)),
    *(f"MN-{number:02}" for number in range(1, 5)),
    *("I-08", "Q-08", "V-02", "BT-03", "BT-09", "BT-10", "BT-12", "BT-13", "BT-18"),
}


def rows() -> list[tuple[str, str]]:
    """Numbers, and what shows them."""
    lines = [line.split(" | ") for line in PAGE.read_text().splitlines()]
    return [
        (cells[0].strip("| "), cells[-1].strip(" |`"))
        for cells in lines
        if re.match(r"\| [A-Z]+-\d", cells[0])
    ]


def test_what_is_promised_has_its_row() -> None:
    numbers = [number for number, _ in rows()]
    assert len(numbers) == len(set(numbers))
    assert set(numbers) == PROMISED - NOT_THERE
    missing = PAGE.read_text().partition("## Not there")[2]
    assert set(re.findall(r"[A-Z]+-\d\d", missing)) == NOT_THERE


@pytest.mark.parametrize(("number", "shown"), rows())
def test_its_test_is_there(number: str, shown: str) -> None:
    file, _, name = shown.partition("::")
    below = ROOT / "tests" if file.startswith("system/") else ROOT / "tests" / "telebank"
    assert name, number
    assert re.search(rf"^(async )?def {name}\(", (below / file).read_text(), re.MULTILINE), shown
