"""The port `Journal`: what the processor needs made durable, and asked back.

Every coroutine returns only when its rows are durable, together with the event-log row and audit
leaf that speak of them, in one commit; each commit checks the node's lease and raises `LeaseLost`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

from transactions.card import CardNumber
from transactions.closing import ClosingJournal
from transactions.hot_list import HotDecision, Undecided
from transactions.lifecycle import State
from transactions.money import Currency, Money
from transactions.outcome import Outcome
from transactions.ports import MessageLog
from transactions.proposals import ApprovalClaim, ClaimRefusal, Proposed
from transactions.request import HostMessage, Request


@dataclass(frozen=True, slots=True)
class GuardKey:
    """Payer, payee or bill, and amount: what makes two requests the same to a person (rule 13)."""

    payer: str
    payee: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Hold:
    """An amount to reserve under `limit` for `customer` on the request's business date (rule 11).

    Refused as `over_limit` where reserved and used would pass `ceiling`, or what its owner lowered
    it to: his own ceiling of this limit, or with `payee` what that registered payee may be paid.
    """

    limit: str
    customer: str
    """Whose use is added up: a card's token, or one hash of all that the limit is counted by."""
    amount: Money
    ceiling: Money
    owner: str = ""
    """Token of the customer's card; empty where nobody may lower the limit."""
    payee: str = ""
    """Token of the payee's card, where the limit is counted by it too."""


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """What must be true in the commit that writes RECORDED."""

    effect: str
    recovery: str
    content_hash: str
    guard: GuardKey | None = None
    repeat_told: bool = False
    """The caller was read back that the same triple was done in the last ten minutes."""
    holds: Sequence[Hold] = ()
    quote: str | None = None
    customer: str | None = None
    """Token of the customer's card."""
    hot_list: CardNumber | None = None
    hot_until: date | None = None
    """The last day on which `hot_list` is refused, on the bank's wall clock; `None`: for good."""
    takes_hot: bool = False
    """A hot card is no hindrance: the service reports cards as lost, or decides on reports."""
    decision: HotDecision | None = None
    plain_hash: str = field(default="", repr=False)
    """The content's plain SHA-256, to know rows of before by, which have no other; never kept."""
    approval: ApprovalClaim | None = None
    """Another person's proposal, marked used in this commit; where it cannot be, nothing is
    written."""

    def same(self, content_hash: str) -> bool:
        """Whether a row with this hash has the same content (rule 9), whatever kind it is of."""
        return content_hash in (self.content_hash, self.plain_hash or self.content_hash)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Written; `request` has its node, epoch and business date."""

    request: Request
    waits: bool = False
    """Written without its message: the host has not answered an earlier lifting of the same card,
    which would undo this one if it came after it. The message goes when that has its answer."""


@dataclass(frozen=True, slots=True)
class Existing:
    """The same id, or the same quote, with the same content was recorded before (rule 9)."""

    request_id: str
    state: State
    outcome: Outcome | None
    reference: str = ""
    """Field 37 of the first request, where the journal gives it."""
    until: date | None = None
    """Until when a report of loss holds, where it is one that expires."""


@dataclass(frozen=True, slots=True)
class Found:
    """A row that was recorded before, and whose it is."""

    existing: Existing
    service: str
    quote: str | None
    customer: str | None
    """Token of the customer's card."""


@dataclass(frozen=True, slots=True)
class RecordRefused:
    """Nothing was written: `different_content`, `lost` (the customer's card is on the hot list),
    `pending`, `repeated` or `over_limit`; or why nothing is decided on a report of loss, or nothing
    approved by a proposal."""

    reason: (
        Literal["different_content", "lost", "pending", "repeated", "over_limit"]
        | Undecided
        | ClaimRefusal
    )


@dataclass(frozen=True, slots=True)
class OpenRow:
    """A row to work on: after a restart, or when its next attempt is due.

    `request` is as the journal kept it: card numbers sealed, secrets gone.
    """

    request: Request
    state: State
    recovery: str
    sent: HostMessage | None
    attempts: int
    next_attempt_at: datetime | None
    undoing: HostMessage | None = None
    """Its last reversal: repeats have its keys."""
    why: str = ""
    """Why it became unknown: a repeated reversal says the same (field 39)."""


