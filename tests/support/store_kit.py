"""A real store, on SQLite or PostgreSQL as its folder's settings say, with a clock that stands
until it is moved.

Fixture `place` of tests/telebank/store gives such a folder of each."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

from sqlalchemy import Connection, Table, select

from telebank.settings import store_url
from telebank.store import tables
from telebank.store.clock import Clock, Stamp, to_us
from telebank.store.engine import open_read_only
from telebank.store.events import entry_of
from telebank.store.options import StoreOptions
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.card import CardNumber
from transactions.journal import GuardKey, Hold, Recorded, RecordPlan
from transactions.money import Money
from transactions.request import AuthLevel, HostMessage, Request

PAYER = CardNumber("6227001234567899")
PAYEE = CardNumber("9900001234567893")
DAY = date(2026, 3, 31)
NOON = datetime(2026, 3, 31, 4, 0, tzinfo=UTC)


class FakeClock:
    """Both clocks stand still until `forward`."""

    boot = "00000000-0000-0000-0000-000000000001"

    def __init__(self) -> None:
        self.now = NOON

    def read(self) -> Stamp:
        return Stamp(to_us(self.now), to_us(self.now) % 10**9)

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@asynccontextmanager
async def open_store(
    folder: Path,
    node: str = "01",
    clock: Clock | None = None,
    *,
    keys_at: Path | None = None,
    **options: Any,
) -> AsyncIterator[Store]:
    """A node's store; its keys are in `folder/keys` or, of another machine, `keys_at`."""
    keys = Keyring.open_or_create(keys_at or folder / "keys")
    store = await Store.open(
        store_url(folder), node, keys, StoreOptions(**options), clock or FakeClock()
    )
    try:
        yield store
    finally:
        await store.close()


def reference(request_id: str) -> str:
    """`r7` has the reference 010000000007, another name one of its letters."""
    number = request_id.removeprefix("r")
    return f"01{int(number) if number.isdigit() else 5 * 10**9 + crc32(request_id.encode()):010d}"


def transfer(request_id: str, amount: str = "100.00", **changes: Any) -> Request:
    values: dict[str, Any] = {
        "id": request_id,
        "service": "transfer.card_to_card",
        "contract_version": 1,
        "inputs": {
            "from": PAYER,
            "to": PAYEE,
            "amount": Money.parse(amount),
            "fee": Money.parse("1.00"),
            "quote": f"q-{request_id}",
            "payee_masked": "*三",
        },
        "actor": "customer",
        "call": "01-000001",
        "auth": AuthLevel.PIN,
        "business_date": DAY,
        "release": "f00d",
        "reference": reference(request_id),
        **changes,
    }
    return Request(**values)


def money_plan(
    amount: str = "100.00", ceiling: str | None = None, guarded: bool = True, **changes: Any
) -> RecordPlan:
    minor = Money.parse(amount)
    hold = Hold("transfer_daily", "token-of-payer", minor, Money.parse(ceiling or "999999999"))
    values: dict[str, Any] = {
        "effect": "money",
        "recovery": "reverse",
        "content_hash": "content",
        "guard": GuardKey("payer", "payee", minor) if guarded else None,
        "holds": (hold,),
        "customer": "token-of-payer",
        **changes,
    }
    return RecordPlan(**values)


def message(request_id: str, stan: str, role: str = "request", **changes: Any) -> HostMessage:
    values: dict[str, Any] = {
        "request_id": request_id,
        "role": role,
        "attempt": 0,
        "mti": "0200",
        "stan": stan,
        "field7": "0331040000",
        "field32": "12345",
        "field41": "TEL00001",
        "field37": "010000000001",
        "link": "a",
        "sent_at": NOON,
        "processing_code": "401010",
        "amount": "000000010000",
        **changes,
    }
    return HostMessage(**values)


async def recorded(store: Store, request_id: str, **plan: Any) -> Request:
    """Record an unguarded transfer and return it as numbered."""
    result = await store.journal.record(
        transfer(request_id), money_plan(**{"guarded": False, **plan})
    )
    assert isinstance(result, Recorded), result
    return result.request


def rows(folder: Path, table: Table, *where: Any) -> Sequence[Any]:
    """Rows of a table in the order of their key (requests: of their references), read as the
    console would."""
    order = [table.c.reference] if "reference" in table.c else list(table.primary_key)
    engine = open_read_only(store_url(folder))
    with engine.connect() as connection:
        found = connection.execute(select(table).where(*where).order_by(*order)).all()
    engine.dispose()
    return found


def check_log(connection: Connection, node: str = "01") -> int:
    """Assert that the node's log has no gap and that every leaf is its event's; return its end."""
    events = connection.execute(
        select(tables.event).where(tables.event.c.node == node).order_by(tables.event.c.sequence)
    ).mappings()
    leaves = {
        row.sequence: row.hash
        for row in connection.execute(select(tables.leaf).where(tables.leaf.c.node == node))
    }
    count = 0
    for count, row in enumerate(events, start=1):
        assert row["sequence"] == count
        assert leaves[count] == entry_of(row).leaf()
    assert len(leaves) == count
    return count
