"""The mail of faxes goes on after what nobody foresaw."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from fax.job import State
from support.fax_jobs import draft, told
from support.order_house import HouseClock
from support.store_kit import FakeClock, open_store, rows
from telebank.calls.faxes import rounds
from telebank.calls.faxes.files import FaxFiles
from telebank.calls.faxes.letters import FaxLetters, Letter, LetterParts, NotPosted, Posted
from telebank.calls.faxes.options import MailOptions
from telebank.store import fax_arrivals
from telebank.store.fax_tables import fax_job

MAIL = MailOptions(host="mail.example", sender="fax@bank.example", to=("a@bank.example",))


class Post:
    """Cannot write one letter so often, for a reason that nobody foresaw; then all is well."""

    def __init__(self, bad: str, often: int) -> None:
        self.bad, self.often = bad, often
        self.sent: list[str] = []
        self.all_there = asyncio.Event()

    async def send(self, letter: Letter) -> Posted | NotPosted:
        if letter.id == self.bad and self.often:
            self.often -= 1
            raise KeyError(letter.id)
        self.sent.append(letter.id)
        if len(self.sent) == 2:
            self.all_there.set()
        return Posted()


@pytest.mark.parametrize("bad", ["01-1-F1", "01-1-F2"])
async def test_one_letter_that_nobody_foresaw_stops_no_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    monkeypatch.setattr(rounds, "PAUSE_S", 0.01)
    clock, post = FakeClock(), Post(bad, 2)
    async with open_store(tmp_path, clock=clock) as store:
        run = store.journal.run
        for fax in ("01-1-F1", "01-1-F2"):
            await run(partial(fax_arrivals.arriving, draft=draft(store, fax, pages=0), seconds=60))
            end = partial(fax_arrivals.arrived, pages=1, why="", state=State.DONE, mail=True)
            await run(partial(end, fax=fax))
        files, zone = FaxFiles(tmp_path / "fax"), store.journal.zone
        letters = FaxLetters(LetterParts(run, files, post, MAIL, HouseClock(clock), zone))
        with capture_logs() as logs:
            letters.start()
            async with asyncio.timeout(20):
                await post.all_there.wait()
            await letters.close()
    said: Sequence[str] = [str(line["event"]) for line in logs if line["log_level"] == "error"]
    assert said == ["fax.mail_failed"] * 2
    assert sorted(post.sent) == ["01-1-F1", "01-1-F2"]
    assert post.sent[-1] == bad


@pytest.mark.parametrize(
    ("why", "zh", "en"),
    [
        (
            "Carrier lost during fax receive",
            "不完整：接收页面时线路中断。",
            "Not complete: the line was lost while a page was coming.",
        ),
        ("interrupted", "不完整：节点中途停止。", "Not complete: the node stopped meanwhile."),
        ("word of tomorrow", "不完整：word of tomorrow。", "Not complete: word of tomorrow."),
    ],
)
async def test_why_one_is_not_whole_is_said_in_both_languages(
    tmp_path: Path, why: str, zh: str, en: str
) -> None:
    async with open_store(tmp_path) as store:
        run = store.journal.run
        coming = draft(store, "01-1-F1", pages=0)
        await run(partial(fax_arrivals.arriving, draft=coming, seconds=60))
        end = partial(fax_arrivals.arrived, pages=1, why=why, state=State.FAILED, mail=True)
        await run(partial(end, fax="01-1-F1"))
        (fax,) = await run(partial(fax_arrivals.to_mail, most=1))
        files, post = FaxFiles(tmp_path / "fax"), Post("", 0)
        clock, zone = HouseClock(FakeClock()), store.journal.zone
        letter = FaxLetters(LetterParts(run, files, post, MAIL, clock, zone)).letter(fax)
    assert letter.text.splitlines()[2:] == [zh, en]


@dataclass
class Box:
    """One fax that came, and who mails it: what is said of each try, in turn."""

    place: Path
    clock: FakeClock = field(default_factory=FakeClock)
    said: list[Posted | NotPosted] = field(default_factory=list)
    tried: int = 0
    stuck: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, letter: Letter) -> Posted | NotPosted:
        self.tried += 1
        if not self.said:
            self.stuck.set()
            await asyncio.Event().wait()
        return self.said.pop(0)

    @asynccontextmanager
    async def life(self, tries: int, came: bool = False) -> AsyncIterator[FaxLetters]:
        """One life of the node; `came`: the fax comes in it."""
        async with open_store(self.place, clock=self.clock) as store:
            run = store.journal.run
            if came:
                coming = draft(store, "01-1-F1", pages=0)
                await run(partial(fax_arrivals.arriving, draft=coming, seconds=60))
                end = partial(fax_arrivals.arrived, pages=1, why="", state=State.DONE, mail=True)
                await run(partial(end, fax="01-1-F1"))
            files, options = FaxFiles(self.place / "fax"), replace(MAIL, tries=tries)
            zone = store.journal.zone
            yield FaxLetters(LetterParts(run, files, self, options, HouseClock(self.clock), zone))

    def row(self) -> Any:
        (found,) = rows(self.place, fax_job)
        return found


CUT, NO, LATER = NotPosted("cut", unknown=True), NotPosted("550", again=False), NotPosted("451")


@pytest.mark.parametrize(
    ("said", "state", "unknown"),
    [
        ([CUT], "unknown", True),
        ([CUT, LATER, LATER], "unknown", True),
        ([CUT, NO], "unknown", True),
        ([LATER, CUT, NO], "unknown", True),
        ([LATER, LATER, LATER], "failed", False),
        ([LATER, NO], "failed", False),
        ([CUT, Posted()], "sent", True),
        ([LATER, Posted()], "sent", False),
    ],
)
async def test_mail_that_any_try_may_have_brought_is_not_called_failed(
    tmp_path: Path, said: list[Posted | NotPosted], state: str, unknown: bool
) -> None:
    box, tries = Box(tmp_path, said=list(said)), len(said)
    async with box.life(tries, came=True) as letters:
        for _ in said:
            assert await letters.look() == 1
            box.clock.forward(86_400)
        assert await letters.look() == 0
    row = box.row()
    assert (row.mail, row.mail_unknown, row.mail_attempt) == (state, unknown, tries)
    kind = "fax.mailed" if state == "sent" else "fax.not_mailed"
    assert [kind for kind, *_ in told(tmp_path)][-1] == kind


@pytest.mark.parametrize(("tries", "tried", "state"), [(1, 1, "unknown"), (2, 2, "unknown")])
async def test_of_a_try_that_a_killed_node_made_nobody_knows(
    tmp_path: Path, tries: int, tried: int, state: str
) -> None:
    box = Box(tmp_path)
    async with box.life(tries, came=True) as letters:
        looking = asyncio.create_task(letters.look())
        await box.stuck.wait()
        looking.cancel()
        await asyncio.wait([looking])
    assert (box.row().mail, box.row().mail_unknown, box.row().mail_attempt) == ("waiting", True, 1)
    box.said.append(NO)
    async with box.life(tries) as letters:
        assert await letters.look() == 1
        assert await letters.look() == 0
    assert (box.row().mail, box.tried) == (state, tried)
