"""A business day: thousands of calls on the real menus, node, adapter and bank, faults by chance,
deaths of the node, outages of the bank; and what must hold when it is over. One seed, one day."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from core_adapters.corehost.products.exchange.market import load_market
from core_adapters.corehost.products.plantings.customers import MOBILE
from core_adapters.corehost.rules import BANK_OFFSET, Rules
from core_adapters.corehost.seed import SeedCard
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.host_types import HostEvents
from core_adapters.iso8583.options import Iso8583Options
from support.day_bank import (
    AWAY_S,
    COMPANY,
    FAULTY,
    PEOPLE,
    DayBank,
    DayNet,
    biller_number,
    customers,
    profile,
)
from support.day_caller import CODE, END, DayCaller, Told
from support.day_checks import Heard, Seen, look
from support.day_store import DayClock, open_day_store
from support.iso8583_kit import MODULE
from support.menu_keys import BANK, FAR_ACCOUNT, LOAN
from support.money_caller import LANGUAGE_KEYS
from telebank.commands.wiring import customers as wiring
from telebank.commands.wiring.customers import open_customers
from telebank.commands.wiring.orders import OrderRoom
from telebank.flow.keymap import Route, routes
from telebank.flow.load import load_release
from telebank.settings import Table, load_settings, seed_dir
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.answer import Answer
from transactions.processor import Processor
from transactions.secret import Secret

DAY_S = 17 * 3600.0
"""From eight in the morning to one at night, over the bank's midnight."""
MIX: Mapping[str, float] = {
    "card": 28,
    "deposit": 9,
    "transfer": 12,
    "order": 8,
    "payee": 4,
    "bill": 12,
    "loan": 4,
    "bond": 3,
    "fx": 6,
    "at_rate": 4,
    "sec": 4,
    "corp": 8,
    "cheque": 2,
    "ceiling": 1,
    "settings": 1,
    "account": 1,
    "info": 3,
    "pin": 1,
    "stop": 0.8,
}
"""Calls by family and weight: the first word of the service that they are for, or as `OTHERWISE`
has it; `stop` spoils a card for the rest of the day."""
OTHERWISE: Mapping[str, str] = {
    "fx.order": "at_rate",
    **dict.fromkeys(("card.report_loss", "card.block", "card.unblock", "card.activate"), "stop"),
}
WRONG, GONE, ENGLISH = 0.05, 0.07, 0.2
"""Parts of calls with a wrong key in them, that are hung up in mid-way, and in English."""
DEATHS = 3
"""How often the node is killed."""
SETTINGS: Mapping[str, Table] = {
    "limits": {"transfer_daily": "500000.00", "bill_daily": "500000.00"},
    "orders": {"look_s": 600.0},
}
BY_APPROVERS = frozenset({"corp.pay", "corp.waiting", "corp.reject"})
_AMOUNTS = ("1", "10", "88.80", "100", "250", "1000", "5000", "6000.5", "12000", "0.001", "0")
ENTERED: Mapping[str, Sequence[str]] = {
    "PAYEE": [one.card for one in customers()],
    "AMOUNT": _AMOUNTS,
    "PART": _AMOUNTS,
    "ROW": "1123",
    "AREA": ("880001", "1"),
    "CHEQUE": ("10020001", "10020010", "99999999"),
    "FIRST_CHEQUE": ("10020012", "10020001"),
    "LAST_CHEQUE": ("10020013", "10020012"),
}
"""What is entered, each as likely as the next."""
LIMITS = ("1.0001", "1.0002", "1.0005", "1.01", "0.9")
STOPPED = ("0.9999", "0.9997", "0.99")
"""Rates of orders, and of their other sides, as parts of what dollars cost now."""
MARKET = load_market(Rules())
SETTLE_S = 3 * 86_400.0


