"""A journal in memory that survives the node: with crash points and failures on order."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import TypeVar

from support.transactions_time import START, LoopClock
from transactions.approval import Proposal, refusal
from transactions.card import CardNumber, CardNumberError, SealedCard
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
from transactions.lifecycle import DONE, NOT_DONE, OPEN, UNSETTLED, State, check
from transactions.money import Currency, Money
from transactions.outcome import Outcome
from transactions.ports import JournalUnavailable, LeaseLost
from transactions.proposals import ApprovalClaim, ClaimRefusal, Proposed, refused_terms
from transactions.request import HostMessage, Request
from transactions.secret import Secret

T = TypeVar("T")
WINDOW = timedelta(minutes=10)
HEARD = {"ok": "posted", "refused": "not_posted", "not_done": "not_posted", "in_doubt": "open"}


class PlainVault:
    """Seals by turning the digits round: enough to tell sealed from live."""

    def token(self, card: CardNumber) -> str:
        return f"t{card.digits}"

    def digest(self, text: str) -> str:
        """As a key would: not the text's own hash."""
        return sha256(f"key {text}".encode()).hexdigest()

    def seal(self, card: CardNumber) -> SealedCard:
        return SealedCard(self.token(card), card.masked, "k1", card.digits[::-1].encode())

    def unseal(self, sealed: SealedCard) -> CardNumber:
        if sealed.key_id != "k1":
            raise CardNumberError("no such key")
        return CardNumber(sealed.ciphertext.decode()[::-1])


@dataclass
class Row:
    """One request as it is on disk."""

    request: Request
    plan: RecordPlan
    state: State
    history: list[State]
    outcome: Outcome | None = None
    sent: HostMessage | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None
    ended_at: datetime | None = None
    told: str | None = None
    why: str = ""
    """Why it became unknown."""


@dataclass
class Offer:
    """What one person proposed and another may approve."""

    maker: str
    """Token of his card."""
    proposed: Proposed
    terms_hash: str
    expires_at: datetime
    used_by: str = ""


@dataclass
class Books:
    """What is durable: it outlives every node."""

    vault: PlainVault = field(default_factory=PlainVault)
    rows: dict[str, Row] = field(default_factory=dict)
    messages: list[HostMessage] = field(default_factory=list)
    events: list[JournalEvent] = field(default_factory=list)
    used: Counter[tuple[str, str, date | None]] = field(default_factory=Counter)
    tries: Counter[tuple[str, date]] = field(default_factory=Counter)
    hot: set[str] = field(default_factory=set)
    proposals: dict[tuple[str, str], Proposal] = field(default_factory=dict)
    """By act and object: what waits for a second person, or was decided last."""
    offers: dict[str, Offer] = field(default_factory=dict)
    """Proposals of payments by number."""
    stan: int = 0
    reference: int = 0

    def claim(self, claim: ApprovalClaim, request_id: str, now: datetime) -> ClaimRefusal | None:
        """As telebank.store.proposals."""
        offer = self.offers.get(claim.number)
        if offer is None or offer.used_by:
            return "no_proposal"
        if offer.proposed.company != claim.company:
            return "other_company"
        if now >= offer.expires_at:
            return "expired"
        if offer.maker == claim.by:
            return "same_person"
        refused = refused_terms(offer.terms_hash, claim.terms_hash)
        if refused is not None:
            return refused
        offer.used_by = request_id
        return None

    def same(self, request_id: str, quote: str | None) -> Row | None:
        if request_id in self.rows:
            return self.rows[request_id]
        quoted = (row for row in self.rows.values() if quote and row.plan.quote == quote)
        return next(quoted, None)

    def undoing(self, request_id: str) -> HostMessage | None:
        """The last reversal that went."""
        mine = (m for m in reversed(self.messages) if m.request_id == request_id)
        return next((m for m in mine if m.role == "reversal"), None)

    def twin(self, key: GuardKey, now: datetime) -> GuardState:
        for row in self.rows.values():
            if row.plan.guard == key and row.state in UNSETTLED:
                return GuardState("open", row.request.reference)
        for row in self.rows.values():
            ended = row.ended_at
            recent = ended is not None and now - ended < WINDOW
            if row.plan.guard == key and row.state in DONE and recent:
                return GuardState("done", row.request.reference, ended)
        return GuardState("free")


