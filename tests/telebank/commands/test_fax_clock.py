"""Faxes as people read them: on the bank's clock, with plain reasons and the time of the next try;
one that is coming, and one that goes by mail."""

import asyncio
import json
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fax.job import Answered, Began, CallEnded, State
from fax.page.draw import pages
from fax.page.tiff import write_tiff
from support.fax_bank import write_pdf
from support.fax_screen import at_terminal
from support.staff_house import open_house
from support.store_kit import FakeClock, open_store
from telebank.calls.control.desk import Counter
from telebank.calls.control.faxes import FaxesPart
from telebank.calls.control.server import ControlServer
from telebank.calls.faxes.files import FaxFiles
from telebank.commands import fax as fax_command
from telebank.commands.control_client import save_token
from telebank.commands.fax import command
from telebank.commands.fax_words import NOT_STUCK, _standing, next_try
from telebank.store import fax_mails, fax_views
from telebank.store.fax_arrivals import arrived, arriving
from telebank.store.fax_jobs import add, step, take
from telebank.store.fax_rows import FaxDraft
from telebank.store.fax_tolls import Limits
from telebank.store.fax_views import FaxSeen
from telebank.store.store import Store
from transactions.card import SealedCard

BANK = timezone(timedelta(hours=8))
SEALED = SealedCard("t" * 64, "020*****000", "k1", b"sealed")
MAILED = SealedCard("m" * 64, "l***@example.com", "k1", b"sealed")
LIMITS = Limits(100, 100, 100_000, 1_800, datetime(2026, 3, 30, 16, tzinfo=BANK))
HEARD = "Timed out waiting for initial communication"
SAID = "no fax machine answered there"
RETRY_S = 3_600.0
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\+08:00"


def _settings(folder: Path, more: str = "") -> None:
    folder.joinpath("config").mkdir(exist_ok=True)
    settings = f"schema = 1\n[node]\nutc_offset_minutes = 480\n{more}"
    (folder / "config" / "telebank.toml").write_text(settings)


async def _kept(store: Store, name: str, tries: int, clock: FakeClock) -> None:
    draft = FaxDraft(name, "number", SEALED, 2, f"paper {name}", by="wu", tries=tries)
    now = clock.now
    job = partial(add, draft=draft, due=now, expires=now + timedelta(days=1), waiting=9)
    await store.journal.run(job)


async def _failed_once(store: Store, name: str, tries: int, clock: FakeClock) -> None:
    await _kept(store, name, tries, clock)
    run = store.journal.run
    assert await run(partial(take, limits=LIMITS)) is not None
    for event in (Answered(), CallEnded("failed", 0, HEARD)):
        assert await run(partial(step, fax=name, event=event, retry_s=RETRY_S)) is not None


@pytest.fixture
async def place(tmp_path: Path) -> Path:
    """F1 has failed, F2 waits for its next try."""
    _settings(tmp_path)
    clock = FakeClock()
    clock.now = datetime.now(BANK)
    async with open_store(tmp_path, clock=clock) as store:
        await _failed_once(store, "01-1-F1", 1, clock)
        await _failed_once(store, "01-1-F2", 3, clock)
    return tmp_path


def _run(place: Path, *words: str) -> str:
    done = CliRunner().invoke(command, [*words, "--data", str(place)])
    assert done.exit_code == 0, done.output
    return done.output


def _json(place: Path, *words: str) -> Any:
    return json.loads(_run(place, *words, "--json"))


# -- the bank's clock ----------------------------------------------------------------------------


async def test_times_are_the_banks_wherever_they_are_read(place: Path) -> None:
    made = datetime.fromisoformat(_json(place, "show", "01-1-F1")["made_at"])
    assert made.utcoffset() == timedelta(hours=8)
    assert abs(made - datetime.now(BANK)) < timedelta(minutes=5)
    shown = _run(place, "show", "01-1-F1")
    assert f"made  {made:%Y-%m-%d %H:%M:%S} UTC+08:00" in shown
    assert re.search(rf"changed  {TIME}", shown)
    listed = _run(place, "list")
    assert "made (UTC+08:00)" in listed.splitlines()[0]
    assert f"{made:%m-%d %H:%M}" in listed
    for one in _json(place, "list"):
        for name in ("made_at", "changed_at", "due_at"):
            assert one[name].endswith("+08:00"), name


