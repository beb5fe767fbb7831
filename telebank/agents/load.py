"""Reading queues: `config/queues.yaml`, parsed already, into options. Every error names the queue
and the key, and says what may stand there."""

import dataclasses
from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

import msgspec

from telebank.agents.hours import OpeningHours
from telebank.agents.options import CentreOptions, Hours, QueueOptions, Scoring
from telebank.settings_words import in_words, nearest

SCHEMA = 1
LANGUAGES = ("zh", "en")
_APART = ("hours", "scoring")
"""Tables within a queue, read by themselves."""
Table = Mapping[Any, Any]
T = TypeVar("T")


class QueuesError(ValueError):
    """Queues that cannot be used: where, and what to do."""


def load_queues(document: object) -> CentreOptions:
    """Read all queues of a node; raises `QueuesError`."""
    if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
        raise QueuesError(f"must begin with `schema: {SCHEMA}`")
    rest = {key: value for key, value in document.items() if key != "schema"}
    queues = _table(rest.pop("queues", {}), "queues")
    breaks = _table(rest.pop("breaks", {}), "breaks")
    known = [field.name for field in dataclasses.fields(CentreOptions)]
    known.remove("break_words")  # they are in `breaks`
    more: dict[str, Any] = {"queues": tuple(_queue(name, raw) for name, raw in queues.items())}
    if breaks:
        more["break_words"] = {key: _words(key, words) for key, words in breaks.items()}
        more["breaks"] = tuple(breaks)
    options = _read(CentreOptions, rest, "", known)
    try:
        return dataclasses.replace(options, **more)
    except ValueError as error:
        raise QueuesError(str(error)) from error


def _queue(name: object, raw: object) -> QueueOptions:
    where = f"queues.{name}"
    table = dict(_table(raw, where))
    known = [field.name for field in dataclasses.fields(QueueOptions)]
    known.remove("name")  # it is the key
    if isinstance(table.get("overflow"), Mapping):
        table["overflow"] = list(table["overflow"].items())
    elif "overflow" in table:
        raise QueuesError(f"{where}: overflow: give queues and seconds, {{general: 30}}")
    for key in ("zh", "en", "skills"):
        if key not in table:
            raise QueuesError(f"{where}: {key} is missing")
    apart = {key: _table(table.pop(key, {}), f"{where}.{key}") for key in _APART}
    queue = _read(QueueOptions, table, where, known, name=name)
    return dataclasses.replace(
        queue,
        hours=_hours(apart["hours"], where),
        scoring=_read(Scoring, apart["scoring"], f"{where}.scoring"),
    )


def _hours(raw: Table, where: str) -> Hours:
    table = dict(raw)
    if isinstance(days := table.get("days"), Mapping):  # YAML reads a day as a date
        table["days"] = {
            day.isoformat() if isinstance(day, date) else day: spans for day, spans in days.items()
        }
    hours = _read(Hours, table, f"{where}.hours")
    try:
        OpeningHours(hours)
    except ValueError as error:
        raise QueuesError(f"{where}: {error}") from error
    return hours


def _words(reason: object, raw: object) -> Mapping[str, str]:
    """What people read for a reason of a break, in each language."""
    table = _table(raw, f"breaks.{reason}")
    given = [table.get(language) for language in LANGUAGES]
    if set(table) != set(LANGUAGES) or not all(isinstance(word, str) and word for word in given):
        raise QueuesError(f"breaks.{reason}: give its name in both, {{zh: …, en: …}}")
    return dict(table)


def _table(raw: object, where: str) -> Table:
    if not isinstance(raw, Mapping):
        raise QueuesError(f"{where}: give a table, key: value")
    for key, value in raw.items():
        if not isinstance(key, str) and not isinstance(key, date):
            raise QueuesError(f'{where}: write the key {key} in quotes, "{key}"')
        if isinstance(value, Mapping):
            _table(value, f"{where}.{key}")
    return raw


def _read(
    cls: type[T], raw: Table, where: str, known: list[str] | None = None, **more: object
) -> T:
    """A table into its options; `more` is what does not stand in it."""
    front = f"{where}: " if where else ""
    names = known or [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for key, value in raw.items():
        if key not in names:
            raise QueuesError(f"{front}unknown key {key!r}{nearest(str(key), names)}")
        if isinstance(value, Mapping):
            _table(value, f"{front}{key}")
    try:
        return msgspec.convert({**raw, **more}, cls)
    except (msgspec.ValidationError, ValueError) as error:
        raise QueuesError(f"{front}{in_words(cls, str(error))}") from error
