"""Drives the multiplexer with real sockets and real time: one object a host, on one event loop."""

import asyncio
import random
from collections.abc import Mapping
from itertools import count

from core_adapters.hsm.errors import SecurityModuleError
from core_adapters.iso8583.build import Builder
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.errors import DecodeError, EncodeError
from core_adapters.iso8583.format.framing import Frame, wrap
from core_adapters.iso8583.format.mac import Mac
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.links.driver_types import (
    DriverEvents,
    End,
    NoReply,
    Place,
    Refusal,
)
from core_adapters.iso8583.links.link import LinkEvents, TcpLink
from core_adapters.iso8583.links.mux import NETWORK_CLASS, Mux
from core_adapters.iso8583.links.mux_types import (
    Admit,
    Answered,
    AnswerNetwork,
    CloseLink,
    Command,
    CutOver,
    Event,
    FrameReceived,
    LateAnswer,
    LinkDown,
    LinkLost,
    LinkReady,
    LinkSignedOff,
    LinkUp,
    NetworkRequested,
    Refuse,
    RowCommitted,
    SendFrame,
    SendNetwork,
    SignOffRequested,
    SubmitRequested,
    TimedOut,
    TrafficMoved,
    Unmatched,
    Withdrawn,
)
from core_adapters.iso8583.links.network_talk import NetworkTalk
from core_adapters.iso8583.links.reports import Reports
from core_adapters.iso8583.links.tls_watch import CertificateWatch
from core_adapters.iso8583.links.trace import Tracer
from core_adapters.iso8583.options import Address, Iso8583Options
from core_adapters.tap import Tap
from transactions.clock import Clock


