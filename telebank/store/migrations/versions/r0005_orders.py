"""Scheduled transfers, and payments of companies that wait for a second person."""

import sqlalchemy as sa
from alembic import op

from telebank.store.types import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _proposals()
    _orders()
    _runs()


def _proposals() -> None:
    op.create_table(
        "proposal",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("maker", sa.String(length=64), nullable=False),
        sa.Column("operator", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("payee_name", sa.String(length=255), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("terms_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("proposed_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", UtcTime(), nullable=True),
        sa.Column("used_by", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> maker", name=op.f("ck_proposal_two_people")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_proposal")),
        sa.UniqueConstraint("request", name=op.f("uq_proposal_request")),
        sa.UniqueConstraint("used_by", name=op.f("uq_proposal_used_by")),
    )
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.create_index(
            "ix_proposal_open",
            ["company", "number"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )


def _orders() -> None:
    op.create_table(
        "transfer_order",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("payer_masked", sa.String(length=32), nullable=False),
        sa.Column("payer_key_id", sa.String(length=16), nullable=False),
        sa.Column("payer_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("payee_token", sa.String(length=64), nullable=False),
        sa.Column("payee_masked", sa.String(length=32), nullable=False),
        sa.Column("payee_key_id", sa.String(length=16), nullable=False),
        sa.Column("payee_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("payee_name", sa.String(length=255), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=True),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("every", sa.String(length=8), nullable=False),
        sa.Column("last", sa.Date(), nullable=True),
        sa.Column("next", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("auth", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("call", sa.String(length=64), nullable=True),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_transfer_order")),
        sa.UniqueConstraint("request", name=op.f("uq_transfer_order_request")),
    )
    with op.batch_alter_table("transfer_order", schema=None) as batch_op:
        batch_op.create_index("ix_transfer_order_customer", ["customer", "number"], unique=False)
        batch_op.create_index(
            "ix_transfer_order_next",
            ["next"],
            unique=False,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )


def _runs() -> None:
    op.create_table(
        "order_run",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("why", sa.String(length=255), nullable=False),
        sa.Column("node", sa.String(length=2), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("held_until", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"], ["transfer_order.number"], name=op.f("fk_order_run_number_transfer_order")
        ),
        sa.PrimaryKeyConstraint("number", "due", name=op.f("pk_order_run")),
    )
    with op.batch_alter_table("order_run", schema=None) as batch_op:
        batch_op.create_index(
            "ix_order_run_open",
            ["due", "number"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )


def downgrade() -> None:
    """Drop them; what they hold is lost."""
    op.drop_table("order_run")
    op.drop_table("transfer_order")
    op.drop_table("proposal")
