"""The port `transactions.journal.Journal` on the store's writer."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial

from telebank.store import ceilings, hot_list, lookups, numbers, proposals, steps
from telebank.store import closing as closings
from telebank.store.options import StoreOptions
from telebank.store.record import draft_of, find, guard_columns, record, twin
from telebank.store.sealing import Keyring
from telebank.store.tables import TEXT
from telebank.store.transaction import Transaction
from telebank.store.values import outcome_columns
from telebank.store.writer import Writer
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
from transactions.lifecycle import State
from transactions.money import Currency, Money
from transactions.outcome import Outcome
from transactions.proposals import Proposed
from transactions.request import HostMessage, Request

ALARM = "alarm"


class StoreJournal:
    """Implements `Journal`. Every method may also raise `StoreUnavailable` (nothing was written)
    and `LeaseLost` (another process has the node)."""

    def __init__(self, writer: Writer, node: str, keys: Keyring, options: StoreOptions) -> None:
        self._writer = writer
        self.run = writer.run
        """Runs a job of the store in the node's next commit."""
        self.on_alarm: Callable[[JournalEvent], None] = lambda _event: None
        """Hears every alarm that goes into the log, before it is durable: it must not be lost
        where the log is. An owner may set it."""
        self._node = node
        self._keys = keys
        self._window = timedelta(seconds=options.repeat_window_s)
        self.zone = options.zone
        """The bank's wall clock."""
        self._share = numbers.share(node, options.nodes)
        self._stans = numbers.Numbers(writer, "stan", options.number_block)
        self._references = numbers.Numbers(writer, "reference", options.number_block)

    async def next_reference(self) -> str:
        """A reference (field 37) of this node: its two digits and ten of a counter."""
        return numbers.reference(self._node, await self._references.take())

    async def record(
        self, request: Request, plan: RecordPlan, sent: HostMessage | None = None
    ) -> Recorded | Existing | RecordRefused:
        """Write RECORDED with its reservations, and SENT with its message, or say why not."""
        draft = draft_of(request, plan, self._keys, sent)
        work = partial(record, draft=draft, window=self._window, zone=self.zone)
        made = await self._writer.run(work, draft.judged)
        if isinstance(made, RecordRefused) and made.reason == "different_content":
            why = "an id or a quote came again with other content"
            told = JournalEvent("alarm.quote", request.call, request=request.id)
            self.on_alarm(replace(told, detail={"why": why}))
        return made

    async def find(self, request_id: str, quote: str | None = None) -> Found | None:
        """What was recorded under this id, else under this quote."""
        return await self._writer.run(partial(find, request_id=request_id, quote=quote))

    async def proposed(self, number: str) -> Proposed | None:
        """Who proposed what stands under this number."""
        return await self._writer.run(partial(proposals.find, number=number))

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
        """Walk the row through `states` in one commit. Raises `IllegalTransition`."""
        columns = {} if outcome is None else outcome_columns(outcome, self._keys)
        if columns.get("reason"):
            columns["reason"] = columns["reason"][:TEXT]
        step = steps.Step(request_id, tuple(states), why, columns, next_attempt_at, answered)
        await self._writer.run(partial(steps.advance, step=step))

    async def attempt(self, request_id: str, next_attempt_at: datetime | None) -> int:
        """Count one more reversal or repeat; return the count so far."""
        work = partial(steps.attempt, request_id=request_id, due=next_attempt_at)
        return await self._writer.run(work)

    async def sending_again(self, message: HostMessage, next_attempt_at: datetime | None) -> int:
        """Count one more reversal or repeat and make its message row durable, in one commit."""
        work = partial(steps.sending_again, message=message, due=next_attempt_at)
        return await self._writer.run(work)

    async def must_wait(self, request_id: str) -> bool:
        """Whether an earlier lifting of the same card, of any node, goes to the host first."""
        return await self._writer.run(partial(hot_list.must_wait, request_id=request_id))

    async def next_stan(self) -> str:
        """A STAN (field 11, six digits) of the node's counter, in its share of them (rule 7)."""
        return numbers.stan(await self._stans.take(), self._share)

    async def sending(self, message: HostMessage) -> None:
        """Make the message row, and SENT for a first request, durable."""
        await self._writer.run(partial(steps.sending, message=message))

    async def answered(self, message: HostMessage) -> None:
        """Add the reply's field 39 and time to the row."""
        await self._writer.run(partial(steps.answered, message=message))

    async def open_rows(self) -> Sequence[OpenRow]:
        """Every row of this node in an open state, oldest first."""
        return await self._writer.run(partial(lookups.open_rows, keys=self._keys))

    async def close_row(self, closing: Closing) -> Closed | NotClosed:
        """Approve the proposal and close the row in one commit, or change neither."""
        return await self._writer.run(partial(closings.close, closing=closing))

    async def used(self, limit: str, customer: str, unit: Currency, on: date) -> Money:
        """What is reserved and used under a limit of a business date."""
        asked = partial(ceilings.used, customer=customer, limit=limit, unit=unit, on=on)
        return await self._writer.run(asked)

    async def guard_state(self, key: GuardKey) -> GuardState:
        """Whether the same payer, payee and amount is open, or was done within the window."""
        guard = guard_columns(key, self._keys)
        return await self._writer.run(partial(twin, guard=guard, window=self._window))

    async def told(self, request_id: str, exit_name: str) -> None:
        """The caller has heard this exit's words."""
        await self._writer.run(partial(steps.told, request_id=request_id, exit_name=exit_name))

    async def next_notice(self, customer: str) -> Notice | None:
        """The customer's oldest result that he has not been told; `told` marks it."""
        return await self._writer.run(partial(lookups.next_notice, customer=customer))

    async def count_attempt(self, key: str, limit: int, day: date) -> int:
        """Count a try before it is made: which of the day it is, from 1; 0 when none is left."""
        work = partial(lookups.count_attempt, key=key, most=limit, day=day)
        return await self._writer.run(work, lookups.judged_try(key))

    async def give_back_attempt(self, key: str, day: date) -> None:
        """The try succeeded, or nobody answered it: it does not count."""
        work = partial(lookups.give_back_attempt, key=key, day=day)
        await self._writer.run(work, lookups.judged_try(key))

    async def hot_listed(self, token: str) -> bool:
        """Whether the card was reported lost here, and the report stands today."""
        return await self._writer.run(partial(hot_list.hot, token=token, zone=self.zone))

    async def append(self, event: JournalEvent) -> None:
        """Add an event-log row with its audit leaf; returns when it is durable."""
        if event.kind == ALARM or event.kind.startswith(f"{ALARM}."):
            self.on_alarm(event)
        await self._writer.run(partial(_append, event=event))


def _append(part: Transaction, event: JournalEvent) -> None:
    part.event(event)
