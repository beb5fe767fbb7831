"""Faxes that go and that came, and the calls placed for them."""

import sqlalchemy as sa
from alembic import op

from telebank.store.types import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

RUNNING = "state IN ('dialling','negotiating','sending')"


def upgrade() -> None:
    """Make the tables."""
    _jobs()
    _indexes()
    _dials()


def _jobs() -> None:
    op.create_table(
        "fax_job",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("home", sa.String(length=2), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("way", sa.String(length=8), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=True),
        sa.Column("customer", sa.String(length=64), nullable=True),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("document", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("number_token", sa.String(length=64), nullable=False),
        sa.Column("number_masked", sa.String(length=64), nullable=False),
        sa.Column("number_key_id", sa.String(length=16), nullable=False),
        sa.Column("number_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.Column("begun", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("why", sa.String(length=255), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("call", sa.String(length=64), nullable=True),
        sa.Column("node", sa.String(length=2), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("held_until", UtcTime(), nullable=False),
        sa.Column("stop_by", sa.String(length=64), nullable=False),
        sa.Column("folder", sa.String(length=255), nullable=False),
        sa.Column("mail", sa.String(length=8), nullable=False),
        sa.Column("mail_attempt", sa.Integer(), nullable=False),
        sa.Column("mail_due", UtcTime(), nullable=True),
        sa.Column("bad_rows", sa.Integer(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.CheckConstraint("confirmed <= pages", name=op.f("ck_fax_job_confirmed_of_pages")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fax_job")),
        sa.UniqueConstraint("request", name=op.f("uq_fax_job_request")),
    )


def _indexes() -> None:
    partial = (
        ("ix_fax_job_due", ["home", "due_at"], "state = 'queued'"),
        ("ix_fax_job_running", ["held_until"], RUNNING),
        ("ix_fax_job_mail", ["home", "mail_due"], "mail = 'waiting'"),
        ("ix_fax_job_files", ["home", "changed_at"], "folder <> ''"),
    )
    with op.batch_alter_table("fax_job", schema=None) as batch_op:
        for name, columns, where in partial:
            batch_op.create_index(
                name,
                columns,
                unique=False,
                sqlite_where=sa.text(where),
                postgresql_where=sa.text(where),
            )


def _dials() -> None:
    op.create_table(
        "fax_dial",
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number_token", sa.String(length=64), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["job"], ["fax_job.id"], name=op.f("fk_fax_dial_job_fax_job")),
        sa.PrimaryKeyConstraint("job", "attempt", name=op.f("pk_fax_dial")),
    )
    with op.batch_alter_table("fax_dial", schema=None) as batch_op:
        batch_op.create_index("ix_fax_dial_at", ["at"], unique=False)
        batch_op.create_index("ix_fax_dial_number", ["number_token", "at"], unique=False)


def downgrade() -> None:
    """Drop them."""
    op.drop_table("fax_dial")
    op.drop_table("fax_job")
