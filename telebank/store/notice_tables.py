"""The table of notices that new callers hear before the first menu, one a language."""

from sqlalchemy import Column, Integer, String, Table

from telebank.store.tables import ID, metadata
from telebank.store.types import UtcTime

notice = Table(
    "notice",
    metadata,
    Column("language", String(2), primary_key=True),
    Column("content", String(64), nullable=False),  # SHA-256 of the recording
    Column("samples", Integer, nullable=False),  # 8000 a second
    Column("recorded_by", String(ID), nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
)
