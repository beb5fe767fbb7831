"""Tables of faxes: one row for each document that goes or came, one for each call placed for it.

A number is a telephone number, a SIP address or a mail address: its token (to count calls by), a
mask, and sealed.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    false,
    text,
)

from telebank.store.tables import ID, TEXT, metadata
from telebank.store.types import UtcTime

IS_RUNNING = "state IN ('dialling','negotiating','sending')"
"""Of the index of faxes under way; SQLite uses it only for a query that says the same."""

fax_job = Table(
    "fax_job",
    metadata,
    Column("id", String(ID), primary_key=True),  # 01-3-F7: node, epoch, number
    Column("home", String(2), nullable=False),  # node that has its files
    Column("direction", String(3), nullable=False),  # out | in
    Column("way", String(8), nullable=False),  # call | number | uri | mail
    Column("request", String(ID), unique=True),  # that made it
    Column("content", String(ID), nullable=False, server_default=""),  # what it asked for: a digest
    Column("customer", String(ID)),  # token of his card; none: staff, or a fax that came
    Column("by", String(ID), nullable=False),
    Column("role", String(32), nullable=False),
    Column("document", String(ID), nullable=False),  # kind in documents.yaml, or `file`
    Column("title", String(TEXT), nullable=False),
    Column("language", String(2), nullable=False),
    Column("number_token", String(ID), nullable=False),
    Column("number_masked", String(64), nullable=False),
    Column("number_key_id", String(16), nullable=False),
    Column("number_ciphertext", LargeBinary, nullable=False),
    Column("pages", Integer, nullable=False),  # of the document; of one that comes: 0 until it has
    Column("confirmed", Integer, nullable=False),  # by the other side, in all calls
    Column("begun", Integer, nullable=False),  # confirmed when the last call was placed
    Column("state", String(12), nullable=False),
    Column("why", String(TEXT), nullable=False),
    Column("attempt", Integer, nullable=False),  # calls placed
    Column("tries", Integer, nullable=False),  # calls at most
    Column("due_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),  # no call is placed after it
    Column("call", String(ID)),  # in which it was asked for, or that brought it
    Column("node", String(2), nullable=False),  # whose work it is until `held_until`
    Column("epoch", BigInteger, nullable=False),
    Column("held_until", UtcTime, nullable=False),
    Column("stop_by", String(ID), nullable=False),  # who wants it no more
    Column("folder", String(TEXT), nullable=False),  # below DATA/fax; empty: files removed
    Column(
        "mail", String(8), nullable=False
    ),  # of one that came: waiting | sent | failed | unknown
    Column("mail_attempt", Integer, nullable=False),  # the same: tries begun
    Column("mail_due", UtcTime),
    # Of one that came or is mailed: some try ended, and nobody knows whether the server took it
    Column("mail_unknown", Boolean, nullable=False, server_default=false()),
    Column("bad_rows", Integer, nullable=False),  # of one that came: damaged lines of its pages
    Column("made_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    CheckConstraint("confirmed <= pages", name="confirmed_of_pages"),
)
Index(
    "ix_fax_job_call",
    fax_job.c.call,
    sqlite_where=text("call IS NOT NULL"),
    postgresql_where=text("call IS NOT NULL"),
)
Index(
    "ix_fax_job_due",
    fax_job.c.home,
    fax_job.c.due_at,
    sqlite_where=text("state = 'queued'"),
    postgresql_where=text("state = 'queued'"),
)
Index(
    "ix_fax_job_running",
    fax_job.c.held_until,
    sqlite_where=text(IS_RUNNING),
    postgresql_where=text(IS_RUNNING),
)
Index(
    "ix_fax_job_mail",
    fax_job.c.home,
    fax_job.c.mail_due,
    sqlite_where=text("mail = 'waiting'"),
    postgresql_where=text("mail = 'waiting'"),
)
Index(
    "ix_fax_job_files",
    fax_job.c.home,
    fax_job.c.changed_at,
    sqlite_where=text("folder <> ''"),
    postgresql_where=text("folder <> ''"),
)
Index(
    "ix_fax_job_customer",
    fax_job.c.customer,
    fax_job.c.made_at,
    sqlite_where=text("way = 'mail'"),
    postgresql_where=text("way = 'mail'"),
)

Index(  # lists for people, newest first
    "ix_fax_job_list", fax_job.c.direction, fax_job.c.made_at, fax_job.c.id
)

fax_dial = Table(  # what calls cost is counted by these
    "fax_dial",
    metadata,
    Column("job", String(ID), primary_key=True),  # a fax, or `call:REF` of a teller's call
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("number_token", String(ID), nullable=False),
    Column("at", UtcTime, nullable=False),
    # Set aside when it is placed; what it took, once that is known
    Column("seconds", Integer, nullable=False),
    Column("ended_at", UtcTime),
    Column("trunk", String(32), nullable=False, server_default=""),
    # Thousandths of the bank's currency for each minute begun
    Column("price", Integer, nullable=False, server_default="0"),
)
Index("ix_fax_dial_at", fax_dial.c.at)
Index("ix_fax_dial_number", fax_dial.c.number_token, fax_dial.c.at)

__all__ = ["IS_RUNNING", "fax_dial", "fax_job"]
