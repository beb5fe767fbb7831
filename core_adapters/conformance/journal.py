"""A journal in memory that remembers when each row was durable, so that the order can be judged."""

import secrets
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from transactions.card import CardNumber, CardVault
from transactions.closing import Closed, Closing, NotClosed
from transactions.journal import (
    Existing,
    Found,
    GuardKey,
    GuardState,
    JournalEvent,
    Notice,
    OpenRow,
    Recorded,
    RecordPlan,
    RecordRefused,
)
from transactions.lifecycle import OPEN, UNSETTLED, State, check
from transactions.money import Currency, Money
from transactions.outcome import Outcome
from transactions.ports import LeaseLost
from transactions.proposals import Proposed
from transactions.request import HostMessage, Request

STAN_LIMIT = 1_000_000


@dataclass(slots=True)
class Row:
    """One request: its states in order, and the message that carried it."""

    request: Request
    plan: RecordPlan
    states: list[State]
    outcome: Outcome | None = None
    sent: HostMessage | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None

    @property
    def state(self) -> State:
        """Where it is now."""
        return self.states[-1]


@dataclass(slots=True)
class Stans:
    """Field 11, rising over a whole run of the kit."""

    value: int

    def take(self) -> str:
        """The next STAN; zero is never one."""
        self.value = self.value % (STAN_LIMIT - 1) + 1
        return f"{self.value:06d}"


@dataclass(slots=True)
class Books:
    """What outlives a node: rows, messages with the monotonic time they were durable, events."""

    vault: CardVault
    stans: Stans
    rows: dict[str, Row] = field(default_factory=dict)
    messages: list[tuple[float, HostMessage]] = field(default_factory=list)
    events: list[JournalEvent] = field(default_factory=list)
    proposed: dict[str, Proposed] = field(default_factory=dict)
    """Proposals of another person by number: who made them, never what."""
    tries: Counter[tuple[str, date]] = field(default_factory=Counter)
    hot: set[str] = field(default_factory=set)
    epoch: int = 0

    def durable_at(self, mti: str, key: str, role: str) -> float | None:
        """When the row of a message was first written; None where there is none. `key` is its
        STAN; what has none (SQL) is known by request and role."""
        times = (
            at
            for at, row in self.messages
            if row.mti == mti and (key == row.stan or (key, role) == (row.request_id, row.role))
        )
        return min(times, default=None)


