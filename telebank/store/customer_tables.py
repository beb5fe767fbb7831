"""Tables of what the bank keeps for its customers: payees, ceilings, settings, uses, second factor,
and how people are to receive them.

A customer is the token of his card. A payee's card exists only as token, mask and ciphertext, a
seed only sealed, a one-time code nowhere.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from telebank.store.tables import ID, TEXT, metadata
from telebank.store.types import UtcTime

payee = Table(  # a card that a customer registered; the number of its place is what he keys
    "payee",
    metadata,
    Column("customer", String(ID), primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),  # 1 to 9
    Column("token", String(ID), nullable=False),
    Column("masked", String(32), nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("name", String(TEXT), nullable=False),  # as it was read back when it was added
    Column("added_at", UtcTime, nullable=False),
    Column("ready_at", UtcTime, nullable=False),  # end of its cooling
    Column("daily", BigInteger),  # most in a business date, minor units; none: the bank's limit
    Column("currency", String(3)),
    UniqueConstraint("customer", "token"),
    CheckConstraint("(daily IS NULL) = (currency IS NULL)", name="daily_has_currency"),
)

ceiling = Table(  # what a customer lowers a limit of [limits] to
    "ceiling",
    metadata,
    Column("customer", String(ID), primary_key=True),
    Column("limit_name", String(ID), primary_key=True),
    Column("amount", BigInteger, nullable=False),  # minor units, in force until `next_from`
    Column("currency", String(3), nullable=False),
    Column("next_amount", BigInteger),
    Column("next_from", Date),  # business date from which `next_amount` holds
    Column("changed_at", UtcTime, nullable=False),
    CheckConstraint("(next_amount IS NULL) = (next_from IS NULL)", name="next_has_a_day"),
)

setting = Table(
    "setting",
    metadata,
    Column("customer", String(ID), primary_key=True),
    Column("what", String(24), primary_key=True),
    Column("value", String(24), nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)

usage = Table(  # how often a customer used a service on a day
    "usage",
    metadata,
    Column("customer", String(ID), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("what", String(24), primary_key=True),
    Column("count", Integer, nullable=False),
)

code_sent = Table(  # that a one-time code was sent, never which
    "code_sent",
    metadata,
    Column("id", String(ID), primary_key=True),  # request that asked for it
    Column("customer", String(ID), nullable=False),
    Column("at", UtcTime, nullable=False),
)
Index("ix_code_sent_customer", code_sent.c.customer, code_sent.c.at)

code_token = Table(  # the seed of a customer's token (RFC 6238), sealed
    "code_token",
    metadata,
    Column("customer", String(ID), primary_key=True),
    Column("key_id", String(16), nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("step", BigInteger, nullable=False),  # last time step taken; none twice
    Column("added_at", UtcTime, nullable=False),
    Column("added_by", String(ID), nullable=False),
)

customer_record = Table(  # how people are to receive a customer, by two people's word
    "customer_record",
    metadata,
    Column("customer", String(ID), primary_key=True),
    Column("importance", Integer),  # 0 to 9; none: as the queues' table of cards says
    Column("teller", String(ID)),  # his dedicated teller; none: likewise
    Column("changed_at", UtcTime, nullable=False),
    Column("changed_by", String(ID), nullable=False),
    CheckConstraint("importance BETWEEN 0 AND 9", name="importance_is_a_digit"),
    ForeignKeyConstraint(["teller"], ["staff.id"]),
)
Index("ix_customer_record_changed", customer_record.c.changed_at)

customer_number = Table(  # a number that a customer calls from; it proves nothing
    "customer_number",
    metadata,
    Column("number", String(ID), primary_key=True),  # HMAC of its one form
    Column("customer", ForeignKey("customer_record.customer"), nullable=False),
    Column("masked", String(32), nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("added_by", String(ID), nullable=False),
)
Index("ix_customer_number_customer", customer_number.c.customer)

__all__ = [
    "ceiling",
    "code_sent",
    "code_token",
    "customer_number",
    "customer_record",
    "payee",
    "setting",
    "usage",
]