class Journal:
    """One node's view of the books. `crash_at` counts commits: 2n before, 2n+1 after the nth."""

    def __init__(self, books: Books, seed: int = 0, crash_at: int | None = None) -> None:
        self.books = books
        self.clock = LoopClock()
        self.random = random.Random(seed)
        self.crash_at = crash_at
        self.steps = 0
        self.names: list[str] = []
        self.died = asyncio.Event()
        self.failing: dict[str, int] = {}
        self.odd: dict[str, list[str]] = {}
        """By name: `bug` (another exception, nothing written) or `ambiguous` (written, and said to
        be unavailable), for the next commits of that name."""
        self.lease_lost = False

    async def _commit(self, name: str, change: Callable[[], T]) -> T:
        await self._point()
        if self.lease_lost:
            raise LeaseLost(name)
        if self.failing.get(name, 0) > 0:
            self.failing[name] -= 1
            raise JournalUnavailable(name)
        odd = self.odd[name].pop(0) if self.odd.get(name) else ""
        if odd == "bug":
            raise KeyError(name)
        self.names.append(name)
        result = change()
        await self._point()
        if odd == "ambiguous":
            raise JournalUnavailable(name)
        return result

    async def _point(self) -> None:
        await asyncio.sleep(self.random.choice((0, 0, 0.0005, 0.002)))
        if self.steps == self.crash_at:
            self.died.set()
        self.steps += 1
        if self.died.is_set():
            await asyncio.get_running_loop().create_future()

    # -- MessageLog ---------------------------------------------------------------------------

    async def next_stan(self) -> str:
        def take() -> str:
            self.books.stan += 1
            return f"{self.books.stan:06d}"

        return await self._commit("next_stan", take)

    async def sending(self, message: HostMessage) -> None:
        await self._commit("sending", lambda: self._write(message))

    def _write(self, message: HostMessage) -> None:
        row = self.books.rows[message.request_id]
        self.books.messages.append(message)
        if row.sent is None:
            row.sent = message
        if row.state is State.RECORDED:
            self._move(row, State.SENT)

    async def sending_again(self, message: HostMessage, next_attempt_at: datetime | None) -> int:
        def write() -> int:
            row = self.books.rows[message.request_id]
            row.attempts += 1
            row.next_attempt_at = next_attempt_at
            self._write(message)
            return row.attempts

        return await self._commit("sending_again", write)

    async def must_wait(self, request_id: str) -> bool:
        row = self.books.rows[request_id]
        return any(
            other.plan.customer == row.plan.customer and other.state in OPEN
            for name, other in self.books.rows.items()
            if name != request_id
            and other.plan.decision is not None
            and other.plan.decision.becomes == "lifted"
        )

    async def answered(self, message: HostMessage) -> None:
        await self._commit("answered", lambda: self.books.messages.append(message))

    # -- rows ---------------------------------------------------------------------------------

    async def next_reference(self) -> str:
        def take() -> str:
            self.books.reference += 1
            return f"01{self.books.reference:010d}"

        return await self._commit("next_reference", take)

    async def record(
        self, request: Request, plan: RecordPlan, sent: HostMessage | None = None
    ) -> Recorded | Existing | RecordRefused:
        def write() -> Recorded | Existing | RecordRefused:
            result = self._record(request, plan)
            if sent is not None and isinstance(result, Recorded):
                self._write(sent)
            return result

        return await self._commit("record" if sent is None else "record and send", write)

    async def find(self, request_id: str, quote: str | None = None) -> Found | None:
        def read() -> Found | None:
            row = self.books.same(request_id, quote)
            if row is None:
                return None
            return Found(_existing(row), row.request.service, row.plan.quote, row.plan.customer)

        return await self._commit("find", read)

    async def proposed(self, number: str) -> Proposed | None:
        offer = self.books.offers.get(number)
        return await self._commit("proposed", lambda: None if offer is None else offer.proposed)

    def _record(  # noqa: PLR0911 - one return a reason
        self, request: Request, plan: RecordPlan
    ) -> Recorded | Existing | RecordRefused:
        books = self.books
        assert not any(isinstance(v, Secret) for v in request.inputs.values())
        first = books.same(request.id, plan.quote)
        if first is not None and not plan.same(first.plan.content_hash):
            return RecordRefused("different_content")
        if first is not None:
            return _existing(first)
        if not plan.takes_hot and plan.customer in books.hot:
            return RecordRefused("lost")
        if plan.guard is not None:
            twin = books.twin(plan.guard, self.clock.now())
            if twin.state == "open":
                return RecordRefused("pending")
            if twin.state == "done" and not plan.repeat_told:
                return RecordRefused("repeated")
        if plan.approval is not None:
            refused = books.claim(plan.approval, request.id, self.clock.now())
            if refused is not None:
                return RecordRefused(refused)
        for hold in plan.holds:
            key = (hold.limit, hold.customer, request.business_date)
            if books.used[key] + hold.amount.minor > hold.ceiling.minor:
                return RecordRefused("over_limit")
        self._hold(plan, request.business_date)
        if plan.hot_list is not None:
            books.hot.add(books.vault.token(plan.hot_list))
        sealed = {
            name: books.vault.seal(value) if isinstance(value, CardNumber) else value
            for name, value in request.inputs.items()
        }
        kept = replace(request, epoch=1)
        stored = replace(kept, inputs=sealed, deadline=0.0)
        books.rows[request.id] = Row(stored, plan, State.RECORDED, [State.RECORDED])
        return Recorded(kept)

    async def used(self, limit: str, customer: str, unit: Currency, on: date) -> Money:
        used = self.books.used[limit, customer, on]
        return await self._commit("used", lambda: Money(used, unit))

    def _hold(self, plan: RecordPlan, day: date | None) -> None:
        for hold in plan.holds:
            self.books.used[(hold.limit, hold.customer, day)] += hold.amount.minor

    def _move(self, row: Row, target: State) -> None:
        check(row.state, target)
        if row.state is State.REVERSED:
            self._hold(row.plan, row.request.business_date)
        row.state = target
        row.history.append(target)
        if target in DONE | NOT_DONE:
            row.ended_at = self.clock.now()
        if target in NOT_DONE:
            self._release(row)

    def _release(self, row: Row) -> None:
        """Into the day that they came from."""
        for hold in row.plan.holds:
            key = (hold.limit, hold.customer, row.request.business_date)
            self.books.used[key] -= hold.amount.minor

    # -- two people -----------------------------------------------------------------------------

    def propose(self, proposal: Proposal) -> None:
        """The first person's word."""
        self.books.proposals[proposal.act, proposal.object] = proposal

    async def close_row(self, closing: Closing) -> Closed | NotClosed:
        """As telebank.store.closing: only from MANUAL, by another than who proposed the same."""
        return await self._commit("close_row", lambda: self._close(closing))

    def _close(self, closing: Closing) -> Closed | NotClosed:
        said, by = closing.approving, closing.approving.by
        named = (r for r in self.books.rows.values() if r.request.reference == closing.reference)
        row = next(named, None)
        if row is None:
            return self._turn_away(closing, NotClosed("unknown_reference"))
        if row.state is not State.MANUAL:
            return self._turn_away(closing, NotClosed("not_manual", row.state))
        proposal = self.books.proposals.get((said.act, said.object))
        why = refusal(proposal, said, self.clock.now())
        if why is not None or proposal is None:
            return self._turn_away(closing, NotClosed(why or "no_proposal", row.state))
        self.books.proposals[said.act, said.object] = replace(
            proposal, state="approved", decided_by=by.id, decided_at=self.clock.now()
        )
        self._move(row, closing.state)
        return Closed(
            request_id=row.request.id,
            reference=closing.reference,
            state=closing.state,
            business_date=row.request.business_date or START.date(),
            proposed_by=proposal.proposed_by,
            approved_by=by.id,
            holds=len(row.plan.holds),
        )

    def _turn_away(self, closing: Closing, answer: NotClosed) -> NotClosed:
        said = closing.approving
        event = JournalEvent("approval.turned_away", actor=said.by.id, outcome=answer.reason)
        self.books.events.append(event)
        return answer

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
        def walk() -> None:
            row = self.books.rows[request_id]
            if answered is not None:
                self.books.messages.append(answered)
            for state in states:
                self._move(row, state)
            row.why = why if State.UNKNOWN in states else row.why
            row.outcome = outcome if outcome is not None else row.outcome
            row.next_attempt_at = next_attempt_at

        await self._commit("advance", walk)

    async def attempt(self, request_id: str, next_attempt_at: datetime | None) -> int:
        def count() -> int:
            row = self.books.rows[request_id]
            row.attempts += 1
            row.next_attempt_at = next_attempt_at
            return row.attempts

        return await self._commit("attempt", count)

    async def open_rows(self) -> Sequence[OpenRow]:
        def read() -> list[OpenRow]:
            return [
                OpenRow(
                    r.request,
                    r.state,
                    r.plan.recovery,
                    r.sent,
                    r.attempts,
                    r.next_attempt_at,
                    self.books.undoing(r.request.id),
                    r.why,
                )
                for r in self.books.rows.values()
                if r.state in OPEN
            ]

        return await self._commit("open_rows", read)

    # -- questions ----------------------------------------------------------------------------

    async def guard_state(self, key: GuardKey) -> GuardState:
        return await self._commit("guard_state", lambda: self.books.twin(key, self.clock.now()))

    async def told(self, request_id: str, exit_name: str) -> None:
        def mark() -> None:
            self.books.rows[request_id].told = HEARD.get(exit_name, exit_name)

        await self._commit("told", mark)

    async def next_notice(self, customer: str) -> Notice | None:
        def read() -> Notice | None:
            for row in self.books.rows.values():
                if row.plan.customer != customer or row.plan.effect != "money":
                    continue
                notice = _notice(row)
                if notice.result != row.told:
                    return notice
            return None

        return await self._commit("next_notice", read)

    async def count_attempt(self, key: str, limit: int, day: date) -> int:
        def count() -> int:
            if self.books.tries[(key, day)] >= limit:
                return 0
            self.books.tries[(key, day)] += 1
            return self.books.tries[(key, day)]

        return await self._commit("count_attempt", count)

    async def give_back_attempt(self, key: str, day: date) -> None:
        def give() -> None:
            self.books.tries[(key, day)] = max(0, self.books.tries[(key, day)] - 1)

        await self._commit("give_back_attempt", give)

    async def hot_listed(self, token: str) -> bool:
        return await self._commit("hot_listed", lambda: token in self.books.hot)

    async def append(self, event: JournalEvent) -> None:
        await self._commit("append", lambda: self.books.events.append(event))


def _existing(row: Row) -> Existing:
    return Existing(row.request.id, row.state, row.outcome, row.request.reference)


def _notice(row: Row) -> Notice:
    result = "posted" if row.state in DONE else "not_posted" if row.state in NOT_DONE else "open"
    amount = row.request.inputs["amount"]
    assert isinstance(amount, Money)
    masked = str(row.request.inputs["payee_masked"])
    day = row.request.business_date or START.date()
    return Notice(
        row.request.id,
        result,  # type: ignore[arg-type]
        amount,
        masked,
        row.request.reference,
        day,
        row.request.service,
    )
