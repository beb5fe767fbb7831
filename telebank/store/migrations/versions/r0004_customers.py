"""What the bank keeps for its customers: payees, ceilings, settings, uses, second factor."""

import sqlalchemy as sa
from alembic import op

from telebank.store.types import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _payees()
    _ceilings()
    _habits()
    _codes()


def _payees() -> None:
    op.create_table(
        "payee",
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("masked", sa.String(length=32), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("added_at", UtcTime(), nullable=False),
        sa.Column("ready_at", UtcTime(), nullable=False),
        sa.Column("daily", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.CheckConstraint(
            "(daily IS NULL) = (currency IS NULL)", name=op.f("ck_payee_daily_has_currency")
        ),
        sa.PrimaryKeyConstraint("customer", "slot", name=op.f("pk_payee")),
        sa.UniqueConstraint("customer", "token", name=op.f("uq_payee_customer_token")),
    )


def _ceilings() -> None:
    op.create_table(
        "ceiling",
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("limit_name", sa.String(length=64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("next_amount", sa.BigInteger(), nullable=True),
        sa.Column("next_from", sa.Date(), nullable=True),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "(next_amount IS NULL) = (next_from IS NULL)", name=op.f("ck_ceiling_next_has_a_day")
        ),
        sa.PrimaryKeyConstraint("customer", "limit_name", name=op.f("pk_ceiling")),
    )


def _habits() -> None:
    op.create_table(
        "setting",
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=24), nullable=False),
        sa.Column("value", sa.String(length=24), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("customer", "what", name=op.f("pk_setting")),
    )
    op.create_table(
        "usage",
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("what", sa.String(length=24), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("customer", "day", "what", name=op.f("pk_usage")),
    )


def _codes() -> None:
    op.create_table(
        "code_sent",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_sent")),
    )
    with op.batch_alter_table("code_sent", schema=None) as batch_op:
        batch_op.create_index("ix_code_sent_customer", ["customer", "at"], unique=False)
    op.create_table(
        "code_token",
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("added_at", UtcTime(), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("customer", name=op.f("pk_code_token")),
    )


def downgrade() -> None:
    """Drop what was made."""
    for name in ("code_token", "code_sent", "usage", "setting", "ceiling", "payee"):
        op.drop_table(name)
