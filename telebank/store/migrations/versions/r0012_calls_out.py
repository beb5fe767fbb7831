"""Calls that tellers place are counted beside those of faxes, by the same limits: a row of
`fax_dial` need not be a fax's any more."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
NAME = "fk_fax_dial_job_fax_job"


def upgrade() -> None:
    """What placed a call is not looked for among the faxes."""
    with op.batch_alter_table("fax_dial", schema=None) as batch_op:
        batch_op.drop_constraint(NAME, type_="foreignkey")


def downgrade() -> None:
    """Tellers' calls are forgotten: they do not count as used any more."""
    op.execute(sa.text("DELETE FROM fax_dial WHERE job NOT IN (SELECT id FROM fax_job)"))
    with op.batch_alter_table("fax_dial", schema=None) as batch_op:
        batch_op.create_foreign_key(NAME, "fax_job", ["job"], ["id"])
