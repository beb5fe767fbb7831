"""Staff, approvals of two people, releases; the host's business date of each reply, with the
indexes that reconciliation reads by; what tells keys apart, and STANs apart without terminals."""

import sqlalchemy as sa
from alembic import op

from telebank.store.types import CanonicalJson, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and the column of field 15."""
    with op.batch_alter_table("host_message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("settled_on", sa.Date(), nullable=True))
    _indexes()
    _nodes()
    _staff()
    _approval()
    _releases()


def _indexes() -> None:
    with op.batch_alter_table("host_message", schema=None) as batch_op:
        batch_op.create_index(
            "ix_host_message_settled",
            ["settled_on"],
            unique=False,
            sqlite_where=sa.text("settled_on IS NOT NULL"),
            postgresql_where=sa.text("settled_on IS NOT NULL"),
        )
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.create_index(
            "ix_request_money",
            ["business_date"],
            unique=False,
            sqlite_where=sa.text("effect = 'money'"),
            postgresql_where=sa.text("effect = 'money'"),
        )


def _keys_index(*columns: str) -> None:
    with op.batch_alter_table("host_message", schema=None) as batch_op:
        batch_op.drop_index("uq_host_message_keys")
        batch_op.create_index(
            "uq_host_message_keys",
            list(columns),
            unique=True,
            sqlite_where=sa.text("role = 'request'"),
            postgresql_where=sa.text("role = 'request'"),
        )


def _nodes() -> None:
    _keys_index("stan", "field7", "field32")
    with op.batch_alter_table("lease", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("nodes", sa.Integer(), server_default=sa.text("1"), nullable=False)
        )
    op.create_table(
        "vault",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_vault")),
    )


def _staff() -> None:
    op.create_table(
        "staff",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=False),
        sa.Column("totp_key_id", sa.String(length=16), nullable=False),
        sa.Column("totp_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("locked_until", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
    )


def _approval() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("object", sa.String(length=64), nullable=False),
        sa.Column("detail", CanonicalJson(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("proposed_by", sa.String(length=64), nullable=False),
        sa.Column("proposed_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> proposed_by", name=op.f("ck_approval_two_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    with op.batch_alter_table("approval", schema=None) as batch_op:
        batch_op.create_index(
            "uq_approval_pending",
            ["act", "object"],
            unique=True,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )


def _releases() -> None:
    op.create_table(
        "release",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_release")),
    )
    op.create_table(
        "release_file",
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=255), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release"], ["release.hash"], name=op.f("fk_release_file_release_release")
        ),
        sa.PrimaryKeyConstraint("release", "path", name=op.f("pk_release_file")),
    )
    op.create_table(
        "publication",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("approval", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["approval"], ["approval.id"], name=op.f("fk_publication_approval_approval")
        ),
        sa.ForeignKeyConstraint(
            ["release"], ["release.hash"], name=op.f("fk_publication_release_release")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_publication")),
    )


def downgrade() -> None:
    """Drop what was made."""
    op.drop_table("publication")
    op.drop_table("release_file")
    op.drop_table("release")
    op.drop_table("approval")
    op.drop_table("staff")
    op.drop_table("vault")
    with op.batch_alter_table("lease", schema=None) as batch_op:
        batch_op.drop_column("nodes")
    _keys_index("stan", "field7", "field32", "field41")
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.drop_index("ix_request_money")
    with op.batch_alter_table("host_message", schema=None) as batch_op:
        batch_op.drop_index("ix_host_message_settled")
        batch_op.drop_column("settled_on")
