"""Mail by the SMTP server of `[mail]` (RFC 5321), in a thread of its own.

Nothing raises for what a server does: refusals and time-outs are values, and say whether another
try may go better.
"""

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from email.message import EmailMessage
from email.utils import format_datetime, localtime
from pathlib import Path
from typing import Any

from telebank.calls.faxes.addresses import hidden
from telebank.calls.faxes.letters import Letter, NotPosted, Posted
from telebank.calls.faxes.options import MailOptions

ANSWER_S = 600.0
"""Seconds that a server has to take a mail that it was given (RFC 5321 4.5.3.2.6); a try that ends
before it may put the mail there twice."""
MAX_PASSWORD = 1_000
MAX_WHY = 200
"""Characters of a server's answer that are kept."""
BASE64 = 4 / 3
KINDS = {".pdf": ("application", "pdf"), ".tiff": ("image", "tiff")}
PERMANENT = range(500, 600)
"""Replies of a server that mean it will not (RFC 5321 4.2.1)."""
CUT_S = 1.0
"""Seconds in which a thread whose connection was cut says what it saw."""


class Try:
    """One try, which another thread may cut short."""

    def __init__(self) -> None:
        self.server: smtplib.SMTP | None = None
        self.over = False
        self.handed = False
        """The server was given the whole mail, or some of it."""
        self.posted: Posted | None = None
        """It took it, whatever came after that."""

    def cut(self) -> None:
        """Nobody waits for it any more: whatever it waits for ends."""
        self.over = True
        line: socket.socket | None = getattr(self.server, "sock", None)
        if line is not None:
            with suppress(OSError):
                # as a plain one: an encrypted one would first forget that it is
                socket.socket.shutdown(line, socket.SHUT_RDWR)


class _Plain(smtplib.SMTP):
    """Known to its try before it says anything, and silent once nobody waits for it."""

    def __init__(self, trying: Try, *args: Any, **more: Any) -> None:
        self._trying = trying
        trying.server = self
        super().__init__(*args, **more)

    def putcmd(self, cmd: str, args: str = "") -> None:
        """After DATA only its answer says what became of the mail, and that has its time."""
        if self._trying.over:
            raise TimeoutError("nobody waits for it any more")
        if cmd == "data":
            self._trying.handed = True
        if self.sock is not None:
            self.sock.settimeout(ANSWER_S if cmd == "data" else self.timeout)
        super().putcmd(cmd, args)


class _Encrypted(_Plain, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


class Mailer:
    """Sends letters; `keys` is DATA/keys, where the password's file is looked for."""

    def __init__(self, options: MailOptions, keys: Path) -> None:
        self._options = options
        self._keys = keys

    async def send(self, letter: Letter) -> Posted | NotPosted:
        """Try once: at most `timeout_s` for each step, and `try_s` for all. Cancelled, it leaves no
        connection behind."""
        trying = Try()
        work = asyncio.ensure_future(asyncio.to_thread(self._send, letter, trying))
        try:
            done, _ = await asyncio.wait([work], timeout=self._options.try_s)
            if not done:
                trying.cut()
                done, _ = await asyncio.wait([work], timeout=CUT_S)
        finally:
            trying.cut()
        if not done:
            why = f"took longer than {self._options.try_s:g} s"
            return trying.posted or NotPosted(why, unknown=trying.handed)
        return work.result()

    def _send(self, letter: Letter, trying: Try) -> Posted | NotPosted:
        try:
            message = self._message(letter)
        except ValueError as error:
            return NotPosted(hidden(str(error), letter.to)[:MAX_WHY], again=False)
        except OSError as error:
            return NotPosted(str(error)[:MAX_WHY])
        failed = self._talk(message, letter.to, trying)
        if trying.posted is not None:
            return trying.posted
        return replace(failed, why=hidden(failed.why, letter.to)[:MAX_WHY])

    def _talk(self, message: EmailMessage, to: Sequence[str], trying: Try) -> NotPosted:
        """What went wrong, where it did."""
        try:
            password = self._password()
            with self._connect(trying) as server:
                if self._options.user:
                    server.login(self._options.user, password)
                refused = server.send_message(message, self._options.sender, to)
                note = f"refused for {len(refused)} of {len(to)}" if refused else ""
                trying.posted = Posted(note)
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            return NotPosted(_said(error.smtp_code, error.smtp_error), _again(error.smtp_code))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            code, text = next(iter(error.recipients.values()))
            return NotPosted(_said(code, text), any(_again(code) for code in codes))
        except smtplib.SMTPResponseException as error:
            return NotPosted(_said(error.smtp_code, error.smtp_error))
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return NotPosted(f"{type(error).__name__}: {error}", unknown=trying.handed)
        return NotPosted("nothing was sent")

    def _connect(self, trying: Try) -> smtplib.SMTP:
        """A connection that is encrypted as the settings want it, or none."""
        options = self._options
        where = (options.host, options.port, options.sender.partition("@")[2])
        if options.tls == "tls":
            more = {"timeout": options.timeout_s, "context": self._context()}
            return _Encrypted(trying, *where, **more)
        server = _Plain(trying, *where, timeout=options.timeout_s)
        if options.tls == "starttls":
            try:
                server.starttls(context=self._context())
            except (smtplib.SMTPException, OSError):
                server.close()
                raise
        return server

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._options.ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _password(self) -> str:
        """Raises `OSError`, or `ValueError` where others can read it."""
        path = self._options.password_path(self._keys)
        if path is None:
            return ""
        if path.stat().st_mode & 0o077:
            raise ValueError(f"{path} can be read by others: chmod 600 {path}")
        with path.open(encoding="utf-8") as file:
            return file.read(MAX_PASSWORD).strip()

    def _message(self, letter: Letter) -> EmailMessage:
        """Raises `OSError`, or `ValueError` where no try will go better."""
        message = EmailMessage()
        domain = self._options.sender.partition("@")[2]
        message["Message-ID"] = f"<fax.{letter.id}@{domain}>"
        message["Date"] = format_datetime(localtime())
        message["From"] = self._options.sender
        message["To"] = ", ".join(letter.to)
        message["Subject"] = " ".join(letter.subject.split())
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: no answers by machines
        left_out = []
        attached, room = [], self._options.max_mb * 1_000_000 / BASE64
        for file in letter.files:
            size = file.stat().st_size if file.exists() else 0
            if not 0 < size <= room:
                left_out.append(file)
                continue
            room -= size
            attached.append(file)
        if left_out and letter.whole:
            limit = f"[mail] max_mb ({self._options.max_mb})"
            raise ValueError(f"{left_out[0].name} is gone, empty, or does not fit {limit}")
        where = "".join(f"\n未附 / not attached: {file}" for file in left_out)
        message.set_content(letter.text + where)
        for file in attached:
            main, sub = KINDS.get(file.suffix, ("application", "octet-stream"))
            name = f"{letter.id}{file.suffix}"
            message.add_attachment(file.read_bytes(), maintype=main, subtype=sub, filename=name)
        return message


def _said(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(said.split())}"


def _again(code: int) -> bool:
    return code not in PERMANENT
