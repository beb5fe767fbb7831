"""Faxes that come: kept, told and mailed, whole or in part; and one real fax between two nodes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fax.job import State
from support.bank_process import Voice
from support.calls_house import House, open_house
from support.fax_jobs import LI_NA, NUMBER, FaxHouse, draft, told
from support.fax_process import pixels, write_pages
from support.order_house import HouseClock
from support.store_kit import FakeClock, open_store, rows
from telebank.calls.faxes.files import FaxFiles
from telebank.calls.faxes.incoming import BUSY, UNAVAILABLE, Incoming, IncomingParts
from telebank.calls.faxes.letters import FaxLetters, Letter, LetterParts, NotPosted, Posted
from telebank.calls.faxes.options import FaxOptions, MailOptions, OutboundOptions
from telebank.calls.faxes.outgoing import Outgoing
from telebank.calls.faxes.printing import Printer, PrintingOptions
from telebank.calls.faxes.queue import FaxJobs
from telebank.calls.faxes.values import FaxOutcome
from telebank.calls.masking import user_of
from telebank.calls.services import CallServices, FaxAsked
from telebank.faxing.client import FaxProcess
from telebank.faxing.options import FaxingOptions
from telebank.sip import CallOffered
from telebank.store import fax_arrivals, tables
from telebank.store.fax_tables import fax_job
from telebank.store.store import Store
from transactions.outcome import Values
from transactions.ports import JournalUnavailable

FAX_NUMBER = "8820"
MAIL = MailOptions(host="127.0.0.1", sender="fax@bank.example", to=("a@bank.example",), tries=2)


@dataclass
class PostBox:
    """Takes letters, or answers as it is told."""

    letters: list[Letter] = field(default_factory=list)
    answers: list[Posted | NotPosted] = field(default_factory=list)

    async def send(self, letter: Letter) -> Posted | NotPosted:
        self.letters.append(letter)
        return self.answers.pop(0) if self.answers else Posted()


@dataclass
class Station:
    """One node with its faxes: real store, files, printer, fax process; letters go to a box."""

    place: Path
    store: Store
    process: FaxProcess
    jobs: FaxJobs
    incoming: Incoming
    letters: FaxLetters
    box: PostBox
    kit: FaxHouse
    shell: CallServices | None = None

    def attach(self, shell: CallServices) -> None:
        self.shell = shell
        self.incoming.attach(shell)

    def drain(self) -> None:
        """Nothing is placed here by itself."""

    def takes(self, offered: CallOffered) -> bool:
        return self.incoming.takes(offered)

    async def demand(self, asked: FaxAsked) -> tuple[str, Values]:
        raise NotImplementedError

    def row(self) -> Any:
        (found,) = rows(self.place, fax_job)
        return found


@asynccontextmanager
async def station(
    place: Path,
    outbound: OutboundOptions | None = None,
    *,
    calls: bool = True,
    clock: FakeClock | None = None,
    day: Callable[[], date] = lambda: date(2026, 3, 31),
    **fax: Any,
) -> AsyncIterator[Station]:
    """A station on a data folder; without `calls` its fax process is not started."""
    place.mkdir(exist_ok=True)
    options = FaxOptions(numbers=(FAX_NUMBER,), look_s=0.1, **fax)
    kit = FaxHouse(place, options=options, outbound=outbound or OutboundOptions())
    kit.clock = clock or kit.clock
    process, box = FaxProcess(FaxingOptions()), PostBox()
    printer, files = Printer(PrintingOptions()), FaxFiles(place / "fax")
    if calls:
        await process.start()
    async with open_store(place, clock=kit.clock) as store:
        run, zone = store.journal.run, store.journal.zone
        jobs = FaxJobs(replace(kit.parts(store, run), missing=lambda: process.missing))
        letters = FaxLetters(LetterParts(run, files, box, MAIL, HouseClock(kit.clock), zone))
        parts = IncomingParts(
            *(run, store.vault, options, files, printer, process, jobs),
            *(lambda: letters.wanted, letters.look_now, kit.alarms.append, day),
        )
        yield Station(place, store, process, jobs, Incoming(parts), letters, box, kit)
    await process.close()


@asynccontextmanager
async def two(
    tmp_path: Path, voice: Voice, **fax: Any
) -> AsyncIterator[tuple[Station, Station, House]]:
    """One that sends, one that receives, and the node of that."""
    async with AsyncExitStack() as stack:
        outbound = OutboundOptions(allow=("sip:127.0.0.1", FAX_NUMBER))
        sender = await stack.enter_async_context(station(tmp_path / "out", outbound))
        receiver = await stack.enter_async_context(station(tmp_path / "in", **fax))
        await stack.enter_async_context(open_house(tmp_path / "out", voice, faxes=sender))
        house = await stack.enter_async_context(open_house(tmp_path / "in", voice, faxes=receiver))
        assert sender.shell is not None
        sender.jobs.start(Outgoing(sender.shell, sender.process, sender.kit.options, outbound))
        receiver.letters.start()
        receiver.incoming.start()
        yield sender, receiver, house
        for one in (sender, receiver):
            await one.jobs.close()
            await one.incoming.close()
            await one.letters.close()


async def send(sender: Station, house: House, tries: int = 1) -> str:
    """Have a page sent to the receiving node; the fax's id."""
    host, port = house.node.address
    wanted = sender.kit.wanted(sender.jobs, to=f"sip:{FAX_NUMBER}@{host}:{port}", pages=1)
    write_pages(sender.place / "fax" / wanted.id / "pages.tiff", rows=200)
    kept = await sender.jobs.add(wanted)
    return kept.id  # type: ignore[union-attr]


