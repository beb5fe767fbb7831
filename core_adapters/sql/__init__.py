"""Core banking in an SQL database: the bank's procedures through ODBC. See docs/sql.md."""
