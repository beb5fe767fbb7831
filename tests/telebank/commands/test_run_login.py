"""How `telebank run` says by what one logs in."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from telebank.commands.demo_people import FOUNDERS, TELLERS, DemoPerson
from telebank.commands.run_login import CALLED, login_block
from telebank.staff.roles import Role

CODES = ".venv/bin/telebank staff demo --data other[0]"
WEB = "127.0.0.1:8460"
LONGEST = "juniper-juniper-juniper-juniper-9999"
PEOPLE = [
    *(DemoPerson(name, full, role, "amber-basil-1", "SEED") for name, full, role in FOUNDERS),
    *(DemoPerson(name, full, Role.TELLER, LONGEST, "SEED") for name, (full, _) in TELLERS.items()),
]


def printed(people: list[DemoPerson]) -> list[str]:
    """As the banner prints it in a terminal of 80 columns."""
    table = Table.grid(padding=(0, 2))
    for name, text in login_block(people, WEB, CODES):
        table.add_row(name, text)
    out = io.StringIO()
    Console(file=out, width=80, highlight=False, soft_wrap=True).print(table)
    return out.getvalue().splitlines()


def test_one_block_has_address_names_passwords_and_the_way_to_a_code() -> None:
    lines = printed(PEOPLE)
    assert len(lines) == len(login_block(PEOPLE, WEB, CODES)), "no line is wrapped"
    assert "…" not in "".join(lines), "nothing is cut"
    assert f"http://{WEB}/login" in lines[0]
    for one, line in zip(PEOPLE, lines[2:], strict=False):
        assert line.split()[:2] == [one.name, one.password]
        assert CALLED[one.role] in line
    assert "/desk" in lines[2 + len(PEOPLE)]
    assert CODES in lines[3 + len(PEOPLE)], "brackets of a path are no marks"
    assert "SEED" not in "".join(lines)


def test_it_is_aligned_where_chinese_letters_are_two_cells_wide() -> None:
    rows = printed(PEOPLE)[2 : 2 + len(PEOPLE)]
    for words in ([one.password for one in PEOPLE], [CALLED[one.role] for one in PEOPLE]):
        places = {cell_len(row[: row.index(word)]) for row, word in zip(rows, words, strict=True)}
        assert len(places) == 1, rows


@pytest.mark.parametrize("role", Role)
def test_each_role_has_a_name_in_both_languages(role: Role) -> None:
    assert len(CALLED[role].split()) == 2


def test_a_bank_with_people_of_its_own_is_told_nothing() -> None:
    assert login_block([], WEB, CODES) == ()
