"""Tables of the node's own storage. Migrations follow these; a test compares the two.

Times are microseconds UTC (`UtcTime`), money is minor units beside an ISO 4217 code, JSON is
canonical text. Card numbers exist only as token, mask and ciphertext; field 52 exists nowhere.
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
    MetaData,
    String,
    Table,
    text,
)

from telebank.store.types import CanonicalJson, UtcTime

ID = 64
"""Longest identifier in characters: request id, call, actor, token, service, limit name."""
TEXT = 255
"""Longest free text in characters: a reason, a detail for people."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

request = Table(
    "request",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("node", String(2), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("terminal", String(16), nullable=False),  # field 41 of its first message
    Column("service", String(ID), nullable=False),
    Column("contract_version", Integer, nullable=False),
    Column("release", String(ID), nullable=False),  # hash of the published menu release
    Column("effect", String(8), nullable=False),
    Column("recovery", String(8), nullable=False),
    Column("state", String(20), nullable=False),
    Column("steps", Integer, nullable=False),  # rows in request_state
    Column("messages", Integer, nullable=False),  # rows in host_message
    Column("actor", String(ID), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("call", String(ID)),
    Column("auth", String(16), nullable=False),
    Column("authenticated_token", String(ID)),
    Column("language", String(2), nullable=False),
    Column("business_date", Date, nullable=False),
    Column("inputs", CanonicalJson, nullable=False),  # the rest is in sealed_input
    Column("key_id", String(16), nullable=False),  # sealing key current at the time
    Column("amount", BigInteger),
    Column("currency", String(3)),
    Column("content_hash", String(128), nullable=False),
    Column("quote", String(ID), unique=True),
    Column("customer", String(ID)),  # token of the customer's card
    Column("guard_payer", String(ID)),  # HMAC of what the processor named
    Column("guard_payee", String(ID)),
    Column("guard_amount", BigInteger),
    Column("guard_currency", String(3)),
    Column("payee_masked", String(TEXT), nullable=False),
    Column("reference", String(12), nullable=False, unique=True),  # field 37
    Column("host_reference", String(ID), nullable=False),
    Column("outcome", String(10)),
    Column("reason", String(TEXT)),
    Column("outcome_data", CanonicalJson),
    Column("told", String(32)),  # the exit whose words the caller heard last
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("settled_at", UtcTime),
    CheckConstraint("(amount IS NULL) = (currency IS NULL)", name="amount_has_currency"),
)

OPEN_STATES = "state IN ('RECORDED','SENT','UNKNOWN','REVERSING','REPEATING','QUERYING','MANUAL')"
"""Of the index of open rows; SQLite uses it only for a query that says the same, word for word."""
Index(
    "ix_request_open",
    request.c.node,
    request.c.created_at,
    sqlite_where=text(OPEN_STATES),
    postgresql_where=text(OPEN_STATES),
)
Index(
    "ix_request_guard",
    request.c.guard_payer,
    request.c.guard_payee,
    request.c.guard_amount,
    sqlite_where=text("guard_payer IS NOT NULL"),
    postgresql_where=text("guard_payer IS NOT NULL"),
)
Index(
    "ix_request_customer",
    request.c.customer,
    request.c.created_at,
    sqlite_where=text("customer IS NOT NULL"),
    postgresql_where=text("customer IS NOT NULL"),
)
# Auditors look for what was asked for in a time, and in a call (review/). The first is of all rows,
# and says what only their search says: else it would be taken for lists of the few that are open.
SEARCHED = "steps > 0"
Index(
    "ix_request_created",
    request.c.created_at,
    request.c.reference,
    sqlite_where=text(SEARCHED),
    postgresql_where=text(SEARCHED),
)
Index(
    "ix_request_call",
    request.c.call,
    sqlite_where=text("call IS NOT NULL"),
    postgresql_where=text("call IS NOT NULL"),
)
# Reconciliation reads a date's money, and what the host settled on it (reconciling.py).
Index(
    "ix_request_money",
    request.c.business_date,
    sqlite_where=text("effect = 'money'"),
    postgresql_where=text("effect = 'money'"),
)

sealed_input = Table(
    "sealed_input",
    metadata,
    Column("request", ForeignKey("request.id"), primary_key=True),
    Column("name", String(ID), primary_key=True),
    Column("kind", String(8), nullable=False),  # card | digits (account, identity, telephone)
    Column("token", String(ID), nullable=False, index=True),
    Column("masked", String(32), nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
)

request_state = Table(
    "request_state",
    metadata,
    Column("request", ForeignKey("request.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("state", String(20), nullable=False),
    Column("why", String(TEXT), nullable=False),
    Column("at", UtcTime, nullable=False),
)

host_message = Table(
    "host_message",
    metadata,
    Column("request", ForeignKey("request.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("role", String(8), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("mti", String(4), nullable=False),
    Column("stan", String(6), nullable=False),
    Column("field7", String(10), nullable=False),
    Column("field32", String(11), nullable=False),
    Column("field41", String(16), nullable=False),
    Column("field37", String(12), nullable=False),
    Column("link", String(ID), nullable=False),
    Column("processing_code", String(6), nullable=False),
    Column("amount", String(12), nullable=False),  # field 4 as sent
    Column("sent_at", UtcTime, nullable=False),
    Column("reply39", String(3)),
    Column("reply_at", UtcTime),
    Column("settled_on", Date),  # field 15 of the reply
)
# Rule 7; a reversal with the original's STAN and a repeat are not first messages.
Index(
    "uq_host_message_keys",
    host_message.c.stan,
    host_message.c.field7,
    host_message.c.field32,
    unique=True,
    sqlite_where=text("role = 'request'"),
    postgresql_where=text("role = 'request'"),
)

Index(
    "ix_host_message_settled",
    host_message.c.settled_on,
    sqlite_where=text("settled_on IS NOT NULL"),
    postgresql_where=text("settled_on IS NOT NULL"),
)

limit_use = Table(
    "limit_use",
    metadata,
    Column("request", ForeignKey("request.id"), primary_key=True),
    Column("limit_name", String(ID), primary_key=True),
    Column("customer", String(ID), nullable=False),
    Column("business_date", Date, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("state", String(8), nullable=False),  # held | used | released
)
Index("ix_limit_use_sum", limit_use.c.customer, limit_use.c.limit_name, limit_use.c.business_date)

attempt = Table(
    "attempt",
    metadata,
    Column("key", String(128), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("count", Integer, nullable=False),
)

hot_card = Table(  # a row for each report that the host did not decline; see hot_list.py
    "hot_card",
    metadata,
    Column("token", String(ID), primary_key=True),
    Column("request", ForeignKey("request.id"), primary_key=True),
    Column("masked", String(32), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("until", Date),  # last day, on the bank's wall clock; none: for good
    # reported | confirmed | lifted
    Column("state", String(10), nullable=False, server_default=text("'reported'")),
    Column("decided_by", String(ID)),
    Column("decided_at", UtcTime),
    Column("note", String(TEXT)),
    Column("decision", String(ID)),  # request that tells the host of it
)

telephone_pin = Table(  # where [auth] verifier is local: what tells a PIN that the host confirmed
    "telephone_pin",
    metadata,
    Column("token", String(ID), primary_key=True),  # of the customer's card
    # How often one was forgotten; the row stays for it, so that nothing older is written after.
    Column("generation", BigInteger, nullable=False),
    Column("salt", LargeBinary(16)),  # none, as the next two: nothing is kept
    Column("verifier", LargeBinary(32)),  # HMAC under the module's telephone.pin
    Column("key_check", String(6)),  # check value of that key's version
    Column("at", UtcTime, nullable=False),
)

known_balance = Table(  # where [auth] verifier is local: what the host told last
    "known_balance",
    metadata,
    Column("token", String(ID), primary_key=True),  # of the customer's card
    Column("at", UtcTime, nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("node", String(2), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", String(ID), nullable=False),
    Column("heartbeat", UtcTime, nullable=False),
    # `[node] of` of its holder: which STANs he gives out
    Column("nodes", Integer, nullable=False, server_default=text("1")),
    # Field 41 of its holder, for whoever settles its rows; empty: the adapter's own
    Column("terminal", String(16), nullable=False, server_default=text("''")),
)

vault = Table(  # what tells the keys apart that tokens and sealed numbers are made with
    "vault",
    metadata,
    Column("name", String(32), primary_key=True),  # of the file in DATA/keys
    Column("fingerprint", String(32), nullable=False),
)

counter = Table(
    "counter",
    metadata,
    Column("node", String(2), primary_key=True),
    Column("name", String(16), primary_key=True),  # stan | reference
    Column("next", BigInteger, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("node", String(2), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("schema", Integer, nullable=False),
    Column("utc_us", BigInteger, nullable=False),
    Column("monotonic_us", BigInteger, nullable=False),
    Column("boot", String(36), nullable=False),
    Column("kind", String(ID), nullable=False),
    Column("call", String(ID)),
    Column("leg", String(ID)),
    Column("request", String(ID)),
    Column("actor", String(ID), nullable=False),
    Column("role", String(32), nullable=False),
    Column("origin", String(ID), nullable=False),
    Column("outcome", String(ID), nullable=False),
    Column("detail", CanonicalJson, nullable=False),
    Column("personal", CanonicalJson),
    Column("salt", LargeBinary(16)),
    Column("personal_hash", String(64)),
)
Index(
    "ix_event_call",
    event.c.call,
    sqlite_where=text("call IS NOT NULL"),
    postgresql_where=text("call IS NOT NULL"),
)
Index(
    "ix_event_request",
    event.c.request,
    sqlite_where=text("request IS NOT NULL"),
    postgresql_where=text("request IS NOT NULL"),
)
Index(
    "ix_event_started",
    event.c.utc_us,
    sqlite_where=text("kind = 'call.started'"),
    postgresql_where=text("kind = 'call.started'"),
)

staff = Table(
    "staff",
    metadata,
    Column("id", String(ID), primary_key=True),  # the name that one logs in by
    Column("name", String(TEXT), nullable=False),
    Column("role", String(16), nullable=False),
    Column("state", String(8), nullable=False),  # active | left
    Column("password", String(TEXT), nullable=False),  # argon2id, with its parameters and salt
    Column("totp_key_id", String(16), nullable=False),  # the second factor's seed, sealed
    Column("totp_ciphertext", LargeBinary, nullable=False),
    Column("totp_step", BigInteger, nullable=False),  # last time step taken; none twice
    Column("wrong", Integer, nullable=False),  # failures since the last success
    Column("locked_until", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", String(ID), nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)

approval = Table(
    "approval",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("act", String(32), nullable=False),
    Column("object", String(ID), nullable=False),
    Column("detail", CanonicalJson, nullable=False),
    Column("content_hash", String(64), nullable=False),  # of act, object and detail
    Column("note", String(TEXT), nullable=False),
    Column("state", String(16), nullable=False),  # pending | approved | refused | withdrawn
    Column("proposed_by", String(ID), nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("decided_by", String(ID)),
    Column("decided_at", UtcTime),
    CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="two_people"),
)
Index(
    "uq_approval_pending",
    approval.c.act,
    approval.c.object,
    unique=True,
    sqlite_where=text("state = 'pending'"),
    postgresql_where=text("state = 'pending'"),
)

release = Table(  # flows, texts, services, profiles as they stood together
    "release",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("made_at", UtcTime, nullable=False),
    Column("made_by", String(ID), nullable=False),
    Column("note", String(TEXT), nullable=False),
)

release_file = Table(
    "release_file",
    metadata,
    Column("release", ForeignKey("release.hash"), primary_key=True),
    Column("path", String(TEXT), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

publication = Table(  # the last one is in force
    "publication",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("release", ForeignKey("release.hash"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("by", String(ID), nullable=False),
    Column("approval", ForeignKey("approval.id")),  # none for what a start laid down
)

# No foreign key: leaves outlive their events, whose retention may be shorter.
leaf = Table(
    "leaf",
    metadata,
    Column("node", String(2), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
)

__all__ = [
    "approval",
    "attempt",
    "counter",
    "event",
    "host_message",
    "hot_card",
    "known_balance",
    "leaf",
    "lease",
    "limit_use",
    "metadata",
    "publication",
    "release",
    "release_file",
    "request",
    "request_state",
    "sealed_input",
    "staff",
    "telephone_pin",
    "vault",
]
