"""How people are to receive a customer: importance, own teller, numbers that he calls from."""

import sqlalchemy as sa
from alembic import op

from telebank.store.types import UtcTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "customer_record",
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("importance", sa.Integer()),
        sa.Column("teller", sa.String(length=64)),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "importance BETWEEN 0 AND 9", name=op.f("ck_customer_record_importance_is_a_digit")
        ),
        sa.ForeignKeyConstraint(
            ["teller"], ["staff.id"], name=op.f("fk_customer_record_teller_staff")
        ),
        sa.PrimaryKeyConstraint("customer", name=op.f("pk_customer_record")),
    )
    op.create_index("ix_customer_record_changed", "customer_record", ["changed_at"])
    op.create_table(
        "customer_number",
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("masked", sa.String(length=32), nullable=False),
        sa.Column("added_at", UtcTime(), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer"],
            ["customer_record.customer"],
            name=op.f("fk_customer_number_customer_customer_record"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_customer_number")),
    )
    op.create_index("ix_customer_number_customer", "customer_number", ["customer"])


def downgrade() -> None:
    """Drop them: only the queues' tables of cards say who is important then."""
    op.drop_table("customer_number")
    op.drop_table("customer_record")
