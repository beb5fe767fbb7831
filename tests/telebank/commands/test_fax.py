"""`telebank fax`: lists and shows, masked; a paper is looked at before anything is asked for."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from fax.job import MOVES, Answered, Began, CallEnded, PagesConfirmed, State
from support.console_desk import open_desk
from support.fax_bank import rasters, write_pdf
from support.store_kit import FakeClock, open_store
from telebank.calls.control.faxes import HANDED, NotTaken
from telebank.calls.faxes.files import PAGES, PAPER
from telebank.calls.faxes.printing import PrintingOptions
from telebank.commands import fax as module
from telebank.commands import fax_paper
from telebank.commands.control_client import ControlRefused, save_token
from telebank.commands.fax import command
from telebank.commands.fax_paper import hand_over
from telebank.commands.fax_words import WORDS
from telebank.settings import seed_dir
from telebank.store.fax_arrivals import arrived, arriving
from telebank.store.fax_jobs import add, add_in_call, step, take
from telebank.store.fax_rows import FaxDraft
from telebank.store.fax_tolls import Limits
from telebank.store.store import Store
from transactions.card import SealedCard

NUMBER = "02055550000"
SEALED = SealedCard("t" * 64, "020*****000", "k1", NUMBER.encode()[::-1])
LIMITS = Limits(100, 100, 100_000, 1_800, datetime(2026, 3, 30, 16, tzinfo=UTC))


async def _send(store: Store, clock: FakeClock, name: str, pages: int, result: str) -> None:
    draft = FaxDraft(name, "number", SEALED, pages, f"paper {name}", by="wu", role="supervisor")
    run, now = store.journal.run, clock.now
    await run(partial(add, draft=draft, due=now, expires=now + timedelta(days=1), waiting=9))
    if result == "waits":
        return
    assert await run(partial(take, limits=LIMITS)) is not None
    ended = CallEnded("sent" if result == "done" else "unconfirmed", pages, "no answer")
    if result == "unconfirmed":
        ended = CallEnded("unconfirmed", 1, "no answer")
    for event in (Answered(), Began(), PagesConfirmed(1), ended):
        assert await run(partial(step, fax=name, event=event, retry_s=1.0)) is not None


@pytest.fixture
async def place(tmp_path: Path) -> Path:
    """One that was sent, one that is not confirmed, one that waits, one that came."""
    clock = FakeClock()
    async with open_store(tmp_path, clock=clock) as store:
        await _send(store, clock, "01-1-F1", 2, "done")
        clock.forward(60)
        await _send(store, clock, "01-1-F2", 3, "unconfirmed")
        clock.forward(60)
        await _send(store, clock, "01-1-F3", 1, "waits")
        came = FaxDraft("01-1-F4", "number", SEALED, 0, "from 020*****000")
        await store.journal.run(partial(arriving, draft=came, seconds=60))
        end = partial(arrived, fax="01-1-F4", pages=2, why="", state=State.DONE, mail=False)
        await store.journal.run(end)
    return tmp_path


def _run(place: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, [*words, "--data", str(place)])
    return done.exit_code, done.output


async def test_listed_masked(place: Path) -> None:
    code, text = _run(place, "list", "--json")
    assert code == 0
    told = [(one["id"], one["state"], one["confirmed"], one["pages"]) for one in json.loads(text)]
    assert told == [
        ("01-1-F3", "queued", 0, 1),
        ("01-1-F2", "unconfirmed", 1, 3),
        ("01-1-F1", "done", 2, 2),
    ]
    code, table = _run(place, "list", "--state", "unconfirmed")
    assert "01-1-F2" in table
    assert "01-1-F1" not in table
    assert "020*****000" in table
    assert NUMBER not in text + table


async def test_shown_in_words(place: Path) -> None:
    code, text = _run(place, "show", "01-1-F2")
    assert code == 0
    assert "not confirmed: 1 of 3 pages confirmed" in text
    assert "ask the other end" in text
    assert re.search(r"made  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", text)
    assert _run(place, "show", "01-1-F1")[1].count("done: 2 of 2 pages confirmed") == 1
    code, text = _run(place, "show", "01-1-F3", "--json")
    assert json.loads(text)["title"] == "paper 01-1-F3"


async def test_a_fax_that_is_not_there_is_a_finding(place: Path) -> None:
    code, text = _run(place, "show", "01-1-F9")
    assert code == 1
    assert "fax list" in text


@pytest.mark.parametrize(
    ("words", "exit_code", "code", "says"),
    [
        (("show", "01-1-F9"), 1, "not_found", "fax list"),
        (("list", "--state", "lost"), 2, "usage", "--state"),
        (("show",), 2, "usage", "ID"),
        (("send", "nowhere.pdf", NUMBER), 2, "usage", "nowhere.pdf"),
        (("send", __file__, NUMBER), 2, "usage", "staff login"),
        (("send", __file__, NUMBER, "--session", "SESSION"), 2, "usage", "no PDF"),
        (("cancel", "01-1-F1", "--session", "SESSION"), 3, "unreachable", "telebank serve"),
    ],
)
async def test_errors_are_json_where_json_was_asked_for(
    place: Path, words: tuple[str, ...], exit_code: int, code: str, says: str
) -> None:
    session = _logged_in(place)[1]
    words = tuple(session if word == "SESSION" else word for word in words)
    if "--session" not in words and words[0] == "send":
        words = (*words, "--session", str(place / "none"))
    got, text = await asyncio.to_thread(_run, place, *words, "--json")
    told = json.loads(text)
    assert (got, told["exit"], told["code"]) == (exit_code, exit_code, code)
    assert says in told["error"]
    got, text = await asyncio.to_thread(_run, place, *words)
    assert got == exit_code
    assert text.rstrip().endswith(told["error"])


def test_no_data_is_json_too(tmp_path: Path) -> None:
    code, text = _run(tmp_path, "list", "--json")
    assert (code, json.loads(text)["code"]) == (3, "unreachable")


def test_a_refusal_of_the_node_keeps_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = "fax needs libspandsp 0.0.6: apt-get install libspandsp2, then start again"

    def call(*_asked: object) -> object:
        raise ControlRefused(409, missing, {"code": "not_available"})

    monkeypatch.setattr(module, "call", call)
    pdf = write_pdf(tmp_path / "a.pdf", 1)
    code, text = _run(tmp_path, "send", str(pdf), NUMBER, "--json", *_logged_in(tmp_path))
    assert code == 1
    assert json.loads(text) == {"error": missing, "code": "not_available", "exit": 1}
    assert not list((tmp_path / HANDED).iterdir())


async def test_states_are_told_in_plain_words(place: Path) -> None:
    table = _run(place, "list")[1]
    assert "not confirmed" in table
    assert set(WORDS) == {state.value for state in State}
    text = _run(place, "list", "--help")[1]
    for state in State:
        assert re.search(rf"^ +{state.value}  +[a-z]", text, re.MULTILINE), state


async def test_the_inbox_names_the_files(place: Path) -> None:
    folder = place / "fax" / "in" / "01-1-F4"
    folder.mkdir(parents=True)
    code, text = _run(place, "inbox", "--json")
    assert code == 0
    (one,) = json.loads(text)
    assert (one["id"], one["pages"], one["direction"]) == ("01-1-F4", 2, "in")
    assert one["folder"] == str(folder)
    text = _run(place, "inbox")[1]
    assert text.startswith("01-1-F4")
    assert "received: 2 pages" in text
    assert text.rstrip().endswith(f"  {folder}")
    folder.rmdir()
    assert _run(place, "inbox")[1].rstrip().endswith("  files removed")
    assert json.loads(_run(place, "inbox", "--json")[1])[0]["folder"] == ""
    assert "files" not in _run(place, "show", "01-1-F4")[1]
    place.joinpath("config").mkdir()
    (place / "config" / "telebank.toml").write_text('schema = 1\n[node]\nid = "02"\nof = 2\n')
    assert _run(place, "inbox")[1].rstrip().endswith("  files on node 01")


async def test_completed_by_the_shell(place: Path) -> None:
    complete = ShellComplete(command, {}, "fax", "_FAX_COMPLETE")
    found = complete.get_completions(["show", "--data", str(place)], "01-1-F")
    assert [item.value for item in found] == ["01-1-F3", "01-1-F2", "01-1-F1"]
    nowhere = ["cancel", "--data", str(place / "nowhere")]
    assert complete.get_completions(nowhere, "") == []


def test_no_store_is_nothing_there(tmp_path: Path) -> None:
    for words in (("list",), ("inbox",), ("show", "01-1-F1")):
        assert _run(tmp_path, *words)[0] == 3


def test_the_picture_of_a_faxs_life_is_its_table_of_moves() -> None:
    text = (seed_dir().parent / "docs" / "fax.md").read_text(encoding="utf-8")
    picture = text.partition("```mermaid")[2].partition("```")[0]
    drawn = re.findall(r"^    (\w+) --> (\w+)", picture, re.MULTILINE)
    moves = {(state.value, to.value) for state, tos in MOVES.items() for to in tos}
    assert moves == set(drawn)


# -- sending -------------------------------------------------------------------------------------


def _logged_in(place: Path) -> list[str]:
    save_token(place, "t" * 32, place / "session")
    return ["--session", str(place / "session")]


def test_what_is_no_pdf_is_said_on_the_spot(tmp_path: Path) -> None:
    file = tmp_path / "letter.pdf"
    file.write_text("Dear Sir")
    code, text = _run(tmp_path, "send", str(file), NUMBER, *_logged_in(tmp_path))
    assert code == 2
    assert "letter.pdf" in text
    assert not list((tmp_path / HANDED).iterdir())


@pytest.mark.parametrize("to", ["fax@bank", "12 34a", "tel:020", ""])
def test_what_is_no_number_is_said_on_the_spot(tmp_path: Path, to: str) -> None:
    pdf = write_pdf(tmp_path / "a.pdf", 1)
    code, text = _run(tmp_path, "send", str(pdf), to, *_logged_in(tmp_path))
    assert code == 2
    assert "is no number" in text


@pytest.mark.parametrize("to", ["sip:", "sip:fax@", "sip:fax@host:99999999", "sip:a b@192.0.2.7"])
def test_what_is_no_address_is_said_on_the_spot(tmp_path: Path, to: str) -> None:
    pdf = write_pdf(tmp_path / "a.pdf", 1)
    code, text = _run(tmp_path, "send", str(pdf), to, *_logged_in(tmp_path))
    assert code == 2
    assert "is no SIP address" in text


@pytest.mark.parametrize(
    ("rule", "exit_code"), [("no_address", 2), ("no_number", 2), ("denied", 1)]
)
async def test_what_the_node_knows_for_no_destination_is_the_command_line(
    tmp_path: Path, rule: str, exit_code: int
) -> None:
    async with open_desk(tmp_path) as desk:
        await desk.house.found("chen", "administrator")
        wu = await desk.house.login(await desk.house.found("wu", "supervisor"))
        save_token(tmp_path, wu.token, tmp_path / "session")
        (tmp_path / "control.sock").unlink()  # the house's own, which has no room for faxes
        (tmp_path / "control.sock").symlink_to(tmp_path / "console.sock")
        desk.room.refusal = NotTaken(rule, "what the node says")
        pdf = write_pdf(tmp_path / "a.pdf", 1)
        words = ("send", str(pdf), "sip:fax@192.0.2.7", "--session", str(tmp_path / "session"))
        code, text = await asyncio.to_thread(_run, tmp_path, *words)
        assert (code, "what the node says" in text) == (exit_code, True), text
        assert not list((tmp_path / HANDED).iterdir())


@pytest.mark.parametrize("at", ["tomorrow", "2020-01-01T08:00", "2999-01-01T08:00", "24:00"])
def test_a_time_that_cannot_be_meant(tmp_path: Path, at: str) -> None:
    pdf = write_pdf(tmp_path / "a.pdf", 1)
    code, text = _run(tmp_path, "send", str(pdf), NUMBER, "--at", at, *_logged_in(tmp_path))
    assert code == 2
    assert at in text


def test_nobody_waits_for_a_fax_that_goes_later(tmp_path: Path) -> None:
    pdf = write_pdf(tmp_path / "a.pdf", 1)
    words = ("send", str(pdf), NUMBER, "--at", "22:30", *_logged_in(tmp_path))
    code, text = _run(tmp_path, *words, "--wait")
    assert code == 2
    assert "--wait is not for --at" in text
    assert _run(tmp_path, *words, "--no-wait")[0] == 3, "there is no node"
    assert _run(tmp_path, *words)[0] == 3


def test_a_clock_time_is_the_next_one_on_the_banks_clock(tmp_path: Path) -> None:
    tmp_path.joinpath("config").mkdir()
    settings = "schema = 1\n[node]\nutc_offset_minutes = 480\n"
    (tmp_path / "config" / "telebank.toml").write_text(settings)
    due = module._due(tmp_path, "22:30")
    assert (due.hour, due.minute) == (14, 30)
    assert timedelta() <= due - datetime.now(UTC) <= timedelta(days=1)


def test_nobody_logged_in(tmp_path: Path) -> None:
    pdf = write_pdf(tmp_path / "a.pdf", 1)
    code, text = _run(tmp_path, "send", str(pdf), NUMBER, "--session", str(tmp_path / "none"))
    assert code == 2
    assert f"{tmp_path / 'none'} does not exist" in text
    assert f"staff login NAME --session {tmp_path / 'none'}" in text
    (tmp_path / "none").touch(mode=0o600)
    assert "none is empty" in _run(tmp_path, "cancel", "1", "--session", str(tmp_path / "none"))[1]


def test_without_a_node_nothing_is_left(tmp_path: Path) -> None:
    pdf = write_pdf(tmp_path / "a.pdf", 1)
    code, _ = _run(tmp_path, "send", str(pdf), NUMBER, *_logged_in(tmp_path))
    assert code == 3
    assert not list((tmp_path / HANDED).iterdir())


def test_a_card_number_in_a_files_name_is_told_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []

    def call(_data: Path, _method: str, _path: str, body: dict[str, object], _token: str) -> object:
        asked.append(body)
        return {"id": "01-1-F1", "pages": 1, "number": "020*****000"}

    monkeypatch.setattr(module, "call", call)
    pdf = write_pdf(tmp_path / "card 6227001234567894.pdf", 1)
    code, _ = _run(tmp_path, "send", str(pdf), NUMBER, "--no-wait", *_logged_in(tmp_path))
    assert code == 0
    assert [body["title"] for body in asked] == ["card ****7894.pdf"]


def test_what_draws_has_limits_and_one_that_dies_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fax_paper, "DRAWING", PrintingOptions(drawing_s=0.0))
    pdf = write_pdf(tmp_path / "a.pdf", 1)
    code, text = _run(tmp_path, "send", str(pdf), NUMBER, *_logged_in(tmp_path))
    assert code == 2
    assert "longer than" in text
    assert not list((tmp_path / HANDED).iterdir())


def test_the_paper_is_drawn_and_handed_over_privately(tmp_path: Path) -> None:
    handed = hand_over(tmp_path, write_pdf(tmp_path / "a.pdf", 2))
    folder = tmp_path / HANDED / handed.name
    assert handed.pages == 2
    assert [page.width for page in rasters(folder / PAGES)] == [1728, 1728]
    for path, mode in ((folder, 0o700), (folder / PAPER, 0o600), (folder / PAGES, 0o600)):
        assert path.stat().st_mode & 0o777 == mode
    assert (tmp_path / HANDED).stat().st_mode & 0o777 == 0o700


async def test_a_fax_that_went_in_its_call_has_no_number_and_says_so(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        draft = FaxDraft("01-1-F9", "call", SEALED, 1, "statement", call="01-1-7", by="caller")
        await store.journal.run(partial(add_in_call, draft=draft, seconds=60))
    listed = CliRunner().invoke(command, ["list", "--data", str(tmp_path)], catch_exceptions=False)
    (line,) = [line for line in listed.output.splitlines() if "01-1-F9" in line]
    assert "in the call" in line
    assert SEALED.masked not in line
    shown = CliRunner().invoke(command, ["show", "01-1-F9", "--data", str(tmp_path)])
    assert re.search(r"to +in the call", shown.output)