class DayWorld:
    """Bank and store outlive the node; everything else is one life of it."""

    def __init__(self, folder: Path, seed: int, calls: int, faulty: float = FAULTY) -> None:
        self.folder = folder
        self.seed = seed
        self.calls = calls
        self.faulty = faulty
        self.chance = random.Random(seed)
        self.bank = DayBank()
        self.release = load_release(seed_dir())
        self.routes = _by_family(routes(self.release))
        self.pins = {one.card: one.pin for one in (*customers(), *PEOPLE, COMPANY)}
        self.begun: set[int] = set()
        self._codes: dict[str, str] = {}
        self._beside: set[asyncio.Task[None]] = set()
        self.answers: dict[str, tuple[str, Answer]] = {}
        self.told: dict[str, Told] = {}
        self.asked: dict[str, str] = {}
        self.seen = Seen()
        self.store: Store
        self.processor: Processor
        self.host: Iso8583Host
        self.net: DayNet

    @property
    def keyring(self) -> Keyring:
        """The store's keys."""
        return self.store.vault

    async def send(self, number: str, code: Secret) -> None:
        """The network of mobile telephones: see `CodeSender`."""
        self._codes[number] = code.reveal()

    def code_for(self, card: str) -> str:
        """What came last on a customer's telephone."""
        return self._codes.get(biller_number(card, MOBILE), "000000")

    def used(self, customer: str, what: str) -> None:
        """Count what a customer uses."""
        self.later(self._usage.used(customer, what))

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it beside the calls."""
        task = asyncio.create_task(work, name="beside")
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    # -- the day ------------------------------------------------------------------------------

    async def run(self) -> Seen:
        """Lives of the node until the day is over and every row has its end."""
        loop = asyncio.get_running_loop()
        self.clock = DayClock(loop.time)
        began = loop.time()
        self.due = sorted(self.chance.uniform(0, DAY_S) + began for _ in range(self.calls))
        deaths = sorted(self.chance.uniform(0, DAY_S) + began for _ in range(DEATHS))
        outages = asyncio.ensure_future(self._outages(began + DAY_S))
        for end in (*deaths, None):
            await self._live(end)
        outages.cancel()
        heard = Heard(self.asked, self.answers, self.told)
        look(self.seen, self.bank, self.folder, heard)
        self.bank.close()
        return self.seen

    async def _live(self, until: float | None) -> None:
        """One life, to its death or to the end of all things."""
        await self._start()
        serving = asyncio.ensure_future(self._serve())
        ticking = asyncio.ensure_future(self._tick())
        if until is None:
            await serving
            await self._settle()
            ticking.cancel()
            self._count_hits()
            await self._orders.close()
            await self._stack.aclose()
            await self.processor.close()
            await self.host.close()
            await self.store.close()
            return
        await asyncio.sleep(max(0.0, until - self.clock.monotonic()))
        self._count_hits()
        self.seen.deaths += 1
        self.net.kill()
        await self._bury()

    def _count_hits(self) -> None:
        self.seen.hits.update({hit.value: count for hit, count in self.net.hits.items()})

    async def _start(self) -> None:
        chance = random.Random(self.seed * 1009 + self.seen.deaths)
        self.net = DayNet(self.bank, chance, self.faulty, self.clock.now)
        asyncio.get_running_loop().network = self.net  # type: ignore[attr-defined]
        self.store = open_day_store(self.folder, self.clock)
        settings = load_settings(self.folder, SETTINGS)
        contracts, store = self.release.contracts, self.store
        self._orders = OrderRoom(settings, store, store.vault, contracts, self.clock)
        self._stack = contextlib.AsyncExitStack()
        with _codes_to(self):
            customers_ = open_customers(
                *(settings, self.folder, store, store.vault, self._stack),
                *(self._orders.handlers(), self.clock),
            )
        self.host = Iso8583Host(
            profile(),
            self.release.contracts,
            MODULE,
            Iso8583Options(links=2),
            events=HostEvents(
                late=lambda one: self.processor.late_answer(one.message.request_id, one.outcome)
            ),
            vault=self.store.vault,
            clock=self.clock,
            chance=chance,
            next_stan=self.store.journal.next_stan,
        )
        self.processor = Processor(
            self.release.contracts,
            self.host,
            self.store.journal,
            self.store.vault,
            settings.transactions,
            self.clock,
            desk=customers_.desk,
        )
        self._usage = customers_.usage
        await self.host.start()
        await self.host.wait_signed_on(60.0)
        await self.processor.recover()
        self._orders.start(self.processor, self.host, lambda: self.release)

    async def _bury(self) -> None:
        """kill -9: every task ends where it is, nothing is tidied up."""
        keep = {asyncio.current_task(), *self._world_tasks()}
        doomed = [task for task in asyncio.all_tasks() if task not in keep]
        for task in doomed:
            task.cancel()
        await asyncio.gather(*doomed, return_exceptions=True)
        await self.store.close()
        await asyncio.sleep(self.chance.choice((1.0, 20.0, 120.0)))

    def _world_tasks(self) -> set[asyncio.Task[None]]:
        return {one for one in asyncio.all_tasks() if one.get_name() == "outages"}

    async def _outages(self, until: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.set_name("outages")
        for seconds in self.chance.sample(AWAY_S * 2, len(AWAY_S) * 2):
            await asyncio.sleep(self.chance.uniform(0, DAY_S / 4))
            if self.clock.monotonic() < until:
                self.net.outage(seconds, self.clock.monotonic())

    async def _tick(self) -> None:
        """The bank's own clock: market, ends of dates."""
        while True:
            await asyncio.sleep(30.0)
            self.bank.desk.pass_time(self.clock.now())

    async def _settle(self) -> None:
        """Faults are over: every row comes to its end, or to people."""
        self.net.faulty, self.net.away_until = 0.0, 0.0
        patience = self.clock.monotonic() + SETTLE_S
        while self.processor.open_count() and self.clock.monotonic() < patience:
            await asyncio.sleep(60.0)

    # -- callers ------------------------------------------------------------------------------

    async def _serve(self) -> None:
        work: list[asyncio.Task[None]] = []
        for number, at in enumerate(self.due):
            if number in self.begun:
                continue
            await asyncio.sleep(max(0.0, at - self.clock.monotonic()))
            self.begun.add(number)
            work.append(asyncio.create_task(self._call(number), name=f"call {number}"))
        await asyncio.gather(*work)

    async def _call(self, number: int) -> None:
        chance = random.Random(self.seed * 7919 + number)
        route = self._route(chance)
        who = _caller_of(route, chance)
        caller = DayCaller(self, who, f"d{number}", chance)
        self.seen.calls += 1
        caller.answers, caller.told, caller.asked = self.answers, self.told, self.asked
        await caller.ring(self._keys(route, who, chance))
        self._changed_pin(route, who, number)

    def _changed_pin(self, route: Route, who: SeedCard, number: int) -> None:
        if route.service != "pin.change":
            return
        last = [
            a
            for name, (s, a) in self.answers.items()
            if s == "pin.change" and name.startswith(f"d{number}-")
        ]
        if any(one.exit == "ok" for one in last):
            self.pins[who.card] = _new_pin(who)

    def _route(self, chance: random.Random) -> Route:
        family = chance.choices([*MIX], [*MIX.values()])[0]
        return chance.choice(self.routes[family])

    def _keys(self, route: Route, who: SeedCard, chance: random.Random) -> list[str]:
        language = "en" if chance.random() < ENGLISH else "zh"
        keys = [LANGUAGE_KEYS[language]]
        keys += [self._entry(key, route, who, chance) for key in route.keys[1:]]
        if chance.random() < WRONG:
            keys.insert(chance.randrange(1, len(keys)), chance.choice("1356789*#"))
        if chance.random() < GONE:
            return [*keys[: chance.randrange(1, len(keys) + 1)], END]
        return keys

    def _entry(self, key: str, route: Route, who: SeedCard, chance: random.Random) -> str:
        if not key[0].isupper() or key == CODE:
            return key
        name = key.rstrip("#")
        entered = self._value(name, dict(route.constants), who, chance)
        return entered.replace(".", "*") + ("#" if key.endswith("#") else "")

    def _value(
        self, name: str, constants: Mapping[str, str], who: SeedCard, chance: random.Random
    ) -> str:
        """What he enters where docs/menus.md has a word in capitals."""
        paid = {"transfer": chance.choice(customers()).card, "repay": LOAN}
        known: Mapping[str, Callable[[], str]] = {
            "CARD": lambda: who.card,
            "LOST_CARD": lambda: who.card,
            "PIN": lambda: self.pins[who.card],
            "NEW_PIN": lambda: _new_pin(who),
            "IDENTITY": lambda: who.identity,
            "NUMBER": lambda: _number(who, constants, chance),
            "FIRST": lambda: self._day(chance.choice((0, 0, 0, 1, 7))),
            "LAST": lambda: self._day(60),
            "LIMIT": lambda: self._rate(chance.choice(LIMITS)),
            "OTHER": lambda: self._rate(chance.choice(STOPPED)),
            "PAY_BANK": lambda: BANK,
            "PAY_TO": lambda: paid.get(constants.get("kind", ""), FAR_ACCOUNT),
        }
        return known[name]() if name in known else chance.choice(ENTERED[name])

    def _day(self, days: int) -> str:
        return f"{self.clock.now() + BANK_OFFSET + timedelta(days=days):%Y%m%d}"

    def _rate(self, part: str) -> str:
        pays = MARKET.rate("cny", "usd", MARKET.last(self.clock.now())).buy
        return f"{pays * Decimal(part):.4f}"