@dataclass(frozen=True, slots=True)
class GuardState:
    """`free`, `open` (an unsettled twin), or `done` (approved in the window)."""

    state: Literal["free", "open", "done"]
    reference: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A settled or still open result that its customer has not been told (rule 13)."""

    request_id: str
    result: Literal["posted", "not_posted", "open"]
    amount: Money
    payee_masked: str
    reference: str
    on: date
    service: str
    """The money service by its name in the contracts."""

    @property
    def what(self) -> str:
        """The service as a word, spoken by a text `word.service.CODE`."""
        return self.service.replace(".", "_")


@dataclass(frozen=True, slots=True)
class JournalEvent:
    """A row for the event log that is not a step of a request (call, key, sign-on, alarm)."""

    kind: str
    call: str | None = None
    leg: str | None = None
    request: str | None = None
    actor: str = "system"
    role: str = "system"
    origin: str = ""
    outcome: str = ""
    detail: dict[str, str | int | float | bool | None] = field(default_factory=dict)


class Journal(MessageLog, ClosingJournal, Protocol):
    """Append-only record of requests, their states and messages."""

    async def next_reference(self) -> str:
        """A retrieval reference (field 37, twelve digits) that no other request of any node has."""
        ...

    async def record(
        self, request: Request, plan: RecordPlan, sent: HostMessage | None = None
    ) -> Recorded | Existing | RecordRefused:
        """Write RECORDED with its reservations, or say why not; with `sent`, write SENT and its
        message too, in the same commit. A quote that was posted with other content is refused as
        `different_content`, with an alarm."""
        ...

    async def find(self, request_id: str, quote: str | None = None) -> Found | None:
        """What was recorded under this id, else under this quote, on any node."""
        ...

    async def proposed(self, number: str) -> Proposed | None:
        """Who proposed what stands under this number, in whatever state it is. In the store: the
        jobs `find` and `claim` (what `RecordPlan.approval` asks of `record`) on table `proposal`.
        """
        ...

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
        """Walk the row through `states` in one commit (UNKNOWN then REVERSING), adding the reply
        that they follow from (`answered`, a message with its field 39), confirming or
        releasing its holds when a final state is reached; REVERSED to MANUAL reserves them again,
        into the day they came from, whatever the ceiling. Raises `IllegalTransition`."""
        ...

    async def attempt(self, request_id: str, next_attempt_at: datetime | None) -> int:
        """Count one more query while signed on; return the count so far."""
        ...

    async def sending_again(self, message: HostMessage, next_attempt_at: datetime | None) -> int:
        """Count one more reversal or repeat and make its message's row durable, in one commit;
        return the count so far. Raises as `sending` does."""
        ...

    async def must_wait(self, request_id: str) -> bool:
        """Whether an earlier lifting of the same card, of any node, goes to the host first."""
        ...

    async def open_rows(self) -> Sequence[OpenRow]:
        """Every row of this node in an open state, oldest first."""
        ...

    async def used(self, limit: str, customer: str, unit: Currency, on: date) -> Money:
        """What is reserved and used under a limit of a business date."""
        ...

    async def guard_state(self, key: GuardKey) -> GuardState:
        """Whether the same payer, payee and amount is open, or was done within the window."""
        ...

    async def told(self, request_id: str, exit_name: str) -> None:
        """The caller has heard this exit's words."""
        ...

    async def next_notice(self, customer: str) -> Notice | None:
        """The customer's oldest result that he has not been told; `told` marks it."""
        ...

    async def count_attempt(self, key: str, limit: int, day: date) -> int:
        """Count a try before it is made, by one conditional update: which of the day it is, from 1;
        0 when none is left."""
        ...

    async def give_back_attempt(self, key: str, day: date) -> None:
        """The try succeeded, or nobody answered it: it does not count."""
        ...

    async def hot_listed(self, token: str) -> bool:
        """Whether the card was reported lost here, and the report stands today."""
        ...

    async def append(self, event: JournalEvent) -> None:
        """Add an event-log row with its audit leaf."""
        ...