class KitJournal:
    """One node's view of the books; a later one takes its lease away."""

    def __init__(self, books: Books) -> None:
        books.epoch += 1
        self._books = books
        self._epoch = books.epoch

    def _check(self) -> None:
        if self._epoch != self._books.epoch:
            raise LeaseLost(f"epoch {self._epoch}")

    async def next_stan(self) -> str:
        """See `MessageLog`."""
        self._check()
        return self._books.stans.take()

    async def sending(self, message: HostMessage) -> None:
        """See `MessageLog`."""
        self._check()
        self._books.messages.append((time.monotonic(), message))
        row = self._books.rows.get(message.request_id)
        if row is None:
            return
        row.sent = row.sent or message
        if row.state is State.RECORDED:
            self._move(row, State.SENT)

    async def answered(self, message: HostMessage) -> None:
        """See `MessageLog`."""
        self._check()
        self._books.messages.append((time.monotonic(), message))

    async def next_reference(self) -> str:
        """See `Journal`."""
        return f"{int(time.time()) % 10**6:06d}{self._books.stans.take()}"

    async def record(
        self, request: Request, plan: RecordPlan, sent: HostMessage | None = None
    ) -> Recorded | Existing | RecordRefused:
        """See `Journal`; limits are the host's business here."""
        self._check()
        books = self._books
        first = self._first(request.id, plan.quote)
        if first is not None and not plan.same(first.plan.content_hash):
            return RecordRefused("different_content")
        if first is not None:
            return _existing(first)
        if plan.guard is not None and (await self.guard_state(plan.guard)).state == "open":
            return RecordRefused("pending")
        kept = replace(request, epoch=self._epoch)
        inputs = {
            name: books.vault.seal(value) if isinstance(value, CardNumber) else value
            for name, value in request.inputs.items()
        }
        stored = replace(kept, inputs=inputs, deadline=0.0)
        books.rows[request.id] = Row(stored, plan, [State.RECORDED])
        if sent is not None:
            await self.sending(sent)
        return Recorded(kept)

    def _first(self, request_id: str, quote: str | None) -> Row | None:
        """The row of this id, else the one that was posted on this quote."""
        rows = self._books.rows
        posted = (row for row in rows.values() if quote and row.plan.quote == quote)
        return rows.get(request_id) or next(posted, None)

    async def find(self, request_id: str, quote: str | None = None) -> Found | None:
        """See `Journal`."""
        self._check()
        row = self._first(request_id, quote)
        if row is None:
            return None
        return Found(_existing(row), row.request.service, row.plan.quote, row.plan.customer)

    def _move(self, row: Row, target: State) -> None:
        check(row.state, target)
        row.states.append(target)

    async def advance(
        self,
        request_id: str,
        states: Sequence[State],
        *,
        why: str = "",
        outcome: Outcome | None = None,
        next_attempt_at: datetime | None = None,
        answered: HostMessage | None = None,
    ) -> None:
        """See `Journal`."""
        del why
        self._check()
        if answered is not None:
            self._books.messages.append((time.monotonic(), answered))
        row = self._books.rows[request_id]
        for state in states:
            self._move(row, state)
        row.outcome = outcome or row.outcome
        row.next_attempt_at = next_attempt_at

    async def attempt(self, request_id: str, next_attempt_at: datetime | None) -> int:
        """See `Journal`."""
        self._check()
        row = self._books.rows[request_id]
        row.attempts += 1
        row.next_attempt_at = next_attempt_at
        return row.attempts

    async def sending_again(self, message: HostMessage, next_attempt_at: datetime | None) -> int:
        """See `Journal`."""
        await self.sending(message)
        return await self.attempt(message.request_id, next_attempt_at)

    async def must_wait(self, request_id: str) -> bool:
        """See `Journal`; the kit lifts no reports beside others."""
        del request_id
        return False

    async def open_rows(self) -> Sequence[OpenRow]:
        """See `Journal`."""
        self._check()
        return [
            OpenRow(
                r.request,
                r.state,
                r.plan.recovery,
                r.sent,
                r.attempts,
                r.next_attempt_at,
                self._undoing(r.request.id),
            )
            for r in self._books.rows.values()
            if r.state in OPEN
        ]

    def _undoing(self, request_id: str) -> HostMessage | None:
        sent = (message for _, message in reversed(self._books.messages))
        mine = (m for m in sent if m.request_id == request_id and m.role == "reversal")
        return next(mine, None)

    async def used(self, limit: str, customer: str, unit: Currency, on: date) -> Money:
        """See `Journal`; limits are the host's business here."""
        del limit, customer, on
        return Money(0, unit)

    async def guard_state(self, key: GuardKey) -> GuardState:
        """See `Journal`: open twins only; the kit repeats itself on purpose."""
        for row in self._books.rows.values():
            if row.plan.guard == key and row.state in UNSETTLED:
                return GuardState("open", row.request.reference)
        return GuardState("free")

    async def proposed(self, number: str) -> Proposed | None:
        """See `Journal`; what the scenario's first person is said to have proposed."""
        return self._books.proposed.get(number)

    async def close_row(self, closing: Closing) -> Closed | NotClosed:
        """See `Journal`; the kit has no people who close rows."""
        del closing
        return NotClosed("unknown_reference")

    async def told(self, request_id: str, exit_name: str) -> None:
        """Nobody is told anything here."""

    async def next_notice(self, customer: str) -> Notice | None:
        """None: the kit has no callers."""
        del customer
        return None

    async def count_attempt(self, key: str, limit: int, day: date) -> int:
        """See `Journal`."""
        if self._books.tries[(key, day)] >= limit:
            return 0
        self._books.tries[(key, day)] += 1
        return self._books.tries[(key, day)]

    async def give_back_attempt(self, key: str, day: date) -> None:
        """See `Journal`."""
        self._books.tries[(key, day)] = max(0, self._books.tries[(key, day)] - 1)

    async def hot_listed(self, token: str) -> bool:
        """See `Journal`."""
        return token in self._books.hot

    async def append(self, event: JournalEvent) -> None:
        """See `Journal`."""
        self._check()
        self._books.events.append(event)


def _existing(row: Row) -> Existing:
    return Existing(row.request.id, row.state, row.outcome, row.request.reference)


class Numbers:
    """A message log without rows, for what the kit itself asks the host."""

    def __init__(self, stans: Stans) -> None:
        self._stans = stans

    async def next_stan(self) -> str:
        """See `MessageLog`."""
        return self._stans.take()

    async def sending(self, message: HostMessage) -> None:
        """Nothing is kept."""

    async def answered(self, message: HostMessage) -> None:
        """Nothing is kept."""


def first_stan() -> int:
    """Where to begin: by chance, so that two tools of one second hardly meet (rule 7)."""
    return secrets.randbelow(STAN_LIMIT)
