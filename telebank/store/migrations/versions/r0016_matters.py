"""Matters: what is still to be done after a talk, and what was said of it."""

import sqlalchemy as sa
from alembic import op

from telebank.store.types import UtcTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "matter",
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("contact", sa.String(length=64), nullable=False),
        sa.Column("call", sa.String(length=64), nullable=False),
        sa.Column("business", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.String(length=64)),
        sa.Column("card_masked", sa.String(length=32), nullable=False),
        sa.Column("subject_key_id", sa.String(length=16), nullable=False),
        sa.Column("subject_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("due_at", UtcTime()),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("holder", sa.String(length=96), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_matter")),
    )
    op.create_index("ix_matter_state", "matter", ["state", "changed_at"])
    op.create_table(
        "matter_entry",
        sa.Column("matter", sa.String(length=64), nullable=False),
        sa.Column("nth", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("to", sa.String(length=96), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["matter"], ["matter.number"], name=op.f("fk_matter_entry_matter_matter")
        ),
        sa.PrimaryKeyConstraint("matter", "nth", name=op.f("pk_matter_entry")),
    )


def downgrade() -> None:
    """Drop them: what was said of matters is lost; that it was stays in the event log."""
    op.drop_table("matter_entry")
    op.drop_table("matter")
