"""Phones by UDP, each from an address of its own: one with its secret, and crowds who guess."""

import asyncio
import re
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from telebank.sip.digest import Account, Algorithm
from telebank.sip.digest_client import DigestClient, GivenUp, Signed
from telebank.sip.message import Response, parse

PATIENCE_S = 2.0
UNAUTHORIZED = 401
_OWN = re.compile(rb"(?im)^(?:via|from|to|call-id|cseq):[^\r]*\r\n|nonce=\"[^\"]*\"")
"""What of an answer is of its request, or new in each."""


class Telephone(asyncio.DatagramProtocol):
    """Registers by hand at a node."""

    def __init__(self, node: tuple[str, int], realm: str) -> None:
        self._node, self._realm = node, realm
        self._uri = f"sip:{node[0]}:{node[1]}"
        self._call = secrets.token_hex(8)
        self._cseq = 0
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport

    @classmethod
    async def at(cls, host: str, node: tuple[str, int], realm: str) -> Self:
        """One with a socket there."""
        made = cls(node, realm)
        loop = asyncio.get_running_loop()
        made._transport, _ = await loop.create_datagram_endpoint(lambda: made, local_addr=(host, 0))
        return made

    def close(self) -> None:
        """Give the socket back."""
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """An answer."""
        del addr
        self._answers.put_nowait(data)

    async def says(self, name: str, signed: Signed | None = None) -> bytes:
        """One REGISTER in this name; its answer, empty where none came."""
        self._cseq += 1
        host, port = self._transport.get_extra_info("socket").getsockname()
        who = f"<sip:{name}@{self._realm}>"
        lines = "".join(f"{key}: {value}\r\n" for key, value in signed.headers) if signed else ""
        text = (
            f"REGISTER {self._uri} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bK"
            f"{secrets.token_hex(8)}\r\nMax-Forwards: 70\r\nFrom: {who};tag=f\r\nTo: {who}\r\n"
            f"Call-ID: {self._call}\r\nCSeq: {self._cseq} REGISTER\r\n"
            f"Contact: <sip:{name}@{host}:{port}>\r\n{lines}Content-Length: 0\r\n\r\n"
        )
        self._transport.sendto(text.encode(), self._node)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    answer = await self._answers.get()
                    if f"\r\nCSeq: {self._cseq} REGISTER\r\n".encode() in answer:
                        return answer
        except TimeoutError:
            return b""

    async def registers(self, name: str, secret: str) -> int:
        """With the secret, once it is asked for; the status of the last answer, 0 for none."""
        return _status(await self.guesses(name, secret, await self.says(name)))

    async def guesses(self, name: str, secret: str, asked: bytes) -> bytes:
        """One password, for the challenge of an answer; what is said to it."""
        challenge = parse(asked) if asked else None
        if not isinstance(challenge, Response) or challenge.status != UNAUTHORIZED:
            return asked
        account = Account.of_password(name, self._realm, secret, (Algorithm.SHA_256,))
        client = DigestClient([account], lambda: secrets.token_hex(8))
        signed = client.again(Signed("REGISTER", self._uri, ()), challenge)
        assert not isinstance(signed, GivenUp)
        return await self.says(name, signed)


def _status(answer: bytes) -> int:
    return int(answer[8:11] or b"0")


@dataclass
class Guessers:
    """A crowd of them; each guesses at all names by turns."""

    node: tuple[str, int]
    realm: str
    hosts: Sequence[str]
    names: Sequence[str]
    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    """By name; 0: no answer."""
    said: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    """By name, answers without what is of their request."""
    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By name, seconds to the answer."""

    async def guess(self, times: int, rate: float) -> None:
        """So many wrong passwords, so many in a second, of all of them together."""
        each, rest = divmod(times, len(self.hosts))
        pause = len(self.hosts) / rate
        await asyncio.gather(
            *(
                self._one(nth, host, each + (nth < rest), pause)
                for nth, host in enumerate(self.hosts)
            )
        )

    async def _one(self, nth: int, host: str, times: int, pause: float) -> None:
        loop = asyncio.get_running_loop()
        phone = await Telephone.at(host, self.node, self.realm)
        due = loop.time() + pause * nth / len(self.hosts)
        try:
            asked = b""
            for turn in range(times):
                await asyncio.sleep(due - loop.time())
                due += pause
                name = self.names[(nth + turn) % len(self.names)]
                asked = asked or await phone.says(name)
                began = time.perf_counter()
                answer = await phone.guesses(name, secrets.token_urlsafe(12), asked)
                self.waits[name].append(time.perf_counter() - began)
                self.statuses[name][_status(answer)] += 1
                self.said[name].add(_OWN.sub(b"", answer))
                asked = answer if _status(answer) == UNAUTHORIZED else asked
        finally:
            phone.close()
