"""Enrolment, cards, cheques, payees, codes, orders and companies' payments by real calls in both
languages: what is heard, what was asked, and what bank and node keep; and what is refused."""

import pytest

from support.money_stage import Stage
from support.service_calls import LANGUAGES
from support.service_customers import STORIES
from support.service_stories import Told, open_bank

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(1200),
]

SAMPLE = frozenset({"BT-05-active-zh", "BT-11-slow-zh", "refused-no_second_factor-zh"})
"""The calls of `make test`."""


def _params() -> list[object]:
    scenes = [
        Told(story, language, number)
        for number, story in enumerate(STORIES)
        for language in LANGUAGES
    ]
    return [
        pytest.param(one, id=str(one), marks=() if str(one) in SAMPLE else (pytest.mark.long,))
        for one in scenes
    ]


@pytest.mark.parametrize("scene", _params())
async def test_a_story_ends_as_it_should(stage: Stage, scene: Told) -> None:
    await stage.of(scene)


@pytest.mark.long
async def test_the_books_are_in_order(stage: Stage) -> None:
    await stage.all_over()
    for name in dict.fromkeys(story.bank for story in STORIES):
        for language in LANGUAGES:
            day = await open_bank(stage, name, language)
            assert day.bank.host.findings() == []
            assert [row.id for row in day.journal.rows() if not row.settled] == []
