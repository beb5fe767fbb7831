"""Every row of docs/features.md: its keys, pressed at a running host, and its path test."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from core_adapters.corehost.seed import SeedCard
from support.corehost_process import CoreHostProcess
from support.menu_keys import AS_GOOD, DONE, QUOTES, complaint, typed
from support.menu_people import SPENT, People, done_before, family_of, payee_of
from support.quiet_line import Call, House
from telebank.flow.playbook import Answers, Hears, PathTest, load_playbook

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "features.md"
WANTED: Mapping[str, Collection[int]] = {
    "I": (*range(1, 6), 10, 11),
    "Q": range(1, 9),
    "X": range(1, 16),
    "B": range(1, 11),
    "N": range(1, 9),
    "L": range(1, 7),
    "G": range(1, 6),
    "F": range(1, 14),
    "S": range(1, 7),
    "K": range(1, 6),
    "C": range(1, 4),
    "V": range(1, 2),
    "E": range(2, 11),
    "BT": (1, 2, 4, 5, 6, 7, 8, 11, 19, 20, 21, 22),
}
"""The rows that there must be; the other numbers of these groups are not had by keys."""
UNNUMBERED = "–"
LANGUAGES = {"1": "zh", "2": "en"}


@dataclass(frozen=True)
class Row:
    """One row of the page."""

    number: str
    keys: tuple[str, ...]
    service: str
    constants: Mapping[str, str]
    exit: str
    """What its path test answers, where that is no approval."""
    book: str
    test: str


def read_page() -> list[Row]:
    """The rows of all groups."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    groups = (*WANTED, UNNUMBERED)
    return [_row(one) for one in cells if len(one) == 6 and one[0].partition("-")[0] in groups]


def _row(cells: list[str]) -> Row:
    number, _, _, keys, what, test = cells
    service, *constants = what.strip("`").split(" ")
    book, _, name = test.partition(": ")
    known = dict(one.split("=") for one in constants)
    exit_ = known.pop("exit", "")
    return Row(number, tuple(keys.replace("`", "").split()), service, known, exit_, book, name)


ROWS = read_page()
NAMES = [f"{row.number} {row.service}" for row in ROWS]


def test_every_row_of_every_group_is_on_the_page() -> None:
    wanted = {f"{group}-{number:02d}" for group, numbers in WANTED.items() for number in numbers}
    assert {row.number for row in ROWS} - {UNNUMBERED} == wanted


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_a_row_has_a_path_test_that_has_its_service(row: Row) -> None:
    book = load_playbook(ROOT / "tests" / "playbooks" / f"{row.book}.yaml")
    (test,) = [test for test in book if test.name == row.test]
    assert _has(test, row)


def _has(test: PathTest, row: Row) -> bool:
    """Tell whether a path test gets what a row is about, with the row's constants."""
    if row.service[0] in QUOTES:
        heard = [step.prompts for step in test.steps if isinstance(step, Hears)]
        return any(row.service.strip(QUOTES) in prompts for prompts in heard)
    answers = [step for step in test.steps if isinstance(step, Answers)]
    asked = {item for step in answers for item in step.inputs.items()}
    exits = {row.exit} if row.exit else {*DONE, *AS_GOOD.get(row.service, ())}
    got = any(step.service == row.service and step.exit in exits for step in answers)
    return got and asked >= set(row.constants.items())


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_keys_of_every_row_lead_to_its_service(
    house: House, host: CoreHostProcess, language: str
) -> None:
    wrong: list[str] = []
    people = People(host, language)
    card = 0
    for number, row in enumerate(ROWS):
        # What is cancelled is the order that was just placed.
        card = card if row.service == "fx.cancel" else (2 * number + int(language)) % SPENT
        one = people.caller(row.keys, card)
        for _ in range(people.calls_before(row.keys, one)):
            family = family_of(row.keys)
            assert family is not None
            await press(house, people, family.before, one, row)
        call = await press(house, people, row.keys, one, row)
        fine = [(row.service, exit_) for exit_ in AS_GOOD.get(row.service, ())]
        said = complaint(row.service, call, fine, done_before(row.keys))
        wrong += [f"{row.number} {row.service}: {said}"] if said else []
        assert call.session.language == LANGUAGES[language]
    assert not wrong, "\n".join(wrong)
    assert host.findings() == []


async def press(house: House, people: People, keys: Sequence[str], one: SeedCard, row: Row) -> Call:
    """A call of a customer who presses these keys after his language."""
    call = house.call()
    payee = payee_of(one, people.host)
    await call.dial([people.language, *typed(keys, row.service, row.constants, one, payee)])
    await call.hang_up()
    return call
