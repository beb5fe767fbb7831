"""Every row of groups L, G, F, S, C and the enquiries of E by a real call in both languages, as
`test_services` has those of the others."""

import asyncio

import pytest

from support.money_stage import Stage
from support.service_calls import Visit, check, open_branch, visits
from support.service_companies import C, S
from support.service_exchange import F
from support.service_keys import known_routes
from support.service_lending import G, L

pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]

BANK = "investments"


def _params() -> list[object]:
    known_routes()  # now, and not while phones wait for it
    return [pytest.param(one, id=str(one)) for one in visits((*L, *G, *F, *S, *C), BANK)]


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
