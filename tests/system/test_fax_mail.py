"""A caller of a real node has his statement mailed: it arrives and reads as the bank's books do. A
node that is killed mails what it kept, as the same mail."""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pypdfium2
import pytest

from core_adapters.corehost.products.history import entries
from support.bank_process import BankProcess, Voice
from support.fax_bank import faxes_of
from support.money_caller import prompts, prove, ring_all
from support.smtp_server import Postman, served

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(500)]

BY_MAIL = "!1 !3 @fax.offer !3 @fax.way_mail !5"
"""Enquiries, what moved lately, in writing, by mail."""
PATIENCE_S = 200.0


def settings(port: int) -> dict[str, object]:
    return {
        "host": "127.0.0.1",
        "port": port,
        "sender": "tb@bank.example",
        "statements": True,
        "retry_s": 0.1,
    }


def text_of(pdf: bytes) -> str:
    """Everything that is printed on a paper, without spaces and line ends."""
    with closing(pypdfium2.PdfDocument(pdf)) as paper:
        pages = [page.get_textpage().get_text_range() for page in paper]
    return re.sub(r"\s", "", "".join(pages))


def amounts_of(bank: BankProcess, account: str) -> list[str]:
    """What moved on an account in eighty days (a statement has ninety), by the bank's own books."""
    since = datetime.now(UTC).date() - timedelta(days=80)
    with closing(sqlite3.connect(bank.host.folder / "bank.sqlite3")) as db:
        found = entries(db, account, since, 0, 400)
    return [f"{abs(one.minor) / 100:,.2f}" for one in found]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.2)


async def test_a_statement_arrives_by_mail_and_reads_as_the_books(
    voice: Voice, tmp_path: Path
) -> None:
    postman = Postman()
    async with served(postman) as port:
        with BankProcess.start(tmp_path / "bank", voice, mail=settings(port)) as bank:
            who = bank.cards[0]
            async with bank.phone() as phone:
                (report,) = await ring_all(bank, phone, [(f"{prove(who)} {BY_MAIL}", "fax.mailed")])
            assert "fax.mailed" in prompts(report), prompts(report)
            assert "fax.ways" not in prompts(report)  # nothing may be dialled from here
            await until(lambda: bool(postman.mail))
            await until(lambda: faxes_of(bank)[0].state == "done")
            (kept,) = faxes_of(bank)
            assert (kept.way, kept.document) == ("mail", "card_recent")
            ((to, letter),) = postman.mail
            assert to == [f"c{who.card[6:15]}@example.com"]
            assert kept.id in letter["Subject"]
            printed = text_of(paper_of(letter))
            amounts = amounts_of(bank, who.account)
            assert len(amounts) > 2
            assert all(printed.count(amount) >= amounts.count(amount) for amount in amounts)
            assert kept.id in printed
            assert who.card not in printed + bank.log_text()
            assert to[0] not in bank.log_text()


def paper_of(letter: EmailMessage) -> bytes:
    (paper,) = letter.iter_attachments()
    content = paper.get_content()
    assert isinstance(content, bytes)
    return content


async def test_a_killed_node_mails_what_it_kept_as_the_same_mail(
    voice: Voice, tmp_path: Path
) -> None:
    postman = Postman()
    async with served(postman) as port:
        with BankProcess.start(tmp_path / "bank", voice, mail=settings(port)) as bank:
            address = f"c{bank.cards[0].card[6:15]}@example.com"
            postman.at_rcpt[address] = "451 not now"
            async with bank.phone() as phone:
                call = (f"{prove(bank.cards[0])} {BY_MAIL}", "fax.mailed")
                await ring_all(bank, phone, [call])
            await until(lambda: bool(faxes_of(bank)) and faxes_of(bank)[0].attempt > 0)
            bank.kill()  # kept, and not posted
            postman.at_rcpt.clear()
            postman.go.clear()
            await asyncio.to_thread(bank.restart)
            async with asyncio.timeout(PATIENCE_S):
                await postman.came.wait()
            assert faxes_of(bank)[0].state == "sending"
            bank.kill()  # while the server thinks
            postman.go.set()
            await asyncio.to_thread(bank.restart)
            await until(lambda: faxes_of(bank)[0].state == "done")
    ids = [letter["Message-ID"] for _, letter in postman.mail]
    assert 1 <= len(ids) <= 2
    assert set(ids) == {f"<fax.{faxes_of(bank)[0].id}@bank.example>"}
