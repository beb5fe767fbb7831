"""Whether a try to mail a paper or a fax may have been taken by the server has a column of its own:
`mail` says how far the mail of a fax that came is, and nothing of papers that are mailed. What the
request of a fax asked for is kept as a digest, and lists of faxes have an index."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MAIL = "way = 'mail'"
ID = 64


def upgrade() -> None:
    """Add the columns, an index by which a customer's papers are counted at all nodes, and one for
    lists."""
    op.add_column("fax_job", sa.Column("content", sa.String(ID), server_default="", nullable=False))
    op.add_column(
        "fax_job",
        sa.Column("mail_unknown", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    job = _job()
    op.execute(job.update().where(job.c.mail == "unknown").values(mail_unknown=True))
    op.execute(job.update().where(job.c.way == "mail").values(mail=""))
    op.create_index(
        "ix_fax_job_customer",
        "fax_job",
        ["customer", "made_at"],
        unique=False,
        sqlite_where=sa.text(MAIL),
        postgresql_where=sa.text(MAIL),
    )
    op.create_index("ix_fax_job_list", "fax_job", ["direction", "made_at", "id"], unique=False)


def downgrade() -> None:
    """What is not known of a paper goes back where it was."""
    op.drop_index("ix_fax_job_list", "fax_job")
    op.drop_index("ix_fax_job_customer", "fax_job")
    job = _job()
    lost = sa.and_(job.c.way == "mail", job.c.mail_unknown)
    op.execute(job.update().where(lost).values(mail="unknown"))
    op.drop_column("fax_job", "mail_unknown")
    op.drop_column("fax_job", "content")


def _job() -> sa.TableClause:
    names = (sa.column("way", sa.String), sa.column("mail", sa.String))
    return sa.table("fax_job", *names, sa.column("mail_unknown", sa.Boolean))
