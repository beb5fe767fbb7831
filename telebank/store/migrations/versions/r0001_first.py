"""The first tables: journal, messages, limits, sealed numbers, lease, event log and leaves."""

import sqlalchemy as sa
from alembic import op

from telebank.store.types import CanonicalJson, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table of the first release."""
    op.create_table(
        "attempt",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "day", name=op.f("pk_attempt")),
    )
    op.create_table(
        "counter",
        sa.Column("node", sa.String(length=2), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node", "name", name=op.f("pk_counter")),
    )
    op.create_table(
        "event",
        sa.Column("node", sa.String(length=2), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("schema", sa.Integer(), nullable=False),
        sa.Column("utc_us", sa.BigInteger(), nullable=False),
        sa.Column("monotonic_us", sa.BigInteger(), nullable=False),
        sa.Column("boot", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("call", sa.String(length=64), nullable=True),
        sa.Column("leg", sa.String(length=64), nullable=True),
        sa.Column("request", sa.String(length=64), nullable=True),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("origin", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("detail", CanonicalJson(), nullable=False),
        sa.Column("personal", CanonicalJson(), nullable=True),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=True),
        sa.Column("personal_hash", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("node", "sequence", name=op.f("pk_event")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(
            "ix_event_call",
            ["call"],
            unique=False,
            sqlite_where=sa.text("call IS NOT NULL"),
            postgresql_where=sa.text("call IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_event_request",
            ["request"],
            unique=False,
            sqlite_where=sa.text("request IS NOT NULL"),
            postgresql_where=sa.text("request IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_event_started",
            ["utc_us"],
            unique=False,
            sqlite_where=sa.text("kind = 'call.started'"),
            postgresql_where=sa.text("kind = 'call.started'"),
        )

    op.create_table(
        "leaf",
        sa.Column("node", sa.String(length=2), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("node", "sequence", name=op.f("pk_leaf")),
    )
    op.create_table(
        "lease",
        sa.Column("node", sa.String(length=2), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("heartbeat", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_lease")),
    )
    op.create_table(
        "request",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=2), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("terminal", sa.String(length=16), nullable=False),
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("contract_version", sa.Integer(), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("effect", sa.String(length=8), nullable=False),
        sa.Column("recovery", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("call", sa.String(length=64), nullable=True),
        sa.Column("auth", sa.String(length=16), nullable=False),
        sa.Column("authenticated_token", sa.String(length=64), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("inputs", CanonicalJson(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("content_hash", sa.String(length=128), nullable=False),
        sa.Column("quote", sa.String(length=64), nullable=True),
        sa.Column("customer", sa.String(length=64), nullable=True),
        sa.Column("guard_payer", sa.String(length=64), nullable=True),
        sa.Column("guard_payee", sa.String(length=64), nullable=True),
        sa.Column("guard_amount", sa.BigInteger(), nullable=True),
        sa.Column("guard_currency", sa.String(length=3), nullable=True),
        sa.Column("payee_masked", sa.String(length=255), nullable=False),
        sa.Column("reference", sa.String(length=12), nullable=False),
        sa.Column("host_reference", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("reason", sa.String(length=255), nullable=True),
        sa.Column("outcome_data", CanonicalJson(), nullable=True),
        sa.Column("told", sa.String(length=32), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("settled_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "(amount IS NULL) = (currency IS NULL)", name=op.f("ck_request_amount_has_currency")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        sa.UniqueConstraint("quote", name=op.f("uq_request_quote")),
        sa.UniqueConstraint("reference", name=op.f("uq_request_reference")),
    )
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.create_index(
            "ix_request_customer",
            ["customer", "created_at"],
            unique=False,
            sqlite_where=sa.text("customer IS NOT NULL"),
            postgresql_where=sa.text("customer IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_request_guard",
            ["guard_payer", "guard_payee", "guard_amount"],
            unique=False,
            sqlite_where=sa.text("guard_payer IS NOT NULL"),
            postgresql_where=sa.text("guard_payer IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_request_open",
            ["node", "created_at"],
            unique=False,
            sqlite_where=sa.text(
                "state IN ('RECORDED','SENT','UNKNOWN','REVERSING','REPEATING','QUERYING','MANUAL')"
            ),
            postgresql_where=sa.text(
                "state IN ('RECORDED','SENT','UNKNOWN','REVERSING','REPEATING','QUERYING','MANUAL')"
            ),
        )

    op.create_table(
        "host_message",
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("mti", sa.String(length=4), nullable=False),
        sa.Column("stan", sa.String(length=6), nullable=False),
        sa.Column("field7", sa.String(length=10), nullable=False),
        sa.Column("field32", sa.String(length=11), nullable=False),
        sa.Column("field41", sa.String(length=16), nullable=False),
        sa.Column("field37", sa.String(length=12), nullable=False),
        sa.Column("link", sa.String(length=64), nullable=False),
        sa.Column("processing_code", sa.String(length=6), nullable=False),
        sa.Column("amount", sa.String(length=12), nullable=False),
        sa.Column("sent_at", UtcTime(), nullable=False),
        sa.Column("reply39", sa.String(length=3), nullable=True),
        sa.Column("reply_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request"], ["request.id"], name=op.f("fk_host_message_request_request")
        ),
        sa.PrimaryKeyConstraint("request", "ordinal", name=op.f("pk_host_message")),
    )
    with op.batch_alter_table("host_message", schema=None) as batch_op:
        batch_op.create_index(
            "uq_host_message_keys",
            ["stan", "field7", "field32", "field41"],
            unique=True,
            sqlite_where=sa.text("role = 'request'"),
            postgresql_where=sa.text("role = 'request'"),
        )

    op.create_table(
        "hot_card",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("masked", sa.String(length=32), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request"], ["request.id"], name=op.f("fk_hot_card_request_request")
        ),
        sa.PrimaryKeyConstraint("token", "request", name=op.f("pk_hot_card")),
    )
    op.create_table(
        "limit_use",
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("limit_name", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["request"], ["request.id"], name=op.f("fk_limit_use_request_request")
        ),
        sa.PrimaryKeyConstraint("request", "limit_name", name=op.f("pk_limit_use")),
    )
    with op.batch_alter_table("limit_use", schema=None) as batch_op:
        batch_op.create_index(
            "ix_limit_use_sum", ["customer", "limit_name", "business_date"], unique=False
        )

    op.create_table(
        "request_state",
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("why", sa.String(length=255), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request"], ["request.id"], name=op.f("fk_request_state_request_request")
        ),
        sa.PrimaryKeyConstraint("request", "ordinal", name=op.f("pk_request_state")),
    )
    op.create_table(
        "sealed_input",
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("masked", sa.String(length=32), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request"], ["request.id"], name=op.f("fk_sealed_input_request_request")
        ),
        sa.PrimaryKeyConstraint("request", "name", name=op.f("pk_sealed_input")),
    )
    with op.batch_alter_table("sealed_input", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sealed_input_token"), ["token"], unique=False)


def downgrade() -> None:
    """Drop them, last made first."""
    op.drop_table("sealed_input")
    op.drop_table("request_state")
    op.drop_table("limit_use")
    op.drop_table("hot_card")
    op.drop_table("host_message")
    op.drop_table("request")
    op.drop_table("lease")
    op.drop_table("leaf")
    op.drop_table("event")
    op.drop_table("counter")
    op.drop_table("attempt")
