"""A real SMTP server in the test's process, and what its owner does with mail."""

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Postman:
    """What the server's owner does: keeps mail, or answers as he is told."""

    mail: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    at_rcpt: dict[str, str] = field(default_factory=dict)
    at_data: str = ""
    """Said of each mail instead of taking it; `drops`: it is taken, and the line cut without a
    word; `dies`: the line is cut before."""
    at_quit: str = ""
    came: asyncio.Event = field(default_factory=asyncio.Event)
    """A mail is here; it is answered once `go` is set, as it is from the start."""
    go: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.go.set()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if address in self.at_rcpt:
            return self.at_rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.came.set()
        await self.go.wait()
        if self.at_data not in ("", "drops", "dies"):
            return self.at_data
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        if self.at_data != "dies":
            self.mail.append((envelope.rcpt_tos, message))
        if self.at_data:
            server.transport.abort()
        return "250 taken"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return self.at_quit or "221 bye"


@asynccontextmanager
async def served(
    postman: Postman, over: ssl.SSLContext | None = None, **more: Any
) -> AsyncIterator[int]:
    """A server on a free port, its number."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(postman, enable_SMTPUTF8=True, loop=loop, **more), "127.0.0.1", 0, ssl=over
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
