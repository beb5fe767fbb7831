"""Places in queues of those who are to be called back: a node that is started again knows them."""

import sqlalchemy as sa
from alembic import op

from telebank.store.types import CanonicalJson, UtcTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "kept_place",
        sa.Column("call", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=2), nullable=False),
        sa.Column("queue", sa.String(length=64), nullable=False),
        sa.Column("skill", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("called", sa.String(length=64), nullable=False),
        sa.Column("business", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.String(length=64)),
        sa.Column("last_seat", sa.String(length=64), nullable=False),
        sa.Column("own_seat", sa.String(length=64), nullable=False),
        sa.Column("numbers_key_id", sa.String(length=16), nullable=False),
        sa.Column("numbers_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("card", CanonicalJson(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("kept_at", UtcTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("tried_at", UtcTime()),
        sa.PrimaryKeyConstraint("call", name=op.f("pk_kept_place")),
    )
    op.create_index("ix_kept_place_node", "kept_place", ["node", "since"])


def downgrade() -> None:
    """Drop it: nobody who waits for it is called back any more."""
    op.drop_table("kept_place")
