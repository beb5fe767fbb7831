"""`telebank lines`: columns that fit, filters, a live terminal, and a bank with calls."""

import ast
import asyncio
import inspect
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from rich.cells import cell_len
from rich.text import Text

from support.bank_process import BankProcess, Voice
from support.lines_terminal import SCREEN_OFF, SCREEN_ON, plain, terminal
from telebank.calls.line_states import STATES
from telebank.commands import lines, lines_view
from telebank.commands.language import of_locale, saying
from telebank.commands.lines import Wanted, page, screen
from telebank.commands.lines_texts import ZH
from telebank.commands.lines_view import BAD, GRADES, LINES, TRUNKS, graded, head, table
from telebank.main import main
from telebank.phone.phone import PhoneOptions

EVERYTHING = Wanted("", (), "time", trunks=False)
WIDTHS = (200, 110, 95, 80, 60, 40, 20)


def line(call: str, **more: Any) -> dict[str, Any]:
    usual = {"call": call, "state": "menu", "from": "138******78", "trunk": "carrier"}
    usual |= {"place": "Card and PIN: card", "language": "zh"}
    usual |= {"media_lock": "", "signalling_lock": ""}
    return {**usual, "seconds": 75.4, **more}


WELL = {"loss": 0.015, "sampled": False, "jitter_ms": 3.21, "mos": 4.38, "peer_mos": 3.7}
GUESSED = {"loss": 0.2, "sampled": True, "jitter_ms": 30.0, "mos": 2.1}
ROWS = [
    line("01-7-1", media_lock="SRTP", signalling_lock="TLS", **WELL),
    line("01-7-12345", state="thinking", seconds=9.0, **GUESSED),
    line("01-7-3", state="ringing", trunk="", language="", place="", seconds=0.2),
]


