"""The demo bank's own desk, books and ledger in memory, begun anew for every run."""

import functools
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from core_adapters.corehost import book, ledger, seed, tables
from core_adapters.corehost.bank import Bank
from core_adapters.corehost.counter import OK, business_key
from core_adapters.corehost.desk import DUPLICATE, FINANCIAL, NEVER_SEEN, REVERSAL, Desk
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.orders import Answer, Order
from core_adapters.corehost.pins import Pins
from core_adapters.corehost.products import orders as orders_module
from core_adapters.corehost.rules import Rules, business_date
from core_adapters.hsm.module import Module
from core_adapters.iso8583 import host as host_module
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.mac import Mac
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.profile import Profile
from support.iso8583_kit import BANK_MODULE, tb87
from support.transactions_time import START

CARDS = tuple(replace(one, bare=True) for one in seed.trial_set()[:4])
PIN_KEY = bytes(32)
REMEMBERED = 20_000
"""Messages that the codec remembers; then it begins anew."""


class RememberingCodec(Codec):
    """The real codec, asked once for the same bytes: runs alike send the same messages."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile)
        self._encoded: dict[object, bytes] = {}
        self._decoded: dict[bytes, Message] = {}
        self._verified: dict[bytes, bool] = {}

    def encode(self, message: Message, mac: Mac | None = None) -> bytes:
        """See `Codec.encode`; the key is that of all runs."""
        key = (message.mti, tuple(message.fields.items()), mac is None)
        known = self._encoded.get(key)
        if known is None:
            if len(self._encoded) > REMEMBERED:
                self._encoded.clear()
            known = self._encoded[key] = super().encode(message, mac)
        return known

    def decode(self, data: bytes) -> Message:
        """See `Codec.decode`; what cannot be decoded is tried every time."""
        known = self._decoded.get(data)
        if known is None:
            if len(self._decoded) > REMEMBERED:
                self._decoded.clear()
                self._verified.clear()
            known = self._decoded[data] = super().decode(data)
        return known

    def decoded_bodies(self) -> list[bytes]:
        """Every message that was decoded."""
        return list(self._decoded)

    def mac_ok(self, data: bytes, message: Message, macs: "tuple[Mac, ...] | list[Mac]") -> bool:  # type: ignore[override]
        """See `Codec.mac_ok`."""
        known = self._verified.get(data)
        if known is None:
            known = self._verified[data] = super().mac_ok(data, message, macs)
        return known


_CODECS: dict[int, RememberingCodec] = {}


def codec_of(profile: Profile) -> RememberingCodec:
    """One codec a profile and process."""
    codec = _CODECS.get(id(profile))
    if codec is None or codec.profile is not profile:
        codec = _CODECS[id(profile)] = RememberingCodec(profile)
    return codec


class _Counted:
    """In the place of `secrets`: quote numbers are the same in the same run."""

    def __init__(self) -> None:
        self.count = 0

    def token_hex(self, size: int) -> str:
        self.count += 1
        return f"{self.count:0{size * 2}X}"


@functools.cache
def _template() -> bytes:
    """A bank with its accounts, as SQLite keeps it."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    pins = Pins(db, PIN_KEY, Rules())
    bank = Bank(db, Rules(), pins)
    for script in (ledger.SCHEMA, tables.SCHEMA, book.SCHEMA):
        for statement in ledger.statements(script):
            db.execute(statement)
    seed.plant(db, bank, pins, CARDS, START)
    return bytes(db.serialize())


@dataclass(frozen=True)
class Weakness:
    """What some banks' hosts do not do."""

    tombstones: bool = True
    """A reversal that finds nothing bars its original."""
    duplicates: bool = True
    """A message that came before is not applied again; nor is a reversal undone twice."""
    stan_alone: bool = False
    """A message whose STAN came before gets 94, whatever it is: also a first reversal."""
    reversal_stan: bool = False
    """A reversal is known by its own STAN: one with another STAN is another, and applied again."""


