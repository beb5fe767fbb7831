"""A card reported lost by telephone, to the end of its last day; another that is signed for at a
branch with the host away, the node killed after that, and then lifted by two people: a real node,
host and staff."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core_adapters.corehost.house import DATABASE
from core_adapters.corehost.seed import SeedCard
from support.money_caller import prompts, prove, report_loss, said, words
from support.money_journal import LOSS, Row, assert_whole
from support.money_stage import SETTINGS, Day, Stage
from support.staff_commands import Desk, Person, Ran
from telebank.phone.report import CallReport

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
BEIJING = timedelta(hours=8)
CONFIRM, LIFT = "card.confirm_loss", "card.lift_loss"


@dataclass
class Seen:
    """What is looked at when the bank has stopped."""

    calls: dict[str, CallReport]
    ran: dict[str, Ran]
    stopped: dict[str, set[str]]
    """Cards that the host stops, at each stage."""
    last_days: dict[str, str | None]
    """Field 73 as the host keeps it, by card."""
    rows: dict[str, Row]
    tails: dict[str, str]
    """How what was said must end, by language."""
    until: str
    events: list[dict[str, str]]


def at_host(day: Day, statement: str) -> list[Any]:
    """Rows of the bank's own database."""
    file = day.bank.data / "corehost" / DATABASE
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as db:
        return db.execute(statement).fetchall()


def stopped(day: Day, *of: SeedCard) -> set[str]:
    """Which of these cards the host stops on its business date."""
    found = {number for (number,) in at_host(day, "SELECT number FROM stopped_card")}
    return {one.card for one in of} & found


def a_week_later(day: Day) -> None:
    """Reports that were taken today were taken a week ago: no test waits for a day to end."""
    with closing(sqlite3.connect(day.bank.data / "telebank.db", timeout=10)) as db, db:
        db.execute("UPDATE hot_card SET until = date(until, '-7 days') WHERE until IS NOT NULL")


def proved(call: CallReport) -> bool:
    """Whether the PIN was taken: the menu came, and before it only the first questions."""
    return prompts(call) == [] and [one.prompt for one in call.prompts][-1] == "main.menu"


def ending(day: Day, prompt: str, language: str, until: datetime) -> str:
    """The words from `until` on, as the shipped texts say them."""
    values = {"at": until.time().replace(microsecond=0), "ref": "010000000001"}
    whole = said(day.bank, prompt, language, until=until.date(), **values)
    return whole.partition({"zh": "有效期至", "en": "itisvaliduntil"}[language])[2]


async def lost_found_and_forgotten(stage: Stage) -> Seen:
    """`first` is only reported; `second` is confirmed while the host is away, and lifted."""
    rules = {"loss": {"telephone_valid_days": 1}}
    async with stage.open_bank("losses", **SETTINGS, **rules) as day:
        first, second = day.pair(0)
        last = datetime.now(UTC) + BEIJING + timedelta(days=1)
        calls = {"first": await day.ring(report_loss(first), "loss.done")}
        await day.settled(first, LOSS)
        desk, people = await asyncio.to_thread(staff, day, stage)
        host = day.bank.host
        await asyncio.to_thread(host.stop)
        calls["second"] = await day.ring(report_loss(second, language="en"), "loss.stored")
        reference = day.journal.only(second, LOSS).reference
        ran = await asyncio.to_thread(confirm, desk, people, reference)
        day.bank.kill()
        await asyncio.to_thread(day.bank.restart)
        await asyncio.to_thread(host.run, host.port)
        rows = {"report": await day.settled(second, LOSS)}
        rows["confirmed"] = await day.settled(second, CONFIRM)
        stops = {"reported": stopped(day, first, second)}
        last_days = dict(at_host(day, "SELECT number, hot_until FROM card"))
        for _ in range(2):
            await asyncio.to_thread(host.tell, "cut-over")
        stops["two days later"] = stopped(day, first, second)
        calls["still hot here"] = await day.ring(prove(first), "auth.lost")
        a_week_later(day)
        calls["over"] = await day.ring(prove(first), "main.menu")
        calls["signed for"] = await day.ring(prove(second), "auth.lost")
        ran |= await asyncio.to_thread(lift, desk, people, reference)
        rows["lifted"] = await day.settled(second, LIFT)
        stops["lifted"] = stopped(day, first, second)
        calls["found"] = await day.ring(prove(second), "main.menu")
        ran["list"] = await asyncio.to_thread(desk.run, people["wu"], "loss", "list", "--json")
        assert_whole(day.bank)
        return Seen(
            calls=calls,
            ran=ran,
            stopped=stops,
            last_days={one.card: last_days[one.card] for one in (first, second)},
            rows=rows,
            tails={
                "zh": ending(day, "loss.done", "zh", last),
                "en": ending(day, "loss.stored", "en", last),
            },
            until=last.date().isoformat(),
            events=[
                *day.journal.events("card.hot_list_confirmed"),
                *day.journal.events("card.hot_list_lifted"),
            ],
        )


