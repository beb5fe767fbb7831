"""Numbers that the tellers of a scene may call: an exchange by hand, and a store that counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import create_engine

from support.bank_process import Voice
from support.calls_peer import Peer as SipPeer
from support.media_bridge import Talker, tone
from support.store_kit import open_store
from support.teller_scene import CallerAt, Ear, Phone, Scene, scene
from telebank import sip
from telebank.agents.board import CallRow
from telebank.agents.options import CentreOptions, QueueOptions
from telebank.calls.dialling import Dialling
from telebank.calls.faxes.options import OutboundOptions
from telebank.calls.place_book import PlaceBook
from telebank.ops.clock import SystemClock
from telebank.settings import store_url
from telebank.store import clock as store_clock
from telebank.store.sealing import Keyring

NUMBER, OTHER, DEAR = "13800138000", "13900139000", "02155550000"
LI = 900.0
"""Hertz of the first teller."""
QUEUE = QueueOptions(
    *("general", "综合", "General", ("general",)),
    rings_s=6.0,
    wrap_up_s=0.0,
    place_first_s=0.2,
    place_every_s=2.0,
    offer_after_s=1.0,
    call_backs=2,
    record=False,
)
OPTIONS = CentreOptions((QUEUE,), presence_s=600.0, call_back_again_s=1.0)


@dataclass
class Calls:
    """A scene, what leads to all numbers, and the store."""

    it: Scene
    exchange: Phone
    store_url: str
    rung: list[str] = field(default_factory=list)
    """Numbers that were called, in order."""
    offered: sip.CallOffered | None = None
    """The last of these calls."""

    async def caller(
        self, name: str, number: str = NUMBER, hertz: float = 700.0, keys: str = "10"
    ) -> CallerAt:
        """A caller with a number, who has pressed keys, and asked for a teller by the last."""
        peer = SipPeer(self.it.house.node.address, name, caller=number)
        self.it.stack.callback(peer.close)
        talker = Talker(1)
        talker.say(tone(hertz))
        peer.send("INVITE", peer.sdp(talker.socket))
        status, body = await peer.response("INVITE")
        assert status == 200
        talker.to = ("127.0.0.1", int(body.partition(b"m=audio ")[2].split(b" ")[0]))
        peer.send("ACK", cseq=peer.cseq)
        ear = Ear(talker, hertz)
        self.it.ears.append(ear)
        await peer.press(keys)
        return CallerAt(peer, ear)

    async def rings(self) -> str:
        """A number is called; which."""
        offered = await self.exchange.rings()
        self.rung.append(offered.to_uri.partition(":")[2].partition("@")[0])
        self.offered = offered
        return self.rung[-1]

    def exchange_from(self) -> str:
        """The number that the last call showed."""
        assert self.offered is not None
        return self.offered.from_uri.partition(":")[2].partition("@")[0]

    async def picks_up(self) -> Ear:
        """It is answered, and talks along from now on."""
        assert self.offered is not None
        ear = await self.exchange.picks_up(self.offered)
        self.it.ears.append(ear)
        return ear

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """What the store has."""
        engine = create_engine(self.store_url)
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.exec_driver_sql(statement)]
        engine.dispose()
        return found

    def dials(self) -> list[tuple[str, int, bool]]:
        """What calls were counted: reference, seconds, whether it is known how long they took."""
        rows = self.rows("SELECT job, seconds, ended_at IS NOT NULL FROM fax_dial ORDER BY at")
        return [(str(job), int(str(seconds)), bool(over)) for job, seconds, over in rows]


@asynccontextmanager
async def calls(
    tmp_path: Path,
    voice: Voice,
    options: CentreOptions = OPTIONS,
    hertz: float = 1_800.0,
    **limits: int,
) -> AsyncIterator[Calls]:
    """A scene whose tellers may call mobile numbers; `limits` are of `[outbound]`."""
    async with (
        open_store(tmp_path / "bank", clock=store_clock.SystemClock()) as store,
        scene(tmp_path, voice, options) as it,
    ):
        exchange = await it.phone("exchange", hertz)
        host, port = exchange.endpoint.bound
        rules = OutboundOptions(gateway=f"{host}:{port}", allow=("1##########",), caller="95588")
        outbound = replace(rules, **limits)
        keyring = Keyring.open_or_create(tmp_path / "bank" / "keys")
        run, zone = store.journal.run, store.journal.zone
        it.room.dialling = Dialling(outbound, run, keyring.digest, zone, SystemClock())
        it.room.places = places = PlaceBook(run, keyring)
        it.room.take_up(await places.open(options, SystemClock().now()))
        yield Calls(it, exchange, store_url(tmp_path / "bank"))
        await places.close()


async def seated(at: Calls, person: str, extension: str, hertz: float) -> Phone:
    phone = await at.it.phone(extension, hertz)
    assert at.it.room.enter(person, person.title(), extension, {"general": 5}) is None
    assert at.it.room.want(person, "ready") is None
    return phone


def rows(at: Calls) -> list[CallRow]:
    return [row for row in at.it.room.rows(for_supervisor=True) if isinstance(row, CallRow)]


async def row_of(at: Calls, **wanted: object) -> CallRow:
    """Wait for a conversation that looks so."""
    async with asyncio.timeout(30):
        while True:
            for row in rows(at):
                if all(getattr(row, name) == value for name, value in wanted.items()):
                    return row
            await at.it.pause(0.02)


async def kept(at: Calls, keys: str = "10") -> tuple[Phone, CallerAt, str]:
    """A teller talks with one caller, and another has chosen to be called back: the teller's
    phone, the first caller, the reference of the second one."""
    phone = await seated(at, "li", "8001", LI)
    first = await at.caller("one", OTHER)
    at.it.ears.append(await phone.answers())
    await row_of(at, state="talking")
    second = await at.caller("two", keys=keys)
    waits = await row_of(at, state="waiting")
    assert bool(waits.level) is (keys != "10")
    async with asyncio.timeout(30):  # before it is offered to him the key means nothing
        while not (await row_of(at, key=waits.key)).call_back:
            await second.sip.press("1")
            await at.it.pause(0.3)
    await second.sip.request("BYE", 30)
    at.it.ears.remove(second.ear)
    await row_of(at, key=waits.key, direction="out")
    return phone, first, waits.key
