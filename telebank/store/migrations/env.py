"""Alembic's environment: always online, on the connection that `migrate` hands in."""

from alembic import context

from telebank.store import (  # noqa: F401 - tables in the metadata
    audit_tables,
    customer_tables,
    desk_phone_tables,
    fax_tables,
    matter_tables,
    notice_tables,
    order_tables,
    retention_tables,
    seat_tables,
)
from telebank.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