def staff(day: Day, stage: Stage) -> tuple[Desk, dict[str, Person]]:
    """An administrator, a supervisor, a teller and an auditor at their terminals."""
    private = stage.folder / "losses-private"
    private.mkdir()
    desk = Desk(day.bank.data, private)
    people = {name: desk.person(name) for name in ("chen", "wu", "li", "gao")}
    for name, role in (("chen", "administrator"), ("wu", "supervisor")):
        assert desk.add(people[name], role).code == 0
        desk.login(people[name])
    for name, role in (("li", "teller"), ("gao", "auditor")):
        desk.hire(people["chen"], people["wu"], people[name], role)
    return desk, people


def confirm(desk: Desk, people: dict[str, Person], reference: str) -> dict[str, Ran]:
    """The customer has signed; with every refusal on the way."""

    def say(who: str, verb: str = "confirm", of: str = reference) -> Ran:
        return desk.run(people[who], "loss", verb, of, "--note", "signed, identity card seen")

    return {
        "auditor": say("gao"),
        "unknown": say("li", of="019999999999"),
        "confirm": say("li"),
        "again": say("wu"),
        "too early": say("li", "lift"),
        "shown": desk.run(people["gao"], "loss", "show", reference, "--json"),
    }


def lift(desk: Desk, people: dict[str, Person], reference: str) -> dict[str, Ran]:
    """The card was found; two people say so."""

    for name in ("li", "wu"):
        desk.login(people[name])  # the node was killed since

    def say(who: str, note: str = "found, identity card seen") -> Ran:
        return desk.run(people[who], "loss", "lift", reference, "--note", note)

    return {
        "alone": say("wu"),
        "proposed": say("li"),
        "same person": say("li"),
        "lift": say("wu"),
        "lifted": say("li"),
    }


async def test_the_caller_hears_until_when_a_report_holds(stage: Stage) -> None:
    seen = await stage.of(lost_found_and_forgotten)
    (done,) = words(seen.calls["first"], "loss.done")
    (stored,) = words(seen.calls["second"], "loss.stored")
    assert all(seen.tails.values())
    assert done.endswith(seen.tails["zh"])
    assert stored.endswith(seen.tails["en"])


async def test_the_host_is_told_the_same_day_and_stops_the_card_no_longer(stage: Stage) -> None:
    seen = await stage.of(lost_found_and_forgotten)
    first, second = seen.last_days
    assert seen.last_days == {first: seen.until, second: None}
    assert seen.stopped == {
        "reported": {first, second},
        "two days later": {second},
        "lifted": set(),
    }
    assert prompts(seen.calls["still hot here"])[0] == "auth.lost"
    assert proved(seen.calls["over"])
    assert prompts(seen.calls["signed for"])[0] == "auth.lost"
    assert proved(seen.calls["found"])


async def test_staff_confirm_with_the_host_away_and_it_is_told_later(stage: Stage) -> None:
    seen = await stage.of(lost_found_and_forgotten)
    ran = seen.ran
    assert ran["confirm"].code == 0, ran["confirm"]
    assert "as soon as it answers" in ran["confirm"].out
    assert [ran[name].code for name in ("auditor", "unknown", "again", "too early")] == [1] * 4
    assert "teller" in ran["auditor"].err
    assert "no report of loss" in ran["unknown"].err
    assert "confirmed already" in ran["again"].err
    assert "host has not answered" in ran["too early"].err
    shown = ran["shown"].json
    assert (shown["state"], shown["decided_by"]) == ("confirmed", "li")
    assert (shown["host_state"], shown["decision_state"]) == ("REPEATING", "REPEATING")
    assert seen.rows["report"].history[-1] == seen.rows["confirmed"].history[-1] == "APPROVED"


async def test_two_people_lift_a_report(stage: Stage) -> None:
    seen = await stage.of(lost_found_and_forgotten)
    ran = seen.ran
    assert [ran[name].code for name in ("alone", "same person", "lifted")] == [1] * 3
    assert "proposed: lift" in ran["proposed"].out
    assert ran["lift"].code == 0, ran["lift"]
    assert "The host has it" in ran["lift"].out
    assert "lifted already" in ran["lifted"].err
    assert seen.rows["lifted"].messages == [("0302", "00")]
    listed = {one["reference"]: one["state"] for one in ran["list"].json["reports"]}
    assert sorted(listed.values()) == ["expired", "lifted"]
    assert [(one["outcome"], one["note"]) for one in seen.events] == [
        ("confirmed", "signed, identity card seen"),
        ("lifted", "found, identity card seen"),
    ]


SCENES = (lost_found_and_forgotten,)