# -- reasons and the next try --------------------------------------------------------------------


async def test_a_reason_of_the_library_is_told_in_plain_words(place: Path) -> None:
    shown = _run(place, "show", "01-1-F1")
    assert f"failed: 0 of 2 pages confirmed; {SAID}" in shown
    assert HEARD not in shown
    assert re.search(r"to do  ring the number", shown)
    told = _json(place, "show", "01-1-F1")
    assert told["why"] == HEARD, "for programs as the library has it"
    assert SAID in told["said"]
    assert told["todo"].startswith("ring the number")


async def test_the_next_try_has_its_time_and_how_long_until_then(place: Path) -> None:
    shown = _run(place, "show", "01-1-F2")
    due = datetime.fromisoformat(_json(place, "show", "01-1-F2")["due_at"])
    (line,) = [line for line in shown.splitlines() if line.strip().startswith("due")]
    assert f"next try at {due:%Y-%m-%d %H:%M:%S} UTC+08:00, in " in line
    assert re.search(r", in (1 h 0 min|5\d min \d+ s)$", line)
    assert re.search(r"to do  nothing: it is tried again by itself", shown)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (7_500, "in 2 h 5 min"),
        (100, "in 1 min 40 s"),
        (45, "in 45 s"),
        (0, "next try now, or as soon as a channel is free"),
    ],
)
async def test_how_long_until_then(place: Path, seconds: int, words: str) -> None:
    told = _json(place, "show", "01-1-F2")
    names = [*FaxSeen.__slots__]
    seen = FaxSeen(**{name: told[name] for name in names})
    due = datetime.fromisoformat(told["due_at"])
    moved = FaxSeen(**{**{name: getattr(seen, name) for name in names}, "due_at": due})
    assert next_try(moved, due - timedelta(seconds=seconds)).endswith(words)


WATCH = """
import sys
from pathlib import Path
from telebank.commands import fax, fax_watch
data = Path(sys.argv[1])
one = fax_watch.watch(data, fax._engine(data), fax._zone(data), "01-1-F2", 2, quiet=False)
print(one.state)
"""
NEXT = rf"{SAID}; next try at {TIME}, in (5\d min \d+ s|1 h 0 min)"


async def _goes(place: Path) -> None:
    """The fax that waits is sent."""
    clock = FakeClock()
    clock.now = datetime.now(BANK) + timedelta(hours=2)
    async with open_store(place, clock=clock) as store:
        run = store.journal.run
        assert await run(partial(take, limits=LIMITS)) is not None
        for event in (Answered(), Began(), CallEnded("sent", 2, "")):
            await run(partial(step, fax="01-1-F2", event=event, retry_s=RETRY_S))