async def until(sender: Station, fax: str, *states: State, seconds: float = 90) -> Any:
    async with asyncio.timeout(seconds):
        while True:
            found = await sender.jobs.one(fax)
            if found is not None and found.state in states:
                return found
            await asyncio.sleep(0.05)


@pytest.mark.timeout(180)
async def test_a_real_fax_between_two_nodes(tmp_path: Path, voice: Voice) -> None:
    async with two(tmp_path, voice) as (sender, receiver, house):
        fax = await send(sender, house)
        ended = await until(sender, fax, State.DONE, State.FAILED, State.UNCONFIRMED)
        assert (ended.state, ended.life.confirmed) == (State.DONE, 1), ended.life
        async with asyncio.timeout(20):
            while receiver.row().mail != "sent":
                await asyncio.sleep(0.05)
    row, folder = receiver.row(), tmp_path / "in" / "fax"
    assert (row.direction, row.state, row.pages, row.confirmed) == ("in", "done", 1, 1)
    files = [folder / row.folder / name for name in ("pages.tiff", "paper.pdf")]
    assert pixels(files[0]) == pixels(tmp_path / "out" / "fax" / fax / "pages.tiff")
    assert files[1].read_bytes().startswith(b"%PDF")
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
    assert (folder / row.folder).stat().st_mode & 0o777 == 0o700
    assert [kind for kind, _, _ in told(tmp_path / "in")] == [
        *("fax.arriving", "fax.received", "fax.mailed")
    ]
    (letter,) = receiver.box.letters
    assert letter.files == (files[1], files[0])
    assert letter.to == MAIL.to
    assert "收到传真" in letter.subject


async def test_no_channel_is_busy(tmp_path: Path, voice: Voice) -> None:
    async with two(tmp_path, voice, channels=1) as (sender, receiver, house):
        with receiver.jobs.channel():
            fax = await send(sender, house)
            waits = await _tried(sender, fax)
    assert waits.life.why == "busy"
    assert rows(receiver.place, fax_job) == []


@pytest.mark.parametrize(
    ("options", "why"),
    [({"incoming": 1, "channels": 2}, "busy"), ({"free_mb": 10**9}, "no_line")],
)
async def test_strangers_are_kept_out(
    tmp_path: Path, voice: Voice, options: dict[str, int], why: str
) -> None:
    async with two(tmp_path, voice, **options) as (sender, receiver, house):
        if why == "busy":  # one comes already, and a channel is free for callers
            assert receiver.incoming._arrivals.begin("1", 10**12) is None
        fax = await send(sender, house)
        waits = await _tried(sender, fax)
    assert waits.life.why == why
    assert rows(receiver.place, fax_job) == []
    assert not (tmp_path / "in" / "fax" / "in").exists()


