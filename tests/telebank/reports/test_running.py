"""A day's run: what is counted in which hour, what goes wrong, and the tables to take away."""

import csv
import io
from typing import Any

from telebank.reports import running as rooms
from telebank.reports.running import OTHER, Fact, Running
from telebank.reports.running_csv import running_csv

NINE, TEN = 9 * 3_600.0, 10 * 3_600.0


def fact(kind: str, at_s: float, call: str = "", outcome: str = "", **detail: Any) -> Fact:
    node = detail.pop("of", "01")
    return Fact(kind, at_s, node, call, outcome, detail)


def day(*facts: Fact) -> Running:
    running = Running()
    for one in facts:
        running.take(one)
    return running


def test_a_call_belongs_to_the_hour_in_which_it_came() -> None:
    running = day(
        fact("call.started", NINE, "a"),
        fact("call.started", NINE + 1, "b"),
        fact("call.ended", NINE + 60, "b", by="local", seconds=59.0),
        fact("call.ended", TEN + 60, "a", by="remote", seconds=3_660.0),
        fact("call.ended", TEN + 61, "of yesterday", by="remote", seconds=9_000.0),
    )
    nine, ten = running.hours[9], running.hours[10]
    assert (nine.calls, nine.most, nine.by_caller, nine.by_bank, nine.lost) == (2, 2, 1, 1, 0)
    assert nine.mean_s == (59.0 + 3_660.0) / 2
    assert (ten.calls, ten.ended, ten.mean_s) == (0, 0, None)


def test_calls_of_a_node_that_comes_up_anew_were_cut_off_and_no_others() -> None:
    running = day(
        fact("call.started", NINE, "a"),
        fact("call.started", NINE, "b", of="02"),
        fact("node.started", TEN, epoch=2),
        fact("call.ended", TEN + 1, "b", of="02", by="remote", seconds=1.0),
        fact("call.started", TEN + 2, "c"),
    )
    assert (running.hours[9].lost, running.hours[9].by_caller) == (1, 1)
    assert running.hours[10].most == 1, "who was cut off holds no line"


def test_services_are_counted_once_by_outcome() -> None:
    running = day(
        fact("service.answered", NINE, "a", "ok", service="card.balance", exit="ok", ms=30),
        fact("service.answered", NINE, "a", "ok", service="card.balance", reason=""),
        fact("service.answered", NINE, "b", service="card.balance", exit="unavailable", ms=10),
    )
    asked = running.services["card.balance"]
    assert dict(asked.exits) == {"ok": 1, "unavailable": 1}
    assert (asked.done, asked.mean_ms, asked.slowest_ms) == (1, 20.0, 30)
    assert (running.total().services, running.total().done) == (2, 1)


def test_faults_are_told_apart_by_what_they_say_and_hold_no_number() -> None:
    running = day(
        fact("alarm", NINE, "a", what="call failed", error="KeyError"),
        fact("alarm", TEN, "b", what="call failed", error="KeyError"),
        fact("alarm.manual", TEN, why="asked about 6227001234567890"),
        fact("request.state", TEN, "c", "UNKNOWN", service="transfer.card_to_card"),
        fact("request.state", TEN, "c", "APPROVED", service="transfer.card_to_card"),
        fact("host.link", TEN, outcome="down", link="a"),
        fact("host.link", TEN + 1, outcome="up", link="a"),
        fact("input.exhausted", TEN, "d", flow="main", node="lang"),
    )
    failed = running.faults["alarm", "call failed KeyError"]
    assert (failed.count, failed.first_s, failed.last_s, failed.call) == (2, NINE, TEN, "b")
    assert set(running.faults) == {
        ("alarm", "call failed KeyError"),
        ("alarm.manual", f"asked about {OTHER}"),
        ("request.state", "unknown"),
        ("host.link", "a down"),
        ("input.exhausted", "main/lang"),
    }
    assert (running.hours[9].faults, running.hours[10].faults) == (1, 5)


def test_jobs_are_counted_by_how_they_ended() -> None:
    running = day(
        fact("fax.done", NINE, fax="1"),
        fact("fax.failed", NINE, fax="2", why="busy"),
        fact("order.run", NINE, outcome="done"),
    )
    assert dict(running.jobs["fax"]) == {"done": 1, "failed": 1}
    assert dict(running.jobs["order"]) == {"done": 1}
    assert running.faults["fax.failed", "busy"].count == 1


def test_what_never_ends_is_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(rooms, "MOST_CALLS", 3)
    monkeypatch.setattr(rooms, "MOST_NAMES", 2)
    running = day(
        *(fact("call.started", NINE, f"c{number}") for number in range(5)),
        *(fact("alarm", NINE, what=f"kind {number}") for number in range(4)),
        *(fact("service.answered", NINE, service=f"s{n}", exit="ok", ms=1) for n in range(4)),
    )
    assert (running.hours[9].calls, running.hours[9].most, running.hours[9].lost) == (5, 3, 2)
    assert running.faults[OTHER, ""].count == 2
    assert running.services[OTHER].count == 2


def test_a_day_of_twenty_five_hours_and_no_detail_at_all() -> None:
    running = day(fact("call.started", 24 * 3_600.0 + 5, "a"), fact("call.ended", 90_000.0, "a"))
    assert (running.hours[23].calls, running.hours[23].lost) == (1, 1)
    assert day(fact("service.answered", NINE, ms="x")).services[""].ms == 0


def test_the_table_to_take_away_holds_no_formula() -> None:
    running = day(
        fact("call.started", NINE, "a"),
        fact("service.answered", NINE, "a", service="card.balance", exit="ok", ms=30),
        fact("alarm", NINE, "a", what="=1+1"),
    )
    text = running_csv(running)
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == 24 + 1 + 1 + 1
    assert rows[9]["name"] == "09:00"
    assert rows[9]["count"] == "1"
    assert rows[25]["name"] == "card.balance"
    assert rows[25]["done"] == "1"
    assert rows[26]["what"] == "'=1+1"
    assert rows[26]["first"] == "09:00:00"
