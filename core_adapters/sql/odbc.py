"""pyodbc, loaded here and nowhere else: its wheel needs the system's libodbc.so.2, which a bank
whose hosts speak ISO 8583 does without. So whoever serves both kinds of host imports what leads
here only where one is a database; that import raises `OdbcMissing` where the library is not there.
"""

from core_adapters.sql.errors import OdbcMissing

try:
    import pyodbc
except ImportError as error:
    raise OdbcMissing(
        f"a host that is an SQL database needs the ODBC driver manager: {error}; install it: "
        "`apt-get install libodbc2` (Debian, Ubuntu), `dnf install unixODBC` (Fedora), "
        "`brew install unixodbc` (macOS); see docs/sql.md"
    ) from error

__all__ = ["pyodbc"]
