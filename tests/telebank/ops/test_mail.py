"""Mail by SMTP, against a real server in this process: arrivals, refusals, encryption, silence."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from support.smtp_server import Postman, served
from support.tls_kit import Authority
from telebank.calls.faxes.letters import Letter, NotPosted, Posted
from telebank.calls.faxes.options import MailOptions
from telebank.ops import mail
from telebank.ops.mail import Mailer

PASSWORD = "correct horse battery"


def knows(server: SMTP, session: Session, envelope: Envelope, kind: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
    known = right and data.login == b"fax"
    return AuthResult(success=known, handled=known)


def mailer(tmp_path: Path, port: int, **changes: Any) -> Mailer:
    known: dict[str, Any] = {
        "sender": "fax@bank.example",
        "to": ("a@bank.example",),
        "timeout_s": 5,
    }
    return Mailer(MailOptions(host="127.0.0.1", port=port, **{**known, **changes}), tmp_path)


def letter(tmp_path: Path, *to: str, size: int = 5_000) -> Letter:
    files = (tmp_path / "paper.pdf", tmp_path / "pages.tiff")
    for file in files:
        file.write_bytes(file.suffix.encode() * (size // 4))
    return Letter("01-1-F7", to or ("a@bank.example",), "收到传真\r\nBcc: x@y", "两页。\n", files)


async def test_a_letter_arrives_with_its_files(tmp_path: Path) -> None:
    postman = Postman()
    async with served(postman) as port:
        sent = await mailer(tmp_path, port).send(letter(tmp_path))
    assert sent == Posted()
    ((to, message),) = postman.mail
    assert to == ["a@bank.example"]
    assert message["Subject"] == "收到传真 Bcc: x@y"
    assert message["Bcc"] is None
    assert message["Message-ID"] == "<fax.01-1-F7@bank.example>"
    body = message.get_body()
    assert body is not None
    assert "两页。" in body.get_content()
    pdf, tiff = message.iter_attachments()
    assert (pdf.get_content_type(), pdf.get_filename()) == ("application/pdf", "01-1-F7.pdf")
    assert tiff.get_content() == b".tiff" * 1_250


async def test_what_does_not_fit_stays_and_the_mail_says_where(tmp_path: Path) -> None:
    postman = Postman()
    async with served(postman, data_size_limit=None) as port:
        sent = await mailer(tmp_path, port, max_mb=1).send(letter(tmp_path, size=500_000))
    assert sent == Posted()
    message = postman.mail[0][1]
    assert [part.get_filename() for part in message.iter_attachments()] == ["01-1-F7.pdf"]
    body = message.get_body()
    assert body is not None
    assert str(tmp_path / "pages.tiff") in body.get_content()


async def test_some_of_those_it_is_for_are_refused(tmp_path: Path) -> None:
    postman = Postman(at_rcpt={"b@bank.example": "550 nobody"})
    async with served(postman) as port:
        sent = await mailer(tmp_path, port).send(
            letter(tmp_path, "a@bank.example", "b@bank.example")
        )
    assert sent == Posted("refused for 1 of 2")


@pytest.mark.parametrize(
    ("postman", "why", "again"),
    [
        (Postman(at_rcpt={"a@bank.example": "550 nobody"}), "550 nobody", False),
        (Postman(at_rcpt={"a@bank.example": "451 later"}), "451 later", True),
        (Postman(at_data="554 no"), "554 no", False),
        (Postman(at_data="452 full"), "452 full", True),
    ],
)
async def test_refused(tmp_path: Path, postman: Postman, why: str, again: bool) -> None:
    async with served(postman) as port:
        sent = await mailer(tmp_path, port).send(letter(tmp_path))
    assert sent == NotPosted(why, again)
    assert postman.mail == []


@pytest.mark.parametrize(("at_data", "taken"), [("drops", 1), ("dies", 0)])
async def test_what_it_said_of_a_mail_was_lost(tmp_path: Path, at_data: str, taken: int) -> None:
    postman = Postman(at_data=at_data)
    async with served(postman) as port:
        sent = await mailer(tmp_path, port).send(letter(tmp_path))
    assert isinstance(sent, NotPosted)
    assert (sent.again, sent.unknown) == (True, True)
    assert len(postman.mail) == taken


async def test_what_is_said_after_it_was_taken_changes_nothing(tmp_path: Path) -> None:
    postman = Postman(at_quit="421 too busy")
    async with served(postman) as port:
        sent = await mailer(tmp_path, port).send(letter(tmp_path))
    assert (sent, len(postman.mail)) == (Posted(), 1)


async def test_what_was_not_given_to_the_server_is_known_not_to_be_there(tmp_path: Path) -> None:
    async with served(Postman()) as port:
        pass
    gone = await mailer(tmp_path, port).send(letter(tmp_path))
    assert isinstance(gone, NotPosted)
    assert not gone.unknown


async def test_a_letter_that_must_be_whole_is_posted_whole_or_not(tmp_path: Path) -> None:
    postman, paper = Postman(), replace(letter(tmp_path, size=500_000), whole=True)
    async with served(postman, data_size_limit=None) as port:
        sent = await mailer(tmp_path, port, max_mb=1).send(paper)
        assert sent == NotPosted(
            "pages.tiff is gone, empty, or does not fit [mail] max_mb (1)", False
        )
        assert await mailer(tmp_path, port, max_mb=20).send(paper) == Posted()
    assert [len(list(message.iter_attachments())) for _, message in postman.mail] == [2]


async def test_larger_than_the_server_takes(tmp_path: Path) -> None:
    async with served(Postman(), data_size_limit=1_000) as port:
        sent = await mailer(tmp_path, port).send(letter(tmp_path))
    assert isinstance(sent, NotPosted)
    assert not sent.again


async def test_nobody_there_and_one_who_says_nothing(tmp_path: Path) -> None:
    async with served(Postman()) as port:
        pass
    gone = await mailer(tmp_path, port).send(letter(tmp_path))
    assert isinstance(gone, NotPosted)
    assert gone.again
    silent = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    said = await mailer(tmp_path, port, timeout_s=0.2).send(letter(tmp_path))
    silent.close()
    assert isinstance(said, NotPosted)
    assert said.again


@asynccontextmanager
async def slow(greeting: bytes) -> AsyncIterator[tuple[int, asyncio.Event, asyncio.Event]]:
    """A server that says this for ever and comes to no end; whether one came, and has gone."""
    came, gone = asyncio.Event(), asyncio.Event()

    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        reading = asyncio.ensure_future(reader.read())
        try:
            while not reading.done():
                writer.write(greeting)
                await asyncio.wait([reading], timeout=0.02)
        finally:
            reading.cancel()
            writer.close()
            gone.set()

    server = await asyncio.start_server(talks, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], came, gone
    finally:
        server.close()


async def test_a_try_as_a_whole_has_its_time(tmp_path: Path) -> None:
    async with asyncio.timeout(20), slow(b"220-not yet\r\n") as (port, _, gone):
        said = await mailer(tmp_path, port, timeout_s=60, try_s=0.3).send(letter(tmp_path))
        assert isinstance(said, NotPosted)
        assert said.again
        await gone.wait()


async def test_who_stops_leaves_no_connection(tmp_path: Path) -> None:
    async with asyncio.timeout(20), slow(b"") as (port, came, gone):
        work = asyncio.create_task(mailer(tmp_path, port, timeout_s=60).send(letter(tmp_path)))
        await came.wait()
        await asyncio.sleep(0.1)
        work.cancel()
        await asyncio.wait([work])
        assert work.cancelled()
        await gone.wait()


class Place:
    """Where a TLS server's certificate is made."""

    def __init__(self, tmp_path: Path) -> None:
        folder = tmp_path / "tls"
        folder.mkdir()
        authority = Authority(folder)
        own = authority.issue("mail", host="127.0.0.1")
        self.ca = str(authority.path)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(own.certificate, own.key)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_encrypted_with_a_log_in(tmp_path: Path, tls: str) -> None:
    place, postman = Place(tmp_path), Postman()
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "password").chmod(0o600)
    more: dict[str, Any] = {"authenticator": knows, "auth_required": True}
    more |= {"tls_context": place.context, "require_starttls": True} if tls == "starttls" else {}
    more["auth_require_tls"] = tls == "starttls"  # else the way is encrypted from the first byte
    over = place.context if tls == "tls" else None
    settings: dict[str, Any] = {"tls": tls, "ca_file": place.ca, "user": "fax"}
    settings["password_file"] = "password"
    async with served(postman, over, **more) as port:
        assert await mailer(tmp_path, port, **settings).send(letter(tmp_path)) == Posted()
        (tmp_path / "password").write_text("another")
        wrong = await mailer(tmp_path, port, **settings).send(letter(tmp_path))
        (tmp_path / "password").chmod(0o644)
        open_to_all = await mailer(tmp_path, port, **settings).send(letter(tmp_path))
    assert isinstance(wrong, NotPosted)
    assert wrong.why.startswith("535")
    assert isinstance(open_to_all, NotPosted)
    assert "chmod 600" in open_to_all.why
    assert len(postman.mail) == 1


