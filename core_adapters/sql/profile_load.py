"""Reads an SQL profile; every complaint has file, line and what to do."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core_adapters.profiles.errors import ProfileError
from core_adapters.profiles.yamlread import Section, read_yaml
from core_adapters.sql.profile import (
    CODE_CLASSES,
    DIALECTS,
    ERROR_CLASSES,
    Call,
    CodeMeaning,
    Column,
    Dialect,
    ErrorMeaning,
    Profile,
    ReversalMap,
    ServiceMap,
)
from core_adapters.sql.statements import Statement, parse_statement
from transactions.money import CURRENCIES

SCHEMA = 1
MAX_TIMEOUT_S = 120.0
MAX_SERVICES = 500
MAX_STATEMENTS = 8
MAX_CODE = 32
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_ERROR = re.compile(r"[0-9A-Z]{2}|[0-9A-Z]{5}(/-?[0-9]+)?")


def load_profile(path: Path) -> Profile:
    """Read a profile; raises `ProfileError`."""
    top = read_yaml(path)
    if top.take("schema", int) != SCHEMA:
        raise top.error(f"must begin with `schema: {SCHEMA}`", "schema")
    if top.take("kind", str) != "sql":
        raise top.error("`kind` is sql; an ISO 8583 profile is read by its own adapter", "kind")
    columns = top.section("columns")
    dialects = _dialects(top.section("dialects"))
    profile = Profile(
        name=top.take("profile", str),
        version=top.take("version", int),
        test=top.take("test", bool, False),
        currency=top.choice("currency", tuple(CURRENCIES)),
        result_column=_name(columns, "result"),
        reference_column=_name(columns, "reference"),
        date_column=_name(columns, "business_date"),
        dialects=dialects,
        services=_services(top.section("services"), dialects),
        codes=_codes(top.section("codes")),
        status=_call(top.section("status"), dialects) if top.has("status") else None,
        reversal=_reversal(top.section("reversal"), dialects) if top.has("reversal") else None,
        totals=_call(top.section("totals"), dialects) if top.has("totals") else None,
        host_file=top.raw("host_file"),
    )
    columns.done()
    top.done()
    return profile


def _dialects(section: Section) -> Mapping[str, Dialect]:
    found: dict[str, Dialect] = {}
    for name in section:
        row = section.section(name)
        if name not in DIALECTS:
            raise section.error(f"dialects are {', '.join(DIALECTS)}", name)
        found[str(name)] = Dialect(
            name=str(name),
            begin=_statements(row, "begin") if row.has("begin") else (),
            commit=row.take("commit", str, ""),
            ping=_statement(row, "ping", row.take("ping", str)),
            errors=_errors(row.section("errors")),
        )
        row.done()
    if not found:
        raise section.error("needs at least one dialect")
    return MappingProxyType(found)


def _errors(section: Section) -> Mapping[str, ErrorMeaning]:
    found: dict[str, ErrorMeaning] = {}
    for key in section:
        row = section.section(key)
        if not isinstance(key, str) or not _ERROR.fullmatch(key):
            raise section.error(
                'a quoted SQLSTATE ("57014"), its class ("08"), or with a native code ("HY000/5")',
                key,
            )
        kind = row.choice("class", ERROR_CLASSES)
        found[key] = ErrorMeaning(kind, row.take("reason", str, kind))
        row.done()
    return MappingProxyType(found)


def _statement(section: Section, key: Any, text: Any) -> Statement:
    if not isinstance(text, str):
        raise section.error("a statement is text", key)
    try:
        return parse_statement(text)
    except ProfileError as error:
        raise section.error(str(error), key) from None


def _statements(section: Section, key: str) -> tuple[Statement, ...]:
    texts = section.take(key, list)
    if not 0 < len(texts) <= MAX_STATEMENTS:
        raise section.error(f"1 to {MAX_STATEMENTS} statements", key)
    return tuple(_statement(section, key, text) for text in texts)


def _call(row: Section, dialects: Mapping[str, Dialect], *, done: bool = True) -> Call:
    sql, seconds = row.section("sql"), row.take("timeout_s", object)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise row.error("seconds", "timeout_s")
    if not 0 < seconds <= MAX_TIMEOUT_S:
        raise row.error(f"seconds above 0, up to {MAX_TIMEOUT_S:g}", "timeout_s")
    for name in sql:
        if name not in dialects:
            raise sql.error(f"{name!r} is not among `dialects`", name)
    call = Call(
        float(seconds), MappingProxyType({str(n): _statements(sql, n) for n in sql}), row.line
    )
    if done:
        row.done()
    return call


def _services(section: Section, dialects: Mapping[str, Dialect]) -> Mapping[str, ServiceMap]:
    names = list(section)
    if not 0 < len(names) <= MAX_SERVICES:
        raise section.error(f"1 to {MAX_SERVICES} services")
    return MappingProxyType(
        {str(name): _service(str(name), section.section(name), dialects) for name in names}
    )


def _service(name: str, row: Section, dialects: Mapping[str, Dialect]) -> ServiceMap:
    reply = row.section("reply")
    service = ServiceMap(
        name=name,
        version=row.take("version", int),
        call=_call(row, dialects, done=False),
        reply=MappingProxyType({str(key): _column(reply, key) for key in reply}),
        codes=_codes(row.section("codes")) if row.has("codes") else {},
        line=row.line,
    )
    row.done()
    return service


def _column(section: Section, key: Any) -> Column:
    """`ref: reference`, or `fee: {column: fee, currency: currency}`."""
    if isinstance(section.take(key, object), str):
        return Column(_name(section, key))
    inner = section.section(key)
    if inner.has("rows"):
        raise inner.error("lists are read from ISO 8583 hosts only; take the service out", "rows")
    column = Column(_name(inner, "column"), _name(inner, "currency"))
    inner.done()
    return column


def _name(section: Section, key: Any) -> str:
    text: str = section.take(key, str)
    if not _NAME.fullmatch(text):
        raise section.error("a column is small letters, digits and _", key)
    return text


def _codes(section: Section) -> Mapping[str, CodeMeaning]:
    found: dict[str, CodeMeaning] = {}
    for code in section:
        row = section.section(code)
        if not isinstance(code, str) or not 0 < len(code) <= MAX_CODE:
            raise section.error(f"a code is quoted text of 1 to {MAX_CODE} characters", code)
        kind = row.choice("class", CODE_CLASSES)
        found[code] = CodeMeaning(code, kind, row.take("reason", str, kind))
        row.done()
    return MappingProxyType(found)


def _reversal(section: Section, dialects: Mapping[str, Dialect]) -> ReversalMap:
    done = frozenset(str(code) for code in section.take("done", list))
    never = frozenset(str(code) for code in section.take("never_had", list))
    if not done or done & never:
        raise section.error("needs codes, and none of them twice", "done")
    return ReversalMap(_call(section, dialects), done, never)
