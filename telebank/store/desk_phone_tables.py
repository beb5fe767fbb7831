"""The table of desk phones."""

from sqlalchemy import Column, LargeBinary, String, Table

from telebank.store.tables import ID, TEXT, metadata
from telebank.store.types import UtcTime

desk_phone = Table(
    "desk_phone",
    metadata,
    Column("extension", String(32), primary_key=True),
    Column("name", String(TEXT), nullable=False),
    Column("realm", String(TEXT), nullable=False),  # what its secret is good for
    Column("algorithms", String(ID), nullable=False),  # names with a space between
    Column("state", String(8), nullable=False),  # active | removed
    Column("key_id", String(16), nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),  # the HA1 of each algorithm; empty: removed
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", String(ID), nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("changed_by", String(ID), nullable=False),
)
