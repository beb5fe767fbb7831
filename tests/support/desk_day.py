"""A day at the desks as the event log has it: rows of a node of its own, at times that are chosen.

write_day(url, midnight, busy_day(36))
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, create_engine, func, insert, select

from telebank.store import tables
from telebank.store.clock import to_us

NODE = "77"
_E = tables.event.c
_LAST = select(func.max(_E.sequence)).where(_E.node == NODE)
Fact = tuple[str, float, str, str, dict[str, Any]]
"""Kind, seconds since midnight, call, actor, detail."""
QUEUES = ("general", "general", "general", "loans", "english")
SEATS = ("li", "zhao", "qian", "sun", "zhou", "zheng")


def write_day(url: str, midnight: datetime, facts: Iterable[Fact]) -> None:
    """Write them, in the order of their times, after what the node has."""
    engine = create_engine(url)
    with engine.begin() as connection:
        _write(connection, midnight, sorted(facts, key=lambda fact: fact[1]))
    engine.dispose()


def _write(connection: Connection, midnight: datetime, ordered: Sequence[Fact]) -> None:
    last = connection.execute(_LAST).scalar()
    for sequence, (kind, at_s, call, actor, detail) in enumerate(ordered, (last or 0) + 1):
        at_us = to_us(midnight + timedelta(seconds=at_s))
        row = {"node": NODE, "sequence": sequence, "schema": 1, "utc_us": at_us}
        row |= {"monotonic_us": at_us, "boot": "b", "kind": kind, "call": call or None}
        row |= {"actor": actor, "role": "system", "origin": "test", "outcome": "ok"}
        connection.execute(insert(tables.event), row | {"detail": detail})


def busy_day(until: int, seed: int = 7) -> Iterator[Fact]:
    """Calls from eight o'clock to quarter `until`, with everything that can come of them."""
    chance = random.Random(seed)
    for number in range((until - 32) * 7):
        at = chance.triangular(32 * 900, until * 900, min(10.5 * 3_600, until * 900))
        yield from _call(chance, number, at)


def _call(chance: random.Random, number: int, at: float) -> Iterator[Fact]:
    call, queue = f"77-1-{number:06}", chance.choice(QUEUES)
    kind, waited = chance.random(), round(chance.expovariate(1 / 25), 1)
    of = {"queue": queue}
    if kind < 0.05:
        why = chance.choice(("closed", "nobody"))
        yield ("queue.refused", at, call, "system", of | {"why": why})
        return
    yield ("queue.entered", at, call, "system", of)
    how = {0: "full", 1: "abandoned"}.get(int((kind - 0.05) / 0.06), "answered")
    yield ("queue.left", at + waited, call, "system", of | {"how": how, "waited_s": waited})
    if how == "answered":
        yield from _talk(chance, call, queue, at + waited)


def _talk(chance: random.Random, call: str, queue: str, at: float) -> Iterator[Fact]:
    seat, seconds = chance.choice(SEATS), round(chance.expovariate(1 / 170) + 6, 1)
    of, end = {"seat": seat, "queue": queue}, at + seconds
    kind = chance.random()
    if kind < 0.06:
        missed = of | {"seat": chance.choice(SEATS), "why": "no_answer"}
        yield ("queue.missed", at - 1, call, "system", missed)
    yield ("contact.begun", at, call, seat, of)
    if 0.06 <= kind < 0.09:
        yield ("contact.pin", at + 3, call, seat, {"state": "locked"})
    if 0.09 <= kind < 0.11:
        detail = {"service": "transfer.card_to_card", "exit": "in_doubt"}
        yield ("contact.service", at + 4, call, seat, detail)
    if 0.11 <= kind < 0.13:
        yield ("contact.transferred", at + 5, call, seat, {"to": "zhao"})
        yield ("contact.transferred", at + 6, call, seat, {"to": "li"})
    if kind > 0.95:
        yield ("queue.kept", at, call, "system", {"queue": queue})
    ended = {"seat": seat, "seconds": seconds, "how": "caller"}
    yield ("contact.ended", end, call, seat, ended)
    yield ("seat.state", end, call, seat, {"seat": seat, "state": "wrap_up", "reason": ""})
    wrapped = {"seat": seat, "state": "ready", "reason": ""}
    yield ("seat.state", end + chance.uniform(8, 40), "", seat, wrapped)
