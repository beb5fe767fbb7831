"""Tables of matters: what is still to be done after a talk, who has it, and what was said of it.

An entry is added and never changed; what a matter is now is what its last entries made of it.
"""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from telebank.store.tables import ID, metadata
from telebank.store.types import UtcTime

matter = Table(
    "matter",
    metadata,
    Column("number", String(ID), primary_key=True),  # 01-000042: node, counter
    Column("contact", String(ID), nullable=False),
    Column("call", String(ID), nullable=False),
    Column("business", String(ID), nullable=False),
    Column("customer", String(ID)),  # token of the card; none: nobody had proved himself
    Column("card_masked", String(32), nullable=False),
    Column("subject_key_id", String(16), nullable=False),  # sealed: it may speak of a person
    Column("subject_ciphertext", LargeBinary, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("opened_by", String(ID), nullable=False),
    Column("due_at", UtcTime),
    Column("state", String(8), nullable=False),  # open | closed
    Column("holder", String(96), nullable=False),  # seat:li | skill:loans
    Column("entries", Integer, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)
Index("ix_matter_state", matter.c.state, matter.c.changed_at)
Index("ix_matter_holder", matter.c.holder, matter.c.state, matter.c.changed_at)
Index("ix_matter_opened_by", matter.c.opened_by, matter.c.state, matter.c.changed_at)

matter_entry = Table(
    "matter_entry",
    metadata,
    Column("matter", ForeignKey("matter.number"), primary_key=True),
    Column("nth", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("by", String(ID), nullable=False),
    Column("kind", String(8), nullable=False),  # opened | note | hand | result | close
    Column("to", String(96), nullable=False),  # of a hand-over
    Column("key_id", String(16), nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
)
