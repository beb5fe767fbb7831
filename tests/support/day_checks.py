"""What must hold when a simulated day is over, and what it came to."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from support.day_bank import DayBank
from support.day_caller import Told
from support.simulation_net import Hit
from telebank.store import customer_tables, order_tables, tables
from telebank.store.engine import open_read_only
from transactions.answer import Answer
from transactions.lifecycle import NOT_DONE, OPEN, State

ORDER = "order-"
"""How the request ids of scheduled transfers begin (rule 15)."""
LOSS = "card.report_loss"
TO_PEOPLE = (Hit.COLLISION, Hit.CUT_OVER)
"""Faults after which a row may be a person's: a STAN that another seems to have, a forged answer
to a reversal."""
OWN = (
    (customer_tables.payee, "payee.add", "payee.remove"),
    (order_tables.transfer_order, "order.make", ""),
    (order_tables.proposal, "corp.propose", ""),
)
"""Tables of the node's own, with the services that add a row and take one away."""
SURELY_NOT = ("refused", "not_done")


class DayBrokenError(AssertionError):
    """Something that must hold does not."""


def need(true: object, what: str, *about: object) -> None:
    """Raise `DayBrokenError` unless it holds."""
    if not true:
        raise DayBrokenError(f"{what} {' '.join(map(str, about))}".strip())


@dataclass
class Seen:
    """What the day came to."""

    calls: int = 0
    services: Counter[str] = field(default_factory=Counter)
    exits: Counter[str] = field(default_factory=Counter)
    """Service and exit."""
    states: Counter[str] = field(default_factory=Counter)
    """Ends of all rows that move money."""
    orders: Counter[str] = field(default_factory=Counter)
    """Ends of those of scheduled transfers."""
    hits: Counter[str] = field(default_factory=Counter)
    """Faults."""
    deaths: int = 0
    moved: int = 0
    """Minor units of all rows that stand, whatever their currency."""
    ends_of_dates: int = 0
    interest: int = 0
    """Minor units of interest paid at the ends of dates."""
    market_orders: Counter[str] = field(default_factory=Counter)
    """States of orders at a rate."""
    digest: str = ""
    """Of every row of the journal and every leg of the bank's ledger."""

    def table(self) -> str:
        """For people."""
        lines = [
            f"{self.calls} calls, {self.deaths} deaths, {self.hits.total()} faults",
            f"faults: {_listed(self.hits)}",
            f"money rows: {_listed(self.states)}; {self.moved} minor units",
            f"scheduled transfers: {_listed(self.orders)}",
            f"ends of dates: {self.ends_of_dates}, interest {self.interest} minor units",
            f"orders at a rate: {_listed(self.market_orders)}",
            *(f"{what:40} {count:6}" for what, count in sorted(self.exits.items())),
        ]
        return "\n".join(lines)


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{what} {count}" for what, count in sorted(counter.items())) or "none"


@dataclass(frozen=True)
class Heard:
    """Of all callers, by request id: what was asked, what came back, what they were told."""

    asked: Mapping[str, str]
    answers: Mapping[str, tuple[str, Answer]]
    told: Mapping[str, Told]

    def between(self, service: str) -> tuple[int, int]:
        """How often a service surely did what was asked, and how often it may have: an answer that
        died with the node came from a commit, or did not."""
        done = sum(
            name == service and answer.exit == "ok" for name, answer in self.answers.values()
        )
        lost = sum(one == service for name, one in self.asked.items() if name not in self.answers)
        return done, done + lost


def look(seen: Seen, bank: DayBank, folder: Path, heard: Heard) -> None:
    """Go through journal, ledger and what was told; raises `DayBrokenError`."""
    engine = open_read_only(f"sqlite:///{folder / 'telebank.db'}")
    with engine.connect() as connection:
        found = connection.execute(select(tables.request).order_by(tables.request.c.reference))
        rows = found.all()
        _look_at_own(connection, heard)
    engine.dispose()
    _look_at_rows(seen, bank, rows, heard.told)
    _count(seen, bank, rows, heard.answers)


