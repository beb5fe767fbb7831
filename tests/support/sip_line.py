"""A user agent under a fake clock, the other end of its line, and a bad network between two."""

import itertools
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from telebank.sip import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallOffered,
    CallRedirected,
    CallRefused,
    CallRinging,
    CloseConnection,
    Command,
    DatagramReceived,
    Hop,
    KeyInfoReceived,
    OfferAnswered,
    OfferReceived,
    OfferRefused,
    PeerChanged,
    PhoneGone,
    PhoneRefused,
    PhoneRegistered,
    SendDatagram,
    SessionMoved,
    SipOptions,
    TransferAsked,
    TransferProgress,
    Trouble,
    UserAgent,
)
from telebank.sip.message import Request, Response, parse

US = Hop("192.0.2.10", 5060)
PEER = Hop("192.0.2.20", 5062)
SDP = (
    "v=0\r\no=- 1 1 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 8 0 97\r\na=rtpmap:97 telephone-event/8000\r\na=ptime:20\r\n"
)


def tokens(seed: str) -> Callable[[], str]:
    """Identifiers that are the same in every run."""
    counter = itertools.count(1)
    return lambda: f"{seed}{next(counter):06d}"


def told(command: Command) -> str:  # noqa: PLR0911 - one line for each kind
    """A command in one line, as scripts write it."""
    match command:
        case SendDatagram(data):
            first = data.split(b"\r\n", 1)[0].decode("utf-8", "replace")
            if not first.startswith("SIP/2.0 "):
                return f"> {first.split(' ')[0]}"
            cseq = re.search(rb"\r\nCSeq: *[0-9]+ +(\S+)", data)
            return f"> {first.split(' ')[1]} {cseq[1].decode() if cseq else '?'}"
        case CallEnded(_, by, _):
            return f"CallEnded {by}"
        case CallRefused(_, status, reason):
            return f"CallRefused {status} {reason}"
        case CallRinging(_, status, early):
            return f"CallRinging {status}" + (" early" if early else "")
        case OfferRefused(_, status):
            return f"OfferRefused {status}"
        case KeyInfoReceived(_, digit):
            return f"KeyInfoReceived {digit}"
        case PeerChanged(trunk, peer, well):
            return f"PeerChanged {trunk} {peer} {'up' if well else 'down'}"
        case Trouble(kind):
            return f"Trouble {kind}"
        case CallOffered(offer=offer) | OfferReceived(offer=offer):
            return type(command).__name__ + ("" if offer else " late")
        case CallConfirmed(_, answer):
            return "CallConfirmed" + (" answer" if answer else "")
        case CallRedirected(_, target):
            return f"CallRedirected {target}"
        case TransferAsked(_, target, reports):
            return f"TransferAsked {target}" + ("" if reports else " silent")
        case TransferProgress(_, status, over):
            return f"TransferProgress {status}" + (" over" if over else "")
        case PhoneRegistered(extension) | PhoneGone(extension) | PhoneRefused(extension):
            return f"{type(command).__name__} {extension}".rstrip()
        case CallAnswered() | OfferAnswered() | SessionMoved() | CloseConnection():
            return type(command).__name__
    raise AssertionError(command)


