"""Tables of scheduled transfers and of payments of companies that wait for a second person.

A customer is the token of his card. Cards and account numbers exist only as token, mask and
ciphertext.
"""

from sqlalchemy import (
    BigInteger,
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
from telebank.store.types import UtcTime

transfer_order = Table(  # money that goes on a day, or on many
    "transfer_order",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("request", String(ID), nullable=False, unique=True),  # that made it
    Column("customer", String(ID), nullable=False),
    Column("payer_masked", String(32), nullable=False),
    Column("payer_key_id", String(16), nullable=False),
    Column("payer_ciphertext", LargeBinary, nullable=False),
    Column("payee_token", String(ID), nullable=False),
    Column("payee_masked", String(32), nullable=False),
    Column("payee_key_id", String(16), nullable=False),
    Column("payee_ciphertext", LargeBinary, nullable=False),
    Column("payee_name", String(TEXT), nullable=False),  # as it was read back
    Column("amount", BigInteger, nullable=False),  # minor units
    Column("currency", String(3), nullable=False),
    Column("fee", BigInteger),  # as it was told; none: as on the day
    Column("first", Date, nullable=False),
    Column("every", String(8), nullable=False),  # once | week | month
    Column("last", Date),  # none: until it is cancelled
    Column("next", Date),  # the due date that comes; none: ended
    Column("state", String(10), nullable=False),  # waiting | ended | cancelled
    Column("auth", String(16), nullable=False),  # proved when it was made or changed
    Column("language", String(2), nullable=False),
    Column("release", String(ID), nullable=False),
    Column("call", String(ID)),
    Column("made_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)
Index("ix_transfer_order_customer", transfer_order.c.customer, transfer_order.c.number)
Index(
    "ix_transfer_order_next",
    transfer_order.c.next,
    sqlite_where=text("state = 'waiting'"),
    postgresql_where=text("state = 'waiting'"),
)

order_run = Table(  # an order on one due date
    "order_run",
    metadata,
    Column("number", ForeignKey("transfer_order.number"), primary_key=True),
    Column("due", Date, primary_key=True),
    Column("attempt", Integer, nullable=False),  # from 1; of the request id
    Column("state", String(8), nullable=False),  # open | done | failed | missed
    Column("why", String(TEXT), nullable=False),
    Column("node", String(2), nullable=False),  # whose work it is until `held_until`
    Column("epoch", BigInteger, nullable=False),
    Column("held_until", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)
Index(
    "ix_order_run_open",
    order_run.c.due,
    order_run.c.number,
    sqlite_where=text("state = 'open'"),
    postgresql_where=text("state = 'open'"),
)

proposal = Table(  # a payment of a company, by the first of two people
    "proposal",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("request", String(ID), nullable=False, unique=True),  # that made it
    Column("company", String(ID), nullable=False),
    Column("maker", String(ID), nullable=False),  # token of his card
    Column("operator", String(ID), nullable=False),  # his number with the company
    Column("kind", String(24), nullable=False),
    Column("payee_name", String(TEXT), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("terms", LargeBinary, nullable=False),  # sealed JSON: what both people must mean
    Column("key_id", String(16), nullable=False),
    Column("terms_hash", String(64), nullable=False),  # HMAC of them
    Column("state", String(10), nullable=False),  # open | used | rejected
    Column("proposed_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("decided_by", String(ID)),  # token of the other's card
    Column("decided_at", UtcTime),
    Column("used_by", String(ID), unique=True),  # request that paid it
    CheckConstraint("decided_by IS NULL OR decided_by <> maker", name="two_people"),
)
Index(
    "ix_proposal_open",
    proposal.c.company,
    proposal.c.number,
    sqlite_where=text("state = 'open'"),
    postgresql_where=text("state = 'open'"),
)

__all__ = ["order_run", "proposal", "transfer_order"]