def board(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    trunks = [
        {
            "trunk": "carrier",
            "calls_in": 2,
            "calls_out": 1,
            "peers": [{"peer": "udp:192.0.2.1:5060", "well": False}],
        },
        {"trunk": "loopback", "calls_in": 0, "calls_out": 0, "peers": []},
    ]
    return {
        "node": "01",
        "draining": False,
        "capacity": 30,
        "faxes": 1,
        "setups_per_s": 0.4,
        "refused": {"busy": 2, "admission": 0, "silenced": 0},
        "lines": list(rows),
        "trunks": trunks,
        "phones": {"phones": 5, "registered": 3},
        "workers": [
            {"pid": 5, "up": True, "channels": 2, "tick_late_p99_ms": 1.23},
            {"pid": 0, "up": False, "channels": 0},
        ],
        **more,
    }


def columns(width: int | None) -> list[str]:
    return re.split("  +", table(LINES, ROWS, width)[0].plain.strip())


# -- columns --------------------------------------------------------------------------------------


def test_all_that_is_known_of_a_line() -> None:
    _, first, second, third = (text.plain.split("  ") for text in table(LINES, ROWS, None))
    told = ["01-7-1", "menu", "138******78", "carrier", "zh", "SRTP TLS", "Card and PIN: card"]
    told += ["1:15", "1.5", "3.2", "4.4 good", "3.7 fair"]
    assert [word.strip() for word in first if word.strip()] == told
    assert [word.strip() for word in second if word.strip()][-5:] == [
        *("0:09", "~20.0", "30.0", "~2.1 bad", "–")
    ]
    assert [word.strip() for word in third if word.strip()] == [
        *("01-7-3", "ringing", "138******78", "–", "–", "–", "–", "0:00", "–", "–", "–", "–")
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_shown_fits_and_is_never_cut(width: int) -> None:
    lines = table(LINES, ROWS, width)
    assert [text.plain.split()[0] for text in lines[1:]] == [row["call"] for row in ROWS]
    assert [text.plain.split()[1] for text in lines[1:]] == [row["state"] for row in ROWS]
    assert all("…" not in text.plain for text in lines)
    if width > len("01-7-12345  recording"):
        assert all(text.cell_len <= width for text in lines)


def test_columns_are_given_up_in_the_order_that_the_help_states() -> None:
    order = []
    shown = columns(None)
    for width in range(200, 10, -1):
        left = columns(width)
        order += [name for name in shown if name not in left]
        shown = left
    assert order == [
        *("peer's MOS", "lang", "lock", "jitter ms", "trunk"),
        *("loss %", "caller", "at", "MOS", "time"),
    ]
    assert shown == ["call", "state"]


def test_where_a_call_is_stays_in_80_columns() -> None:
    longest = line("01-7-1", place="From answer to goodbye: lang", **WELL)
    assert "at" in re.split("  +", table(LINES, [longest], 80)[0].plain.strip())


def test_refusals_stand_in_the_head_with_what_was_answered() -> None:
    refused = {"busy": 2, "admission": 0, "silenced": 0, "403": 1, "503": 3}
    (told,) = head(board(refused=refused), None)
    assert "refused 2 busy, 1 with 403, 3 with 503 ·" in told.plain


@pytest.mark.parametrize(
    ("mos", "word"),
    [(4.41, "good"), (4.0, "good"), (3.99, "fair"), (3.6, "fair"), (3.1, "poor"), (1.0, "bad")],
)
def test_quality_is_a_word_beside_its_colour(mos: float, word: str) -> None:
    told = graded(mos, str, "~")
    assert told.plain == f"~{mos:.1f} {word}"
    assert told.style


def test_wide_characters_count_as_two() -> None:
    rows = [line("01-7-1", place="查询余额: 听"), line("01-7-2")]
    ends = [text.cell_len for text in table(LINES[:7], rows, None)[1:]]
    widest = len("Card and PIN: card")
    assert ends[1] - ends[0] == widest - 12


# -- the head -------------------------------------------------------------------------------------


def test_the_head_tells_the_node_at_a_glance() -> None:
    (told,) = head(board(*ROWS), None)
    assert told.plain == (
        "node 01 · 4 of 30 lines, 1 of them faxes beside menus · 0.4 set-ups/s · refused 2 busy · "
        "trunks 1 up, 1 DOWN (carrier) · phones 3 of 5 registered · media 1 of 2 up · "
        "ticks late by 1.2 ms (p99)"
    )
    red = [told.plain[span.start : span.end] for span in told.spans if "red" in str(span.style)]
    assert red == ["trunks 1 up, 1 DOWN (carrier)", "media 1 of 2 up"]
    assert not told.style  # nothing else is
    (bare,) = head(board(draining=True, trunks=[], workers=[]), None)
    assert "draining: no new calls" in bare.plain
    assert "no trunks set" in bare.plain


def test_the_head_takes_more_lines_where_it_is_narrow() -> None:
    whole = head(board(), None)[0].plain
    lines = head(board(), 60)
    assert all(text.cell_len <= 60 for text in lines)
    assert " · ".join(text.plain for text in lines) == whole


def test_trunks_and_their_peers_in_words() -> None:
    _, carrier, loopback = (text.plain for text in table(TRUNKS, board()["trunks"], None))
    assert carrier.split() == ["carrier", "DOWN", "2", "1", "udp:192.0.2.1:5060", "DOWN"]
    assert loopback.split()[:4] == ["loopback", "up", "0", "0"]


# -- in Chinese -----------------------------------------------------------------------------------


CHINESE = saying("zh", ZH)


def test_every_word_is_there_in_chinese() -> None:
    literals = set()
    for module in (lines, lines_view):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
            if named and (getattr(node.func, "id", "") or getattr(node.func, "attr", "")) == "say":
                literals |= {
                    one.value
                    for one in ast.walk(node.args[0])
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }
    names = {column.name for column in (*LINES, *TRUNKS)} | {word for _, word, _ in GRADES}
    told = literals | names | set(STATES) | {BAD[0], "partly", "busy", "admission", "silenced"}
    assert len(literals) > 15
    told -= {"well"}  # a key of the board
    assert told <= set(ZH), told - set(ZH)
    assert set(ZH) <= told, set(ZH) - told


@pytest.mark.parametrize("text", ZH)
def test_a_chinese_text_has_the_same_places(text: str) -> None:
    places = sorted(re.findall(r"\{[^}]*\}", text))
    assert sorted(re.findall(r"\{[^}]*\}", ZH[text])) == places
    assert re.search("[\u4e00-\u9fff]", ZH[text]) or text == "MOS" or places


def test_a_page_in_chinese() -> None:
    wanted = replace(EVERYTHING, say=CHINESE)
    told, _, heads, *rows = (text.plain for text in page(board(*ROWS), wanted, None))
    assert told == (
        "节点 01 · 线路 4/30（其中单独的传真 1） · 每秒呼入 0.4 · 已拒绝 线路全忙 2 · "
        "中继 正常 1, 中断 1 (carrier) · 话机已注册 3/5 · 媒体进程 1/2 · 节拍延迟 1.2 ms (p99)"
    )
    assert heads.split()[:4] == ["通话", "状态", "主叫", "中继"]
    assert [row.split()[1] for row in rows] == ["菜单", "处理中", "振铃"]
    assert "4.4 好" in rows[0]
    trunks = page(board(), replace(wanted, trunks=True), None)[-2].plain
    assert trunks.split() == ["carrier", "中断", "2", "1", "udp:192.0.2.1:5060", "中断"]


@pytest.mark.parametrize("width", WIDTHS)
def test_columns_in_chinese_stand_below_each_other(width: int) -> None:
    rows = table(LINES[:8], [line("01-7-1"), *ROWS], width, CHINESE)
    if width > 30:
        assert all(text.cell_len <= width for text in rows)
    whole = table(LINES[:2], ROWS, None, CHINESE)
    begins = {
        cell_len(text.plain.partition(word)[0])
        for text, word in zip(whole, ("状态", "菜单", "处理中", "振铃"), strict=True)
    }
    assert len(begins) == 1


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LC_ALL": "zh_CN", "LANG": "C", "LC_MESSAGES": "C"}, "zh"),
        ({"LC_ALL": "", "LANG": "zh_CN"}, "zh"),
    ],
)
def test_the_language_is_that_of_the_locale(variables: dict[str, str], language: str) -> None:
    assert of_locale(variables) == language


