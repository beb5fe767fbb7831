"""A request to the statements and parameters of one database transaction, and to its row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from core_adapters.sql.options import SqlOptions
from core_adapters.sql.profile import Call, Dialect
from core_adapters.sql.session import Bound, Job
from core_adapters.sql.statements import Source, Statement, fill
from core_adapters.sql.values import BuildError, Row, parameter
from transactions.card import CardVault
from transactions.hot_list import EXPIRY
from transactions.money import Money
from transactions.outcome import Values
from transactions.request import HostMessage, MessageRole, Request
from transactions.secret import Secret

MTI = "SQL"
CODE_CHARS = 3
"""Room for a result code in the message row (field 39)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the parameters of a call are taken from."""

    request: Request
    row: HostMessage
    reason: str = ""
    inputs: Values = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds jobs for one dialect."""

    dialect: Dialect
    options: SqlOptions
    vault: CardVault | None
    optional: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By service: inputs and terms that a request may lack; they are NULL then."""

    def job(self, call: Call, terms: Terms, keep: Callable[[Sequence[Row]], bool]) -> Job:
        """The transaction of a call; raises `BuildError` or `CardNumberError`."""

        def value_of(source: Source) -> object:
            return self._value(source, terms, call)

        _one_currency(call.sql[self.dialect.name], terms.inputs)
        begin = _bound(self.dialect.begin, value_of)
        steps = _bound(call.sql[self.dialect.name], value_of)
        return Job(steps, begin, keep, self.dialect.commit)

    def ping(self) -> Job:
        """The small question that a connection is tried with."""
        return Job([(self.dialect.ping.text, ())], commit=self.dialect.commit)

    def _value(self, source: Source, terms: Terms, call: Call) -> object:
        if source.known:
            return self._known(source.name, terms, call)
        value = terms.inputs.get(source.name)
        if value is None and source.name in self.optional.get(terms.request.service, ()):
            return None
        if value is None:
            raise BuildError(f"{source.name}: missing")
        if source.secret:
            if not isinstance(value, Secret):
                raise BuildError(f"{source.name}: is no secret")
            return value.reveal()
        if source.currency:
            return value.currency.code if isinstance(value, Money) else None
        return parameter(source.name, value, self.vault)

    def _known(self, word: str, terms: Terms, call: Call) -> object:
        request, row = terms.request, terms.row
        known: dict[str, object] = {
            "request_id": request.id,
            "reference": row.field37,
            "stan": row.stan,
            "terminal": row.field41,
            "acquirer": row.field32,
            "channel": request.channel,
            "call": request.call or "",
            "actor": request.actor,
            "language": request.language,
            "business_date": request.business_date,
            "reason": terms.reason,
            "attempt": row.attempt,
            "expiry": _expiry(request),
            "timeout_ms": str(round(call.timeout_s * 1000)),
        }
        return known[word]

    def first_row(self, request: Request, stan: str, money: Money | None = None) -> HostMessage:
        """The message row of a request's first sending; `money` is what the request is about."""
        now = datetime.now(UTC)
        return HostMessage(
            request_id=request.id,
            role="request",
            attempt=0,
            mti=MTI,
            stan=stan,
            field7=now.strftime("%m%d%H%M%S"),
            field32=self.options.acquirer,
            field41=self.options.terminal,
            field37=request.reference,
            link="",
            sent_at=now,
            amount=f"{money.minor:012d}" if money is not None else "",
        )


def _expiry(request: Request) -> date | None:
    """The last day of a report of loss; NULL where it holds for good."""
    until = request.inputs.get(EXPIRY)
    return until if isinstance(until, date) else None


def _one_currency(statements: Sequence[Statement], inputs: Values) -> None:
    """A fee goes as a bare number and is taken in the amount's currency, whatever the caller heard.
    So what goes without a currency of its own has that of the rest, and nothing is negative."""
    named = {source.name for one in statements for source in one.sources if not source.known}
    telling = {source.name for one in statements for source in one.sources if source.currency}
    money = {name: inputs[name] for name in sorted(named) if isinstance(inputs.get(name), Money)}
    units = {value.currency for value in money.values() if isinstance(value, Money)}
    for name, value in money.items():
        if isinstance(value, Money) and value.minor < 0:
            raise BuildError(f"{name}: an amount to send is never negative")
        if name not in telling and len(units) > 1:
            raise BuildError(f"{name}: in another currency than the rest; send {{{name}.currency}}")


def _bound(statements: Sequence[Statement], value_of: Callable[[Source], object]) -> list[Bound]:
    return [(one.text, fill(one, value_of)) for one in statements]


def next_row(sent: HostMessage, role: MessageRole, attempt: int) -> HostMessage:
    """The row of a repeat or reversal: the original's keys, its own time."""
    now = datetime.now(UTC)
    return replace(sent, role=role, attempt=attempt, sent_at=now, reply39=None, reply_at=None)


def answered_row(row: HostMessage, code: str | None, settled_on: date | None) -> HostMessage:
    """With the result code, as far as the row has room for it, and the host's business date."""
    told = (code or "")[:CODE_CHARS] or None
    return replace(row, reply39=told, reply_at=datetime.now(UTC), settled_on=settled_on)
