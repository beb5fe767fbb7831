"""Until when a card reported lost is refused, and who confirmed or lifted the report."""

import sqlalchemy as sa
from alembic import op

from telebank.store.types import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns of a report's end. Reports from before are for good, as they were."""
    _hot_cards()
    _terminals()
    _telephone_pins()


def _hot_cards() -> None:
    with op.batch_alter_table("hot_card", schema=None) as batch_op:
        batch_op.add_column(sa.Column("until", sa.Date(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "state",
                sa.String(length=10),
                server_default=sa.text("'reported'"),
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("decided_by", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("decided_at", UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("note", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("decision", sa.String(length=64), nullable=True))


def _terminals() -> None:
    """Field 41 stays with a node's lease, for whoever settles its rows."""
    with op.batch_alter_table("lease", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "terminal", sa.String(length=16), server_default=sa.text("''"), nullable=False
            )
        )


def _telephone_pins() -> None:
    """What a node knows itself of PINs and balances."""
    op.create_table(
        "telephone_pin",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=True),
        sa.Column("verifier", sa.LargeBinary(length=32), nullable=True),
        sa.Column("key_check", sa.String(length=6), nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_telephone_pin")),
    )
    op.create_table(
        "known_balance",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_known_balance")),
    )


def downgrade() -> None:
    """Drop what was made. What was lifted must not come back as a report that stands."""
    op.drop_table("known_balance")
    op.drop_table("telephone_pin")
    with op.batch_alter_table("lease", schema=None) as batch_op:
        batch_op.drop_column("terminal")
    op.execute("DELETE FROM hot_card WHERE state = 'lifted'")
    with op.batch_alter_table("hot_card", schema=None) as batch_op:
        for name in ("decision", "note", "decided_at", "decided_by", "state", "until"):
            batch_op.drop_column(name)
