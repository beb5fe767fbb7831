"""A SIP peer written by hand with a fax machine at its end, and a desk that sends what callers ask
for. Its machine is a line of a real fax process."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from fax.terminal import Accept, TerminalOptions, Transmit
from support.calls_peer import Peer
from support.fax_process import HOST, RECEIVER, SENDER, Told, opened
from telebank.calls.faxes.leg import FaxLeg
from telebank.calls.faxes.values import FaxOutcome, FaxTask, Progress
from telebank.calls.services import CallServices, FaxAsked, MadeFax
from telebank.faxing.client import FaxLine, FaxProcess
from telebank.flow.model import ABILITIES
from telebank.sip import CallOffered, SessionDescription, T38Way
from telebank.sip.message import Request, Response, parse
from telebank.sip.uri import Hop
from transactions.outcome import Values

NUMBER = "8820"
"""The user part that the desk takes calls for."""
HEAD = "v=0\r\no=fax 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"


@dataclass
class Desk:
    """Faxes of a node (`telebank.calls.services.Faxes`): one document, one way, no store."""

    process: FaxProcess
    tiff: Path
    received: Path
    way: T38Way = "auto"
    watchdog_s: float = 60.0
    outcomes: list[FaxOutcome] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)
    asked: list[FaxAsked] = field(default_factory=list)
    shell: CallServices | None = None
    sending: "asyncio.Future[FaxOutcome] | None" = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    dropped: int = 0
    ables: frozenset[str] = frozenset(ABILITIES)
    paper: str = "ready"
    """What comes of each paper that is asked for."""
    made: asyncio.Event = field(default_factory=asyncio.Event)
    """No paper is before this is set, as it is from the start."""
    making: int = 0

    def __post_init__(self) -> None:
        self.made.set()

    def attach(self, shell: CallServices) -> None:
        """Keep what the node gives."""
        self.shell = shell

    def takes(self, offered: CallOffered) -> bool:
        """Calls to `NUMBER` bring faxes."""
        if not offered.to_uri.startswith(f"sip:{NUMBER}@"):
            return False
        assert self.shell is not None
        task = FaxTask(Accept(self.received), RECEIVER, 0, self.way, self.watchdog_s)
        leg = FaxLeg(self.shell, self.process, task, self.progress.append)
        self._keep(leg.take(offered))
        return True

    def drain(self) -> None:
        """Nothing is placed by itself."""

    def able(self) -> frozenset[str]:
        """Everything, where the test says nothing else."""
        return self.ables

    async def prepare(self, asked: FaxAsked) -> MadeFax | str:
        """It is there already, or as soon as the test says so."""
        self.asked.append(asked)
        self.making += 1
        try:
            await self.made.wait()
        finally:
            self.making -= 1
        return DeskFax(self, asked) if self.paper == "ready" else self.paper

    async def demand(self, asked: FaxAsked) -> tuple[str, Values]:
        """It sends in calls only."""
        raise AssertionError(asked)

    async def send(self, asked: FaxAsked) -> tuple[str, Values]:
        """Send it, and say how it went."""
        sending = asked.send(self.process, self.task(), self.progress.append)
        self.sending = asyncio.ensure_future(sending)
        await asyncio.wait([self.sending])
        if self.sending.cancelled():
            return "failed", {}
        outcome = self.sending.result()
        self.outcomes.append(outcome)
        return outcome.result, {"pages": outcome.pages, "of": outcome.of}

    def call(self, target: str, destination: tuple[str, int]) -> None:
        """Place a call that sends the document."""
        assert self.shell is not None
        leg = FaxLeg(self.shell, self.process, self.task(), self.progress.append)
        self._keep(leg.place(target, "sip:bank@127.0.0.1", Hop(*destination)))

    def task(self) -> FaxTask:
        """The document, one page."""
        return FaxTask(Transmit(self.tiff), SENDER, 1, self.way, self.watchdog_s)

    def _keep(self, work: Awaitable[FaxOutcome]) -> None:
        async def run() -> None:
            self.outcomes.append(await work)

        task = asyncio.create_task(run())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def outcome(self, seconds: float = 60) -> FaxOutcome:
        """How the first fax ended."""
        async with asyncio.timeout(seconds):
            while not self.outcomes:
                await asyncio.sleep(0.02)
        return self.outcomes[0]

    async def until(self, true: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.02)


@dataclass
class DeskFax:
    """What a desk has made (`telebank.calls.services.MadeFax`)."""

    desk: Desk
    asked: FaxAsked

    async def send(self) -> tuple[str, Values]:
        """Send it in the call."""
        return await self.desk.send(self.asked)

    async def drop(self) -> None:
        """Nobody wants it."""
        self.desk.dropped += 1


@dataclass
class FaxPeer(Peer):
    """The other side of a dialog: also answers requests of the node, and has a fax machine."""

    line: FaxLine | None = None
    told: Told | None = None
    version: int = 1
    _invite: Request | Response | None = None
    _seen: set[bytes] = field(default_factory=set)

    async def machine(self, process: FaxProcess) -> None:
        """Get a fax machine."""
        self.line, self.told = await opened(process)

    def describes(self, *lines: str) -> bytes:
        """A session description with these lines, newer than the last."""
        self.version += 1
        text = HEAD.format(version=self.version) + "".join(f"{line}\r\n" for line in lines)
        return text.encode()

    @property
    def image(self) -> bytes:
        """The machine's T.38, audio taken away."""
        assert self.line is not None
        image = f"m=image {self.line.t38_port} udptl t38"
        return self.describes("m=audio 0 RTP/AVP 8", image, "a=T38FaxMaxDatagram:400")

    @property
    def audio(self) -> bytes:
        """The machine's audio."""
        assert self.line is not None
        return self.describes(f"m=audio {self.line.audio_port} RTP/AVP 8", "m=image 0 udptl t38")

    def begin_t38(self, sdp: bytes, work: Transmit | Accept, options: TerminalOptions) -> None:
        """The machine talks T.38 to the node's port in `sdp`."""
        image = SessionDescription.parse(sdp).image
        assert image is not None
        assert self.line is not None
        calling = isinstance(work, Transmit)
        self.line.begin_t38((HOST, image.port), image.max_datagram, work, calling, options)

    def begin_audio(self, sdp: bytes, work: Transmit | Accept, options: TerminalOptions) -> None:
        """The machine talks over G.711 to the node's port in `sdp`."""
        audio = SessionDescription.parse(sdp).audio
        assert audio is not None
        assert self.line is not None
        calling = isinstance(work, Transmit)
        self.line.begin_audio((HOST, audio.port), "PCMA", work, calling, options)

    async def offered(self, seconds: float = 60) -> tuple[bytes, bytes]:
        """The next INVITE of the node, and its session description; a repeated one is passed by."""
        while True:
            data = await self.request("INVITE", seconds)
            branch = data.partition(b"branch=")[2].partition(b";")[0]
            if branch not in self._seen:
                break
        self._seen.add(branch)
        return data, data.partition(b"\r\n\r\n")[2]

    def reply(self, request: bytes, status: int, body: bytes = b"") -> None:
        """A final answer to a request of the node."""
        head = request.partition(b"\r\n\r\n")[0].decode()
        names = ("Via", "From", "To", "Call-ID", "CSeq")
        kept = [row for row in head.split("\r\n") if row.partition(":")[0] in names]
        kept = [
            row + ";tag=peer" if row.startswith("To:") and ";tag=" not in row else row
            for row in kept
        ]
        host, port = self.sip.getsockname()
        lines = [f"SIP/2.0 {status} X", *kept, f"Contact: <sip:fax@{host}:{port}>"]
        if body:
            lines.append("Content-Type: application/sdp")
        text = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
        self.sip.sendto(text.encode() + body, self.node)

    def same_dialog(self, invite: bytes) -> None:
        """Take the place of the called party of a node's INVITE (`send_as_called`)."""
        self._invite = parse(invite)

    def send_as_called(self, method: str, body: bytes = b"") -> None:
        """A request within a dialog that the node began."""
        invite = self._invite
        assert isinstance(invite, Request)
        self.cseq += method != "ACK"
        host, port = self.sip.getsockname()
        branch = f"called{method}{self.cseq}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        text = (
            f"{method} sip:bank@{self.node[0]}:{self.node[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n"
            f"From: {invite.headers['to'][0]};tag=peer\r\nTo: {invite.headers['from'][0]}\r\n"
            f"Call-ID: {invite.call_id}\r\nCSeq: {self.cseq} {method}\r\n"
            f"Contact: <sip:fax@{host}:{port}>\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
        )
        self.sip.sendto(text.encode() + body, self.node)
