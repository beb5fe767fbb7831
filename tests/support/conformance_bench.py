"""The kit against demo hosts in this process, whole or with one fault of character."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from core_adapters.conformance import kit
from core_adapters.conformance.iso8583_bench import (
    AdapterFactory,
    Iso8583Target,
    iso8583_adapter,
)
from core_adapters.conformance.rig import Pace
from core_adapters.conformance.scenarios import ScenarioFile, load_scenarios
from core_adapters.corehost.acts import Acts
from core_adapters.corehost.control import ControlError
from core_adapters.corehost.day import Day
from core_adapters.corehost.desk import Desk, Office, reply_to
from core_adapters.corehost.faults import FaultPlan
from core_adapters.corehost.house import open_house
from core_adapters.corehost.keydesk import KeyDesk
from core_adapters.corehost.orders import Answer, Order
from core_adapters.corehost.rules import EVERY_DAY, Rules
from core_adapters.corehost.server import Server, ServerOptions
from core_adapters.hsm.demo import share_demo_keys
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.profile_load import load_profile
from telebank.commands.host.certify_people import demo_people
from telebank.settings import seed_dir
from transactions.contract import load_contracts

QUICK = Pace(timeout_s=0.25, retry_s=0.05, echo_s=0.15, settle_s=4.0, sign_on_s=2.0)
"""For what is to be found wrong."""
UNHURRIED = Pace(timeout_s=1.5, echo_s=3.0, sign_on_s=20.0)
"""For scenarios that wait for no time-out: a pause of this process must not look like one."""
PROFILE = load_profile(seed_dir() / "hosts" / "tb87.yaml")
CONTRACTS = load_contracts(seed_dir() / "services.yaml")
RULES = Rules(market_days=EVERY_DAY)
"""As with test data: currencies are dealt in on every day."""

Made = Callable[[Office, Codec], Office]


def shipped() -> ScenarioFile:
    """The scenarios that are shipped."""
    return load_scenarios(seed_dir() / "conformance" / "scenarios.yaml")


class Bench:
    """A demo host in this event loop, and `certify` against it."""

    def __init__(self, folder: Path, spoiled: Made = lambda office, _codec: office) -> None:
        self._folder = folder
        self._spoiled = spoiled
        self._stack = AsyncExitStack()
        self.codec = Codec(PROFILE)
        self.port = 0

    async def __aenter__(self) -> "Bench":
        ours, theirs = self._folder / "keys", self._folder / "bank" / "keys"
        share_demo_keys(ours, theirs, PROFILE.name)
        self.module, module = open_software(ours), open_software(theirs)
        house = open_house(self._folder / "bank", RULES, datetime.now(UTC), test_data=True)
        self._stack.callback(house.close)
        keys = KeyDesk(module, PROFILE)
        office = self._spoiled(Desk(house.db, house.bank, self.codec, keys), self.codec)
        day = Day(house.db, house.bank.calendar, datetime.now(UTC))
        plan, options = FaultPlan(None), ServerOptions()
        server = Server(office, self.codec, keys, plan, options, day=day, keys=keys)
        self.acts = Acts(server.hall)
        self.port = await server.start("127.0.0.1", 0)
        self._stack.push_async_callback(server.stop)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def certify(
        self,
        *only: str,
        factory: AdapterFactory = iso8583_adapter,
        pace: Pace = QUICK,
        seed: int = 1,
        tombstones: bool = True,
    ) -> kit.Outcome:
        """Run the shipped scenarios whose ids begin so."""
        profile = replace(PROFILE, reversal=replace(PROFILE.reversal, tombstones=tombstones))
        host = Iso8583Target(
            "127.0.0.1",
            self.port,
            profile,
            CONTRACTS,
            self.module,
            factory=factory,
            host_acts={"keys_host": self._new_keys, "cut_over": self._cut_over},
        )
        plan = kit.Plan(shipped(), demo_people(), seed, pace, only)
        return await kit.certify(host, plan)

    async def _new_keys(self) -> str:
        for key in ("mak", "zpk"):
            try:
                said = await self.acts.key_change({"key": key})
            except ControlError as error:
                return str(error)
            if said["waits"]:
                return "waits"
        return "changed"

    async def _cut_over(self) -> str:
        await self.acts.cut_over({})
        return "changed"


class Spoiled:
    """A host whose answers to some messages are its own invention; the bank never sees those."""

    def __init__(self, office: Office, codec: Codec) -> None:
        self._office = office
        self._codec = codec
        self.seen: set[str] = set()

    def invented(self, message: Message) -> str | None:
        """The code to answer with, or None to let the bank answer."""
        raise NotImplementedError

    def answer(self, messages: Sequence[Message], now: datetime) -> list[Message]:
        """One reply each."""
        return [self._one(message, now) for message in messages]

    def _one(self, message: Message, now: datetime) -> Message:
        code = self.invented(message)
        self.seen.add(message.get(11) or "")
        if code is None:
            return self._office.answer([message], now)[0]
        order = Order(message, self._codec)
        return reply_to(order, order.written(Answer(code)), now)


def wrong(outcome: kit.Outcome) -> dict[str, set[str]]:
    """Names of the checks that failed, by scenario."""
    return {
        result.scenario.id: {check.name for check in result.checks if not check.ok}
        for result in outcome.results
        if result.verdict == kit.FAILED
    }
