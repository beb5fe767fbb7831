"""Which statement is which call of an SQL profile, and its parameters and columns as a person may
see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core_adapters.iso8583.codec import FieldView
from core_adapters.sql.profile import Call, Dialect, Profile
from core_adapters.sql.statements import Source, Statement
from transactions.card import mask
from transactions.contract import Contracts

CARD_DIGITS = 13
"""Digits from which on a value is masked as a card number is; a reference has twelve."""
NEVER = "(never shown)"
MADE_SQLSTATE = "ZZ999"
"""An SQLSTATE that no profile lists."""
MADE_CODE = "~~"
"""A result code that no profile lists."""


@dataclass(frozen=True, slots=True)
class KnownCall:
    """One database transaction of the profile. `role` is request, query or reversal."""

    role: str
    service: str
    statements: tuple[Statement, ...]
    repeats: bool
    """Whether its recovery is to be asked again."""

    def request_id(self, text: str, parameters: Sequence[object]) -> str:
        """The request's id among a statement's parameters; empty where it has none."""
        for statement in self.statements:
            if statement.text == text:
                for source, value in zip(statement.sources, parameters, strict=True):
                    if source.known and source.name == "request_id":
                        return str(value)
        return ""


class Calls:
    """Knows each call by the text of its first statement, which no two calls may share."""

    def __init__(self, profile: Profile, dialect: str, contracts: Contracts) -> None:
        self.profile = profile
        self.dialect: Dialect = profile.dialects[dialect]
        self._first: dict[str, KnownCall] = {}
        for name, service in profile.services.items():
            repeats = name in contracts and contracts[name].recovery == "repeat"
            self._add("request", name, service.call, repeats=repeats)
        if profile.status is not None:
            self._add("query", "", profile.status)
        if profile.reversal is not None:
            self._add("reversal", "", profile.reversal.call)

    def _add(self, role: str, service: str, call: Call, *, repeats: bool = False) -> None:
        statements = call.sql.get(self.dialect.name)
        if statements:
            known = KnownCall(role, service, statements, repeats)
            self._first.setdefault(statements[0].text, known)

    def first(self, text: str) -> KnownCall | None:
        """The call that begins with this statement."""
        return self._first.get(text)

    def code(self, kind: str) -> str:
        """A code of a class, or one that the profile does not have; raises `LookupError`."""
        if kind == "unlisted":
            return MADE_CODE
        for code, meaning in self.profile.codes.items():
            if meaning.kind == kind:
                return code
        raise LookupError(f"profile {self.profile.name} has no code of class {kind}")

    def error(self, kind: str) -> tuple[str, str]:
        """SQLSTATE and native code of a class of errors; raises `LookupError`."""
        if kind == "unlisted":
            return MADE_SQLSTATE, ""
        for key, meaning in self.dialect.errors.items():
            if meaning.kind == kind:
                state, _, native = key.partition("/")
                return state.ljust(5, "0"), native
        raise LookupError(f"dialect {self.dialect.name} has no error of class {kind}")


def sent_views(call: KnownCall, text: str, parameters: Sequence[object]) -> list[FieldView]:
    """The statement and its parameters by name, masked."""
    views = [FieldView("sql", "statement", " ".join(text.split()))]
    for statement in call.statements:
        if statement.text == text:
            pairs = zip(statement.sources, parameters, strict=True)
            views += [
                FieldView(str(number), _name(source), _shown(source, value))
                for number, (source, value) in enumerate(pairs, 1)
            ]
            break
    return views


def row_views(rows: Sequence[Mapping[str, object]]) -> list[FieldView]:
    """The columns of the first row, masked."""
    if not rows:
        return [FieldView("rows", "rows", "none")]
    views = [FieldView("col", name, _plain(value)) for name, value in rows[0].items()]
    return views if len(rows) == 1 else [*views, FieldView("rows", "rows", str(len(rows)))]


def _name(source: Source) -> str:
    return f"@{source.name}" if source.known else source.name + ".currency" * source.currency


def _shown(source: Source, value: object) -> str:
    if source.secret:
        return NEVER
    if source.name == "identity":
        return "****"
    return _plain(value)


def _plain(value: object) -> str:
    text = "" if value is None else str(value)
    digits = text.isascii() and text.isdigit() and len(text) >= CARD_DIGITS
    return mask(text) if digits else text
