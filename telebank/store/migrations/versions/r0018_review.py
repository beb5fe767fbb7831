"""What auditors look for: requests by when they were asked for, requests and faxes of a call."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes."""
    op.create_index(
        "ix_request_created",
        "request",
        ["created_at", "reference"],
        sqlite_where=sa.text("steps > 0"),
        postgresql_where=sa.text("steps > 0"),
    )
    for table in ("request", "fax_job"):
        op.create_index(
            f"ix_{table}_call",
            table,
            ["call"],
            sqlite_where=sa.text("call IS NOT NULL"),
            postgresql_where=sa.text("call IS NOT NULL"),
        )


def downgrade() -> None:
    """Drop them."""
    for table in ("fax_job", "request"):
        op.drop_index(f"ix_{table}_call", table)
    op.drop_index("ix_request_created", "request")