async def test_a_server_that_is_not_who_it_says_gets_nothing(tmp_path: Path) -> None:
    place, postman = Place(tmp_path), Postman()
    async with served(postman, tls_context=place.context) as port:
        stranger = await mailer(tmp_path, port, tls="starttls").send(letter(tmp_path))
    assert isinstance(stranger, NotPosted)
    assert "certificate" in stranger.why.lower()
    async with served(postman) as port:
        plain = await mailer(tmp_path, port, tls="starttls").send(letter(tmp_path))
    assert isinstance(plain, NotPosted)
    assert postman.mail == []


@asynccontextmanager
async def held(port: int, go: asyncio.Event) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A way to a server on which a TLS handshake waits for `go`; whether its caller has gone."""
    gone = asyncio.Event()

    async def copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                if data.startswith(b"\x16\x03\x01"):  # RFC 8446 section 5.1: ClientHello
                    await go.wait()
                writer.write(data)
        writer.close()

    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copied(reader, far_writer), copied(far_reader, writer))
        gone.set()

    server = await asyncio.start_server(talks, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], gone
    finally:
        server.close()


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_a_try_given_up_in_the_handshake_posts_nothing_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: str
) -> None:
    monkeypatch.setattr(mail, "CUT_S", 0.05)
    place, postman, go = Place(tmp_path), Postman(), asyncio.Event()
    more = {"tls_context": place.context} if tls == "starttls" else {}
    over = place.context if tls == "tls" else None
    async with (
        asyncio.timeout(20),
        served(postman, over, **more) as port,
        held(port, go) as (way, gone),
    ):
        said = await mailer(tmp_path, way, tls=tls, ca_file=place.ca, try_s=0.5).send(
            letter(tmp_path)
        )
        go.set()
        await gone.wait()
    assert said == NotPosted("took longer than 0.5 s")
    assert postman.mail == []


async def test_a_server_has_its_time_to_take_a_mail(tmp_path: Path) -> None:
    postman = Postman()
    postman.go.clear()
    async with asyncio.timeout(20), served(postman) as port:
        sending = asyncio.create_task(mailer(tmp_path, port, timeout_s=0.3).send(letter(tmp_path)))
        await postman.came.wait()
        await asyncio.wait([sending], timeout=0.8)
        postman.go.set()
        assert await sending == Posted()
    assert len(postman.mail) == 1
    assert MailOptions().try_s > mail.ANSWER_S


async def test_who_took_a_mail_has_no_such_time_to_part(tmp_path: Path) -> None:
    class Stays(Postman):
        async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
            await asyncio.Event().wait()
            raise AssertionError

    postman = Stays()
    async with asyncio.timeout(20), served(postman) as port:
        assert await mailer(tmp_path, port, timeout_s=0.3).send(letter(tmp_path)) == Posted()
    assert len(postman.mail) == 1


async def taken(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rcpt: list[str]
) -> None:
    """Take what comes, and note for whom, as it stands on the wire."""
    writer.write(b"220 mail.example\r\n")
    while line := (await reader.readline()).decode():
        if line.upper().startswith("RCPT"):
            rcpt.append(line.strip().partition(":")[2])
        if line.upper().startswith("DATA"):
            writer.write(b"354 go\r\n")
            await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 OK\r\n")
    writer.close()


async def test_a_mail_goes_where_it_is_to_go_and_not_where_a_header_is_read_to(
    tmp_path: Path,
) -> None:
    rcpt: list[str] = []
    server = await asyncio.start_server(partial(taken, rcpt=rcpt), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    odd = "=?utf-8?q?thief=40evil.example=2C_b?=@example.com"
    async with asyncio.timeout(20):
        assert await mailer(tmp_path, port).send(letter(tmp_path, odd)) == Posted()
        broken = "=?utf-8?q?a=0D=0ABcc=3A_thief=40evil.example?=@example.com"
        said = await mailer(tmp_path, port).send(letter(tmp_path, broken))
    server.close()
    assert rcpt == [f"<{odd}>"]
    assert isinstance(said, NotPosted)
    assert not said.again
