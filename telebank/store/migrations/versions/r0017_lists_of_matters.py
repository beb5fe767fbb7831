"""Lists of matters: found by who has them and who opened them, however many are closed."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes."""
    op.create_index("ix_matter_holder", "matter", ["holder", "state", "changed_at"])
    op.create_index("ix_matter_opened_by", "matter", ["opened_by", "state", "changed_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_matter_opened_by", "matter")
    op.drop_index("ix_matter_holder", "matter")
