"""Legal holds: what retention must not delete."""

import sqlalchemy as sa
from alembic import op

from telebank.store.types import UtcTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("masked", sa.String(length=32), nullable=False),
        sa.Column("note", sa.String(length=255), nullable=False),
        sa.Column("until", sa.Date()),
        sa.Column("placed_by", sa.String(length=64), nullable=False),
        sa.Column("placed_at", UtcTime(), nullable=False),
        sa.Column("released_by", sa.String(length=64)),
        sa.Column("released_at", UtcTime()),
        sa.Column("release_note", sa.String(length=255)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
    )
    op.create_index(
        "ix_legal_hold_value",
        "legal_hold",
        ["value"],
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )


def downgrade() -> None:
    """Drop it: nothing is held any more; who held what stays in the event log."""
    op.drop_table("legal_hold")
