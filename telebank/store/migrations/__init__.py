"""Alembic's scripts; run by `telebank.store.migrate`."""