class WeakDesk(Desk):
    """The desk of a host that lacks something."""

    def __init__(
        self, db: sqlite3.Connection, bank: Bank, codec: Codec, module: Module, weakness: Weakness
    ) -> None:
        super().__init__(db, bank, codec, module)
        self._weakness = weakness
        self.applied_again = 0
        self._reversals: set[tuple[object, str]] = set()
        """Originals, each with the STAN of a reversal of it."""

    def _fields(self, order: Order, now: datetime) -> dict[int, str]:
        mti = order.message.mti
        if mti[:2] == REVERSAL and self._weakness.stan_alone and self._stan_came(order):
            return order.written(Answer(DUPLICATE))
        if not self._weakness.duplicates and mti[:2] == FINANCIAL:
            return self._new_again(order, now)
        return super()._fields(order, now)

    def _new_again(self, order: Order, now: datetime) -> dict[int, str]:
        entry = self._book.find(order.key, now)
        if entry is None:
            return self._new(order, now)
        key = business_key(order.key, entry.at)
        self._post_again(key, self._bank.ledger.legs(key), now)
        return {**order.written(Answer(OK)), **entry.reply}

    def _reverse(self, order: Order, now: datetime) -> str:
        found = self._book.find(order.original, now)
        if found is None and not self._weakness.tombstones:
            return NEVER_SEEN
        this = (order.original, order.need(11))
        another = self._weakness.reversal_stan and this not in self._reversals
        self._reversals.add(this)
        twice = another or not self._weakness.duplicates
        if found is not None and found.reversal == OK and twice:
            key = f"undo:{business_key(order.original, found.at)}"
            self._post_again(key, self._bank.ledger.legs(key), now)
            return OK
        return super()._reverse(order, now)

    def _stan_came(self, order: Order) -> bool:
        query = "SELECT COUNT(*) FROM message WHERE stan = ?"
        (count,) = self._db.execute(query, (order.need(11),)).fetchone()
        return bool(count)

    def _post_again(self, key: str, legs: Sequence[Leg], now: datetime) -> None:
        if legs:
            self.applied_again += 1
            again = f"{key}/again{self.applied_again}"
            self._bank.ledger.post(again, "again", legs, business_date(now), now)


@dataclass(frozen=True)
class Posted:
    """A transfer at the host, by the key fields of its message."""

    stan: str
    field7: str
    minor: int
    undone: bool


class SimBank:
    """The bank of one run."""

    def __init__(self, weakness: Weakness | None = None, profile: Profile | None = None) -> None:
        self.codec = codec_of(profile or tb87())
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.deserialize(_template())
        bank = Bank(self.db, Rules(), Pins(self.db, PIN_KEY, Rules()))
        weak = weakness or Weakness()
        self.desk = WeakDesk(self.db, bank, self.codec, BANK_MODULE, weak)
        self._counted = _Counted()

    def answer(self, message: Message, now: datetime) -> Message:
        """The desk's answer."""
        orders_module.secrets = self._counted  # type: ignore[assignment]
        (reply,) = self.desk.answer([message], now)
        return reply

    def posted(self) -> list[Posted]:
        """Every transfer, also those undone."""
        rows = self.db.execute("SELECT key, minor, undone FROM posted_order").fetchall()
        keys = [row[0].split("/") for row in rows]
        return [
            Posted(key[2], key[3], row[1], bool(row[2]))
            for key, row in zip(keys, rows, strict=True)
        ]

    def findings(self) -> list[str]:
        """What is wrong with the books."""
        return ledger.findings(self.db, (*ledger.CHECKS, *tables.CHECKS))

    def close(self) -> None:
        """Forget it."""
        self.db.close()


@contextmanager
def one_codec() -> Iterator[None]:
    """The adapter takes the remembering codec, and the bank says nothing, while this holds."""
    told = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    real, chance = host_module.Codec, orders_module.secrets
    _CODECS.clear()  # what another test's messages were is nothing to this one
    host_module.Codec = codec_of  # type: ignore[assignment, misc]
    try:
        yield
    finally:
        host_module.Codec = real  # type: ignore[misc]
        orders_module.secrets = chance
        structlog.configure(**told)
