"""The writer's statements, compiled once and then given to the driver directly.

SQLAlchemy writes the text for the database at hand and knows how each value is bound and read;
going through its execution for every statement of every request would cost more than the database.
Parameters are positional or named as the driver has them, so this serves every dialect.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

MOST = 200
"""Statements remembered; more would mean that somebody builds them anew each time."""
_INFO = "telebank.statements"

Processor = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Bind:
    name: str
    default: Any
    process: Processor


@dataclass(frozen=True, slots=True)
class _Prepared:
    text: str
    binds: tuple[_Bind, ...]
    positional: bool
    row: Callable[[Iterable[Any]], Any]
    """Makes a row with names of a sequence."""
    reads: tuple[tuple[int, Callable[[Any], Any]], ...]
    """Columns whose values are not as the driver gives them."""

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """What the driver wants."""
        bound = [
            bind.process(values.get(bind.name, bind.default))
            if bind.process is not None
            else values.get(bind.name, bind.default)
            for bind in self.binds
        ]
        if self.positional:
            return bound
        return {bind.name: value for bind, value in zip(self.binds, bound, strict=True)}

    def read(self, raw: Sequence[Any]) -> Any:
        """One row."""
        if not self.reads:
            return self.row(raw)
        values = list(raw)
        for index, process in self.reads:
            values[index] = process(values[index])
        return self.row(values)


@dataclass(frozen=True, slots=True)
class Result:
    """All rows of a statement, with their columns as attributes, and how many it touched."""

    rows: Sequence[Any]
    rowcount: int

    def first(self) -> Any:
        """The first row, or None."""
        return self.rows[0] if self.rows else None

    def all(self) -> Sequence[Any]:
        """Every row."""
        return self.rows

    def mappings(self) -> list[dict[str, Any]]:
        """Every row by column name."""
        return [row._asdict() for row in self.rows]

    def scalar_one(self) -> Any:
        """The one value of the one row."""
        ((value,),) = self.rows
        return value


class Statements:
    """Statements of one connection to the database."""

    def __init__(self, connection: Connection) -> None:
        self._driver: Any = connection.connection.driver_connection
        self._dialect = connection.dialect
        self._error: type[Exception] = connection.dialect.loaded_dbapi.Error
        self._known: dict[tuple[Executable, tuple[str, ...]], _Prepared] = {}

    @classmethod
    def of(cls, connection: Connection) -> "Statements":
        """Those of a connection; they live as long as it does."""
        found = connection.info.get(_INFO)
        if found is None:
            found = connection.info[_INFO] = cls(connection)
        assert isinstance(found, Statements)
        return found

    def run(self, statement: Executable, values: Mapping[str, Any]) -> Result:
        """Execute once. Raises the same `DBAPIError` as SQLAlchemy would, without parameters."""
        prepared = self._prepared(statement, values)
        cursor = self._driver.cursor()
        try:
            cursor.execute(prepared.text, prepared.parameters(values))
            rows = [prepared.read(raw) for raw in cursor.fetchall()] if cursor.description else []
            return Result(rows, cursor.rowcount)
        except self._error as error:
            raise self._told(prepared, error) from error
        finally:
            cursor.close()

    def run_many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute for each of some rows that have the same columns."""
        prepared = self._prepared(statement, rows[0])
        cursor = self._driver.cursor()
        try:
            cursor.executemany(prepared.text, [prepared.parameters(row) for row in rows])
        except self._error as error:
            raise self._told(prepared, error) from error
        finally:
            cursor.close()

    def _told(self, prepared: _Prepared, error: Exception) -> Exception:
        told: Exception = DBAPIError.instance(
            prepared.text, None, error, self._error, hide_parameters=True, dialect=self._dialect
        )
        return told

    def _prepared(self, statement: Executable, values: Mapping[str, Any]) -> _Prepared:
        key = (statement, tuple(values))
        prepared = self._known.get(key)
        if prepared is None:
            if len(self._known) >= MOST:
                self._known.clear()
            prepared = self._known[key] = _prepare(statement, list(values), self._dialect)
        return prepared


def _prepare(statement: Any, names: list[str], dialect: Dialect) -> _Prepared:
    compiled: SQLCompiler = statement.compile(dialect=dialect, column_keys=names)
    order = compiled.positiontup if compiled.positional else list(compiled.binds)
    binds = []
    for name in order or ():
        bind = compiled.binds[name]
        process = bind.type.dialect_impl(dialect).bind_processor(dialect)
        binds.append(_Bind(name, bind.effective_value, process))
    columns = list(getattr(statement, "exported_columns", ()))
    reads = tuple(
        (index, process)
        for index, column in enumerate(columns)
        if (process := column.type.dialect_impl(dialect).result_processor(dialect, None))
    )
    row: Callable[[Iterable[Any]], Any] = tuple
    if columns:
        make: Any = namedtuple  # its names are not known to a type checker
        row = make("Row", [column.key for column in columns])._make
    return _Prepared(str(compiled), tuple(binds), compiled.positional, row, reads)
