"""Two banks that fax each other: real nodes on free loopback ports, people at the real commands,
and a mail server that keeps what it is sent.

    async with mail_server() as mail, ...
    with sending(tmp_path, voice, receiver.sip) as bank:
        ran = bank.staff.desk.run(bank.staff.wu, "fax", "send", str(pdf), to, "--json")
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from PIL import Image, ImageChops, ImageSequence
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from support import store_run
from support.bank_process import BankProcess
from support.release_scene import Staff
from support.staff_commands import Person, Ran
from telebank.store import fax_views
from telebank.store.engine import database_url, open_read_only
from telebank.store.fax_views import FaxSeen

NUMBER = "8820"
"""The number of the receiving bank that takes faxes."""
POLL_S = 0.1
PATIENCE_S = 40.0


@dataclass
class Mail:
    """A mail server of this process."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep it (aiosmtpd calls this)."""
        content = envelope.content
        assert isinstance(content, bytes)
        letter = message_from_bytes(content, policy=default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return "250 kept"

    async def letter(self, patience_s: float = PATIENCE_S) -> EmailMessage:
        """The first that comes."""
        async with asyncio.timeout(patience_s):
            while not self.letters:
                await asyncio.sleep(POLL_S)
        return self.letters[0]


@asynccontextmanager
async def mail_server() -> AsyncIterator[Mail]:
    """A mail server on a free port of the loopback."""
    mail, loop = Mail(), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mail, loop=loop, data_size_limit=40_000_000), "127.0.0.1", 0
    )
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        server.close()
        await server.wait_closed()


def write_pdf(path: Path, pages: int, lines: int = 12) -> Path:
    """A paper of a few words a page, quickly sent."""
    canvas = Canvas(str(path), pagesize=A4)
    for page in range(1, pages + 1):
        canvas.setFont("Helvetica", 14)
        for line in range(lines):
            canvas.drawString(60, 780 - 40 * line, f"Page {page} of {pages}, line {line + 1}")
        canvas.showPage()
    canvas.save()
    return path


def rasters(tiff: Path) -> list[Image.Image]:
    """The pages of a fax as they lie in its TIFF, black and white."""
    with Image.open(tiff) as image:
        return [frame.convert("1") for frame in ImageSequence.Iterator(image)]


def same(one: Sequence[Image.Image], other: Sequence[Image.Image]) -> bool:
    """Whether two papers are the same, pixel by pixel."""
    return len(one) == len(other) and all(
        a.size == b.size and ImageChops.logical_xor(a, b).getbbox() is None
        for a, b in zip(one, other, strict=True)
    )


def beneath_header(pages: Sequence[Image.Image], sent: Sequence[Image.Image]) -> list[Image.Image]:
    """Pages that arrived, without the line that the sender's machine writes above each."""
    cut = []
    for page, own in zip(pages, sent, strict=True):
        added = page.height - own.height
        assert added > 0, "no header"
        assert page.convert("L").crop((0, 0, page.width, added)).getextrema()[0] == 0
        cut.append(page.crop((0, added, page.width, page.height)))
    return cut


@dataclass
class FaxDesk:
    """A person of a bank who faxes."""

    bank: BankProcess
    staff: Staff
    who: Person

    @classmethod
    def found(cls, bank: BankProcess, private: Path) -> "FaxDesk":
        """The first two people of a bank; the supervisor sends."""
        staff = Staff.found(bank, private)
        return cls(bank, staff, staff.wu)

    def beside(self, bank: BankProcess) -> "FaxDesk":
        """The same person looks at another bank."""
        return FaxDesk(
            bank, replace(self.staff, desk=replace(self.staff.desk, data=bank.data)), self.who
        )

    def fax(self, *words: str) -> Ran:
        """`telebank fax …` at that person's terminal."""
        return self.staff.desk.run(self.who, "fax", *words)

    def send(self, file: Path, to: str, *words: str) -> dict[str, Any]:
        """Send a fax and do not wait; what the node answered."""
        ran = self.fax("send", str(file), to, "--no-wait", "--json", *words)
        assert ran.code == 0, ran
        return ran.json

    def show(self, fax: str) -> dict[str, Any]:
        """How a fax stands."""
        ran = self.fax("show", fax, "--json")
        assert ran.code == 0, ran
        return ran.json

    async def until(
        self, fax: str, right: Callable[[FaxSeen], bool], patience_s: float = PATIENCE_S
    ) -> FaxSeen:
        """Wait until a fax stands so."""
        deadline = time.monotonic() + patience_s
        while not right(seen := self.seen(fax)):
            assert time.monotonic() < deadline, f"{seen}\n{self.bank.log_text()[-3000:]}"
            await asyncio.sleep(POLL_S)
        return seen

    def seen(self, fax: str) -> FaxSeen:
        """A fax as the store has it now."""
        return next(one for one in faxes_of(self.bank) if one.id == fax)

    def inbox(self) -> list[dict[str, Any]]:
        """What came in, newest first."""
        ran = self.fax("inbox", "--json")
        assert ran.code == 0, ran
        found: list[dict[str, Any]] = json.loads(ran.out)
        return found


def faxes_of(bank: BankProcess) -> Sequence[FaxSeen]:
    """The faxes that go out, newest first, as the store has them now."""
    engine = open_read_only(database_url(bank.data))
    try:
        with engine.connect() as connection:
            return fax_views.faxes(connection)
    finally:
        engine.dispose()


def fax_process(bank: BankProcess) -> int:
    """Process id of a node's fax process."""
    (pid,) = bank.pids_of("telebank.faxing")
    return pid


async def waiting(desk: FaxDesk, file: Path, to: str, patience_s: float) -> Ran:
    """`telebank fax send` that stays until the fax has ended."""
    environment = {
        **store_run.inherited(),
        "TELEBANK_DATA": str(desk.bank.data),
        "TELEBANK_SESSION": str(desk.who.session),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "telebank", "fax", "send", str(file), to, "--wait", "--json"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    try:
        async with asyncio.timeout(patience_s):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())
