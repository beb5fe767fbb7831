"""What auditors are told is unusual: each kind of rule finds what it says, and no more."""

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from support.store_kit import open_store
from telebank.settings import seed_dir, store_url
from telebank.store import tables
from telebank.store.clock import Stamp, to_us
from telebank.store.engine import open_read_only, open_writer
from telebank.store.options import StoreOptions
from telebank.store.review.rules import FILE, Rule, RulesError, load_rules
from telebank.store.review.unusual import Answer, Span, unusual
from transactions.journal import JournalEvent

BANK = timezone(timedelta(hours=8))
DAY = datetime(2026, 3, 31, tzinfo=BANK)
SPAN = Span(DAY, DAY + timedelta(days=1), BANK)
WORDS = {"zh": "规则", "en": "rule"}


class Watch:
    """Stands where it is put."""

    boot = "b"
    now = DAY

    def read(self) -> Stamp:
        return Stamp(to_us(self.now), 0)


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def row(number: int, hour: float, amount: int = 2_000_000, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"id": f"r{number}", "node": "01", "epoch": 1, "terminal": "T"}
    made |= {"service": "transfer.card_to_card", "contract_version": 1, "release": "x"}
    made |= {"effect": "money", "recovery": "reverse", "state": "APPROVED", "steps": 3}
    made |= {"messages": 1, "attempts": 0, "actor": "c", "channel": "phone", "auth": "pin"}
    made |= {"language": "zh", "business_date": DAY.date(), "inputs": {}, "key_id": "k1"}
    made |= {"amount": amount, "currency": "CNY", "content_hash": "c", "customer": "alice"}
    made |= {"payee_masked": "*三", "reference": f"01{number:010d}", "host_reference": ""}
    return made | {"created_at": at(hour)} | more


async def found(
    folder: Path,
    rule: dict[str, Any],
    rows: Iterable[dict[str, Any]] = (),
    events: Iterable[tuple[float, JournalEvent]] = (),
    states: Iterable[tuple[int, str]] = (),
) -> Answer:
    """What one rule says of a store."""
    watch = Watch()
    async with open_store(folder, clock=watch) as store:
        for hour, event in events:
            watch.now = at(hour)
            await store.journal.append(event)
    engine = open_writer(store_url(folder), StoreOptions())
    with engine.begin() as connection:
        for one in rows:
            connection.execute(insert(tables.request), [one])
        for number, state in states:
            step = {"request": f"r{number}", "ordinal": 0, "state": state, "why": "", "at": DAY}
            connection.execute(insert(tables.request_state), [step])
    engine.dispose()
    reader = open_read_only(store_url(folder))
    with reader.connect() as connection:
        told = unusual(connection, [Rule(name="it", **WORDS, **rule)], SPAN)[0]
    reader.dispose()
    return told


def stories(answer: Answer) -> dict[str, list[str]]:
    return {one.who: [story[-2:] for story in one.stories] for one in answer.findings}


async def test_money_at_night(place: Path) -> None:
    rule = {"kind": "money_by_hour", "hours": (23, 6), "least": "10000.00"}
    rows = [
        row(1, 5.9),
        row(2, 6),
        row(3, 23.5, customer="bob"),
        row(4, 2, amount=999_999),
        row(5, 2, currency="USD"),
        row(6, 2, effect="state"),
        row(7, 3),
        row(8, 26),
    ]
    answer = await found(place, rule, rows)
    assert stories(answer) == {"alice": ["01", "07"], "bob": ["03"]}
    assert [one.times for one in answer.findings] == [2, 1]
    assert not answer.cut


async def test_a_limit_that_was_changed_and_used(place: Path) -> None:
    rule = {"kind": "money_after_event", "events": ("ceiling.changed",), "within_h": 2}
    changed = JournalEvent("ceiling.changed", detail={"customer": "alice"})
    rows = [row(1, 0.5), row(2, 1.5), row(3, 3.5), row(4, 1.5, customer="bob")]
    answer = await found(place, rule, rows, [(-0.2, changed), (1, changed)])
    assert stories(answer) == {"alice": ["02", "01"]}
    assert answer.findings[0].times == 2, "one that two changes speak for counts once"


async def test_one_card_unknown_again(place: Path) -> None:
    rule = {"kind": "requests_with_state", "state": "UNKNOWN", "at_least": 2}
    rows = [row(1, 1), row(2, 2), row(3, 3), row(4, 4, customer="bob"), row(5, 5)]
    was = [(1, "UNKNOWN"), (2, "APPROVED"), (3, "UNKNOWN"), (4, "UNKNOWN")]
    assert stories(await found(place, rule, rows, states=was)) == {"alice": ["03", "01"]}


async def test_what_a_person_does_too_often_in_a_day(tmp_path: Path) -> None:
    def look(actor: str, call: str | None = None) -> JournalEvent:
        return JournalEvent("customer.looked", call=call, actor=actor, role="teller")

    events = [(1.0, look("li")), (2.0, look("li", "01-1-1")), (3.0, look("li"))]
    events += [(4.0, look("wu")), (-1.0, look("wu")), (5.0, JournalEvent("other", actor="wu"))]
    events.sort(key=lambda one: one[0])
    rule = {"kind": "events", "events": ("customer.looked",), "at_least": 2}
    answer = await found(tmp_path / "all", rule, events=events)
    assert {one.who: one.times for one in answer.findings} == {"li": 3}
    assert answer.findings[0].day == "2026-03-31"
    bare = await found(tmp_path / "bare", rule | {"without_call": True}, events=events)
    assert {one.who: one.times for one in bare.findings} == {"li": 2}
    unlocks = {"kind": "events", "events": ("service.answered",), "services": ("pin.unlock",)}
    told = [
        (1.0, JournalEvent("service.answered", actor="li", detail={"service": "pin.unlock"})),
        (2.0, JournalEvent("service.answered", actor="wu", detail={"service": "card.balance"})),
    ]
    answer = await found(tmp_path / "unlocks", unlocks, events=told)
    assert [one.who for one in answer.findings] == ["li"]


async def test_a_service_that_one_teller_does_too_often(tmp_path: Path) -> None:
    rule = {"kind": "requests", "services": ("pin.unlock",), "at_least": 2}
    desk = {"service": "pin.unlock", "channel": "teller", "effect": "state"}
    rows = [row(n, n, actor="li", **desk) for n in (1, 2)]
    rows += [row(3, 3, actor="wu", **desk), row(4, 4, actor="wu", service="pin.unlock")]
    assert stories(await found(tmp_path, rule, rows)) == {"li": ["02", "01"]}


def test_the_file_that_is_shipped_can_be_read() -> None:
    names = [rule.name for rule in load_rules(seed_dir() / FILE)]
    assert "night_money" in names
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- {name: a, kind: nothing, zh: 甲, en: a}", "kind"),
        ("- {name: a, kind: events, zh: 甲, en: a}", "wants events"),
        ("- {name: a, kind: money_by_hour, least: many, zh: 甲, en: a}", "many"),
        ("- {name: a, kind: money_by_hour, hours: [1, 25], zh: 甲, en: a}", "24"),
        ("- {name: a, kind: requests_with_state, state: GONE, zh: 甲, en: a}", "state"),
        ("- {name: a, kind: money_by_hour, zh: 甲, en: a, more: 1}", "more"),
        ("- {name: a, kind: money_by_hour, zh: 甲, en: a}\n" * 2, "a name for each"),
        ("{", "not YAML"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / FILE
    path.write_text(text)
    with pytest.raises(RulesError, match=why):
        load_rules(path)
