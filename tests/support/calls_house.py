"""A voice node in this process: real SIP and RTP sockets and a real media worker, with a processor
and a journal that do what the test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from support.bank_process import Voice
from telebank.calls.connection_options import TlsFiles
from telebank.calls.edition import Edition
from telebank.calls.node import NodeParts, VoiceNode
from telebank.calls.options import CallOptions
from telebank.calls.services import Faxes, Tellers
from telebank.flow.load import Release, load_release
from telebank.flow.options import FlowOptions
from telebank.media.client import MediaWorkers
from telebank.media.options import MediaOptions
from telebank.settings import seed_dir
from telebank.sip import SipOptions
from telebank.sip.admission import AdmissionOptions
from telebank.sip.registering import PhoneOptions
from telebank.sip.trunks import Trunks
from telebank.store.sealing import Keyring
from transactions.answer import Answer
from transactions.journal import JournalEvent
from transactions.money import Money
from transactions.outcome import Approved, Declined, Values
from transactions.ports import LeaseLost
from transactions.request import Request
from voice_prompts.bank import Bank
from voice_prompts.catalogue import Catalogue
from voice_prompts.speaker import Speaker

CARD = "6227000001000011"
PIN = "135246813579"


@dataclass
class Script:
    """The processor's answers by service; `asked` keeps what it was asked, in order."""

    exits: dict[str, tuple[str, Values]] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    heard: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[Request], None] = lambda _request: None
    left: int | None = None
    """Tries that are left after what is declined."""

    async def submit(self, request: Request) -> Answer:
        """Answer as the script says; anything else is proved, empty or worth 12.34."""
        self.asked.append(request)
        self.before(request)
        money = Money.parse("12.34")
        usual: dict[str, tuple[str, Values]] = {
            "pin.verify": ("ok", {}),
            "settings.get": ("ok", {"speed": "normal", "patience": "normal", "greeting": "none"}),
            "notice.next": ("none", {}),
            "usage.top": ("none", {}),
            "card.balance": ("ok", {"available": money, "ledger": money}),
        }
        exit_name, data = self.exits.get(request.service) or usual[request.service]
        outcome = Approved(data) if exit_name == "ok" else Declined(exit_name, data, self.left)
        return Answer(exit_name, outcome, data, request.id)

    async def told(self, request_id: str, exit_name: str) -> None:
        """Remember it."""
        self.heard.append((request_id, exit_name))


@dataclass
class Log:
    """Where the node's events go; `lost` makes the journal refuse them."""

    events: list[JournalEvent] = field(default_factory=list)
    lost: bool = False

    async def append(self, event: JournalEvent) -> None:
        """Keep an event."""
        if self.lost:
            raise LeaseLost
        self.events.append(event)

    def kinds(self) -> list[str]:
        """What happened, in order."""
        return [event.kind for event in self.events]


@dataclass
class House:
    """A running node with its script and its log."""

    node: VoiceNode
    script: Script
    log: Log

    async def happens(self, kind: str, **detail: str) -> JournalEvent:
        """Wait until the node has logged such an event; return it."""
        async with asyncio.timeout(40):
            while True:
                for event in self.log.events:
                    if event.kind == kind and detail.items() <= event.detail.items():
                        return event
                await asyncio.sleep(0.02)

    async def idle(self) -> None:
        """Wait until no call is open."""
        async with asyncio.timeout(40):
            while self.node.counts()["calls"] or self.node.counts()["media_channels"]:
                await asyncio.sleep(0.02)


@cache
def shipped() -> Release:
    """The shipped menus, read once for a whole run."""
    return load_release(seed_dir())


@asynccontextmanager
async def open_house(
    tmp_path: Path,
    voice: Voice,
    lines: int = 50,
    *,
    faxes: Faxes | None = None,
    tellers: Tellers | None = None,
    media_timeout_s: float = 30.0,
    handshake_s: float = 15.0,
    trunks: Trunks | None = None,
    admission: AdmissionOptions | None = None,
    listen: tuple[str, ...] = ("127.0.0.1:0",),
    tls: TlsFiles | None = None,
    registrar: PhoneOptions | None = None,
    scanners: tuple[str, ...] = SipOptions().scanners,
) -> AsyncIterator[House]:
    """Start a node with one media worker."""
    release = shipped()
    options = MediaOptions(media_timeout_s=media_timeout_s, handshake_s=handshake_s)
    media = MediaWorkers(options, voice.folder)
    await media.start()
    speaker = Speaker(Catalogue.load(seed_dir() / "prompts"), Bank.open(voice.folder).index)
    script, log = Script(), Log()
    parts = NodeParts(
        node_id="01",
        epoch=1,
        calls=CallOptions(listen=listen, lines=lines),
        sip=SipOptions(t1=0.05, scanners=scanners),
        flow=FlowOptions(),
        edition=Edition(release, speaker),
        processor=script,
        journal=log,  # type: ignore[arg-type]  # a node only appends
        vault=Keyring.open_or_create(tmp_path / "keys"),
        media=media,
        faxes=faxes,
        tellers=tellers,
        trunks=trunks or Trunks(),
        admission=admission or AdmissionOptions(),
        tls=tls,
        registrar=registrar or PhoneOptions(),
    )
    node = VoiceNode(parts)
    await node.start()
    try:
        yield House(node, script, log)
    finally:
        await node.close()
        await media.close()
