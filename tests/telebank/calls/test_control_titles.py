"""What flows, queues and breaks are called: at the control socket, and on a caller's card."""

from collections.abc import Mapping
from pathlib import Path as File

from support.calls_house import shipped
from support.desk_house import open_desks
from telebank.agents.options import CentreOptions, QueueOptions
from telebank.calls.control.titles import TitlesPart, skill_titles
from telebank.calls.forms.making import forms_of
from telebank.calls.forms.words import lines_of
from telebank.calls.tellers.path import MOST_PLACES, Path
from telebank.flow.commands import Record
from telebank.settings import load_settings

BREAKS: Mapping[str, Mapping[str, str]] = {"prayer": {"zh": "祈祷", "en": "Prayer"}}
CENTRE = CentreOptions(
    queues=(QueueOptions("loss", "挂失", "Card loss", ("loss",)),),
    breaks=tuple(BREAKS),
    break_words=BREAKS,
)


async def test_a_teller_is_told_what_codes_are_called(tmp_path: File) -> None:
    async with open_desks(
        tmp_path, more=lambda counter, _room: [TitlesPart(counter, shipped, CENTRE)]
    ) as desks:
        li = await desks.teller("li")
        told = await desks.ask(li, "GET", "desk/titles")
        assert told.status == 200, told
        assert told.body["business"]["report_loss"] == ["银行卡挂失", "Report a lost card"]
        assert told.body["queues"] == {"loss": ["挂失", "Card loss"]}
        assert told.body["skills"]["loss"] == ["挂失", "Card loss"]
        assert told.body["breaks"] == {"prayer": ["祈祷", "Prayer"]}
        assert (await desks.ask(None, "GET", "desk/titles")).status == 401


def test_groups_are_called_as_the_queues_of_their_skill() -> None:
    told = skill_titles(load_settings(File("nowhere")).queues)
    assert told == {
        "lang.zh": ("中文", "Chinese-speaking"),
        "lang.en": ("英语", "English-speaking"),
        "loss": ("挂失", "Card loss"),
        "expert": ("贵宾专席", "VIP desk"),
        "general": ("综合服务", "General"),
        "difficult": ("疑难业务", "Difficult cases"),
    }
    wide = QueueOptions("wide", "综合", "Wide", ("a", "b"), needs=("senior",))
    narrow = QueueOptions("narrow", "专项", "Narrow", ("b",))
    told = skill_titles(CentreOptions(queues=(wide, narrow)))
    assert {name: en for name, (_, en) in told.items() if "." not in name} == {
        "senior": "Wide",
        "a": "Wide",
        "b": "Narrow",
    }


def test_a_way_through_the_menus_is_in_titles() -> None:
    path = Path(shipped())
    assert path.places == ()
    for flow in ("main", "transfers", "transfers", "deposit_in", "newer"):
        path.add(Record("node.entered", {"flow": flow, "node": "menu"}))
    assert [zh for zh, _ in path.places] == ["主菜单", "转账和存款", "卡转存款", "newer"]
    path.add(Record("node.entered", {"flow": "main", "node": "menu"}))
    assert [en for _, en in path.places][-2:] == ["newer", "Main menu"], "where he is"
    path.add(Record("node.entered", {"flow": "transfers", "node": "menu"}))
    assert [en for _, en in path.places].count("Main menu") == 1, "passed through again"
    for nth in range(MOST_PLACES):
        path.add(Record("node.entered", {"flow": ("newer", "transfers")[nth % 2], "node": "menu"}))
    assert len(path.places) == MOST_PLACES


def test_a_payees_name_is_shown_as_the_host_gives_it() -> None:
    form = forms_of(shipped())["transfer.card_to_card"]
    (line,) = lines_of(
        shipped(), form, ["payee_masked"], {"payee_masked": "李*华 622700******0369"}
    )
    assert (line.value.zh, line.value.en) == ("李*华 622700******0369",) * 2
