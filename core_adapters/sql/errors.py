"""What keeps the SQL adapter from being loaded at all."""


class OdbcMissing(Exception):  # noqa: N818 - reads as what it is
    """The system has no ODBC driver manager: which package to install."""