class Driver:
    """Owns the links, the timer and the tickets in flight."""

    def __init__(
        self,
        codec: Codec,
        builder: Builder,
        macs: tuple[Mac, ...],
        options: Iso8583Options,
        events: DriverEvents,
        *,
        clock: Clock,
        chance: random.Random,
        tap: Tap | None = None,
    ) -> None:
        self._codec = codec
        self._macs = macs
        self._options = options
        self._events = events
        self._clock = clock
        self._chance = chance
        self._trace = Tracer(codec, tap)
        self._reports = Reports(events, self._trace, options)
        self._network = NetworkTalk(builder, clock, events.network)
        self._mux = Mux(codec.profile, options.mux, _ranks(options))
        self._tickets = count(1)
        self._places: dict[int, Place] = {}
        self._refused: dict[int, str] = {}
        self._links: dict[str, TcpLink] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._watch: CertificateWatch | None = None
        self._signed_on = asyncio.Event()
        self._stopping = False

    @property
    def in_flight(self) -> int:
        """Messages waiting for an answer."""
        return self._mux.in_flight

    @property
    def links_ready(self) -> int:
        """Links signed on."""
        return self._mux.links_ready

    @property
    def serving(self) -> Address:
        """The address that new messages go to."""
        return self._options.ranked[self._mux.serving]

    @property
    def stopping(self) -> bool:
        """Whether `close` has begun."""
        return self._stopping

    def start(self) -> None:
        """Open every link; returns at once. Raises `TlsError` where a file cannot be used."""
        watch = CertificateWatch(self._options.tls, self._clock, self._events.alarm)
        watch.start()
        self._watch = watch
        events = LinkEvents(
            up=lambda link: self._feed(LinkUp(link)),
            down=self._on_down,
            frame=self._on_frame,
            trouble=self._reports.trouble,
            shown=watch.shown,
        )
        frame = self._codec.profile.frame
        for name, address in self._options.link_addresses.items():
            link = TcpLink(
                name, address, self._options, frame=frame, events=events, chance=self._chance
            )
            self._links[name] = link
            self._tasks.append(asyncio.create_task(link.run(), name=f"iso8583-{name}"))

    async def wait_signed_on(self, timeout_s: float) -> bool:
        """Wait until a link is signed on; False where none was in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._signed_on.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Take nothing new, wait for answers, sign off, close."""
        self._stopping = True
        ends = [place.end for place in self._places.values()]
        if ends:
            await asyncio.wait(ends, timeout=self._options.drain_s)
        self._feed(SignOffRequested())
        for link in self._links.values():
            link.retire()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._options.mux.sign_on_timeout_s + 1.0)
        for link in self._links.values():
            link.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._watch.close()

    def admit(self, message: Message, timeout_s: float, *, urgent: bool) -> Place | Refusal:
        """Encode the message and take a place for it; raises `EncodeError`."""
        if self._stopping:
            return Refusal("stopping")
        data = wrap(self._codec.encode(message, self._macs[0]), self._codec.profile.frame)
        ticket = next(self._tickets)
        loop = asyncio.get_running_loop()
        self._places[ticket] = Place(ticket, "", loop.create_future(), data)
        self._feed(SubmitRequested(ticket, message, timeout_s, urgent))
        reason = self._refused.pop(ticket, None)
        if reason is not None:
            del self._places[ticket]
            return Refusal(reason)
        return self._places[ticket]

    async def send(self, place: Place) -> End:
        """The place's row is durable: send, and wait for its end."""
        self._feed(RowCommitted(place.ticket))
        return await place.end

    def leave(self, place: Place) -> None:
        """Give the place back, whatever became of it."""
        if self._places.pop(place.ticket, None) is not None:
            self._feed(Withdrawn(place.ticket))

    async def ask_network(
        self, code: str, fields: Mapping[int, str], timeout_s: float
    ) -> Message | NoReply | Refusal:
        """Send a 0800 of ours with this field 70 and these fields, and wait for its 0810.

        Raises `EncodeError` where the fields do not fit the profile.
        """
        if self._stopping:
            return Refusal("stopping")
        ticket = next(self._tickets)
        ask = self._network.begin(ticket, fields)
        try:
            self._feed(NetworkRequested(ticket, code, timeout_s))
            reason = self._refused.pop(ticket, None)
            return Refusal(reason) if reason is not None else await ask.end
        finally:
            self._network.leave(ticket)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _feed(self, event: Event) -> None:
        self._do(self._mux.receive(event, self._now()))

    def _wake(self) -> None:
        self._timer = None
        self._do(self._mux.wake(self._now()))

    def _do(self, commands: list[Command]) -> None:
        for command in commands:
            self._act(command)
        at = self._mux.wake_at
        if self._timer is not None:
            if at is not None and self._timer.when() <= at:
                return
            self._timer.cancel()
            self._timer = None
        if at is not None:
            self._timer = asyncio.get_running_loop().call_at(at, self._wake)

    def _act(self, command: Command) -> None:
        match command:
            case Admit(ticket=ticket, link=link):
                self._places[ticket].link = link
            case Refuse(ticket=ticket, reason=reason):
                self._refused[ticket] = reason
            case SendFrame(link=link, ticket=ticket):
                self._send_frame(link, ticket)
            case Answered(ticket=ticket, message=message):
                self._finish(ticket, message)
            case TimedOut(ticket=ticket):
                self._finish(ticket, NoReply("time_out"))
            case LinkLost(ticket=ticket):
                self._finish(ticket, NoReply("link_lost"))
            case LateAnswer(ticket=ticket, message=message):
                self._events.late(ticket, message)
            case Unmatched(ticket=ticket):
                self._reports.unmatched(command)
                if ticket is not None:
                    self._finish(ticket, NoReply("bad_reply"))
            case _:
                self._act_on_link(command)

    def _act_on_link(self, command: Command) -> None:
        match command:
            case SendNetwork():
                self._send_network(command)
            case AnswerNetwork(link=link, request=request):
                self._send(link, self._network.answer(request))
            case CutOver(request=request):
                self._events.cut_over(request)
            case TrafficMoved():
                self._reports.moved(command)
            case LinkSignedOff(link=link):
                self._signed_off(link, "the host signed off")
            case LinkReady(link=link):
                self._links[link].proved()
                self._signed_on.set()
                self._reports.up(link)
            case CloseLink(link=link, why=why):
                self._reports.down(link, why)
                self._links[link].close()
            case _:
                raise AssertionError(f"a command nobody handles: {type(command).__name__}")

    def _send_network(self, command: SendNetwork) -> None:
        try:
            given = self._send(command.link, self._network.request(command))
        except EncodeError as error:
            if command.ticket is None:
                raise
            self._network.failed(command.ticket, error)
        else:
            if not given:
                self._network.failed(command.ticket, None)

    def _send(self, link: str, message: Message) -> bool:
        try:
            data = self._codec.encode(message, self._macs[0])
        except SecurityModuleError as error:
            # Without its keys a link proves nothing, and is not kept up by silence.
            self._events.alarm("keys", f"link {link}: {error}")
            self._links[link].close()
            return False
        return self._write(link, wrap(data, self._codec.profile.frame))

    def _write(self, link: str, data: bytes) -> bool:
        given = self._links[link].send(data)
        if given:
            self._trace.sent(link, data)
        return given

    def _send_frame(self, link: str, ticket: int) -> None:
        place = self._places[ticket]
        place.link = link
        data, place.data = place.data, b""
        if not self._write(link, data):
            # Not a byte went, but the journal says SENT, and SENT ends known or unknown.
            self._finish(ticket, NoReply("link_lost"))

    def _finish(self, ticket: int, end: End) -> None:
        waiting = self._places.get(ticket) or self._network.get(ticket)
        if waiting is not None and not waiting.end.done():
            waiting.end.set_result(end)

    def _on_down(self, link: str) -> None:
        self._feed(LinkDown(link))
        self._signed_off(link, "disconnected")

    def _signed_off(self, link: str, why: str) -> None:
        if not self._mux.links_ready:
            self._signed_on.clear()
        self._reports.down(link, why)

    def _on_frame(self, link: str, frame: Frame) -> None:
        try:
            message = self._codec.decode(frame.body)
        except DecodeError as error:
            self._reports.undecodable(link, len(frame.body), error)
            return
        mac_ok = self._codec.mac_ok(frame.body, message, self._macs)
        self._trace.received(link, message, len(frame.body), mac_ok=mac_ok)
        commands = self._mux.receive(FrameReceived(link, message, mac_ok), self._now())
        # A profile may exempt an MTI from its MAC; then TLS must vouch for what the frame says.
        vouched = bool(message.mac) or self._options.tls is not None
        if mac_ok and vouched and _expected(message, commands):
            self._events.heard(message)
        if not vouched and any(isinstance(command, CutOver) for command in commands):
            self._events.alarm("date", f"link {link}: a cut-over without a MAC was not believed")
            commands = [one for one in commands if not isinstance(one, CutOver)]
        self._do(commands)


def _expected(message: Message, commands: list[Command]) -> bool:
    """Whether a frame is somebody's reply or network management; only such are to be believed."""
    if message.mti.startswith(NETWORK_CLASS):
        return not any(isinstance(command, Unmatched) for command in commands)
    return any(isinstance(command, Answered | LateAnswer) for command in commands)


def _ranks(options: Iso8583Options) -> dict[str, int]:
    return {link: address.rank for link, address in options.link_addresses.items()}
