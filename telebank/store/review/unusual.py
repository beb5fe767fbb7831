"""What is unusual in a time, by rules: who, how often, and the stories that it is about."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, text

from telebank.store import tables
from telebank.store.eventlog import LoggedEvent
from telebank.store.review.rules import Rule
from telebank.store.seat_views import day_events

MAX_READ = 50_000
"""Rows or events that one rule reads; where there are more, what it found is not all."""
MAX_SHOWN = 50
"""Findings of one rule; and stories of one finding."""
_R, _S = tables.request.c, tables.request_state.c
_ROW = (
    *(_R.reference, _R.created_at, _R.customer, _R.actor, _R.amount, _R.currency, _R.service),
    _R.channel,
)


@dataclass(slots=True)
class Finding:
    """One of whom a rule has something to say."""

    who: str
    """A customer's token, or a person's name."""
    day: str = ""
    """Of the bank's clock; empty where it does not go by days."""
    times: int = 0
    last: datetime | None = None
    stories: list[str] = field(default_factory=list)
    """References, or audit entries; the newest `MAX_SHOWN`."""

    def add(self, at: datetime, story: str) -> None:
        """One more time; a story that two reasons speak for counts once."""
        if story in self.stories:
            return
        self.times += 1
        self.last = at if self.last is None else max(at, self.last)
        if len(self.stories) < MAX_SHOWN:
            self.stories.append(story)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one rule found."""

    rule: Rule
    findings: Sequence[Finding]
    """Most times first."""
    more: int
    """Findings that are not shown."""
    cut: bool
    """There was more to read than is read."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time, and the bank's clock."""

    since: datetime
    until: datetime
    zone: tzinfo

    def day(self, at: datetime) -> str:
        """Of the bank's clock."""
        return at.astimezone(self.zone).date().isoformat()


def unusual(connection: Connection, rules: Iterable[Rule], span: Span) -> list[Answer]:
    """All rules, in their order."""
    return [_answer(connection, rule, span) for rule in rules]


def _answer(connection: Connection, rule: Rule, span: Span) -> Answer:
    there: dict[tuple[str, str], Finding] = defaultdict(lambda: Finding(""))
    read = 0
    for who, day, at, story in islice(_KINDS[rule.kind](connection, rule, span), MAX_READ):
        read += 1
        if who:
            found = there[who, day]
            found.who, found.day = who, day
            found.add(at, story)
    many = sorted(
        (one for one in there.values() if one.times >= rule.at_least),
        key=lambda one: (one.times, one.last),
        reverse=True,
    )
    return Answer(rule, many[:MAX_SHOWN], len(many[MAX_SHOWN:]), read >= MAX_READ)


_Seen = tuple[str, str, datetime, str]
"""Who, day, when, story; who is empty for what a rule passes over, and is counted as read."""


def _by_hour(connection: Connection, rule: Rule, span: Span) -> Iterator[_Seen]:
    for row in _rows(connection, span.since, span.until, *_money(rule)):
        night = rule.at(row["created_at"].astimezone(span.zone).hour)
        yield (row["customer"] or "") if night else "", "", row["created_at"], row["reference"]


def _after_event(connection: Connection, rule: Rule, span: Span) -> Iterator[_Seen]:
    within = timedelta(hours=rule.within_h)
    for event in _events(connection, rule, span.since - within, span.until):
        customer = str(event.detail.get("customer", ""))
        yield "", "", event.at, ""
        if customer:
            since, until = max(event.at, span.since), min(event.at + within, span.until)
            of = (_R.customer == customer, *_money(rule))
            for row in _rows(connection, since, until, *of):
                yield customer, "", row["created_at"], row["reference"]


def _with_state(connection: Connection, rule: Rule, span: Span) -> Iterator[_Seen]:
    was = select(_S.request).where(_S.request == _R.id, _S.state == rule.state).exists()
    for row in _rows(connection, span.since, span.until, was):
        yield row["customer"] or "", "", row["created_at"], row["reference"]


def _requests(connection: Connection, rule: Rule, span: Span) -> Iterator[_Seen]:
    of = (_R.service.in_(rule.services), _R.channel == "teller")
    for row in _rows(connection, span.since, span.until, *of):
        yield row["actor"], span.day(row["created_at"]), row["created_at"], row["reference"]


def _people(connection: Connection, rule: Rule, span: Span) -> Iterator[_Seen]:
    for event in _events(connection, rule, span.since, span.until):
        other = bool(rule.services) and event.detail.get("service") not in rule.services
        who = "" if other or (rule.without_call and event.call) else event.actor
        yield who, span.day(event.at), event.at, f"{event.node}-{event.sequence}"


_KINDS: Mapping[str, Callable[[Connection, Rule, Span], Iterator[_Seen]]] = {
    "money_by_hour": _by_hour,
    "money_after_event": _after_event,
    "requests_with_state": _with_state,
    "requests": _requests,
    "events": _people,
}


def _money(rule: Rule) -> tuple[ColumnElement[bool], ...]:
    return _R.effect == "money", _R.amount >= rule.minor, _R.currency == rule.currency


def _rows(
    connection: Connection, since: datetime, until: datetime, *of: ColumnElement[bool]
) -> Iterator[Mapping[str, Any]]:
    asked = (
        select(*_ROW)
        .where(_R.created_at >= since, _R.created_at < until, *of)
        .where(text(f"request.{tables.SEARCHED}"))  # in the index's own words
        .order_by(_R.created_at.desc(), _R.reference.desc())
        .limit(MAX_READ)
    )
    for row in connection.execute(asked).mappings():
        yield dict(row)


def _events(
    connection: Connection, rule: Rule, since: datetime, until: datetime
) -> Iterator[LoggedEvent]:
    for found, _ in day_events(connection, since, rule.events, {}, until=until):
        yield from (one for one in found if since <= one.at < until)
