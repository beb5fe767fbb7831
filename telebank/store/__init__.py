"""The node's own storage: tables, migrations, journal writer, event log."""