def _number(who: SeedCard, constants: Mapping[str, str], chance: random.Random) -> str:
    return "1" if chance.random() < WRONG else biller_number(who.card, constants["biller"])


def _by_family(all_routes: Sequence[Route]) -> dict[str, list[Route]]:
    found: dict[str, list[Route]] = {}
    for one in all_routes:
        family = OTHERWISE.get(one.service, one.service.partition(".")[0])
        found.setdefault(family, []).append(one)
    return found


def _caller_of(route: Route, chance: random.Random) -> SeedCard:
    """Who rings for this: of a company one who may, and now and then one who may not."""
    if not route.service.startswith("corp."):
        return chance.choice(customers())
    if chance.random() < WRONG:
        return chance.choice([*PEOPLE, COMPANY])
    maker, *approvers, _viewer = PEOPLE
    if route.service == "corp.propose":
        return maker
    return chance.choice(approvers) if route.service in BY_APPROVERS else COMPANY


@contextlib.contextmanager
def _codes_to(world: DayWorld) -> Iterator[None]:
    """The desk's codes go to the world's telephones: the file that stands for the network would
    need a thread."""
    real = wiring._sender
    wiring._sender = lambda *_: world
    try:
        yield
    finally:
        wiring._sender = real


def _new_pin(who: SeedCard) -> str:
    return who.pin[::-1]
