"""An auditor's search: what it finds, page by page, and that it reads no whole table."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, insert, text

from support.store_kit import NOON, open_store
from telebank.settings import store_url
from telebank.store import tables
from telebank.store.engine import open_read_only, open_writer
from telebank.store.options import StoreOptions
from telebank.store.review.search import PAGE, Place, Wanted, search
from telebank.store.review.story import story
from telebank.store.seat_tables import contact

MANY = 100_000
CUSTOMERS, TELLERS = 2_000, 50
DAY = (NOON, NOON + timedelta(seconds=2_000))
STATES = ("APPROVED", "DECLINED", "UNKNOWN")


def row(number: int) -> dict[str, Any]:
    """One each second; each third is money, each tenth asked for at a desk."""
    desk = number % 10 == 0
    made: dict[str, Any] = {"id": f"r{number}", "node": "01", "epoch": 1, "terminal": "T"}
    made |= {"service": "transfer.card_to_card" if number % 3 else "card.balance"}
    made |= {"contract_version": 1, "release": "x", "effect": "money", "recovery": "reverse"}
    made |= {"state": STATES[number % 3], "steps": 3, "messages": 1, "attempts": 0}
    made |= {"actor": f"s{number % TELLERS}" if desk else f"token-{number % CUSTOMERS}"}
    made |= {"channel": "teller" if desk else "phone", "call": f"01-1-{number}", "auth": "pin"}
    made |= {"language": "zh", "business_date": NOON.date(), "inputs": {}, "key_id": "k1"}
    made |= {"amount": number * 100, "currency": "CNY", "content_hash": "c"}
    made |= {"customer": f"token-{number % CUSTOMERS}", "payee_masked": "*三"}
    made |= {"reference": f"01{number:010d}", "host_reference": ""}
    return made | {"created_at": NOON + timedelta(seconds=number)}


def fill(url: str) -> None:
    engine = open_writer(url, StoreOptions())
    with engine.begin() as connection:
        for begin in range(0, MANY, 10_000):
            connection.execute(
                insert(tables.request), [row(one) for one in range(begin, begin + 10_000)]
            )
        sealed = {"name": "to", "kind": "card", "masked": "622700******1111", "key_id": "k"}
        sealed |= {"ciphertext": b""}
        connection.execute(
            insert(tables.sealed_input),
            [
                sealed | {"request": f"r{one}", "token": f"payee-{one % CUSTOMERS}"}
                for one in range(0, MANY, 4)
            ],
        )
        talk: dict[str, Any] = {"node": "01", "epoch": 1, "queue": "", "direction": "in"}
        talk |= {"hold_s": 0, "wrap_s": 0, "card_masked": "", "caller_masked": "", "level": 0}
        talk |= {"language": "zh", "business": "", "how_ended": "caller", "note_key_id": ""}
        talk |= {"note_ciphertext": b""}
        connection.execute(
            insert(contact),
            [
                talk
                | {"id": f"c{one}", "call": f"01-1-{one}", "seat": f"s{one % TELLERS}"}
                | {"began": NOON + timedelta(seconds=one)}
                for one in range(0, MANY, 20)
            ],
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def of_store(wanted: Wanted) -> Callable[[Connection], Any]:
    return lambda connection: search(connection, wanted)


LOOKS: Sequence[tuple[str, Callable[[Connection], Any]]] = (
    ("a time", of_store(Wanted(*DAY))),
    ("amounts", of_store(Wanted(*DAY, least=100, most=900, currency="CNY"))),
    ("a service", of_store(Wanted(*DAY, service="card.balance"))),
    ("a state", of_store(Wanted(*DAY, state="UNKNOWN"))),
    ("a teller", of_store(Wanted(*DAY, teller="s0"))),
    ("a customer", of_store(Wanted(customer="token-7"))),
    ("a customer's time", of_store(Wanted(*DAY, customer="token-7"))),
    ("a reference", of_store(Wanted(reference="010000000007"))),
    ("a later page", of_store(Wanted(*DAY, after=Place(DAY[1], "010000000500")))),
    ("a story", lambda connection: story(connection, "010000000007")),
    ("a story of a call", lambda connection: story(connection, "01-1-20")),
    ("a story of an entry", lambda connection: story(connection, "01-1")),
)


def plan_of(engine: Engine, look: Callable[[Connection], Any]) -> str:
    from sqlalchemy import event

    ran: list[tuple[str, Any]] = []

    def seen(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        ran.append((statement, values))

    event.listen(engine, "before_cursor_execute", seen)
    with engine.connect() as connection:
        look(connection)
    event.remove(engine, "before_cursor_execute", seen)
    assert ran
    lines = []
    with engine.connect() as connection:
        for statement, values in ran:
            found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            lines += [str(each[-1]) for each in found]
    return "\n".join(lines)


async def test_a_hundred_thousand_requests(tmp_path: Path) -> None:
    async with open_store(tmp_path):
        pass
    fill(store_url(tmp_path))
    engine = open_read_only(store_url(tmp_path))
    for name, look in LOOKS:
        plan = plan_of(engine, look)
        assert "SCAN" not in plan, f"{name}:\n{plan}"
    with engine.connect() as connection:
        finds_what_fits(connection)
        pages_follow_each_other(connection)
    engine.dispose()


async def test_both_databases_understand_what_they_are_asked(place: Path) -> None:
    async with open_store(place):
        pass
    engine = open_writer(store_url(place), StoreOptions())
    with engine.begin() as connection:
        connection.execute(insert(tables.request), [row(one) for one in range(120)])
    engine.dispose()
    reader = open_read_only(store_url(place))
    with reader.connect() as connection:
        for _, look in LOOKS:
            look(connection)
        assert numbers(connection, Wanted(*DAY)) == list(range(119, 69, -1))
        after = search(connection, Wanted(*DAY)).next
        assert numbers(connection, Wanted(*DAY, after=after)) == list(range(69, 19, -1))
        teller = numbers(connection, Wanted(*DAY, teller="s0"))
        assert teller == [100, 50, 0]
        told = story(connection, "01-1-20")
        assert told is not None
        assert [one.reference for one in told.requests] == ["010000000020"]
    reader.dispose()


def numbers(connection: Connection, wanted: Wanted, most: int = PAGE) -> list[int]:
    return [int(one.reference[2:]) for one in search(connection, wanted, most).rows]


def finds_what_fits(connection: Connection) -> None:
    every = range(2_000)
    amounts = Wanted(*DAY, least=100_000, most=100_900, currency="CNY")
    assert numbers(connection, amounts) == list(range(1_009, 999, -1))
    assert numbers(connection, Wanted(*DAY, currency="USD")) == []
    wanted = Wanted(*DAY, state="UNKNOWN", service="transfer.card_to_card")
    assert numbers(connection, wanted) == [one for one in every if one % 3 == 2][:-51:-1]
    teller = Wanted(*DAY, teller="s0")
    assert (
        numbers(connection, teller)
        == [one for one in every if one % TELLERS == 0 and (one % 10 == 0 or one % 20 == 0)][::-1]
    )
    customer = numbers(connection, Wanted(customer="token-7"))
    assert customer == list(range(7, MANY, CUSTOMERS))[::-1]
    assert numbers(connection, Wanted(customer="payee-4")) == list(range(4, MANY, CUSTOMERS))[::-1]
    assert numbers(connection, Wanted(customer="token-7", reference="010000000008")) == []
    assert numbers(connection, Wanted(reference="010000000007", teller="s1")) == []


def pages_follow_each_other(connection: Connection) -> None:
    found: list[str] = []
    after = None
    while True:
        page = search(connection, Wanted(*DAY, service="card.balance", after=after))
        found += [one.reference for one in page.rows]
        assert len(page.rows) <= PAGE
        if page.next is None:
            break
        after = page.next
    assert found == [f"01{one:010d}" for one in range(1_999, -1, -1) if one % 3 == 0]
