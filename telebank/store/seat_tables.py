"""Tables of tellers: what each is good at, their contacts with callers, the recordings of them, and
the places of those who are to be called back.

What somebody did in a day is not kept twice: figures come from contacts and from the event log.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    text,
)

from telebank.store.tables import ID, TEXT, metadata
from telebank.store.types import CanonicalJson, UtcTime

SKILL = 32
"""Longest name of a skill."""
IS_OPEN = "how_ended = ''"
"""Of the index of contacts under way; SQLite uses it only for a query that says the same."""
IS_RUNNING = "state = 'running'"
"""The same for recordings."""

contact = Table(  # one for each talk of a seat with a caller
    "contact",
    metadata,
    Column("id", String(ID), primary_key=True),  # 01-3-K7: node, epoch, number
    Column("node", String(2), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("call", String(ID), nullable=False),
    Column("seat", String(ID), nullable=False),
    Column("queue", String(ID), nullable=False),  # empty: none (a call of his own)
    Column("direction", String(3), nullable=False),  # in | out
    Column("began", UtcTime, nullable=False),  # when his line was rung, or he dialled
    Column("answered", UtcTime),
    Column("ended", UtcTime),
    Column("hold_s", Integer, nullable=False),
    Column("wrap_s", Integer, nullable=False),
    Column("customer", String(ID)),  # token of the card of who proved himself
    Column("card_masked", String(32), nullable=False),
    Column("caller_masked", String(64), nullable=False),
    Column("language", String(2), nullable=False),
    Column("level", Integer, nullable=False),  # how far he had proved himself
    Column("business", String(ID), nullable=False),
    Column("how_ended", String(16), nullable=False),  # empty: it goes on
    # What the teller wrote, sealed: it may speak of a person. Empty: nothing.
    Column("note_key_id", String(16), nullable=False),
    Column("note_ciphertext", LargeBinary, nullable=False),
)
Index("ix_contact_seat", contact.c.seat, contact.c.began)
Index("ix_contact_call", contact.c.call)
Index("ix_contact_began", contact.c.began)
Index(
    "ix_contact_customer",
    contact.c.customer,
    contact.c.answered,
    sqlite_where=text("customer IS NOT NULL"),
    postgresql_where=text("customer IS NOT NULL"),
)
Index(
    "ix_contact_open",
    contact.c.node,
    sqlite_where=text(IS_OPEN),
    postgresql_where=text(IS_OPEN),
)

recording = Table(  # one for each file
    "recording",
    metadata,
    Column("name", String(TEXT), primary_key=True),  # of the file, below DATA/recordings
    Column("node", String(2), nullable=False),  # which has it
    Column("epoch", BigInteger, nullable=False),
    Column("call", String(ID), nullable=False),
    Column("contact", String(ID), nullable=False),  # empty: none
    Column("seat", String(ID), nullable=False),
    Column("by", String(ID), nullable=False),  # who wanted it; `system`: the queue's rule
    Column("began", UtcTime, nullable=False),
    Column("milliseconds", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),  # of the FLAC file inside
    Column("sealed_sha256", String(64), nullable=False),  # of the file as it lies there
    Column("size", BigInteger, nullable=False),
    Column("key_id", String(16), nullable=False),  # of the key that wraps its own
    Column("marks", CanonicalJson, nullable=False),  # [[kind, from, to], …] in samples
    Column("cut", Boolean, nullable=False),
    Column("why", String(TEXT), nullable=False),  # it is cut
    Column("state", String(8), nullable=False),  # running | kept | failed
)
Index("ix_recording_seat", recording.c.seat, recording.c.began)
Index("ix_recording_call", recording.c.call)
Index("ix_recording_began", recording.c.began)
Index(
    "ix_recording_running",
    recording.c.node,
    sqlite_where=text(IS_RUNNING),
    postgresql_where=text(IS_RUNNING),
)

staff_skill = Table(
    "staff_skill",
    metadata,
    Column("staff", ForeignKey("staff.id"), primary_key=True),
    Column("skill", String(SKILL), primary_key=True),
    Column("level", Integer, nullable=False),
    CheckConstraint("level BETWEEN 1 AND 9", name="level_is_a_digit"),
)

seat_setting = Table(
    "seat_setting",
    metadata,
    Column("staff", ForeignKey("staff.id"), primary_key=True),
    Column("phone", String(32), nullable=False),  # extension that he has by himself; empty: none
    Column("began_on", Date),  # his first day at a desk; none: long ago
    Column("changed_at", UtcTime, nullable=False),
    Column("changed_by", String(ID), nullable=False),
)

kept_place = Table(  # one for each place of somebody who is to be called back
    "kept_place",
    metadata,
    Column("call", String(ID), primary_key=True),  # in which he kept it
    Column("node", String(2), nullable=False),  # which calls him back
    Column("queue", String(ID), nullable=False),
    Column("skill", String(SKILL), nullable=False),
    Column("language", String(2), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("level", Integer, nullable=False),  # how important he is
    Column("called", String(64), nullable=False),  # our number
    Column("business", String(ID), nullable=False),
    Column("customer", String(ID)),  # token of the card of who proved himself
    Column("last_seat", String(ID), nullable=False),
    Column("own_seat", String(ID), nullable=False),
    # Where he is called, and from where he called; sealed
    Column("numbers_key_id", String(16), nullable=False),
    Column("numbers_ciphertext", LargeBinary, nullable=False),
    Column("card", CanonicalJson, nullable=False),  # what his teller is shown of him, masked
    Column("since", UtcTime, nullable=False),  # when he began to wait
    Column("kept_at", UtcTime, nullable=False),
    Column("tries", Integer, nullable=False),  # calls to him, the present one too
    Column("tried_at", UtcTime),
)
Index("ix_kept_place_node", kept_place.c.node, kept_place.c.since)

__all__ = [
    "IS_OPEN",
    "IS_RUNNING",
    "SKILL",
    "contact",
    "kept_place",
    "recording",
    "seat_setting",
    "staff_skill",
]
