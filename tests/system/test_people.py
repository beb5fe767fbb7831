"""A transfer that only people can settle, from the fault to the customer's next call: a real node
and host, and two people at the real commands."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.money_caller import prompts, prove, transfer
from support.money_journal import MoneyJournal, Row, assert_whole
from support.money_stage import OPENING, SETTINGS, Day, Scene, Stage
from support.staff_commands import Desk, Person, Ran
from telebank.phone.report import CallReport

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(900),
]


@dataclass
class Seen:
    """What is looked at when the bank has stopped."""

    calls: list[CallReport]
    rows: list[Row]
    ran: dict[str, Ran]
    people: list[Person]
    held: tuple[int, int]
    secrets_in: list[str] = field(default_factory=list)
    events: list[dict[str, str]] = field(default_factory=list)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    """Of the node's log."""


async def two_people(stage: Stage) -> Seen:
    """The host posts the transfer, its answer is lost, and it refuses the reversal."""
    async with stage.open_bank("people", **SETTINGS) as day:
        payer, payee = day.pair(0)
        day.fault(payer, "cut_after", mti="0200", processing="42")
        day.fault(payer, "code 57", mti="0420")
        first = await day.ring(transfer(payer, payee, "60"), "tr.in_doubt")
        manual = await day.settled(payer)
        private = stage.folder / "private"
        private.mkdir()
        desk = Desk(day.bank.data, private)
        ran = await asyncio.to_thread(resolve, desk, manual.reference)
        closed = day.journal.only(payer)
        await asyncio.to_thread(day.bank.kill)  # not here, where all scenes' callers speak
        await asyncio.to_thread(day.bank.restart)
        ran["token after a restart"] = await asyncio.to_thread(
            desk.run, PEOPLE["wu"], "staff", "whoami"
        )
        second = await day.ring(prove(payer), "notice.posted")
        await asyncio.to_thread(assert_whole, day.bank)
        people = list(PEOPLE.values())
        return Seen(
            calls=[first, second],
            rows=[manual, closed],
            ran=ran,
            people=people,
            held=(day.held(payer), day.held(payee)),
            secrets_in=await asyncio.to_thread(written, day, people),
            events=MoneyJournal(day.bank.data).events("approval.turned_away"),
            alarms=alarms(day),
        )


def alarms(day: Day) -> list[dict[str, Any]]:
    """Lines of the node's log that tell of alarms."""
    lines = [line for line in day.bank.log.read_text().splitlines() if "telebank.alarm" in line]
    return [json.loads(line) for line in lines]


PEOPLE: dict[str, Person] = {}
"""Filled by the scene, which is played once."""


def resolve(desk: Desk, reference: str) -> dict[str, Ran]:
    """From an empty staff table to a closed row, with every refusal on the way."""
    for name in ("chen", "wu", "li", "gao"):
        PEOPLE[name] = desk.person(name)
    chen, wu, li, gao = PEOPLE.values()
    ran = {
        "list": desk.run(None, "host", "unknown", "--json"),
        "table": desk.run(None, "host", "unknown"),
        "one": desk.run(None, "host", "unknown", reference),
        "add chen": desk.add(chen, "administrator"),
        "add wu": desk.add(wu, "supervisor"),
    }
    for person in (chen, wu):
        desk.login(person)
    for person, role in ((li, "teller"), (gao, "auditor")):
        desk.hire(chen, wu, person, role)

    def say(who: Person | None, result: str) -> Ran:
        return desk.run(who, "host", "resolve", reference, result, "--note", "on the host's list")

    ran["nobody"] = say(None, "posted")
    ran["auditor"] = say(gao, "posted")
    ran["too early"] = say(wu, "posted")
    ran["first"] = say(li, "posted")
    ran["same person"] = say(li, "posted")
    ran["other content"] = say(wu, "not-posted")
    ran["waiting"] = desk.run(wu, "approval", "list", "--json")
    ran["second"] = say(wu, "posted")
    ran["again"] = say(wu, "posted")
    ran["after"] = desk.run(None, "host", "unknown", "--json")
    ran["closed"] = desk.run(None, "host", "unknown", reference)
    ran["people"] = desk.run(chen, "staff", "list", "--json")
    return ran


