"""Every reason that a fax can have is said in plain words of both languages, and what to do."""

import ast
import inspect
import re
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from fax.job import INTERRUPTED
from fax.reasons import COMPLETIONS, CUT_SHORT
from fax.texts import NOTHING, SENDER, Text
from telebank.calls.faxes import attempt, incoming, leg, outgoing, queue, tolls, values
from telebank.calls.faxes.reasons import CLASSES, REFUSALS, WORDS, reason, todo
from telebank.store import fax_jobs
from telebank.store.fax_views import FaxSeen

SETTING = re.compile(r"\[\w+\] \w+", re.ASCII)


def _refused(status: int) -> str:
    """What is kept of a call that was refused with it."""
    why = leg._why(status)
    return outgoing.WORDS.get(why, why)


@pytest.mark.parametrize("status", range(300, 700))
def test_every_refusal_of_a_call(status: int) -> None:
    why = _refused(status)
    told = reason(why)
    for words in (told.words.zh, told.words.en):
        assert words
        assert words != why
        assert "refused_" not in words
    assert told.todo.zh
    assert told.todo.en


@pytest.mark.parametrize(
    ("status", "zh", "en"),
    [
        (486, "对方占线", "the number is busy"),
        (480, "无人接听", "nobody answered"),
        (404, "空号", "there is no such number"),
        (407, "网关要求密码（SIP 407）", "the gateway wants a password (SIP 407)"),
        (488, "对方不接收传真", "the other side takes no fax"),
        (503, "网关没有空闲线路", "the gateway has no line"),
        (499, "对方拒绝此呼叫（SIP 499）", "the other side refuses the call (SIP 499)"),
    ],
)
def test_refusals_as_people_read_them(status: int, zh: str, en: str) -> None:
    assert reason(_refused(status)).words == Text(zh, en)


def test_a_trunk_that_is_down_is_named() -> None:
    told = reason(f"{outgoing.TRUNK_DOWN}carrier")
    assert told.words == Text(
        "中继 carrier 中断：其对端均无应答", "trunk carrier is down: none of its peers answers"
    )
    assert "telebank lines --trunks" in told.todo.en


def test_nothing_is_said_in_one_language_only() -> None:
    table = [*WORDS.values(), *REFUSALS.values(), *CLASSES.values(), *COMPLETIONS.values()]
    for one in [*table, CUT_SHORT]:
        assert re.search("[\u4e00-\u9fff]", one.words.zh), one
        assert re.search("[\u4e00-\u9fff]", one.words.en) is None, one
        assert one.words.en
        assert bool(one.todo.zh) is bool(one.todo.en), one
        for text in (one.words, one.todo):
            assert text.zh[-1:] not in ("。", "."), "it stands within a line"
            named = set(SETTING.findall(text.zh))
            assert named <= {*SETTING.findall(text.en), *SETTING.findall(one.words.en)}, text


def test_every_name_of_the_node_has_words() -> None:
    names = {
        *(values.TOO_LONG, values.LOST, values.HUNG_UP, values.NOT_AGREED, values.TOO_FEW),
        *(values.NO_PAGE, attempt.STORE, attempt.NOT_HELD, attempt.CONTRADICTION),
        *(INTERRUPTED, incoming.STOPPING, queue.NOT_AVAILABLE, queue.STOPPING),
        *(fax_jobs.GAVE_UP, queue.CANCELLED, *outgoing.WORDS.values()),
    }
    assert names <= set(WORDS), names - set(WORDS)


def test_every_rule_of_outbound_has_words() -> None:
    tree = ast.parse(inspect.getsource(tolls))
    rules = {
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        if call.func.id == "Refusal" and isinstance(call.args[0], ast.Constant)
    }
    assert "denied" in rules
    coming = {"incoming", "free_mb", "incoming_daily", "incoming_per_number_daily"}  # logged only
    assert rules - coming <= set(WORDS), rules - coming - set(WORDS)


def seen(why: str, confirmed: int, pages: int, **changes: Any) -> FaxSeen:
    """A fax that failed for this reason."""
    at = datetime(2026, 3, 31, 4, tzinfo=UTC)
    texts = {one.name: "" for one in fields(FaxSeen)}
    made: dict[str, Any] = {**texts, "direction": "out", "way": "number", "state": "failed"}
    made |= {"why": why, "pages": pages, "confirmed": confirmed, "due_at": at, **changes}
    return FaxSeen(**made)


EVERY = [
    *WORDS,
    *(f"refused_{status}" for status in (*REFUSALS, 499, 599, 699)),
    *(one.heard for one in COMPLETIONS.values()),
    *("trunk_down: carrier", "failed: KeyError", "not printed: paper.pdf is gone", "未知"),
]


@pytest.mark.parametrize("why", EVERY)
def test_pages_that_arrived_are_never_asked_for_again(why: str) -> None:
    known = reason(why).todo
    assert todo(seen(why, 0, 5)) == known
    for confirmed, pages, zh, en in (
        (1, 5, "前 1 页已送达，只需发送第 2 至 5 页", "page 1 arrived, only pages 2 to 5 need"),
        (3, 4, "前 3 页已送达，只需发送第 4 页", "pages 1 to 3 arrived, only page 4 needs"),
    ):
        told = todo(seen(why, confirmed, pages))
        assert told.zh.startswith(zh)
        assert told.en.startswith(f"{en} sending")
        assert "send it again" not in told.en
        assert "PDF again" not in told.en
        assert re.search("重新发送(?!其余页)", told.zh) is None
        assert len(re.findall("send (those|that one) again", told.en)) == len(
            re.findall("send (it|the PDF) again", known.en)
        )
        if known.en:
            assert told.zh.startswith(f"{zh}：")


def test_who_sent_what_came_sends_all_of_it_again() -> None:
    assert todo(seen("hung_up", 1, 2, direction="in")) == SENDER
    assert todo(seen("busy", 1, 3, state="queued")).en.startswith("nothing")
    assert todo(seen("", 1, 3, state="cancelled")) == NOTHING


def test_the_librarys_english_is_not_shown() -> None:
    for code, one in COMPLETIONS.items():
        assert reason(one.heard) == one, code


def test_what_is_a_sentence_already_is_said_as_it_is() -> None:
    for text in ("451 later", "550 5.1.1 <l***@example.com>: nobody", "未知"):
        assert reason(text).words == Text(text, text)


@pytest.mark.parametrize(
    ("why", "zh", "en"),
    [
        (
            "fax was refused with 491",
            "双方同时提出请求（SIP 491）",
            "both sides asked at once (SIP 491)",
        ),
        ("failed: KeyError", "程序故障（KeyError）", "a fault in this program (KeyError)"),
        ("not printed: paper.pdf is gone", "页面未能生成：paper.pdf is gone", ""),
        ("not as PDF: no room", "未能生成 PDF：no room", ""),
        ("the fax took 1800 s, which is the most", "传真用时达到上限 1800 秒", ""),
        ("the fax has more than 200 pages", "传真超过 200 页", ""),
    ],
)
def test_reasons_with_something_of_their_own(why: str, zh: str, en: str) -> None:
    assert reason(why).words == Text(zh, en or why)
