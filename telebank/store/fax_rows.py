"""A fax as its row has it, what a new one is made of, and the events that tell of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from fax.job import Job, State
from telebank.store.customer_events import Told
from telebank.store.events import clean_text
from telebank.store.tables import ID, TEXT
from telebank.store.transaction import Transaction
from transactions.approval import Actor
from transactions.card import SealedCard
from transactions.journal import JournalEvent

Way = Literal["call", "number", "uri", "mail"]
"""In a caller's own call, to a telephone number, to a SIP address; or by mail, and no fax."""
Direction = Literal["out", "in"]
ORIGIN = "fax"
MASKED = 64
_KIND: Mapping[State, str] = {
    State.QUEUED: "fax.queued",
    State.DIALLING: "fax.dialled",
    State.NEGOTIATING: "fax.answered",
    State.SENDING: "fax.page",
    State.DONE: "fax.done",
    State.FAILED: "fax.failed",
    State.UNCONFIRMED: "fax.unconfirmed",
    State.CANCELLED: "fax.cancelled",
}


@dataclass(frozen=True, slots=True)
class FaxDraft:
    """A fax to be kept; its files are under DATA/fax already (of one that comes: its folder)."""

    id: str
    way: Way
    number: SealedCard
    """Whereto, or of one that comes from where, masked for people."""
    pages: int
    title: str
    document: str = "file"
    """Kind in documents.yaml."""
    language: str = "zh"
    by: str = ""
    role: str = "customer"
    customer: str | None = None
    """Token of his card."""
    call: str | None = None
    request: str | None = None
    """Id of the request that asks for it: it makes one fax, however often it is asked."""
    content: str = ""
    """Digest of what the request asks for; empty: the request's id says it all."""
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Fax:
    """One fax; times are UTC."""

    id: str
    home: str
    direction: Direction
    way: Way
    request: str | None
    customer: str | None
    by: str
    role: str
    document: str
    title: str
    language: str
    number: SealedCard
    life: Job
    due_at: datetime
    expires_at: datetime
    call: str | None
    node: str
    epoch: int
    held_until: datetime
    stop_by: str
    folder: str
    mail: str
    mail_attempt: int
    mail_unknown: bool
    made_at: datetime
    changed_at: datetime

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.life.state


def fax_of(row: Any) -> Fax:
    """A fax as its row has it. One that comes has no pages before it has come: its life counts
    one."""
    life = Job(
        pages=max(row.pages, 1),
        tries=row.tries,
        state=State(row.state),
        confirmed=row.confirmed,
        attempt=row.attempt,
        why=row.why,
        in_call=row.way == "call",
        begun=row.begun,
    )
    number = SealedCard(
        row.number_token, row.number_masked, row.number_key_id, row.number_ciphertext
    )
    same = {name: getattr(row, name) for name in Fax.__slots__ if name not in ("life", "number")}
    return Fax(**same, life=life, number=number)


def row_of(part: Transaction, draft: FaxDraft, direction: Direction, life: Job) -> dict[str, Any]:
    """A new row; whoever inserts it sets what differs."""
    number = draft.number
    names = ("id", "way", "request", "content", "customer", "role", "document", "language")
    return {name: getattr(draft, name) for name in (*names, "call", "tries")} | {
        "home": part.node,
        "direction": direction,
        "by": clean_text(draft.by, ID),
        "title": clean_text(draft.title, TEXT),
        "number_token": number.token,
        "number_masked": clean_text(number.masked, MASKED),
        "number_key_id": number.key_id,
        "number_ciphertext": number.ciphertext,
        "pages": draft.pages,
        **life_columns(life),
        "due_at": part.now,
        "expires_at": part.now,
        "node": part.node,
        "epoch": part.epoch,
        "held_until": part.now,
        "stop_by": "",
        "folder": draft.id,
        "mail": "",
        "mail_attempt": 0,
        "mail_due": None,
        "mail_unknown": False,
        "bad_rows": 0,
        "made_at": part.now,
        "changed_at": part.now,
    }


def life_columns(life: Job) -> dict[str, Any]:
    """What the machine of a fax says, for its row."""
    return {
        "state": life.state.value,
        "why": clean_text(life.why, TEXT),
        "confirmed": life.confirmed,
        "begun": life.begun,
        "attempt": life.attempt,
    }


def tell(
    part: Transaction, row: Any, life: Job, kind: str = "", by: Actor | None = None, **more: Told
) -> None:
    """The event of what became of a fax (or `kind`), of who asked for it or of who acts on it now;
    where a person must ask what arrived, an alarm too."""
    detail: dict[str, Told] = {
        "fax": row.id,
        "way": row.way,
        "document": row.document,
        "number_masked": row.number_masked,
        "customer": row.customer,
        "pages": row.pages,
        "confirmed": life.confirmed,
        "attempt": life.attempt,
        "why": life.why,
        **more,
    }
    event = JournalEvent(
        kind or _KIND[life.state],
        call=row.call,
        request=row.request,
        actor=row.by if by is None else by.id,
        role=row.role if by is None else by.role,
        origin=ORIGIN if by is None else by.origin,
        outcome=life.state.value,
        detail=detail,
    )
    part.event(event)
    if life.state is State.UNCONFIRMED and not kind:
        part.event(alarm(row.id, life))


def alarm(fax: str, life: Job) -> JournalEvent:
    """For a person: what arrived of this fax is not known, or it failed without a call, or its time
    was over. It is never sent again by itself. How a call failed is for nobody's pager."""
    event = JournalEvent("alarm.fax", origin=ORIGIN, outcome=life.state.value)
    event.detail.update(fax=fax, confirmed=life.confirmed, pages=life.pages, why=life.why)
    return event
