"""A node with tellers, in this process: desk phones and callers that send sound of their own and
keep what they hear.

async with scene(tmp_path, voice) as it:
    phone = await it.phone("8001")              # rings and answers as it is told
    it.room.enter("li", "Li", "8001", {"general": 5})
    caller = await it.caller("one")             # has pressed 0 and waits
    await phone.answers()
    await it.talk(0.5)
    phone.ear.heard_tone(CALLER_HZ)
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.bank_process import Voice
from support.calls_house import House, open_house
from support.calls_peer import Peer as SipPeer
from support.media_bridge import Talker, share, talk, tone
from telebank import sip
from telebank.agents.board import AnyRow
from telebank.agents.centre import Centre
from telebank.agents.options import CentreOptions, QueueOptions
from telebank.calls.endpoint import Endpoint, Fact, Listening
from telebank.calls.options import places_in
from telebank.calls.services import CallServices
from telebank.calls.tellers.recordings import Tapes
from telebank.calls.tellers.room import TellerRoom
from telebank.calls.tellers.values import Phones
from telebank.ops.clock import SystemClock
from telebank.sip import Hop, SipOptions, UserAgent
from telebank.sip.registering import PhoneWay
from telebank.sip.sdp import answer_audio
from telebank.store.contacts import EndedContact, NewContact
from telebank.store.recordings import NewRecording, Outcome
from telebank.store.sealing import Keyring

QUEUE = QueueOptions(
    *("general", "综合", "General", ("general",)),
    rings_s=6.0,
    place_every_s=0.0,
    record=False,
)
OPTIONS = CentreOptions((QUEUE,), presence_s=600.0)
FRAME = 160
LOUD = 1_000
"""Root mean square of a tone that is heard; the flat tone's is 550."""


@dataclass
class Ear:
    """What a leg sends and hears."""

    peer: Talker
    hertz: float

    @property
    def end(self) -> "Ear":
        """Itself: `talk` wants legs with peers."""
        return self

    def forget(self) -> None:
        """Hear from now on."""
        self.peer.heard.clear()

    def hears(self, hertz: float) -> bool:
        """Whether a tone is in the last quarter second of what it heard."""
        sound: NDArray[np.int16] = self.peer.audio[-2_000:]
        power = float(np.sqrt(np.mean(sound.astype(float) ** 2))) if len(sound) else 0.0
        return power > LOUD / 4 and share(sound, hertz) > 0.2


@dataclass
class Phone:
    """A desk phone by hand: a user agent and a Talker for the call that it is in."""

    extension: str
    hertz: float
    endpoint: Endpoint = field(init=False)
    facts: "asyncio.Queue[Fact]" = field(default_factory=asyncio.Queue)
    leg: str = ""
    ear: Ear | None = None

    async def opens(self) -> None:
        self.endpoint = Endpoint.bind(
            Listening(tuple(places_in("udp:127.0.0.1:0"))),
            lambda local: UserAgent(local, SipOptions(t1=0.05), lambda: secrets.token_hex(8)),
            self.facts.put_nowait,
        )
        await self.endpoint.start()

    @property
    def way(self) -> PhoneWay:
        host, port = self.endpoint.bound
        return PhoneWay(f"sip:{self.extension}@{host}:{port}", Hop(host, port), by_flow=False)

    async def has(self, kind: type[Any]) -> Any:
        """The next fact of a kind; those before it are passed over."""
        async with asyncio.timeout(20):
            while not isinstance(fact := await self.facts.get(), kind):
                pass
        return fact

    async def rings(self) -> sip.CallOffered:
        """It is called, and says that it rings."""
        offered: sip.CallOffered = await self.has(sip.CallOffered)
        self.leg = offered.leg
        self.endpoint.perform(self.endpoint.agent.ring(self.leg, self.endpoint.now()))
        return offered

    async def answers(self) -> Ear:
        """It is called, rings and is answered; its ear."""
        offered = await self.rings()
        return await self.picks_up(offered)

    async def picks_up(self, offered: sip.CallOffered) -> Ear:
        """It rings, and is answered."""
        assert offered.offer is not None
        audio = offered.offer.audio
        assert audio is not None
        talker = Talker(audio.port)
        talker.say(tone(self.hertz))
        answer = answer_audio(
            offered.offer, "127.0.0.1", talker.port, ("PCMA",), session_id=1, version=1
        )
        assert isinstance(answer, sip.Answer)
        sdp = answer.sdp
        self.endpoint.perform(self.endpoint.agent.answer(self.leg, sdp, self.endpoint.now()))
        self.ear = Ear(talker, self.hertz)
        await self.has(sip.CallConfirmed)
        return self.ear

    def refuses(self, status: int) -> None:
        agent = self.endpoint.agent
        self.endpoint.perform(agent.refuse(self.leg, status, self.endpoint.now()))

    def hangs_up(self) -> None:
        self.endpoint.perform(self.endpoint.agent.hang_up(self.leg, self.endpoint.now()))


