"""An SQL host as data: what each service runs, what its row means, what errors mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core_adapters.sql.statements import Statement

CodeClass = Literal["success", "decline", "alarm", "cutover", "unknown"]
CODE_CLASSES: tuple[CodeClass, ...] = ("success", "decline", "alarm", "cutover", "unknown")
ErrorClass = Literal["rolled_back", "unknown", "lost"]
ERROR_CLASSES: tuple[ErrorClass, ...] = ("rolled_back", "unknown", "lost")

DIALECTS = ("postgresql", "sqlite", "mysql", "oracle", "sqlserver", "db2")


@dataclass(frozen=True, slots=True)
class CodeMeaning:
    """What a result code says: its class, and the word that goes to the menu."""

    code: str
    kind: CodeClass
    reason: str


@dataclass(frozen=True, slots=True)
class ErrorMeaning:
    """What an SQLSTATE says. `rolled_back`: nothing was done, once our rollback is confirmed too;
    `lost`: the connection is of no more use, the outcome unknown; `unknown`: ask."""

    kind: ErrorClass
    reason: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the reply, and of the currency where it is money and has one of its own."""

    name: str
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One database product."""

    name: str
    begin: tuple[Statement, ...]
    """Run first in each transaction, such as the statement time-out; may use {@timeout_ms}."""
    commit: str
    """Statement that commits, where it can be one; empty: the driver's commit, then a ping."""
    ping: Statement
    errors: Mapping[str, ErrorMeaning]
    """By SQLSTATE (`57014`), its class (`08`), or SQLSTATE and native code (`HY000/5`)."""

    def meaning(self, sqlstate: str, native: str) -> ErrorMeaning | None:
        """The most particular entry, or None where the profile has none."""
        for key in (f"{sqlstate}/{native}", sqlstate, sqlstate[:2]):
            if key in self.errors:
                return self.errors[key]
        return None


@dataclass(frozen=True, slots=True)
class Call:
    """Statements of one database transaction; the last row that one of them gives is the reply."""

    timeout_s: float
    sql: Mapping[str, tuple[Statement, ...]]
    line: int = 0


@dataclass(frozen=True, slots=True)
class ServiceMap:
    """One service of the host."""

    name: str
    version: int
    call: Call
    reply: Mapping[str, Column]
    codes: Mapping[str, CodeMeaning]
    """Codes whose meaning differs from the profile's table."""
    line: int = 0


@dataclass(frozen=True, slots=True)
class ReversalMap:
    """How an original is undone, and what the answers say."""

    call: Call
    done: frozenset[str]
    never_had: frozenset[str]
    """The database never had it and has barred it for ever."""


@dataclass(frozen=True, slots=True)
class Profile:
    """See config/hosts/sql-demo.yaml for each key's meaning."""

    name: str
    version: int
    test: bool
    currency: str
    result_column: str
    reference_column: str
    date_column: str
    dialects: Mapping[str, Dialect]
    services: Mapping[str, ServiceMap]
    codes: Mapping[str, CodeMeaning]
    status: Call | None
    reversal: ReversalMap | None
    totals: Call | None
    host_file: Mapping[str, Any] | None = None
    """Section `host_file` as read: the columns of the host's daily file; core_adapters.hostfile."""

    def meaning(self, code: str, service: ServiceMap) -> CodeMeaning | None:
        """What a code says for a service; None where it is not listed."""
        return service.codes.get(code) or self.codes.get(code)