async def test_without_the_library_nobody_answers(tmp_path: Path, voice: Voice) -> None:
    async with two(tmp_path, voice) as (sender, receiver, house):
        receiver.process.missing = "apt-get install libspandsp2"
        fax = await send(sender, house)
        waits = await _tried(sender, fax)
    assert waits.life.why == "no_line"
    assert rows(receiver.place, fax_job) == []


async def test_hung_up_before_a_page_is_no_mail(tmp_path: Path, voice: Voice) -> None:
    async with two(tmp_path, voice) as (sender, receiver, house):
        fax = await send(sender, house)
        await until(sender, fax, State.NEGOTIATING, State.SENDING)
        await sender.jobs.cancel(fax, LI_NA)
        async with asyncio.timeout(20):
            while receiver.row().state != "failed":
                await asyncio.sleep(0.05)
    row = receiver.row()
    assert (row.confirmed, row.mail) == (0, "")
    assert list((tmp_path / "in" / "fax" / "in").iterdir()) == []
    assert receiver.box.letters == []


def call_of(number: str) -> CallOffered:
    """A call that a stranger places."""
    return CallOffered(
        leg="1",
        call_id="01-1-7",
        from_uri=f"sip:{number}@192.0.2.9",
        from_display="",
        to_uri=f"sip:{FAX_NUMBER}@192.0.2.1",
        offer=None,
        source=("192.0.2.9", 5060),
    )


async def came(now: Station, number: str) -> int:
    """What one more call is answered with; 0: its fax comes, and is kept."""
    fax = now.jobs.next_id()
    status = await now.incoming._let_in(fax, call_of(number))
    if not status:
        assert await now.incoming._kept(fax, call_of(number)) == 0
        now.incoming._arrivals.end()
    return status


async def test_no_restart_forgets_who_came_today(tmp_path: Path) -> None:
    limits = {"incoming_daily": 3, "incoming_per_number_daily": 2}
    clock, day = FakeClock(), date(2026, 3, 31)
    for numbers, answers in (
        (["010"], [0]),
        (["010", "010", "020", "030"], [0, BUSY, 0, BUSY]),
        (["010", "030"], [BUSY, BUSY]),
    ):
        async with station(tmp_path, calls=False, clock=clock, day=lambda: day, **limits) as now:
            assert [await came(now, number) for number in numbers] == answers
    assert len(rows(tmp_path, fax_job)) == 3
    clock.forward(86_400)
    day = date(2026, 4, 1)
    async with station(tmp_path, calls=False, clock=clock, day=lambda: day, **limits) as now:
        assert [await came(now, number) for number in ("010", "010", "010")] == [0, 0, BUSY]
        clock.forward(86_400)
        day = date(2026, 4, 2)
        assert await came(now, "010") == 0


async def test_who_cannot_be_counted_is_not_let_in(tmp_path: Path) -> None:
    async with station(tmp_path, calls=False) as now:
        run = now.incoming._parts.run

        async def gone(*_: Any) -> Any:
            raise JournalUnavailable("database is locked")

        object.__setattr__(now.incoming._parts, "run", gone)
        assert await now.incoming._let_in("01-1-F1", call_of("010")) == UNAVAILABLE
        object.__setattr__(now.incoming._parts, "run", run)
        assert await came(now, "010") == 0


