"""Signed checkpoints of the audit log, and the keys that signed them."""

import sqlalchemy as sa
from alembic import op

from telebank.store.types import UtcTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; the first checkpoint stands for all entries that are there."""
    op.create_table(
        "checkpoint",
        sa.Column("node", sa.String(length=2), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=8), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("node", "size", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "audit_key",
        sa.Column("node", sa.String(length=2), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("public", sa.String(length=255), nullable=False),
        sa.Column("statement", sa.Text()),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("node", "number", name=op.f("pk_audit_key")),
    )


def downgrade() -> None:
    """Drop them: what was copied off the machine still stands for the entries."""
    op.drop_table("audit_key")
    op.drop_table("checkpoint")
