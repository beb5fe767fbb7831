"""A call without a telephone: keys in, words out, and everything between them real.

The shipped menus, the processor, the journal in a file, the gateway's adapter, and a running host;
only audio is missing, so what would be played is written down as the speaker words it.
"""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path

from core_adapters.hsm.software import open_software
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile_load import load_profile
from support.corehost_process import CoreHostProcess
from support.limited import LIMITED
from support.store_kit import open_store
from telebank.commands.wiring.customers import open_customers
from telebank.commands.wiring.orders import OrderRoom
from telebank.customers.sender import OUTBOX
from telebank.customers.usage import Usage
from telebank.flow.commands import (
    Command,
    Enqueue,
    HangUp,
    PrepareFax,
    Record,
    Say,
    SendFax,
    Submit,
    Told,
    Used,
)
from telebank.flow.events import (
    FaxAnswered,
    FaxPrepared,
    KeyPressed,
    PlayEnded,
    QueueAnswered,
    ServiceAnswered,
    Started,
)
from telebank.flow.load import load_release
from telebank.flow.options import FlowOptions
from telebank.flow.release import Release, release_files
from telebank.flow.session import Session
from telebank.flow.state import Phase
from telebank.ops.clock import SystemClock
from telebank.settings import load_settings
from telebank.store.clock import SystemClock as StoreClock
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.card import CardNumber, SealedCard
from transactions.money import Money
from transactions.processor import Processor, ProcessorOptions
from transactions.request import Request
from voice_prompts.catalogue import Catalogue
from voice_prompts.speaker import Speaker

CONFIG = Path(__file__).resolve().parents[2] / "config"
CALLS = count(1)
TIER = Money.parse("5000")
"""Transfers above it need a second factor here; test cards have not much more."""
KEY_S, PROMPT_S = 0.3, 2.0
SILENCE, CODE = "SILENCE", "CODE"
"""In place of keys: nothing is pressed until the bank has had enough of it; the newest one-time
code that was sent."""
MAX_PROMPTS = 200
"""Prompts that a caller hears without pressing anything; more go round for ever."""


@dataclass
class House:
    """What calls share."""

    release: Release
    processor: Processor
    store: Store
    speaker: Speaker
    usage: Usage
    folder: Path

    def code(self) -> str:
        """The newest one-time code."""
        lines = (self.folder / OUTBOX).read_text(encoding="ascii").splitlines()
        return str(json.loads(lines[-1])["code"])

    def call(self) -> "Call":
        """A call that has been answered, at the language menu."""
        return Call(self, Session(self.release, f"call{next(CALLS)}", FlowOptions()))


@cache
def shipped() -> tuple[Release, Speaker]:
    """The shipped menus, read once, and who words their texts."""
    return load_release(CONFIG), Speaker(Catalogue.load(CONFIG / "prompts"), None)


@asynccontextmanager
async def open_house(host: CoreHostProcess, folder: Path) -> AsyncIterator[House]:
    """The gateway over `host`, its journal in `folder`."""
    release, speaker = shipped()
    adapter = Iso8583Host(
        load_profile(CONFIG / "hosts" / "tb87.yaml"),
        release.contracts,
        open_software(host.keys),
        Iso8583Options(addresses=tuple(f"127.0.0.1:{port}" for port in host.ports)),
    )
    most = Money.parse("50000")
    tier = {"transfer": TIER, "transfer_registered": most}
    options = ProcessorOptions(limits=dict.fromkeys(LIMITED, most), second_factor=tier)
    clock, keys = SystemClock(), Keyring.open_or_create(folder / "keys")
    async with open_store(folder, clock=StoreClock()) as store, AsyncExitStack() as stack:
        await store.releases.begin(release_files(CONFIG))
        settings = load_settings(folder, {"sms": {"sender": "file"}})
        more = OrderRoom(settings, store, keys, release.contracts).handlers()
        customers = open_customers(settings, folder, store, keys, stack, more)
        await adapter.start()
        assert await adapter.wait_signed_on(20.0)
        processor = Processor(
            *(release.contracts, adapter, store.journal, store.vault, options, clock),
            desk=customers.desk,
        )
        await processor.recover()
        try:
            yield House(release, processor, store, speaker, customers.usage, folder)
        finally:
            await processor.close()
            await adapter.close()


