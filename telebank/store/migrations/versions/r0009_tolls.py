"""What calls cost: the trunk that each went over, and its price."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; calls that were placed before cost nothing."""
    with op.batch_alter_table("fax_dial", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("trunk", sa.String(length=32), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("price", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("fax_dial", schema=None) as batch_op:
        batch_op.drop_column("price")
        batch_op.drop_column("trunk")
