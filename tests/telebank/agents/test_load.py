"""Queues as data: what the shipped file says, and what a wrong one is told."""

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from telebank.agents.load import QueuesError, load_queues
from telebank.agents.options import CentreOptions, importance, own_seat

SHIPPED = Path(__file__).parents[3] / "config" / "queues.yaml"
QUEUE: dict[str, Any] = {"zh": "综合", "en": "General", "skills": ["general"]}


def read(text: str) -> CentreOptions:
    return load_queues(YAML(typ="safe").load(text))


def of(**more: object) -> CentreOptions:
    return load_queues({"schema": 1, "queues": {"general": {**QUEUE, **more}}})


def test_the_shipped_queues_take_all_that_menus_ask_for() -> None:
    options = read(SHIPPED.read_text(encoding="utf-8"))
    flows = (SHIPPED.parent / "flows").glob("*.yaml")
    asked = {
        skill
        for flow in flows
        for skill in re.findall(r"\bskill: ([a-z_.]+)", flow.read_text(encoding="utf-8"))
    }
    assert asked == {"general", "loss", "difficult"}
    plain = [queue for queue in options.queues if not (queue.level or queue.languages)]
    assert asked <= {skill for queue in plain for skill in queue.skills}
    assert set(options.break_words) == set(options.breaks)
    assert options.break_words["lunch"] == {"zh": "用餐", "en": "Lunch"}


def test_everything_of_a_queue_can_be_written() -> None:
    options = read(
        """
        schema: 1
        seats: 30
        important: {"6225": 5}
        queues:
          night:
            zh: 夜间
            en: Night
            skills: [general]
            most: 5
            rings_s: 12
            overflow: {general: 30}
            hours: {week: {mon: ["20:00-24:00"]}, days: {2026-10-01: []}}
            scoring: {idle: 0, skill: 3}
          general: {zh: 综合, en: General, skills: [general], after: menu}
        """
    )
    night, general = options.queues
    assert (night.name, night.most, night.rings_s) == ("night", 5, 12.0)
    assert night.overflow == (("general", 30.0),)
    assert night.hours.week == {"mon": ("20:00-24:00",)}
    assert night.hours.days == {"2026-10-01": ()}
    assert (night.scoring.idle, night.scoring.skill) == (0, 3)
    assert general.after == "menu"
    assert (options.seats, options.important) == (30, {"6225": 5})


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"ring_s": 5}, "queues.general: unknown key 'ring_s'; did you mean 'rings_s'?"),
        ({"rings_s": 500}, "queues.general: rings_s is 500: give 0.1 to 120"),
        ({"most": "5"}, "queues.general: most: give a whole number, without quotes"),
        ({"after": "menus"}, "queues.general: after is 'menus': give hang_up or menu"),
        ({"overflow": ["x"]}, "queues.general: overflow: give queues and seconds, {general: 30}"),
        ({"overflow": {"x": 1}}, "queues.general: overflow names 'x', which is no other queue"),
        ({"zh": " "}, "queues.general: zh and en are its name for people"),
        ({"scoring": {"idel": 1}}, "queues.general.scoring: unknown key 'idel'; did you mean"),
        ({"scoring": 3}, "queues.general.scoring: give a table, key: value"),
        ({"hours": {"week": {"mo": []}}}, "queues.general: hours.week has 'mo': give mon, tue"),
        ({"hours": {"week": {"mon": ["8-9"]}}}, "queues.general: hours.week.mon has '8-9': write"),
    ],
)
def test_a_wrong_queue_is_told_by_name_and_key(more: dict[str, object], told: str) -> None:
    with pytest.raises(QueuesError) as error:
        of(**more)
    assert str(error.value).startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("queues: {}", "must begin with `schema: 1`"),
        ("- 1", "must begin with `schema: 1`"),
        ("{schema: 1, queue: {}}", "unknown key 'queue'; did you mean 'queues'?"),
        ("{schema: 1, queues: {general: {zh: 综, en: G}}}", "queues.general: skills is missing"),
        ("{schema: 1, queues: {General: {zh: 综, en: G, skills: [a]}}}", "queues.General: name is"),
        ("{schema: 1, queues: [1]}", "queues: give a table, key: value"),
        ("{schema: 1, important: {6225: 3}}", 'important: write the key 6225 in quotes, "6225"'),
        ("{schema: 1, breaks: {tea: {zh: 茶}}}", "breaks.tea: give its name in both"),
        ("{schema: 1, seats: 0}", "seats is 0: give 1 to 1000"),
    ],
)
def test_a_wrong_file_is_told_what_may_stand_there(text: str, told: str) -> None:
    with pytest.raises(QueuesError) as error:
        read(text)
    assert str(error.value).startswith(told)


def test_the_longest_beginning_of_a_card_says_how_important_and_whose_its_customer_is() -> None:
    options = CentreOptions(
        important={"6227": 3, "62270000": 7}, own_seats={"6227": "li", "622700": "wang"}
    )
    assert [importance(options, card) for card in ("62270000", "62271111", "6225", "")] == [
        *(7, 3, 0, 0)
    ]
    assert [own_seat(options, card) for card in ("62270000", "62271111", "6225", "")] == [
        *("wang", "li", "", "")
    ]


@pytest.mark.parametrize("key", ["important", "own_seats"])
@pytest.mark.parametrize("digits", ["", "6227x", "622700000"])
def test_no_more_of_a_card_than_its_first_digits_is_written_in_queues(
    key: str, digits: str
) -> None:
    value = 3 if key == "important" else "li"
    with pytest.raises(ValueError, match="give the first digits of a card, 8 at most"):
        CentreOptions(**{key: {digits: value}})  # type: ignore[arg-type]