async def test_a_line_for_logs_tells_the_next_try(place: Path) -> None:
    """The command's own watch, on a store that says that the fax waits, then that it ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WATCH, str(place)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(60):
        line = (await process.stderr.readline()).decode().strip()
        assert re.fullmatch(f"01-1-F2 queued again, attempt 2 of 3: {NEXT}", line)
        await _goes(place)
        out, rest = await process.communicate()
    assert out.decode().strip() == "done"
    assert rest.decode().splitlines() == ["01-1-F2 done: 2 of 2 pages confirmed"]


async def test_who_stops_looking_is_told_that_the_fax_goes_on(place: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WATCH, str(place)), stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    async with asyncio.timeout(60):
        await process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, rest = await process.communicate()
    hint = "the fax goes on; `telebank fax show 01-1-F2`, `telebank fax cancel 01-1-F2`"
    assert rest.decode().splitlines()[-1].endswith(hint)


@pytest.mark.parametrize("width", [60, 80, 160])
async def test_the_live_line_tells_the_next_try(place: Path, width: int) -> None:
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    command_line = [sys.executable, "-c", WATCH, str(place)]

    def on_text(text: str) -> None:
        if re.search(NEXT, " ".join(text.split())):
            loop.call_soon_threadsafe(heard.set)

    async with asyncio.timeout(60):
        shown = asyncio.create_task(asyncio.to_thread(at_terminal, command_line, width, on_text))
        await heard.wait()
        await _goes(place)
        code, text = await shown
    assert (code, text.split()[-1]) == (0, "done")
    assert "…" not in text, "nothing was cut"


# -- when one goes, and why it does not ----------------------------------------------------------


async def test_the_list_says_when_one_goes(place: Path) -> None:
    due = datetime.fromisoformat(_json(place, "show", "01-1-F2")["due_at"])
    told = f"{due:%H:%M}" if due.date() == datetime.now(BANK).date() else f"{due:%m-%d %H:%M}"
    assert f"queued, {told}  " in _run(place, "list")
    assert "attempt" not in _run(place, "show", "01-1-F2").replace("attempt 2 of 3", "", 1)
    assert re.search(r"attempt  1 of 1", _run(place, "show", "01-1-F1"))


@pytest.mark.parametrize(
    ("hours", "words"), [(0, "queued"), (3, "queued, 15:00"), (24, "queued, 04-01 12:00")]
)
async def test_a_time_of_another_day_has_its_date(place: Path, hours: int, words: str) -> None:
    with fax_command._engine(place).connect() as connection:
        seen = fax_views.fax(connection, "01-1-F2")
    assert seen is not None
    now = datetime(2026, 3, 31, 12, tzinfo=BANK)
    one = replace(seen, due_at=now + timedelta(hours=hours))
    assert _standing(one, now, NOT_STUCK) == words


class CannotSend:
    """What a node has for faxes that cannot send now."""

    def __init__(self, missing: str, draining: bool) -> None:
        self.missing = missing
        self._draining = draining

    def counts(self) -> dict[str, int]:
        return {"channels": 2, "busy": 0, "draining": self._draining}


@pytest.mark.parametrize(
    ("missing", "draining", "stuck"),
    [("apt-get install libspandsp2", False, True), ("", True, True), ("", False, False)],
)
async def test_a_fax_that_is_due_where_none_can_go_says_so(
    tmp_path: Path, missing: str, draining: bool, stuck: bool
) -> None:
    node: Any = None  # none of these paths asks the voice node
    _settings(tmp_path)
    clock, later = FakeClock(), datetime.now(BANK) + timedelta(minutes=30)
    async with open_store(tmp_path, clock=clock, nodes=2) as store:
        await _failed_once(store, "01-1-F1", 3, clock)  # due by now
        draft = FaxDraft("01-1-F2", "number", SEALED, 1, "later", by="wu")
        ends = later + timedelta(days=1)
        await store.journal.run(partial(add, draft=draft, due=later, expires=ends, waiting=9))
    async with open_store(tmp_path, "02", clock=clock, nodes=2) as store:
        await _kept(store, "02-1-F1", 1, clock)
    house_of_staff = tmp_path / "staff"
    house_of_staff.mkdir()
    async with open_house(house_of_staff) as house:
        room: Any = CannotSend(missing, draining)
        part = FaxesPart(Counter(house.desk), room, tmp_path)
        server = ControlServer(node, tmp_path / "control.sock", None, [part])
        await server.start()
        shown = await asyncio.to_thread(_run, tmp_path, "show", "01-1-F1")
        listed = await asyncio.to_thread(_run, tmp_path, "list")
        other = await asyncio.to_thread(_run, tmp_path, "show", "02-1-F1")
        await server.close()
    rows = {line.split()[0]: line for line in listed.splitlines()}
    assert ("due  waits: this node cannot send faxes" in shown) is stuck
    assert ("next try now" in shown) is not stuck
    assert f"to do  {missing or 'nothing: it is tried again by itself'}\n" in shown
    assert ("waits: this node cannot send faxes" in rows["01-1-F1"]) is stuck
    for name in ("01-1-F2", "02-1-F1"):  # its time has not come; nothing is known of another node
        assert "queued" in rows[name]
    assert "goes now" in other
    alone = _run(tmp_path, "show", "01-1-F1")  # no node runs: nobody knows
    assert "next try now" in alone


# -- one that is coming --------------------------------------------------------------------------


async def test_a_fax_that_is_coming_is_shown_with_its_pages_so_far(tmp_path: Path) -> None:
    _settings(tmp_path)
    clock = FakeClock()
    pdf, tiff = write_pdf(tmp_path / "a.pdf", 2), tmp_path / "two.tiff"
    write_tiff(pages(pdf.read_bytes(), "standard"), tiff, "standard")
    files = FaxFiles(tmp_path / "fax")
    async with open_store(tmp_path, clock=clock) as store:
        came = FaxDraft("01-1-F4", "number", SEALED, 0, "received")
        await store.journal.run(partial(arriving, draft=came, seconds=600))
        assert "  coming  from 020*****000  " in _run(tmp_path, "inbox"), "files of another node"
        files.new("01-1-F4", came=True)
        assert "  coming: no page yet  " in _run(tmp_path, "inbox")
        shutil.copyfile(tiff, files.pages("in/01-1-F4"))
        line = _run(tmp_path, "inbox")
        assert "  coming: 2 pages so far  from 020*****000  " in line
        assert re.search(rf"^01-1-F4  {TIME}  ", line)
        assert _json(tmp_path, "inbox")[0]["pages"] == 2
        assert "coming: 2 pages so far" in _run(tmp_path, "show", "01-1-F4")
        whole = tiff.read_bytes()
        files.pages("in/01-1-F4").write_bytes(whole[:6])  # as it is just being written
        assert "  coming  from" in _run(tmp_path, "inbox")
        end = partial(arrived, fax="01-1-F4", pages=1, why=HEARD, state=State.FAILED, mail=False)
        await store.journal.run(end)
    assert f"not whole: 1 page; {SAID}" in _run(tmp_path, "inbox")
    assert _json(tmp_path, "inbox")[0]["from"] == "020*****000"
    assert "ask the sender to send it again" in _run(tmp_path, "show", "01-1-F4")


# -- one that goes by mail -----------------------------------------------------------------------


async def test_a_paper_by_mail_says_so_to_programs(tmp_path: Path) -> None:
    _settings(tmp_path)
    clock = FakeClock()
    async with open_store(tmp_path, clock=clock) as store:
        run = store.journal.run
        draft = FaxDraft("01-1-F7", "mail", MAILED, 2, "明细", customer="c" * 64, tries=3)
        limits = fax_mails.MailLimits(9, 9, 9, timedelta(days=1))
        assert await run(partial(fax_mails.add, draft=draft, limits=limits)) is not None
        await run(partial(fax_mails.begin, fax="01-1-F7", seconds=60))
        tried = fax_mails.Tried(True)
        await run(partial(fax_mails.ended, fax="01-1-F7", tried=tried, retry_s=1.0))
    (told,) = _json(tmp_path, "list")
    assert (told["state"], told["way"], told["to"]) == ("mailed", "mail", "l***@example.com")
    assert told["said"] == "mailed: the mail server took it"
    assert not {"folder", "confirmed", "number_masked"} & set(told)
    assert _json(tmp_path, "show", "01-1-F7") == told
    assert re.search(r"01-1-F7 +mailed ", _run(tmp_path, "list"))
    assert "files" not in _run(tmp_path, "show", "01-1-F7")
    assert [one["id"] for one in _json(tmp_path, "list", "--state", "done")] == ["01-1-F7"]


# -- a login that is over ------------------------------------------------------------------------


@pytest.mark.parametrize("as_json", [False, True])
async def test_a_login_that_is_over_is_said_to_be(tmp_path: Path, as_json: bool) -> None:
    node: Any = None  # none of these paths asks the voice node, nor the room for faxes
    session, data = tmp_path / "mine", tmp_path / "n"
    save_token(tmp_path, "a" * 43, session)  # of a node that has been started again since
    data.mkdir()
    words = ["cancel", "01-1-F1", "--session", str(session), "--data", str(data)]
    async with open_house(tmp_path) as house:
        part = FaxesPart(Counter(house.desk), node, data)
        server = ControlServer(node, data / "control.sock", None, [part])
        await server.start()
        invoke = partial(CliRunner().invoke, command, [*words, *(["--json"] if as_json else [])])
        done = await asyncio.to_thread(invoke)
        await server.close()
    assert done.exit_code == 1
    text = json.loads(done.output)["error"] if as_json else done.output
    for word in ("login is over", "idle", "started again", "logged out", "staff login NAME"):
        assert word in text
    if as_json:
        assert json.loads(done.output)["code"] == "login_needed"