@dataclass
class Line:
    """The agent at US and, as raw messages, a peer at PEER. Methods return what the agent did."""

    options: SipOptions = field(default_factory=SipOptions)
    now: float = 0.0
    agent: UserAgent = field(init=False)
    sent: list[bytes] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    leg: str = ""
    our_tag: str = ""
    cseq: int = 1
    call_id: str = "call-1@peer"
    branch: int = 0

    def __post_init__(self) -> None:
        self.agent = UserAgent(US, self.options, tokens("t"))

    def did(self, commands: list[Command]) -> list[str]:
        self.commands += commands
        for command in commands:
            if isinstance(command, SendDatagram):
                self.sent.append(command.data)
                tag = re.search(rb"\r\nTo: .*;tag=(\S+)\r\n", command.data)
                if tag and command.data.startswith(b"SIP/2.0 "):
                    self.our_tag = tag[1].decode()
            elif isinstance(command, CallOffered):
                self.leg = command.leg
        return [told(command) for command in commands]

    def last(self) -> Request | Response:
        return parse(self.sent[-1])

    def hears(self, data: bytes | str, source: Hop = PEER) -> list[str]:
        """A raw datagram comes in."""
        raw = data.encode() if isinstance(data, str) else data
        return self.did(self.agent.receive(DatagramReceived(raw, source), self.now))

    def wait(self, seconds: float) -> list[str]:
        """Time passes; each line starts with the second it happened in."""
        end, lines = self.now + seconds, []
        while (at := self.agent.wake_at) is not None and at <= end:
            self.now = max(self.now, at)
            lines += [f"{self.now:g} {line}" for line in self.did(self.agent.wake(self.now))]
        self.now = end
        return lines

    # The peer as caller

    def request(
        self,
        method: str,
        *,
        body: str = "",
        extra: str = "",
        cseq: int | None = None,
        branch: str = "",
        to_tag: bool | str = True,
        uri: str = "sip:95500@192.0.2.10",
        kind: str = "application/sdp",
    ) -> str:
        """A request of the peer in the current call; a new branch unless given."""
        if not branch:
            self.branch += 1
            branch = f"z9hG4bKp{self.branch}"
        tag = self.our_tag if to_tag is True else to_tag
        called = "<sip:95500@bank>" + (f";tag={tag}" if tag else "")
        body_line = f"Content-Type: {kind}\r\n" if body else ""
        return (
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.20:5062;branch={branch}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:alice@peer>;tag=peer\r\nTo: {called}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {cseq or self.cseq} {method}\r\n"
            f"Contact: <sip:alice@192.0.2.20:5062>\r\n{extra}{body_line}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def invite(self, body: str = SDP, **more: str) -> str:
        return self.request("INVITE", body=body, to_tag=False, **more)  # type: ignore[arg-type]

    def live(self) -> None:
        """Take a call up to its ACK."""
        assert self.hears(self.invite()) == ["> 100 INVITE", "CallOffered"]
        assert self.did(self.agent.answer(self.leg, SDP.encode(), self.now)) == ["> 200 INVITE"]
        assert self.hears(self.request("ACK")) == ["CallConfirmed"]

    # The peer as called party

    def place(self, sdp: bytes | None = SDP.encode()) -> list[str]:
        """The agent places a call to the peer."""
        self.leg, commands = self.agent.invite(
            "sip:bob@192.0.2.20:5062", "sip:bank@192.0.2.10", sdp, self.now, destination=PEER
        )
        return self.did(commands)

    def reply(
        self, to: bytes, status: int, reason: str = "X", *, tag: str = "bob", body: str = "",
        extra: str = "", contact: bool = True,
    ) -> str:  # fmt: skip
        """A response of the peer to a request of the agent."""
        request = parse(to)
        assert isinstance(request, Request)
        called = request.headers["to"][0]
        called += f";tag={tag}" if tag and not request.to.tag else ""
        lines = [f"SIP/2.0 {status} {reason}", f"Via: {request.headers['via'][0]}"]
        lines += [f"From: {request.headers['from'][0]}", f"To: {called}"]
        lines += [f"Call-ID: {request.call_id}", f"CSeq: {request.cseq} {request.method}"]
        lines += ["Contact: <sip:bob@192.0.2.20:5062>"] if contact else []
        lines += ["Content-Type: application/sdp"] if body else []
        return "\r\n".join(lines) + f"\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}"

    def talking(self) -> bytes:
        """Place a call up to the ACK; returns the INVITE."""
        assert self.place() == ["> INVITE"]
        invite = self.sent[-1]
        lines = self.hears(self.reply(invite, 200, "OK", body=SDP))
        assert lines == ["> ACK", "CallAnswered"]
        return invite

    def quiet(self, seconds: float = 400.0) -> dict[str, int]:
        """What is left after a long time."""
        self.wait(seconds)
        return self.agent.counts()


NOTHING = {"legs": 0, "dialogs": 0, "transactions": 0, "timers": 0}


@dataclass
class Network:
    """Agents wired together; a seed decides what is lost, doubled or late."""

    seed: int
    loss: float = 0.0
    double: float = 0.0
    delay: float = 0.3
    now: float = 0.0
    agents: dict[Hop, UserAgent] = field(default_factory=dict)
    heard: list[tuple[Hop, Command]] = field(default_factory=list)
    on_command: Callable[[Hop, Command], None] = lambda address, command: None

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.flying: list[tuple[float, int, Hop, Hop, bytes]] = []
        self.plans: list[tuple[float, int, Callable[[], None]]] = []
        self.count = itertools.count()

    def add(self, address: Hop, options: SipOptions | None = None) -> UserAgent:
        seed = f"{self.seed}x{address[1]}x"
        self.agents[address] = UserAgent(address, options or SipOptions(), tokens(seed))
        return self.agents[address]

    def do(self, address: Hop, commands: list[Command]) -> None:
        """Carry out what an agent asked for."""
        for command in commands:
            if not isinstance(command, SendDatagram):
                self.heard.append((address, command))
                self.on_command(address, command)
                continue
            if command.destination not in self.agents:
                raise AssertionError(f"sent to a stranger: {command.destination}")
            copies = (self.random.random() >= self.loss) + (self.random.random() < self.double)
            for _ in range(copies):
                at = self.now + self.random.random() * self.delay
                self.flying.append(
                    (at, next(self.count), address, command.destination, command.data)
                )

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        self.plans.append((self.now + seconds, next(self.count), act))

    def run(self, until: float) -> None:
        """Let time pass until nothing is left to happen, or `until`."""
        while True:
            times = [item[0] for item in self.flying] + [item[0] for item in self.plans]
            wakes = [agent.wake_at for agent in self.agents.values()]
            times += [at for at in wakes if at is not None]
            if not times or min(times) > until:
                return
            self.now = max(self.now, min(times))
            self._step()

    def _step(self) -> None:
        due = sorted(item for item in self.flying if item[0] <= self.now)
        self.flying = [item for item in self.flying if item[0] > self.now]
        for _, _, source, destination, data in due:
            agent = self.agents[destination]
            self.do(destination, agent.receive(DatagramReceived(data, source), self.now))
        plans = sorted((item for item in self.plans if item[0] <= self.now), key=lambda p: p[:2])
        self.plans = [item for item in self.plans if item[0] > self.now]
        for _, _, act in plans:
            act()
        for address, agent in self.agents.items():
            if agent.wake_at is not None and agent.wake_at <= self.now:
                self.do(address, agent.wake(self.now))