# -- what is wanted -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EVERYTHING, ["01-7-1", "01-7-12345", "01-7-3"]),
        (Wanted("138001380", (), "time", trunks=False), []),
        (Wanted("13800138078", (), "time", trunks=False), ["01-7-1", "01-7-12345", "01-7-3"]),
        (Wanted("78", ("menu", "ringing"), "time", trunks=False), ["01-7-1", "01-7-3"]),
        (Wanted("", (), "mos", trunks=False), ["01-7-12345", "01-7-1", "01-7-3"]),
        (Wanted("", (), "loss", trunks=False), ["01-7-12345", "01-7-1", "01-7-3"]),
    ],
)
def test_filters_and_order(wanted: Wanted, found: list[str]) -> None:
    assert [row["call"] for row in wanted.of(board(*reversed(ROWS)))["lines"]] == found


def test_words_where_there_is_nothing() -> None:
    assert page(board(), EVERYTHING, 80)[-1].plain == "no lines in use"
    some = Wanted("", ("fax",), "time", trunks=False)
    assert page(board(), some, 80)[-1].plain == "no such lines now"


def test_lines_beyond_the_screen_are_counted() -> None:
    rows = [line(f"01-7-{number}") for number in range(50)]
    shown = screen(board(*rows), EVERYTHING, (140, 20), Text("NO ANSWER"))
    assert len(shown) == 20
    seen = sum(text.plain.startswith("01-7-") for text in shown)
    assert shown[-1].plain.startswith(f"{50 - seen} more below")


# -- the command ----------------------------------------------------------------------------------


def run(data: Path, *words: str, locale: str = "C.UTF-8") -> Result:
    env = {"TELEBANK_DATA": str(data), "LC_ALL": locale}
    return CliRunner(env=env).invoke(main, ["lines", *words])


def test_no_node_is_exit_3_and_says_so(tmp_path: Path) -> None:
    found = run(tmp_path)
    assert found.exit_code == 3
    assert "no node answers" in found.output
    assert "make run" in found.output
    assert "--data DATA" in found.output


