"""A SIP caller written by hand, for what no well-mannered phone sends."""

import asyncio
import re
import socket
from dataclasses import dataclass, field

SDP = (
    "v=0\r\no=peer 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
)


@dataclass
class Peer:
    """One dialog from the caller's side; `rtp` are sockets the test offers or answers with."""

    node: tuple[str, int]
    call_id: str
    user: bytes = b"bank"
    caller: str = "peer"
    """Who calls: the user part of its From."""
    cseq: int = 0
    to_tag: str = ""
    extra: str = ""
    """More header lines of its INVITEs."""
    sip: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.sip = udp()

    def sdp(self, rtp: socket.socket, direction: str = "sendrecv", version: int = 1) -> bytes:
        """A description with one socket."""
        port = rtp.getsockname()[1]
        return SDP.format(port=port, direction=direction, version=version).encode()

    def send(
        self, method: str, body: bytes = b"", *, cseq: int | None = None, kind: str = ""
    ) -> None:
        """Send a request; INVITE and others take the next CSeq unless one is given."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        host, port = self.sip.getsockname()
        to_tag = f";tag={self.to_tag}" if self.to_tag else ""
        branch = f"{self.call_id}{method}{cseq}"
        head = (
            f" SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{branch}\r\n"
            f"From: <sip:{self.caller}@{host}>;tag=p{self.call_id}\r\n"
            f"To: <sip:bank@{host}>{to_tag}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:peer@{host}:{port}>\r\n"
        )
        if method == "INVITE":
            head += self.extra
        if body:
            head += f"Content-Type: {kind or 'application/sdp'}\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        line = method.encode() + b" sip:" + self.user + f"@{host}".encode()
        self.sip.sendto(line + head.encode() + body, self.node)

    async def response(self, method: str) -> tuple[int, bytes]:
        """The next final response to `method`: status and body."""
        while True:
            data = await receive(self.sip)
            found = re.match(rb"SIP/2.0 (\d{3})", data)
            if found is None or f"{self.cseq} {method}".encode() not in data:
                continue
            tag = re.search(rb"\r\nTo:[^\r]*;tag=([^;\r]+)", data)
            if tag:
                self.to_tag = tag[1].decode()
            if int(found[1]) >= 200:
                return int(found[1]), data.partition(b"\r\n\r\n")[2]

    async def call(self, rtp: socket.socket) -> None:
        """INVITE, 200, ACK, and the first packet heard."""
        self.send("INVITE", self.sdp(rtp))
        status, _ = await self.response("INVITE")
        assert status == 200
        self.send("ACK", cseq=self.cseq)
        await receive(rtp)

    async def press(self, keys: str) -> None:
        """Press keys by INFO, as fast as the node answers."""
        for key in keys:
            body = f"Signal={key}\r\nDuration=100\r\n".encode()
            self.send("INFO", body, kind="application/dtmf-relay")
            assert (await self.response("INFO"))[0] == 200

    async def request(self, method: str, seconds: float = 5) -> bytes:
        """The next request of the node with this method."""
        while True:
            data = await receive(self.sip, seconds)
            if data.startswith(method.encode()):
                return data

    def close(self) -> None:
        """Close the SIP socket."""
        self.sip.close()


def udp() -> socket.socket:
    """A UDP socket on a free port."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    return sock


async def receive(sock: socket.socket, seconds: float = 5) -> bytes:
    """The next datagram."""
    async with asyncio.timeout(seconds):
        return await asyncio.get_running_loop().sock_recv(sock, 65_536)
