"""A node's two kinds of mail, against a real SMTP server: neither waits for the other."""

import asyncio
from functools import partial
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from fax.job import State
from support.fax_jobs import draft
from support.smtp_server import Postman, served
from support.store_kit import open_store, rows
from telebank.calls.faxes.files import FaxFiles
from telebank.calls.faxes.queue import Wanted
from telebank.commands.wiring.faxes import FaxRoom
from telebank.settings import load_settings
from telebank.store import fax_arrivals
from telebank.store.fax_rows import Fax
from telebank.store.fax_tables import fax_job
from telebank.store.store import Store

CUSTOMER, BRANCH = "lin@example.com", "branch@bank.example"
CAME = ("01-1-F8", "01-1-F9")


class Slow(Postman):
    """Says nothing of what is for a customer until `answers` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = asyncio.Event()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if CUSTOMER in envelope.rcpt_tos:
            await self.answers.wait()
        return await super().handle_DATA(server, session, envelope)


async def ordered(room: FaxRoom, place: Path, nth: int) -> None:
    fax = f"01-1-F{nth}"
    (FaxFiles(place / "fax").new(fax) / "paper.pdf").write_bytes(b"paper")
    kept = await room._mailing.add(
        Wanted(fax, CUSTOMER, 1, "明细", by="", request=fax, customer="c")
    )
    assert isinstance(kept, Fax)


async def came(store: Store, room: FaxRoom, fax: str) -> None:
    coming = draft(store, fax, pages=0)
    await store.journal.run(partial(fax_arrivals.arriving, draft=coming, seconds=60))
    end = partial(fax_arrivals.arrived, pages=1, why="", state=State.DONE, mail=True)
    await store.journal.run(partial(end, fax=fax))
    room._letters.look_now()


def states(place: Path) -> dict[str, str]:
    return {row.id: row.mail or row.state for row in rows(place, fax_job)}


async def until(place: Path, **wanted: str) -> None:
    async with asyncio.timeout(20):
        while not wanted.items() <= {k[5:]: v for k, v in states(place).items()}.items():
            await asyncio.sleep(0.02)


async def test_faxes_that_came_are_mailed_while_papers_are_not_answered(tmp_path: Path) -> None:
    postman = Slow()
    async with served(postman) as port, open_store(tmp_path) as store:
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "telebank.toml").write_text(
            f'schema = 1\n[mail]\nhost = "127.0.0.1"\nport = {port}\nsender = "tb@bank.example"\n'
            f'to = ["{BRANCH}"]\nstatements = true\n'
        )
        room = FaxRoom(load_settings(tmp_path), tmp_path, store, store.vault)
        for nth in range(1, 4):
            await ordered(room, tmp_path, nth)
        for rounds in room._rounds:
            rounds.start()
        await until(tmp_path, F1="sending", F2="sending", F3="queued")
        for fax in CAME:
            await came(store, room, fax)
        await until(tmp_path, F8="sent", F9="sent")
        assert states(tmp_path)["01-1-F1"] == "sending"
        postman.answers.set()
        await until(tmp_path, F1="done", F2="done", F3="done")
        await asyncio.gather(*(rounds.close() for rounds in room._rounds))
    assert sorted(to[0] for to, _ in postman.mail) == [BRANCH] * 2 + [CUSTOMER] * 3