@pytest.mark.parametrize(
    "words", [("--every", "0.1"), ("--every", "61"), ("--state", "lost"), ("--sort", "x"), ("z",)]
)
def test_usage_is_exit_2(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(tmp_path, *words).exit_code == 2


def test_the_shell_offers_states() -> None:
    complete = ShellComplete(main, {}, "telebank", "_TELEBANK_COMPLETE")
    found = complete.get_completions(["lines", "--state"], "t")
    assert [item.value for item in found] == ["talking", "thinking", "teller"]


# -- a bank ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, voice: Voice) -> Iterator[BankProcess]:
    folder = tmp_path_factory.mktemp("bank")
    with BankProcess.start(folder, voice, sip={"t1": 0.05}) as bank:
        yield bank


async def lines_of(bank: BankProcess, *words: str) -> list[dict[str, Any]]:
    found = await asyncio.to_thread(run, bank.data, "--once", "--json", *words)
    assert found.exit_code == 0, found.output
    lines: list[dict[str, Any]] = json.loads(found.output)["lines"]
    return lines


async def comes(bank: BankProcess, so: Callable[[list[dict[str, Any]]], bool]) -> None:
    deadline = time.monotonic() + 20
    while not so(lines := await lines_of(bank)):
        assert time.monotonic() < deadline, lines
        await asyncio.sleep(0.1)


async def test_two_calls_and_none_when_they_have_hung_up(bank: BankProcess) -> None:
    card = bank.cards[0]
    async with bank.phone() as phone:
        first = await phone.dial(bank.uri, PhoneOptions(from_user="13800138078"))
        second = await phone.dial(bank.uri, PhoneOptions(from_user="02087654321"))
        await asyncio.gather(first.answered.wait(), second.answered.wait())
        os.kill(bank.host.pid, signal.SIGSTOP)
        try:
            second.press(f"21{card.card}#{card.pin}#")
            await comes(bank, lambda lines: {"menu", "thinking"} == {x["state"] for x in lines})
            one, two = await lines_of(bank)
            assert (one["from"], two["from"]) == ("138******78", "020******21")
            assert (one["language"], two["language"]) == ("zh", "en")
            assert (two["node"], two["place"][:13]) == ("authenticate.verify", "Card and PIN:")
            (only,) = await lines_of(bank, "--caller", "02087654321")
            assert only["call"] == two["call"]
            assert [x["call"] for x in await lines_of(bank, "--state", "menu")] == [one["call"]]
        finally:
            os.kill(bank.host.pid, signal.SIGCONT)
        piped = await asyncio.to_thread(run, bank.data, "--once")
        told = [row for row in piped.output.splitlines() if row.startswith(one["call"])]
        assert len(told) == 1
        assert "138******78" in told[0]
        assert card.card not in piped.output
        assert card.pin not in piped.output
        first.hang_up()
        second.hang_up()
        await asyncio.gather(first.over, second.over)
    await comes(bank, lambda lines: lines == [])


@pytest.mark.parametrize("width", [140, 80, 30])
async def test_a_live_terminal_shows_a_call_and_ends_with_q(bank: BankProcess, width: int) -> None:
    async with bank.phone() as phone:
        call = await phone.dial(bank.uri, PhoneOptions())
        await call.answered.wait()
        ref = (await lines_of(bank))[0]["call"]

        def watch() -> str:
            with terminal(bank.data, "--every", "0.2", columns=width) as seen:
                seen.until(ref)
                seen.resize(200, 30)
                seen.until("peer's MOS")
                seen.press("xq")
                assert seen.end() == 0
                assert seen.echoes()
                return seen.written

        written = await asyncio.to_thread(watch)
        first = plain(written).partition("call ")[2].splitlines()[0]
        assert (" at " in first, "peer's MOS" in first) == (width >= 80, width == 140)
        assert written.count(SCREEN_ON) == written.count(SCREEN_OFF) == 1
        call.hang_up()
        await call.over


def test_the_language_of_the_terminal(bank: BankProcess) -> None:
    assert "no lines in use" in run(bank.data, "--once").output
    assert "当前没有通话" in run(bank.data, "--once", "--language", "zh").output
    assert "当前没有通话" in run(bank.data, "--once", locale="zh_CN.UTF-8").output
    english = run(bank.data, "--once", "--language", "en", locale="zh_CN.UTF-8")
    assert "no lines in use" in english.output
    with terminal(bank.data, "--language", "zh") as seen:
        seen.until("当前没有通话")
        seen.press("q")
        assert seen.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_put_the_terminal_back(bank: BankProcess, number: signal.Signals) -> None:
    with terminal(bank.data) as seen:
        seen.until("no lines in use")
        os.kill(seen.process.pid, number)
        assert seen.end() == (0 if number is signal.SIGINT else 128 + number)
        assert seen.echoes()
        assert SCREEN_OFF in seen.written


def test_a_node_that_goes_is_waited_for_in_words(bank: BankProcess) -> None:
    with terminal(bank.data, "--every", "0.2") as seen:
        seen.until("no lines in use")
        bank.stop()
        seen.until("NO ANSWER since")
        bank.run()
        while "NO ANSWER" in plain(seen.until("set-ups/s")):
            pass
        assert "NO ANSWER" not in plain(seen.until("set-ups/s"))
        seen.press("q")
        assert seen.end() == 0
