"""Tellers: skills, desk phones of people, contacts, recordings."""

import sqlalchemy as sa
from alembic import op

from telebank.store.types import CanonicalJson, UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _contact()
    _recording()
    op.create_table(
        "staff_skill",
        sa.Column("staff", sa.String(length=64), nullable=False),
        sa.Column("skill", sa.String(length=32), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.CheckConstraint("level BETWEEN 1 AND 9", name=op.f("ck_staff_skill_level_is_a_digit")),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_staff_skill_staff_staff")),
        sa.PrimaryKeyConstraint("staff", "skill", name=op.f("pk_staff_skill")),
    )
    op.create_table(
        "seat_setting",
        sa.Column("staff", sa.String(length=64), nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("began_on", sa.Date()),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_seat_setting_staff_staff")),
        sa.PrimaryKeyConstraint("staff", name=op.f("pk_seat_setting")),
    )


def downgrade() -> None:
    """Drop them: what tellers did stays in the event log alone; recordings lose their rows."""
    for name in ("seat_setting", "staff_skill", "recording", "contact"):
        op.drop_table(name)


def _contact() -> None:
    op.create_table(
        "contact",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=2), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("call", sa.String(length=64), nullable=False),
        sa.Column("seat", sa.String(length=64), nullable=False),
        sa.Column("queue", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("began", UtcTime(), nullable=False),
        sa.Column("answered", UtcTime()),
        sa.Column("ended", UtcTime()),
        sa.Column("hold_s", sa.Integer(), nullable=False),
        sa.Column("wrap_s", sa.Integer(), nullable=False),
        sa.Column("customer", sa.String(length=64)),
        sa.Column("card_masked", sa.String(length=32), nullable=False),
        sa.Column("caller_masked", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("business", sa.String(length=64), nullable=False),
        sa.Column("how_ended", sa.String(length=16), nullable=False),
        sa.Column("note_key_id", sa.String(length=16), nullable=False),
        sa.Column("note_ciphertext", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    op.create_index("ix_contact_seat", "contact", ["seat", "began"])
    op.create_index("ix_contact_call", "contact", ["call"])
    op.create_index("ix_contact_began", "contact", ["began"])
    _partial("ix_contact_customer", "contact", ["customer", "answered"], "customer IS NOT NULL")
    _partial("ix_contact_open", "contact", ["node"], "how_ended = ''")


def _recording() -> None:
    op.create_table(
        "recording",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("node", sa.String(length=2), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("call", sa.String(length=64), nullable=False),
        sa.Column("contact", sa.String(length=64), nullable=False),
        sa.Column("seat", sa.String(length=64), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("began", UtcTime(), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sealed_sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("marks", CanonicalJson(), nullable=False),
        sa.Column("cut", sa.Boolean(), nullable=False),
        sa.Column("why", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_recording")),
    )
    op.create_index("ix_recording_seat", "recording", ["seat", "began"])
    op.create_index("ix_recording_call", "recording", ["call"])
    op.create_index("ix_recording_began", "recording", ["began"])
    _partial("ix_recording_running", "recording", ["node"], "state = 'running'")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name,
        table,
        columns,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )
