"""The demo bank of the simulated day: some hundred customers with all its products."""

import functools
import random
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from core_adapters.corehost import book, ledger, seed, tables
from core_adapters.corehost.bank import Bank
from core_adapters.corehost.pins import Pins
from core_adapters.corehost.products.bills.billers import load_billers
from core_adapters.corehost.rules import Rules
from core_adapters.corehost.seed import SeedCard
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.profile import Profile
from core_adapters.iso8583.profile_load import load_profile
from support.day_store import OPENS
from support.iso8583_kit import BANK_MODULE, TB87
from support.simulation_bank import PIN_KEY, SimBank, WeakDesk, Weakness
from support.simulation_net import Hit, Net, Plan, State

CUSTOMERS = 120
RULES = Rules(transfer_daily=50_000_000, bill_daily=50_000_000)
"""Daily sums that a customer who rings forty times a day does not come to too early."""

FAULTS: Mapping[Hit, int] = {
    Hit.LOST: 3,
    Hit.REPLY_LOST: 6,
    Hit.LATE: 4,
    Hit.OVERTAKEN: 2,
    Hit.DUPLICATE: 3,
    Hit.GARBLED: 1,
    Hit.WRONG_KEY: 1,
    Hit.WRONG_AMOUNT: 1,
    Hit.BAD_MAC: 1,
    Hit.CUT_REQUEST: 1,
    Hit.CUT_REPLY: 1,
    Hit.COLLISION: 1,
    Hit.CUT_OVER: 1,
    Hit.TWICE: 2,
}
"""What a message meets, by weight."""
FAULTY = 0.04
"""Part of all messages, reversals and repeats among them, that meet one of them."""
APPLICATION = frozenset({"01", "02", "03", "04", "06"})
"""Message classes that faults hit; the lines' own 08 is left alone, lines are cut instead."""
AWAY_S = (20.0, 90.0, 400.0)
"""How long the bank is away, each about twice a day."""


PEOPLE: Sequence[SeedCard] = [one for one in seed.trial_set() if one.state == "operator"]
"""Of the company: one who makes, two who approve, one who looks."""
COMPANY = seed.trial_set()[-1]


@functools.cache
def customers() -> tuple[SeedCard, ...]:
    """Ordinary customers, one in four with cheques."""
    chance = random.Random(87)
    return tuple(
        SeedCard(
            seed.card_number(910_000_000 + number),
            str(chance.randrange(10**11, 10**12)),
            f"客户{number}",
            f"{chance.randrange(10**4):04d}",
            chance.choice((5_000_000, 20_000_000, 100_000_000)),
            cheques=number % 4 == 0,
        )
        for number in range(1, CUSTOMERS + 1)
    )


@functools.cache
def _template() -> bytes:
    db = sqlite3.connect(":memory:", isolation_level=None)
    pins = Pins(db, PIN_KEY, RULES)
    bank = Bank(db, RULES, pins)
    for script in (ledger.SCHEMA, tables.SCHEMA, book.SCHEMA):
        for statement in ledger.statements(script):
            db.execute(statement)
    db.execute("BEGIN")
    seed.plant(db, bank, pins, (*customers(), *PEOPLE, COMPANY), OPENS)
    db.execute("COMMIT")
    return bytes(db.serialize())


def biller_number(card: str, biller: str) -> str:
    """Under which number the holder of a card is a subscriber."""
    return load_billers()[0][biller].number(card)


@functools.cache
def profile() -> Profile:
    """The shipped one, of the day's own: what is remembered of its messages is nobody else's."""
    return load_profile(TB87)


class DayBank(SimBank):
    """All products, one day."""

    def __init__(self) -> None:
        super().__init__(profile=profile())
        self.db.close()
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.deserialize(_template())
        self.bank = Bank(self.db, RULES, Pins(self.db, PIN_KEY, RULES))
        self.desk = WeakDesk(self.db, self.bank, self.codec, BANK_MODULE, Weakness())


class DayNet(Net):
    """Lines on which a message in so many meets a fault, and which are cut now and then."""

    def __init__(
        self, bank: DayBank, chance: random.Random, faulty: float, now: Callable[[], datetime]
    ) -> None:
        super().__init__(bank, Plan(), chance, State())
        self.bank: DayBank = bank
        self.now = now
        self.faulty = faulty
        self.hits: dict[Hit, int] = {}

    def sent(self, line: object, data: bytes) -> None:
        """A frame leaves: whether something happens to it is chance."""
        message = self.bank.codec.decode(data[2:])
        self.watch(message)
        if message.mti[:2] not in APPLICATION or self.chance.random() >= self.faulty:
            line.to_bank(data)  # type: ignore[attr-defined]
            return
        hit = self.chance.choices([*FAULTS], [*FAULTS.values()])[0]
        self.hits[hit] = self.hits.get(hit, 0) + 1
        self.plan = replace(self.plan, byte=self.chance.randrange(len(data)))
        self._strike(line, data, message, hit)  # type: ignore[arg-type]

    def _good(self, message: Message, changes: Mapping[int, str]) -> Message:
        """With the bank's own date."""
        today = f"{self.bank.bank.calendar.today(self.now()):%m%d}"
        return super()._good(message, {15: today, **changes})

    def outage(self, seconds: float, now: float) -> None:
        """The bank is away, and every line is cut."""
        self.away_until = now + seconds
        for line in list(self.lines):
            line.cut()
