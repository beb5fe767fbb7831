"""The commands of staff and approvals against a control socket of this process."""

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

import click
import pyotp
import pytest
from click.testing import CliRunner, Result

from support.staff_house import House, Person, open_house
from telebank.commands import approval, control_client, staff
from telebank.commands.host import resolve as host_resolve
from telebank.commands.host import unknown as host_unknown
from telebank.main import main
from telebank.store import tables

PASSWORD = "four unrelated words"


async def run(house: House, *words: str, keys: str = "", session: str = "s") -> Result:
    """A command with its own session file."""
    path = str(house.folder / session)
    environment = {"TELEBANK_DATA": str(house.folder), "TELEBANK_SESSION": path}
    runner = CliRunner(env=environment)
    return await asyncio.to_thread(runner.invoke, main, list(words), input=keys)


async def logged_in(house: House, person: Person) -> None:
    """By prompts, as at a terminal."""
    house.clock.forward(30)
    code = person.code(house.clock.now)
    keys = f"{person.password}\n{code}\n"
    done = await run(house, "staff", "login", person.name, keys=keys, session=person.name)
    assert done.exit_code == 0, done.output


async def test_a_person_is_added_at_a_terminal(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        words = ("staff", "add", "chen", "--role", "administrator", "--full-name", "陈梅")
        differs = await run(house, *words, keys=f"{PASSWORD}\nanother one here\n")
        assert differs.exit_code == 1
        added = await run(house, *words, keys=f"{PASSWORD}\n{PASSWORD}\n")
        assert added.exit_code == 0, added.output
        assert PASSWORD not in added.output
        (link,) = [line for line in added.output.split() if line.startswith("otpauth://")]
        assert pyotp.parse_uri(link).name == "chen"
        picture = [line for line in added.output.splitlines() if "█" in line]
        assert len(picture) > 15
        chen = Person("chen", "administrator", PASSWORD, pyotp.parse_uri(link).secret)
        await logged_in(house, chen)
        listed = await run(house, "staff", "list", session="chen")
        assert "陈梅" in listed.output
        who = await run(house, "staff", "whoami", "--json", session="chen")
        assert json.loads(who.output) == {"name": "chen", "role": "administrator"}
        assert (tmp_path / "chen").stat().st_mode & 0o777 == 0o600
        assert (await run(house, "staff", "logout", session="chen")).exit_code == 0
        assert not (tmp_path / "chen").exists()
        nobody = await run(house, "staff", "whoami", session="chen")
        assert (nobody.exit_code, "staff login" in nobody.output) == (2, True)


async def test_two_people_at_two_terminals(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen = await house.found("chen", "administrator")
        wu = await house.found("wu", "supervisor")
        await logged_in(house, chen)
        await logged_in(house, wu)
        reference = await house.manual("r1")
        words = ("host", "resolve", reference, "not-posted", "--note", "not on the list")
        first = await run(house, *words, session="chen")
        assert (first.exit_code, "a supervisor approves" in first.output) == (0, True)
        waiting = await run(house, "approval", "list", session="wu")
        assert all(word in waiting.output for word in (reference, "request.resolve", "chen"))
        listed = await run(house, "approval", "list", "--json", session="wu")
        (one,) = json.loads(listed.output)["approvals"]
        shown = await run(house, "approval", "show", one["id"], session="wu")
        assert "result not-posted" in shown.output
        no = ("approval", "refuse", one["id"][:8], "--note", "it is there")
        refused = await run(house, *no, session="wu")
        assert (refused.exit_code, "refused" in refused.output) == (0, True)
        later = (await run(house, "approval", "show", one["id"][:6], session="wu")).output
        assert all(word in later for word in ("chen", "wu", "not on the list", "it is there"))
        every = await run(house, "approval", "list", "--state", "all", session="wu")
        assert all(word in every.output for word in ("decider", "wu", "refused"))
        none = await run(house, "approval", "list", session="wu")
        assert (none.exit_code, none.output) == (0, "nothing waits\n")
        other = await run(house, "approval", "refuse", reference, "--note", "no", session="wu")
        assert other.exit_code == 1
        assert "no such proposal; see `telebank approval list`" in other.output
        early = await run(house, *words, session="wu")
        assert early.exit_code == 1
        assert (await run(house, *words, session="chen")).exit_code == 0
        done = await run(house, *words, "--json", session="wu")
        assert json.loads(done.output)["request_state"] == "CLOSED_NOT_POSTED"
        after = await run(house, "host", "unknown")
        assert (after.exit_code, after.output) == (0, "every request has its end\n")
        closed = (await run(house, "host", "unknown", reference)).output
        assert "chen proposed not-posted: not on the list" in closed
        assert "approved by wu: not on the list" in closed


@pytest.mark.parametrize("note", ["", "  ", "-", "1."])
async def test_nobody_closes_a_row_without_saying_what_he_saw(tmp_path: Path, note: str) -> None:
    async with open_house(tmp_path) as house:
        chen = await house.found("chen", "administrator")
        await logged_in(house, chen)
        reference = await house.manual("r1")
        words = ("host", "resolve", reference, "posted", "--note", note)
        ran = await run(house, *words, session="chen")
        assert (ran.exit_code, "--note says too little" in ran.output) == (2, True)
        await house.login(chen)
        asked = await house.say(chen, reference, "posted", note=note)
        assert (asked.status, asked.body["code"]) == (400, "bad_request")
        assert "note is missing" in asked.body["error"]
        assert house.rows(tables.approval) == []


async def test_a_new_person_enrols_at_a_terminal(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen = await house.found("chen", "administrator")
        wu = await house.found("wu", "supervisor")
        await logged_in(house, chen)
        await logged_in(house, wu)
        words = ("staff", "add", "li", "--role", "teller")
        first = await run(house, *words, session="chen")
        assert (first.exit_code, "staff code li" in first.output) == (0, True)
        second = await run(house, *words, session="wu")
        assert second.exit_code == 0, second.output
        code = await run(house, "staff", "code", "li", session="chen")
        assert code.exit_code == 0, code.output
        halves = [half_in(ran) for ran in (first, second, code)]
        assert halves[0] is None
        keys = f"{halves[2]}\n{halves[1]}\n{PASSWORD}\n{PASSWORD}\n"
        one = await run(house, "staff", "enrol", "li", keys=keys.replace(f"{halves[2]}", "2" * 16))
        assert (one.exit_code, "nobody is enrolled" in one.output) == (1, True)
        done = await run(house, "staff", "enrol", "li", keys=keys)
        assert done.exit_code == 0, done.output
        assert not any(word in done.output for word in (PASSWORD, *halves[1:]) if word)
        (link,) = [line for line in done.output.split() if line.startswith("otpauth://")]
        li = Person("li", "teller", PASSWORD, pyotp.parse_uri(link).secret)
        await logged_in(house, li)
        keys = f"{PASSWORD}\nli sings in the rain\nli sings in the rain\n"
        changed = await run(house, "staff", "password", keys=keys, session="li")
        assert changed.exit_code == 0, changed.output
        li.password = "li sings in the rain"
        await logged_in(house, li)
        house.clock.forward(30)
        keys = f"{wu.password}\n{wu.code(house.clock.now)}\n"
        told = await run(house, "staff", "login", "wu", keys=keys, session="wu")
        assert "li, by chen and wu" in told.output
        assert "has enrolled" in told.output


def half_in(ran: Result) -> str | None:
    """The half of a code that a command showed."""
    found = re.search(r"(?:[2-9A-Z]{4}-){3}[2-9A-Z]{4}", ran.output)
    return found and found[0]


async def test_what_is_open_says_what_to_look_up(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        reference = await house.manual("r1")
        found = await run(house, "host", "unknown", reference, "--json")
        assert found.exit_code == 1
        told = json.loads(found.output)
        assert told["look_up"][0]["field 7, sent (UTC)"] == "0331040000"
        assert set(told["decisions"]) == {"posted", "not-posted"}
        assert "100.00 CNY of transfer_daily" in told["decisions"]["not-posted"]
        text = (await run(house, "host", "unknown", reference)).output
        assert f"telebank host resolve {reference} not-posted" in text
        table = (await run(house, "host", "unknown")).output
        assert all(word in table for word in (reference, "MANUAL", "reversal refused: 57", "*三"))
        missing = await run(house, "host", "unknown", "999999999999")
        assert missing.exit_code == 3


async def test_a_password_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        file = tmp_path / "open.txt"
        file.write_text(PASSWORD)
        file.chmod(0o644)
        words = ("staff", "login", "chen", "--password-file", str(file), "--code", "123456")
        refused = await run(house, *words)
        assert (refused.exit_code, "chmod 600" in refused.output) == (2, True)


def test_without_a_node_every_command_says_so(tmp_path: Path) -> None:
    runner = CliRunner(
        env={"TELEBANK_DATA": str(tmp_path), "TELEBANK_SESSION": str(tmp_path / "s")}
    )
    (tmp_path / "s").touch(mode=0o600)
    (tmp_path / "s").write_text("token")
    commands: list[tuple[click.Command, list[str]]] = [
        (staff.command, ["whoami"]),
        (staff.command, ["add", "chen", "--role", "teller"]),
        (approval.command, ["list"]),
        (host_resolve.command, ["010000000001", "posted", "--note", "seen"]),
        (host_unknown.command, []),
    ]
    for command, words in commands:
        ran = runner.invoke(command, words)
        assert ran.exit_code == 3, (words, ran.output)


@pytest.mark.parametrize(
    "words",
    [
        ("staff", "whoami"),
        ("staff", "list"),
        ("staff", "unlock", "wu"),
        ("approval", "list"),
        ("loss", "list"),
        ("staff", "logout"),
    ],
    ids=" ".join,
)
async def test_a_login_that_is_over_is_said_by_every_command(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    async with open_house(tmp_path) as house:
        control_client.save_token(tmp_path, "a" * 43, tmp_path / "s")  # of the node's former life
        over = await run(house, *words)
        assert (over.exit_code, control_client.LOGIN_OVER in over.output) == (1, True), over.output
        assert "nobody is logged in" not in over.output
        nobody = await run(house, *words, session="none")
        assert (nobody.exit_code, "no login is kept there" in nobody.output) == (2, True)


async def test_where_no_token_was_given_nobody_is_logged_in(tmp_path: Path) -> None:
    async with open_house(tmp_path):
        for token in (None, ""):
            with pytest.raises(control_client.ControlRefused, match="nobody is logged in"):
                await asyncio.to_thread(
                    control_client.call, tmp_path, "GET", "/v1/whoami", token=token
                )


def test_each_terminal_has_its_own_login(tmp_path: Path) -> None:
    path = control_client.session_file(tmp_path)
    assert str(os.getsid(0)) in path.name
    assert control_client.saved_token(tmp_path) is None
    control_client.save_token(tmp_path, "t0ken")
    assert control_client.saved_token(tmp_path) == "t0ken"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(click.UsageError, match="chmod 600"):
        control_client.saved_token(tmp_path)
    control_client.forget_token(tmp_path)
    with pytest.raises(click.UsageError, match="staff login"):
        control_client.need_token(tmp_path)


@pytest.mark.parametrize("noun", [staff.command, approval.command])
def test_every_command_has_help_with_an_example(noun: click.Group) -> None:
    for command in [noun, *noun.commands.values(), host_resolve.command, host_unknown.command]:
        text: Any = command.help
        assert "Example" in text
        assert "telebank " in text


async def test_skills_are_given_and_shown_at_a_terminal(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await house.found("chen", "administrator"), await house.found("wu", "supervisor")
        await logged_in(house, chen)
        await logged_in(house, wu)
        li = await house.hire(await house.login(chen), await house.login(wu), "li", "teller")
        await logged_in(house, li)
        words = ("staff", "skills", "li", "cards=5", "lang.en=3", "--since", "2026-03-01")
        given = await run(house, *words, session="wu")
        assert given.exit_code == 0, given.output
        assert "cards=5 lang.en=3" in given.stdout
        assert "no queue has the skill cards; known are difficult, " in given.stderr
        shown = await run(house, "staff", "skills", "li", "--json", session="li")
        assert json.loads(shown.stdout)["began_on"] == "2026-03-01"
        wrong = await run(house, "staff", "skills", "li", "cards", session="wu")
        assert (wrong.exit_code, "cards=5" in wrong.output) == (2, True)
        denied = await run(house, "staff", "skills", "li", "cards=9", session="li")
        assert (denied.exit_code, "may not do this" in denied.output) == (1, True)
