"""Every row of groups Q, X, B and N by a real call in both languages: what is heard is what the
host's books say, word for word, and what is ordered is in journal and ledger."""

import asyncio

import pytest

from support.money_stage import Stage
from support.service_bills import B
from support.service_calls import Visit, check, open_branch, visits
from support.service_information import N
from support.service_keys import known_routes
from support.service_table import Q, X

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]

BANK = "services"
SAMPLE = frozenset(
    {
        "Q-04-zh",
        "Q-06-en",
        "X-03-zh",
        "X-10-en",
        "B-05-zh",
        "B-01-en",
        "N-07-branches-zh",
        "N-08-en",
    }
)
"""The calls of `make test`: of each group some, of each language half."""


def _params() -> list[object]:
    known_routes()  # now, and not while phones wait for it
    return [
        pytest.param(one, id=str(one), marks=() if str(one) in SAMPLE else (pytest.mark.long,))
        for one in visits((*Q, *X, *B, *N), BANK)
    ]


@pytest.mark.parametrize("scene", _params())
async def test_a_row_of_the_inventory(stage: Stage, scene: Visit) -> None:
    outcome = await stage.of(scene)
    # In a thread: phones of other scenes ring on this loop.
    await asyncio.to_thread(check, await open_branch(stage, BANK), scene, outcome)


async def test_the_books_are_in_order(stage: Stage) -> None:
    await stage.all_over()
    day = await open_branch(stage, BANK)
    assert day.bank.host.findings() == []
    assert [row.id for row in day.journal.rows() if not row.settled] == []
