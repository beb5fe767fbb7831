"""Many short calls for measurements: INVITE, ACK, BYE by templates, over UDP, without media."""

import asyncio
import itertools
import re
import secrets
from collections import Counter
from dataclasses import dataclass, field

from telebank.calls.endpoint import RECEIVE_BUFFER

REPEAT_S = 0.5
"""An INVITE without any answer is sent again after so many seconds (timer A, RFC 3261 17.1.1.2)."""
REPEATS = 5
PATIENCE_S = 10.0
OK = 200
_STATUS = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})")
_CALL = re.compile(rb"\r\nCall-ID: ([0-9a-f]+)\.([0-9]+)")
_TO = re.compile(rb"\r\nTo: ([^\r\n]+)")
_METHOD = re.compile(rb"\r\nCSeq: [0-9]+ ([A-Z]+)")
_SDP = (
    "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


@dataclass(slots=True)
class _Open:
    """A call that is not over."""

    began: float
    done: asyncio.Future[str]
    heard: bool = False
    waited: float | None = None
    """Seconds from INVITE to 200."""


@dataclass
class Tally:
    """What became of calls."""

    offered: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    """`done`, `lost`, or the status of a refusal."""
    waits: list[float] = field(default_factory=list)
    """Seconds from INVITE to 200 of those that were answered."""

    @property
    def done(self) -> int:
        """Calls set up and torn down."""
        return self.ended["done"]


class Dialer(asyncio.DatagramProtocol):
    """Places calls from one address. Nobody listens to what the other side says."""

    def __init__(self, target: tuple[str, int], user: str = "95588") -> None:
        self._target = target
        self._user = user
        self._run = secrets.token_hex(6)
        self._numbers = itertools.count(1)
        self._open: dict[int, _Open] = {}
        self._transport: asyncio.DatagramTransport
        self._host, self._port = "", 0
        self._deaf: asyncio.DatagramTransport
        self._body = b""

    async def start(self, host: str) -> None:
        """Bind the sockets of signalling and media."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        self._transport = transport
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(1, 8, RECEIVE_BUFFER)  # SOL_SOCKET, SO_RCVBUF
        self._host, self._port = sock.getsockname()[:2]
        deaf, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, local_addr=(host, 0)
        )
        self._deaf = deaf
        port = self._deaf.get_extra_info("socket").getsockname()[1]
        self._body = _SDP.format(host=self._host, port=port).encode()

    async def close(self) -> None:
        """Close them."""
        self._transport.close()
        self._deaf.close()
        await asyncio.sleep(0)

    async def at_rate(self, rate: float, seconds: float) -> Tally:
        """So many calls a second, whatever becomes of those before."""
        loop, tally = asyncio.get_running_loop(), Tally()
        began, calls = loop.time(), []
        for nth in range(round(rate * seconds)):
            wait = began + nth / rate - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            calls.append(loop.create_task(self._call(tally), name="dialled"))
        await asyncio.gather(*calls)
        return tally

    async def flat_out(self, at_once: int, seconds: float) -> Tally:
        """So many calls at once, each followed by another, for so long."""
        loop, tally = asyncio.get_running_loop(), Tally()
        end = loop.time() + seconds

        async def again() -> None:
            while loop.time() < end:
                await self._call(tally)

        await asyncio.gather(*(again() for _ in range(at_once)))
        return tally

    async def flood(self, rate: float, seconds: float) -> Tally:
        """INVITEs at a rate, in bursts of a hundredth of a second, never repeated."""
        loop, tally = asyncio.get_running_loop(), Tally()
        began, sent = loop.time(), 0
        calls = []
        while (passed := loop.time() - began) < seconds:
            while sent < passed * rate:
                number, call = self._begin()
                self._invite(number)
                calls.append(call.done)
                sent += 1
            await asyncio.sleep(0.01)
        await asyncio.wait(calls, timeout=1.0)
        for call_done in calls:
            tally.ended[call_done.result() if call_done.done() else "silence"] += 1
        self._open.clear()
        tally.offered = sent
        return tally

    async def _call(self, tally: Tally) -> None:
        number, call = self._begin()
        tally.offered += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                for _ in range(REPEATS):
                    self._invite(number)
                    await asyncio.wait([call.done], timeout=REPEAT_S)
                    if call.heard or call.done.done():
                        break
                how = await call.done
        except TimeoutError:
            how = "lost"
        if how == "done" and call.waited is not None:
            tally.waits.append(call.waited)
        tally.ended[how] += 1
        self._open.pop(number, None)

    def _begin(self) -> tuple[int, _Open]:
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        call = self._open[number] = _Open(loop.time(), loop.create_future())
        return number, call

    # -- messages -----------------------------------------------------------------------------

    def _send(self, method: str, number: int, cseq: int, to: str, body: bytes = b"") -> None:
        branch = f"z9hG4bK{self._run}{number}{method if method != 'ACK' else f'a{cseq}'}"
        if method == "ACK" and "tag=" not in to:
            return
        here = f"{self._host}:{self._port}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        head = (
            f"{method} sip:{self._user}@{self._target[0]}:{self._target[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {here};branch={branch};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{number:07d}@{self._host}>;tag={self._run}{number}\r\nTo: {to}\r\n"
            f"Call-ID: {self._run}.{number}\r\nCSeq: {cseq} {method}\r\n"
            f"Contact: <sip:dialer@{here}>\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
        )
        self._transport.sendto(head.encode() + body, self._target)

    def _invite(self, number: int) -> None:
        self._send("INVITE", number, 1, f"<sip:{self._user}@{self._target[0]}>", self._body)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """An answer, or a request of the other side, which is answered with 200."""
        status, found = _STATUS.match(data), _CALL.search(data)
        call = self._open.get(int(found[2])) if found is not None else None
        if status is None:
            self._say_ok(data, addr)
        elif call is not None and found is not None:
            self._answered(call, int(found[2]), int(status[1]), data)

    def _answered(self, call: _Open, number: int, status: int, data: bytes) -> None:
        method, to = _METHOD.search(data), _TO.search(data)
        call.heard = True
        if method is None or to is None or call.done.done():
            return
        if method[1] == b"BYE":
            if status >= OK:
                call.done.set_result("done")
        elif status == OK:
            self._send("ACK", number, 1, to[1].decode())
            if call.waited is None:
                call.waited = asyncio.get_running_loop().time() - call.began
                self._send("BYE", number, 2, to[1].decode())
        elif status > OK:
            self._refused(number, to[1].decode())
            call.done.set_result(str(status))

    def _refused(self, number: int, to: str) -> None:
        """The ACK of a refusal has the branch of its INVITE (17.1.1.3)."""
        here = f"{self._host}:{self._port}"
        head = (
            f"ACK sip:{self._user}@{self._target[0]}:{self._target[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{self._run}{number}INVITE;rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{number:07d}@{self._host}>;tag={self._run}{number}\r\n"
            f"To: {to}\r\nCall-ID: {self._run}.{number}\r\nCSeq: 1 ACK\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        self._transport.sendto(head.encode(), self._target)

    def _say_ok(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        head = data.partition(b"\r\n\r\n")[0]
        if not head.startswith(b"BYE "):
            return
        kept = (b"via:", b"from:", b"to:", b"call-id:", b"cseq:")
        lines = [line for line in head.split(b"\r\n")[1:] if line.lower().startswith(kept)]
        said = b"\r\n".join([b"SIP/2.0 200 OK", *lines, b"Content-Length: 0", b"", b""])
        self._transport.sendto(said, addr)
