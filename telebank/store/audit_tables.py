"""Tables of the audit log beside `event` and `leaf`: signed checkpoints, and the keys of these."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

from telebank.store.tables import TEXT, metadata
from telebank.store.types import UtcTime

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("node", String(2), primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),  # entries below it
    Column("peaks", LargeBinary, nullable=False),  # of the tree, from where a start goes on
    Column("note", Text, nullable=False),  # signed
    Column("reason", String(8), nullable=False),  # time | entries | day | stop
    Column("at", UtcTime, nullable=False),
)

audit_key = Table(
    "audit_key",
    metadata,
    Column("node", String(2), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("public", String(TEXT), nullable=False),
    Column("statement", Text),  # by the key before; none for the first
    Column("at", UtcTime, nullable=False),
)

__all__ = ["audit_key", "checkpoint"]
