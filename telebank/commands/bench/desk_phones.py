"""Desk phones for a measurement: each registers over UDP and takes every call, in silence."""

import asyncio
import contextlib
import secrets

from telebank.phone.rtp import PhoneMedia
from telebank.sip import Answer, Hop, SessionDescription, answer_audio
from telebank.sip.digest import Account
from telebank.sip.digest_client import DigestClient, GivenUp, Signed
from telebank.sip.message import (
    MalformedMessage,
    Request,
    Response,
    parse,
    write_request,
    write_response,
)

LIFTED_S = 0.3
"""It rings so long, in seconds."""
PATIENCE_S = 10.0
EXPIRES_S = 600
OK, RINGING, CANCELLED = 200, 180, 487
TICK_S = 0.02
_CHALLENGES = (401, 407)


class NotRegistered(Exception):  # noqa: N818 - reads as what it is
    """The node does not want this phone."""


class DeskPhone(asyncio.DatagramProtocol):
    """One phone with one address; `tick` every 20 ms sends the sound of its calls."""

    def __init__(
        self,
        extension: str,
        secret: str,
        realm: str,
        node: tuple[str, int],
        lifted_s: float | None = LIFTED_S,
    ) -> None:
        """`lifted_s`: seconds after which it is lifted; None: by `lift`."""
        self._extension = extension
        self._node = node
        self._realm = realm
        self._digest = DigestClient(
            [Account.of_password(extension, realm, secret)], lambda: secrets.token_hex(8)
        )
        self._call_id, self._tag = secrets.token_hex(8), secrets.token_hex(4)
        self._cseq = 0
        self._lifted_s = lifted_s
        self._lifted = asyncio.Event()
        self._said: asyncio.Future[Response] | None = None
        self._calls: dict[str, tuple[PhoneMedia, Answer]] = {}
        self._ringing: dict[str, tuple[Request, asyncio.Task[None]]] = {}
        self._transport: asyncio.DatagramTransport
        self._here = ("", 0)

    async def start(self, host: str) -> None:
        """Bind a port and register. Raises `NotRegistered`."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        self._here = self._transport.get_extra_info("sockname")[:2]
        signed: Signed | GivenUp = self._digest.begin("REGISTER", self._uri)
        while isinstance(signed, Signed):
            answer = await self._register(signed)
            if answer.status == OK:
                return
            if answer.status not in _CHALLENGES:
                raise NotRegistered(f"phone {self._extension}: {answer.status} {answer.reason}")
            signed = self._digest.again(signed, answer)
        raise NotRegistered(f"phone {self._extension}: {signed.why.value}")

    def tick(self) -> None:
        """Send this frame's sound."""
        for media, _ in self._calls.values():
            media.tick()

    def close(self) -> None:
        """Take no more calls."""
        for _, lifting in self._ringing.values():
            lifting.cancel()
        for media, _ in self._calls.values():
            media.close()
        self._transport.close()

    # -- registering --------------------------------------------------------------------------

    @property
    def _uri(self) -> str:
        return f"sip:{self._realm}"

    @property
    def _contact(self) -> str:
        return f"<sip:{self._extension}@{self._here[0]}:{self._here[1]}>"

    async def _register(self, signed: Signed) -> Response:
        self._cseq += 1
        here, who = f"{self._here[0]}:{self._here[1]}", f"<sip:{self._extension}@{self._realm}>"
        lines = [
            ("Via", f"SIP/2.0/UDP {here};branch=z9hG4bK{secrets.token_hex(8)}"),
            ("Max-Forwards", "70"),
            ("From", f"{who};tag={self._tag}"),
            ("To", who),
            ("Call-ID", self._call_id),
            ("CSeq", f"{self._cseq} REGISTER"),
            ("Contact", self._contact),
            ("Expires", str(EXPIRES_S)),
            *signed.headers,
        ]
        self._said = asyncio.get_running_loop().create_future()
        self._transport.sendto(write_request("REGISTER", self._uri, lines), self._node)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._said
        except TimeoutError:
            raise NotRegistered(f"phone {self._extension}: no answer to REGISTER") from None

    # -- calls --------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        try:
            message = parse(data)
        except MalformedMessage:
            return
        if isinstance(message, Response):
            if self._said is not None and not self._said.done():
                self._said.set_result(message)
        elif message.method == "INVITE":
            self._rung(message, Hop(str(addr[0]), int(addr[1])))
        elif message.method != "ACK":
            self._asked(message, Hop(str(addr[0]), int(addr[1])))

    def _rung(self, invite: Request, source: Hop) -> None:
        if invite.call_id in self._calls:  # its session is refreshed
            self._answer(invite, source, OK, self._calls[invite.call_id][1].sdp)
            return
        self._answer(invite, source, RINGING)
        if invite.call_id not in self._ringing:
            lifting = asyncio.create_task(self._take(invite, source), name="phone is lifted")
            self._ringing[invite.call_id] = invite, lifting

    def lift(self) -> None:
        """Take the call that rings, or the next one as soon as it does."""
        self._lifted.set()

    def put_down(self) -> None:
        """Take no call before the next `lift`."""
        self._lifted.clear()

    @property
    def rings(self) -> bool:
        """Whether it does."""
        return bool(self._ringing)

    @property
    def talks(self) -> bool:
        """Whether it has a call."""
        return bool(self._calls)

    async def _take(self, invite: Request, source: Hop) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._lifted.wait(), self._lifted_s)
        self._lifted.clear()
        media = await PhoneMedia.open(self._here[0], lambda _packet, _now: None)
        del self._ringing[invite.call_id]
        agreed = answer_audio(SessionDescription.parse(invite.body), self._here[0], media.port)
        if not isinstance(agreed, Answer):
            media.close()
            self._answer(invite, source, agreed.status)
            return
        media.connect(agreed)
        self._calls[invite.call_id] = media, agreed
        self._answer(invite, source, OK, agreed.sdp)

    def _asked(self, request: Request, source: Hop) -> None:
        """It ends, before or after it was taken, or asks for nothing that matters."""
        self._answer(request, source, OK)
        if request.method == "CANCEL" and request.call_id in self._ringing:
            invite, lifting = self._ringing.pop(request.call_id)
            lifting.cancel()
            self._answer(invite, source, CANCELLED)
        elif request.method == "BYE" and request.call_id in self._calls:
            self._calls.pop(request.call_id)[0].close()

    def _answer(self, request: Request, source: Hop, status: int, sdp: bytes = b"") -> None:
        lines = [("Contact", self._contact)]
        lines += [("Content-Type", "application/sdp")] if sdp else []
        self._transport.sendto(
            write_response(request, status, source, to_tag=self._tag, headers=lines, body=sdp),
            self._node,
        )
