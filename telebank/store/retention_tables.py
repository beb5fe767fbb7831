"""The table of legal holds: what must not be deleted, by whose word, and until when."""

from sqlalchemy import Column, Date, Index, String, Table, text

from telebank.store.tables import ID, TEXT, metadata
from telebank.store.types import UtcTime

IS_HELD = "released_at IS NULL"
"""Of the index of holds in force; SQLite uses it only for a query that says the same."""

legal_hold = Table(
    "legal_hold",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("kind", String(9), nullable=False),  # customer | reference
    Column("value", String(ID), nullable=False),  # token of a card, or a reference (field 37)
    Column("masked", String(32), nullable=False),  # the card, for people; empty: not known
    Column("note", String(TEXT), nullable=False),
    Column("until", Date),  # last day; none: until it is released
    Column("placed_by", String(ID), nullable=False),
    Column("placed_at", UtcTime, nullable=False),
    Column("released_by", String(ID)),
    Column("released_at", UtcTime),
    Column("release_note", String(TEXT)),
)
Index(
    "ix_legal_hold_value",
    legal_hold.c.value,
    sqlite_where=text(IS_HELD),
    postgresql_where=text(IS_HELD),
)

__all__ = ["IS_HELD", "legal_hold"]
