"""Notices that new callers hear, recorded by telephone."""

import sqlalchemy as sa
from alembic import op

from telebank.store.types import UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "notice",
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("language", name=op.f("pk_notice")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("notice")