@dataclass
class CallerAt:
    """A caller, and his ear."""

    sip: SipPeer
    ear: Ear

    def hangs_up(self) -> None:
        self.sip.send("BYE")


@dataclass
class Kept:
    """What the room wants kept."""

    begun_: list[NewContact] = field(default_factory=list)
    ended_: list[EndedContact] = field(default_factory=list)
    wraps: list[str] = field(default_factory=list)
    files: list[NewRecording] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def begun(self, new: NewContact) -> None:
        self.begun_.append(new)

    def ended(self, ended: EndedContact) -> None:
        self.ended_.append(ended)

    def wrapped(self, contact: str, seconds: int) -> None:
        del seconds
        self.wraps.append(contact)

    def recording_begun(self, new: NewRecording) -> None:
        self.files.append(new)

    def recording_ended(self, name: str, outcome: Outcome) -> None:
        self.outcomes[name] = outcome


@dataclass
class Scene:
    """A node with a room of tellers."""

    house: House
    room: TellerRoom
    ways: dict[str, list[PhoneWay]]
    stack: AsyncExitStack
    ears: list[Ear] = field(default_factory=list)
    phones: dict[str, Phone] = field(default_factory=dict)
    seen: list[AnyRow] = field(default_factory=list)
    """Every row that changed, as it was then."""
    kept: Kept = field(default_factory=Kept)

    def changed(self, kind: str, key: str) -> None:
        """The room says that a row changed."""
        row = self.room.row(kind, key, for_supervisor=True)
        if row is not None:
            self.seen.append(row)

    async def phone(self, extension: str, hertz: float) -> Phone:
        """A phone that is registered."""
        phone = Phone(extension, hertz)
        await phone.opens()
        self.stack.push_async_callback(phone.endpoint.close)
        self.ways[extension] = [phone.way]
        self.phones[extension] = phone
        return phone

    async def caller(self, name: str, hertz: float = 700.0, keys: str = "10") -> CallerAt:
        """A caller who has pressed keys, and asked for a teller by the last of them."""
        caller = await call_in(self.house.node.address, name, hertz)
        self.stack.callback(caller.sip.close)
        self.ears.append(caller.ear)
        await caller.sip.press(keys)
        return caller

    async def answers(self, phone: Phone) -> Ear:
        """A phone is called and answered; it talks along from now on."""
        ear = await phone.answers()
        self.ears.append(ear)
        return ear

    async def talk(self, seconds: float = 0.6) -> None:
        """Everybody speaks and listens."""
        for ear in self.ears:
            ear.forget()
        await talk(self.ears, seconds)  # type: ignore[arg-type]  # it wants their peers alone

    async def state(self, kind: str, key: str, state: str) -> Any:
        """Wait until a row of the board is in a state; `gone`: is no more."""
        async with asyncio.timeout(15):
            while True:
                row: Any = self.room.row(kind, key, for_supervisor=True)
                if (row.state if row is not None else "gone") == state:
                    return row
                await self.pause(0.02)

    async def pause(self, seconds: float) -> None:
        """Time goes by, and everybody goes on talking."""
        await talk(self.ears, seconds)  # type: ignore[arg-type]


async def call_in(address: tuple[str, int], name: str, hertz: float) -> CallerAt:
    """A caller whom a node at this address has answered."""
    peer = SipPeer(address, name)
    talker = Talker(1)
    talker.say(tone(hertz))
    peer.send("INVITE", peer.sdp(talker.socket))
    status, body = await peer.response("INVITE")
    assert status == 200
    port = int(body.partition(b"m=audio ")[2].split(b" ")[0])
    talker.to = ("127.0.0.1", port)
    peer.send("ACK", cseq=peer.cseq)
    return CallerAt(peer, Ear(talker, hertz))


@asynccontextmanager
async def scene(
    tmp_path: Path, voice: Voice, options: CentreOptions = OPTIONS, **house_options: float
) -> AsyncIterator[Scene]:
    """A node with these queues; `house_options` are of its media."""
    ways: dict[str, list[PhoneWay]] = {}

    class Room(TellerRoom):
        """Whose phones are those of the test."""

        def attach(self, shell: CallServices, phones: Phones) -> None:
            del phones
            super().attach(shell, Registered())

    class Registered:
        def phone_ways(self, extension: str) -> Sequence[PhoneWay]:
            return ways.get(extension, [])

    clock = SystemClock()

    def wall(at: float) -> datetime:
        return clock.now() + timedelta(seconds=at - clock.monotonic())

    keyring = Keyring.open_or_create(tmp_path / "keys")
    room = Room(Centre(options, wall), options, clock, Tapes(tmp_path, keyring))
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(
            open_house(tmp_path, voice, tellers=room, **house_options)
        )
        it = Scene(house, room, ways, stack)
        room.on_change = it.changed
        room.keeper = it.kept
        yield it