def _look_at_own(connection: Connection, heard: Heard) -> None:
    """What the node keeps for its customers is what they were told that it does."""
    for table, made, ended in OWN:
        (rows,) = connection.execute(select(func.count()).select_from(table)).one()
        least, most = heard.between(made)
        gone_least, gone_most = heard.between(ended) if ended else (0, 0)
        told = f"{least - gone_most} to {most - gone_least}"
        fits = least - gone_most <= rows <= most - gone_least
        need(fits, f"{rows} rows of {table.name}, by the answers {told}")


def _look_at_rows(seen: Seen, bank: DayBank, rows: Sequence[Any], told: Mapping[str, Told]) -> None:
    posted = _posted(bank)
    for row in rows:
        state = State(row.state)
        need(state is State.MANUAL or state not in OPEN, f"{row.id} is left {state}")
        if row.effect == "money":
            _look_at(row, state, posted.get(row.reference, (0, True)), told.get(row.id))
    known = {row.reference for row in rows}
    strays = [ref for ref, (_, undone) in posted.items() if ref not in known and not undone]
    need(not strays, "posted at the bank without a row:", *strays[:5])
    need(not bank.findings(), "the bank's books:", *bank.findings()[:5])
    manual = sum(row.state == State.MANUAL for row in rows)
    collided = sum(seen.hits[hit.value] for hit in TO_PEOPLE)
    need(manual <= collided, f"{manual} rows went to people, for {collided} faults that may do so")
    stopped = {number for (number,) in bank.db.execute("SELECT number FROM stopped_card")}
    reported = sum(row.service == LOSS and row.state == State.APPROVED for row in rows)
    need(len(stopped) <= reported and bool(stopped) == bool(reported), "reports of loss")


def _look_at(row: Any, state: State, at_bank: tuple[int, bool], heard: Told | None) -> None:
    """Posted if and only if the journal says so, with its amount; and nobody was told else."""
    minor, undone = at_bank
    need(undone or minor == row.amount, f"{row.id}: another amount")
    if state is not State.MANUAL:
        approved = state is State.APPROVED
        need(approved != undone, f"{row.id} ({row.service}): {state}, but undone is {undone}")
    if heard is not None:
        done, sure = heard.exit == "ok", heard.exit in SURELY_NOT
        need(not done or state is State.APPROVED, f"{row.id} was told done: {state}")
        need(not sure or state in NOT_DONE, f"{row.id} was told {heard.exit}: {state}")


def _posted(bank: DayBank) -> dict[str, tuple[int, bool]]:
    """By field 37: minor units, and whether it was undone."""
    rows = bank.db.execute(
        "SELECT reference, minor, undone FROM posted_order WHERE reference <> ''"
    ).fetchall()
    references = [row[0] for row in rows]
    need(len(references) == len(set(references)), "a reference was posted twice")
    return {reference: (minor, bool(undone)) for reference, minor, undone in rows}


def _count(
    seen: Seen,
    bank: DayBank,
    rows: Sequence[Any],
    answers: Mapping[str, tuple[str, Answer]],
) -> None:
    posted = _posted(bank)
    for service, answer in answers.values():
        seen.services[service] += 1
        seen.exits[f"{service} {answer.exit}"] += 1
    for row in rows:
        if row.effect == "money":
            seen.states[row.state] += 1
            minor, undone = posted.get(row.reference, (0, True))
            seen.moved += 0 if undone else minor
            seen.orders.update([row.state] if row.id.startswith(ORDER) else [])
    (seen.ends_of_dates,) = bank.db.execute("SELECT COUNT(*) FROM day_run").fetchone()
    (seen.interest,) = bank.db.execute("SELECT COALESCE(SUM(interest), 0) FROM day_item").fetchone()
    seen.market_orders.update(
        dict(bank.db.execute("SELECT state, COUNT(*) FROM fx_order GROUP BY state").fetchall())
    )
    digest = hashlib.sha256(repr([tuple(row)[:8] for row in rows]).encode())
    legs = bank.db.execute("SELECT posting, minor FROM leg ORDER BY 1, 2")
    digest.update(repr(legs.fetchall()).encode())
    seen.digest = digest.hexdigest()
