"""Options of one SQL host."""

import re
from dataclasses import dataclass, field
from pathlib import Path

MAX_WORKERS = 64
PASSWORD = "{password}"  # noqa: S105 - the place of one, not a password

_NAME = re.compile(r"[\w-]{0,64}")
ALWAYS = {
    # psqlODBC else writes the values into the statement's text, and the server that into its log
    # when the statement fails: a PIN in clear. Its own traces have every value.
    "postgresql": "UseServerSidePrepare=1;UseDeclareFetch=0;Debug=0;CommLog=0",
}
"""By dialect, what ends every connection string. Of two settings the driver takes the last, and
either before a data source's."""


@dataclass(frozen=True, slots=True)
class SqlOptions:
    """Where the database is, how many connections we hold, and how patient we are."""

    dialect: str = "postgresql"
    """Which of the profile's dialects to speak."""
    connection: str = field(default="", repr=False)
    """ODBC connection string; `{password}` stands for the content of `password_file`."""
    dsn: str = ""
    """A data source of odbc.ini, in place of `connection`."""
    user: str = ""
    """Login for `dsn`; empty where odbc.ini has it."""
    password_file: str = ""
    """File, mode 0600, of the database password; empty where none is needed."""
    terminal: str = "TB010001"
    """Our name to the bank (field 41 of the message row), up to eight characters."""
    acquirer: str = "62270001"
    """Our institution (field 32 of the message row), up to eleven digits."""
    workers: int = 8
    """Connections, one for each worker thread, 1 to 64."""
    waiting_max: int = 64
    """Calls that may wait for a worker; one more is told at once that nothing was done."""
    wait_s: float = 2.0
    """Longest seconds that a call waits for a worker."""
    login_s: int = 5
    """Seconds to wait for a connection, where the driver can tell."""
    grace_s: float = 2.0
    """Seconds beyond a statement's time-out before its worker is given up as hung."""
    hung_max: int = 8
    """Workers given up and not yet back; with so many, the database counts as away."""
    ping_after_s: float = 1.0
    """Seconds of rest after which a connection is tried before a call is trusted to it."""
    look_s: float = 5.0
    """Seconds between two looks at resting connections."""
    backoff_min_s: float = 0.5
    """Seconds before the first new try to connect; doubles."""
    backoff_max_s: float = 30.0
    """Longest seconds between two tries to connect."""
    close_s: float = 5.0
    """Seconds that a stop waits for statements to end."""

    def __post_init__(self) -> None:
        if not 1 <= self.workers <= MAX_WORKERS:
            raise ValueError(f"workers is 1 to {MAX_WORKERS}")
        if not self.terminal.isascii() or len(self.terminal) > 8:  # noqa: PLR2004 - field 41
            raise ValueError("terminal has up to eight ASCII characters")
        if not self.acquirer.isdigit() or len(self.acquirer) > 11:  # noqa: PLR2004 - field 32
            raise ValueError("acquirer has one to eleven digits")
        if min(self.wait_s, self.grace_s, self.backoff_min_s, self.look_s, self.close_s) <= 0:
            raise ValueError("wait_s, grace_s, backoff_min_s, look_s and close_s are above zero")
        if self.waiting_max < 0 or self.hung_max < 1 or self.login_s < 1:
            raise ValueError("waiting_max is 0 or more; hung_max and login_s are 1 or more")
        if self.dsn and self.connection:
            raise ValueError("give `connection` or `dsn`, not both")
        if not (_NAME.fullmatch(self.dsn) and _NAME.fullmatch(self.user)):
            raise ValueError("`dsn` and `user` are letters, digits, - and _")

    def connection_string(self) -> str:
        """With the password in its place, and `ALWAYS` at its end; raises `ValueError` or
        `OSError` saying what to do."""
        text = self.connection or self._of_dsn()
        if always := ALWAYS.get(self.dialect):
            text = f"{text.rstrip().rstrip(';')};{always}"
        if PASSWORD not in text:
            return text
        if not self.password_file:
            raise ValueError("`connection` has {password}: name a `password_file`")
        return text.replace(PASSWORD, _braced(_secret(Path(self.password_file))))

    def _of_dsn(self) -> str:
        parts = [f"DSN={self.dsn}"]
        parts += [f"UID={self.user}"] if self.user else []
        parts += [f"PWD={PASSWORD}"] if self.password_file else []
        return ";".join(parts)


def _secret(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise ValueError(f"{path} can be read by others; chmod 600 it")
    return path.read_text(encoding="utf-8").strip()


def _braced(text: str) -> str:
    """Braces keep a semicolon inside a value; a closing brace is doubled (ODBC)."""
    return f"{{{text.replace('}', '}}')}}}"
