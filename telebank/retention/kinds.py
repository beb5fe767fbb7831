"""The kinds of things that have their time: their tables as data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, ColumnElement, Table

from fax.job import ENDED
from telebank.store.clock import to_us
from telebank.store.fax_tables import fax_dial, fax_job
from telebank.store.matter_tables import matter, matter_entry
from telebank.store.seat_tables import contact, recording
from telebank.store.tables import event


@dataclass(frozen=True, slots=True)
class Kind:
    """One of config/retention.yaml."""

    name: str
    table: Table
    keys: Sequence[Column[Any]]
    """Primary key."""
    at: Column[Any]
    """When it was over, or began."""
    over: ColumnElement[bool]
    """Only what has ended has a time to go."""
    call: Column[Any]
    customer: Column[Any] | None = None
    request: Column[Any] | None = None
    detail: Column[Any] | None = None
    """May name a customer."""
    children: Sequence[Column[Any]] = ()
    """Columns of other tables that name it: their rows go with it."""
    erases: Sequence[Column[Any]] = ()
    """Columns that are emptied instead of the row being deleted."""
    home: Column[Any] | None = None
    """Node that has its file, and alone deletes it."""
    moment: Callable[[datetime], Any] = lambda moment: moment
    """A time as `at` has it."""


_ALL = (
    Kind(
        "recordings",
        recording,
        (recording.c.name,),
        recording.c.began,
        recording.c.state != "running",
        recording.c.call,
        home=recording.c.node,
    ),
    Kind(
        "talks",
        contact,
        (contact.c.id,),
        contact.c.began,
        contact.c.how_ended != "",
        contact.c.call,
        contact.c.customer,
    ),
    Kind(
        "matters",
        matter,
        (matter.c.number,),
        matter.c.changed_at,
        matter.c.state == "closed",
        matter.c.call,
        matter.c.customer,
        children=(matter_entry.c.matter,),
    ),
    Kind(
        "faxes",
        fax_job,
        (fax_job.c.id,),
        fax_job.c.changed_at,
        (fax_job.c.folder == "") & fax_job.c.state.in_([state.value for state in ENDED]),
        fax_job.c.call,
        fax_job.c.customer,
        fax_job.c.request,
        children=(fax_dial.c.job,),
    ),
    Kind(
        "personal",
        event,
        (event.c.node, event.c.sequence),
        event.c.utc_us,
        event.c.personal.is_not(None),
        event.c.call,
        request=event.c.request,
        detail=event.c.detail,
        erases=(event.c.personal, event.c.salt),
        moment=to_us,
    ),
)
KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ALL})
"""By name, in the order in which they are swept."""