class Leg:
    """A call whose fax ends as it is told to, with pages on disk."""

    def __init__(self, pages: Path, outcome: FaxOutcome | None) -> None:
        self._pages, self._outcome = pages, outcome

    async def take(self, offered: CallOffered) -> FaxOutcome:
        write_pages(self._pages, pages=2, rows=200)
        if self._outcome is None:
            raise RuntimeError
        return self._outcome

    def cancel(self, reason: str) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (FaxOutcome(0, 0, "failed", "fax_process_lost", lost=True), "fax_process_lost"),
        (None, "failed"),
    ],
)
async def test_what_a_lost_fax_process_had_taken_comes_to_people(
    tmp_path: Path, outcome: FaxOutcome | None, why: str
) -> None:
    """It died after it had confirmed pages and before it could say so to us."""
    async with station(tmp_path, calls=False) as now:
        fax = now.jobs.next_id()
        leg: Any = Leg(FaxFiles(tmp_path / "fax").pages(f"in/{fax}"), outcome)
        await now.incoming._receive(fax, call_of("010"), leg, [])
        await now.incoming.close()
    row = now.row()
    assert (row.state, row.confirmed, row.why, row.mail) == ("unconfirmed", 2, why, "waiting")
    assert row.call == fax
    assert [event.kind for event in now.kit.alarms] == ["alarm.fax"]
    (event,) = rows(tmp_path, tables.event, tables.event.c.kind == "fax.arriving")
    assert (event.call, event.detail["call_id"]) == (fax, "01-1-7")


async def test_what_nobody_receives_any_more_is_found_later_too(tmp_path: Path) -> None:
    async with station(tmp_path, calls=False) as now:
        now.incoming.start()
        coming = draft(now.store, "01-1-F9", pages=0)
        job = partial(fax_arrivals.arriving, draft=coming, seconds=600)
        await now.store.journal.run(job)
        await asyncio.sleep(0.3)
        assert now.row().state == "negotiating"
        now.kit.clock.forward(661)
        async with asyncio.timeout(20):
            while now.row().state != "unconfirmed":
                await asyncio.sleep(0.05)
        await now.incoming.close()
    assert [event.kind for event in now.kit.alarms] == ["alarm.fax"]


async def test_what_a_killed_node_was_receiving_comes_to_people(tmp_path: Path) -> None:
    async with station(tmp_path, calls=False) as former:
        coming = draft(former.store, "01-1-F9", pages=0)
        job = partial(fax_arrivals.arriving, draft=coming, seconds=600)
        await former.store.journal.run(job)
        folder = FaxFiles(tmp_path / "fax").new("01-1-F9", came=True)
        write_pages(folder / "pages.tiff", pages=2, rows=200)
    async with station(tmp_path, calls=False) as now:
        now.incoming.start()
        async with asyncio.timeout(20):
            while now.row().state != "unconfirmed":
                await asyncio.sleep(0.05)
        await now.letters.look()
        await now.incoming.close()
    row = now.row()
    assert (row.confirmed, row.why, row.mail) == (2, "interrupted", "sent")
    assert [event.kind for event in now.kit.alarms] == ["alarm.fax"]
    assert "不完整" in now.box.letters[0].text


async def test_mail_is_tried_again_and_then_given_up(tmp_path: Path) -> None:
    async with station(tmp_path, calls=False) as now:
        run = now.store.journal.run
        for fax in ("01-1-F8", "01-1-F9"):
            coming = draft(now.store, fax, number=f"{NUMBER}{fax[-1]}", pages=0)
            await run(partial(fax_arrivals.arriving, draft=coming, seconds=600))
            done = {"pages": 1, "why": "", "state": State.DONE, "mail": True}
            await run(partial(fax_arrivals.arrived, fax=fax, **done))
        now.box.answers = [NotPosted("550 no", again=False), *[NotPosted("451 later")] * 2]
        assert await now.letters.look() == 2
        assert await now.letters.look() == 0
        now.kit.clock.forward(60)
        assert await now.letters.look() == 1
        now.kit.clock.forward(86_400)
        assert await now.letters.look() == 0
    assert [row.mail for row in rows(tmp_path, fax_job)] == ["failed", "failed"]
    kinds = [kind for kind, _, _ in told(tmp_path)]
    assert kinds.count("fax.not_mailed") == 2
    assert kinds.count("fax.mail_waits") == 1


def test_which_number_was_called() -> None:
    assert user_of("sip:8820@192.0.2.1:5060") == "8820"
    assert user_of("sip:192.0.2.1") == ""
    assert user_of("tel:8820") == ""


async def _tried(sender: Station, fax: str) -> Any:
    """Wait until it waits for its second try."""
    async with asyncio.timeout(20):
        while True:
            found = await until(sender, fax, State.QUEUED)
            if found.life.attempt == 1:
                return found
            await asyncio.sleep(0.05)
