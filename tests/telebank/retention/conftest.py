"""The same tests on an SQLite file and on a real PostgreSQL."""

from support.store_places import place, remote, server

__all__ = ["place", "remote", "server"]
