"""Real faxes in real time between two of our nodes, over SIP, T.38 and UDP, and what becomes of
them when something is killed in the middle."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.bank_process import BankProcess, Voice
from support.fax_bank import (
    NUMBER,
    FaxDesk,
    Mail,
    beneath_header,
    fax_process,
    mail_server,
    rasters,
    same,
    waiting,
    write_pdf,
)
from support.release_scene import on_the_line, query

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(600)]

FAX_S = 240.0
"""A fax of two quiet pages takes less than a minute."""
QUICK = {"look_s": 0.2, "retry_s": 0.5, "tries": 1}


@dataclass
class Two:
    """A bank that sends and one that receives."""

    sender: BankProcess
    receiver: BankProcess
    desk: FaxDesk
    inbox: FaxDesk
    mail: Mail

    @property
    def to(self) -> str:
        """The number that receives."""
        return f"sip:{NUMBER}@{self.receiver.sip}"

    def events(self, bank: BankProcess) -> list[str]:
        """Kinds of events on faxes, in order."""
        told = query(bank, "SELECT kind FROM event WHERE kind LIKE 'fax.%' ORDER BY sequence")
        return [kind for (kind,) in told]


@asynccontextmanager
async def two_banks(voice: Voice, place: Path, **fax: int) -> AsyncIterator[Two]:
    """Both on this machine, with a mail server for the one that receives."""
    async with mail_server() as mail:
        mailed = {
            "host": "127.0.0.1",
            "port": mail.port,
            "sender": "fax@bank.example",
            "to": ["branch@bank.example"],
        }
        takes = {"look_s": 0.2, "numbers": [NUMBER]}
        with contextlib.ExitStack() as stack:
            receiver = stack.enter_context(
                BankProcess.start(place / "receiver", voice, fax=takes, mail=mailed)
            )
            allowed = {"allow": ["sip:127.0.0.1", NUMBER]}
            sender = stack.enter_context(
                BankProcess.start(place / "sender", voice, fax={**QUICK, **fax}, outbound=allowed)
            )
            desk = FaxDesk.found(sender, place / "private")
            yield Two(sender, receiver, desk, desk.beside(receiver), mail)


async def test_a_fax_arrives_pixel_by_pixel_and_is_mailed(voice: Voice, tmp_path: Path) -> None:
    async with two_banks(voice, tmp_path) as two:
        pdf = write_pdf(tmp_path / "statement.pdf", 2)
        ran = await waiting(two.desk, pdf, two.to, FAX_S)
        assert ran.code == 0, f"{ran}\n{two.sender.log_text()[-3000:]}"
        sent = ran.json
        assert (sent["state"], sent["pages"], sent["confirmed"]) == ("done", 2, 2)
        letter = await two.mail.letter()

        (came,) = two.inbox.inbox()
        assert (came["state"], came["pages"]) == ("done", 2)
        here, there = Path(two.desk.show(sent["id"])["folder"]), Path(came["folder"])
        ours, theirs = rasters(here / "pages.tiff"), rasters(there / "pages.tiff")
        assert same(ours, beneath_header(theirs, ours))
        assert "Demo Bank" in str(letter["Subject"])
        assert letter["To"] == "branch@bank.example"
        parts = {part.get_filename(): part.get_content() for part in letter.iter_attachments()}
        kept = {path.suffix: path.read_bytes() for path in there.iterdir()}
        assert {Path(str(name)).suffix: octets for name, octets in parts.items()} == kept

        assert two.events(two.sender).count("fax.queued") == 1
        assert two.events(two.sender)[-1] == "fax.done"
        assert "fax.received" in two.events(two.receiver)
        details = str(query(two.sender, "SELECT detail FROM event WHERE kind = 'fax.done'"))
        assert "t38" in details
        two.sender.wait_idle()
        two.receiver.wait_idle()


async def _sending(two: Two, pages: int, place: Path) -> str:
    """A fax of which the first page is on its way."""
    fax = str(two.desk.send(write_pdf(place / "long.pdf", pages, lines=18), two.to)["id"])
    await two.desk.until(fax, lambda seen: seen.state == "sending")
    return fax


async def test_a_killed_node_asks_a_person_and_sends_nothing_again(
    voice: Voice, tmp_path: Path
) -> None:
    async with two_banks(voice, tmp_path, tries=3) as two:
        fax = await _sending(two, 3, tmp_path)
        two.sender.kill()
        two.sender.run()
        shown = await two.desk.until(fax, lambda seen: seen.state == "unconfirmed")
        assert shown.confirmed < 3
        await asyncio.sleep(3)  # some looks for what is due
        assert two.desk.seen(fax) == shown
        told = two.events(two.sender)
        assert (told.count("fax.dialled"), told.count("fax.unconfirmed")) == (1, 1)
        assert two.receiver.counts()["total_fax_calls"] == 1
        assert two.desk.fax("list", "--state", "unconfirmed").out.count(fax) == 1
        alarms = query(two.sender, "SELECT outcome FROM event WHERE kind = 'alarm.fax'")
        assert list(alarms) == [("unconfirmed",)]


async def test_a_killed_fax_process_fails_its_fax_and_no_call(voice: Voice, tmp_path: Path) -> None:
    async with two_banks(voice, tmp_path) as two:
        async with two.sender.phone() as phone, on_the_line(two.sender, phone) as caller:
            await caller.says(("1", "zh/front.menu#0"))
            async with caller.staying():
                fax = await _sending(two, 3, tmp_path)
                before = fax_process(two.sender)
                os.kill(before, signal.SIGKILL)
                ends = ("failed", "unconfirmed")
                shown = await two.desk.until(fax, lambda seen: seen.state in ends)
            assert shown.confirmed < 3
            await caller.says(("1", "zh/auth.card#0"))
        assert fax_process(two.sender) != before
        two.sender.wait_idle()
        again = two.desk.send(write_pdf(tmp_path / "short.pdf", 1, lines=3), two.to)
        await two.desk.until(again["id"], lambda seen: seen.state == "done", FAX_S)