def written(day: Day, people: list[Person]) -> list[str]:
    """Passwords and seeds in the node's folder: database, WAL, logs, everything."""
    found = []
    for path in sorted(Path(day.bank.data).rglob("*")):
        if path.is_file() and "voice" not in path.parts:
            content = path.read_bytes()
            for person in people:
                if person.password.encode() in content or person.seed.encode() in content:
                    found.append(f"{person.name} in {path.name}")
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def seen(stage: Stage) -> Seen:
    scene: Scene[Seen] = two_people
    return await stage.of(scene)


async def test_the_row_waits_for_people_and_is_closed_by_them(seen: Seen) -> None:
    manual, closed = seen.rows
    assert manual.history == ["RECORDED", "SENT", "UNKNOWN", "REVERSING", "MANUAL"], manual
    assert closed.history == [*manual.history, "CLOSED_POSTED"]
    first, second = seen.calls
    assert prompts(first)[:2] == ["tr.confirm", "tr.in_doubt"], first
    assert prompts(second)[:1] == ["notice.posted"], second
    moved = closed.amount + closed.fee
    assert seen.held == (OPENING - moved, OPENING + closed.amount), closed


async def test_what_is_open_is_listed_and_is_a_finding(seen: Seen) -> None:
    reference = seen.rows[0].reference
    assert [seen.ran[name].code for name in ("list", "table", "one", "after")] == [1, 1, 1, 0]
    (row,) = seen.ran["list"].json["rows"]
    assert (row["reference"], row["state"]) == (reference, "MANUAL")
    assert row["why"].startswith("reversal refused")
    assert reference in seen.ran["table"].out
    one = seen.ran["one"].out
    assert f"telebank host resolve {reference} posted" in one
    assert "field 11, STAN" in one
    nothing = {"rows": [], "manual": 0, "in_doubt": 0, "node_runs": True}
    assert seen.ran["after"].json == nothing
    assert "li proposed posted: on the host's list" in seen.ran["closed"].out
    assert "approved by wu: on the host's list" in seen.ran["closed"].out
    card = next(iter(seen.rows)).payer
    assert not [name for name, ran in seen.ran.items() if card in ran.out + ran.err]


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("nobody", 2, "staff login"),
        ("auditor", 1, "an auditor may not"),
        ("too early", 1, "nobody has proposed it"),
        ("first", 0, "a supervisor approves"),
        ("same person", 1, "you proposed it yourself"),
        ("other content", 1, "not what li proposed"),
        ("second", 0, "proposed by li, approved by wu"),
        ("again", 1, "CLOSED_POSTED already"),
        ("token after a restart", 1, "this login is over"),
    ],
)
async def test_each_word_has_its_answer(seen: Seen, name: str, code: int, says: str) -> None:
    ran = seen.ran[name]
    assert ran.code == code, ran
    assert says in ran.out + ran.err


async def test_who_was_turned_away_is_in_the_log(seen: Seen) -> None:
    whys = [event["outcome"] for event in seen.events if event["act"] == "request.resolve"]
    assert whys == ["no_proposal", "same_person", "different_content", *whys[3:]]
    assert whys[3:] == ["not_manual"]


async def test_the_nodes_log_warns_of_the_row_that_waits_for_people(seen: Seen) -> None:
    (manual,) = [line for line in seen.alarms if line["event"] == "alarm.manual"]
    assert manual["level"] == "warning"
    assert manual["request"] == seen.rows[0].id
    assert manual["detail"]["why"].startswith("reversal refused")


async def test_no_password_or_seed_in_any_file_of_the_node(seen: Seen) -> None:
    assert all(len(person.seed) == 32 for person in seen.people)
    assert seen.secrets_in == []


SCENES = (two_people,)