@dataclass
class Call:
    """One caller; `said` and `asked` are what he heard and what was asked for him, in order."""

    house: House
    session: Session
    said: list[str] = field(default_factory=list)
    """Each prompt in words."""
    prompts: list[str] = field(default_factory=list)
    """Each prompt's id."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Service and exit."""
    records: list[str] = field(default_factory=list)
    used: dict[str, list[str]] = field(default_factory=dict)
    """Customer's token to what is counted for him when he hangs up."""
    ended: str = ""
    now: float = 100.0
    _playing: Say | None = None

    async def dial(self, keys: Iterable[str]) -> "Call":
        """Press groups of keys, each after what is being said."""
        await self._do(self.session.receive(Started(), self.now))
        for group in keys:
            await (self.wait() if group == SILENCE else self.press(group))
        return self

    async def hang_up(self) -> None:
        """Go, having heard all of it."""
        await self.listen()
        for customer, what in self.used.items():
            await self.house.usage.used(customer, what)

    async def wait(self) -> None:
        """Press nothing, after what is being said, until that is noticed."""
        await self.listen()
        assert self.session.wake_at is not None, "nothing is waited for"
        self.now = self.session.wake_at
        await self._do(self.session.wake(self.now))

    async def press(self, group: str) -> None:
        """Press keys in a row, after what is being said."""
        await self.listen()
        for key in self.house.code() if group == CODE else group:
            self.now += KEY_S
            if self._playing is not None and key in self._playing.stop_keys:
                self._playing = None
            await self._do(self.session.receive(KeyPressed(key), self.now))

    async def listen(self) -> None:
        """Hear everything until a key is waited for."""
        for _ in range(MAX_PROMPTS):
            if self._playing is None or self.session.phase is Phase.ENDED:
                return
            token, self._playing = self._playing.token, None
            self.now += PROMPT_S
            await self._do(self.session.receive(PlayEnded(token, completed=True), self.now))
        raise AssertionError(f"it goes on and on: {self.prompts[-8:]}")

    async def _do(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Say():
                    self._say(command)
                case Submit():
                    await self._do(await self._ask(command))
                case Enqueue(visit):
                    answer = QueueAnswered(visit, "not_on_duty")
                    await self._do(self.session.receive(answer, self.now))
                case PrepareFax(visit):
                    await self._do(self.session.receive(FaxPrepared(visit, "ready"), self.now))
                case SendFax(visit, way="mail"):
                    await self._do(self.session.receive(FaxAnswered(visit, "accepted"), self.now))
                case Told(visit, exit_name):
                    request = f"{self.session.call_ref}-{visit}"
                    await self.house.processor.told(request, exit_name)
                case Used(what, card):
                    self.used.setdefault(self.house.store.vault.token(card), []).append(what)
                case Record(kind):
                    self.records.append(kind)
                case HangUp(reason):
                    self.ended = reason
                case _:
                    pass

    def _say(self, say: Say) -> None:
        self._playing = say
        for spoken in say.prompts:
            values = {
                name: value.masked if isinstance(value, CardNumber | SealedCard) else value
                for name, value in spoken.values.items()
            }
            words = self.house.speaker.render(spoken.prompt_id, values, say.language).text
            self.prompts.append(spoken.prompt_id)
            self.said.append(words)

    async def _ask(self, submit: Submit) -> list[Command]:
        house, card = self.house, submit.authenticated
        token = house.store.vault.token(card) if card is not None else None
        request = Request(
            id=f"{self.session.call_ref}-{submit.visit}",
            service=submit.service,
            contract_version=house.release.contracts[submit.service].version,
            inputs=submit.inputs,
            actor=token or "caller",
            call=self.session.call_ref,
            language=self.session.language,
            auth=submit.auth,
            authenticated_token=token,
            release=house.release.hash,
        )
        answer = await house.processor.submit(request)
        self.asked.append((submit.service, answer.exit))
        event = ServiceAnswered(submit.visit, answer.exit, answer.data, answer.reference)
        return self.session.receive(event, self.now)
