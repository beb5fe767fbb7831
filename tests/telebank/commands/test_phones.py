"""The commands of desk phones against a control socket of this process."""

import asyncio
import json
from pathlib import Path

import click
from click.testing import CliRunner, Result

from support.staff_house import House, Person, fresh, open_house
from telebank.calls.phones import Registered
from telebank.commands import phones
from telebank.main import main
from telebank.sip.digest import Account, Algorithm
from telebank.sip.registering import PhoneOptions
from telebank.sip.registrar import Binding
from telebank.sip.uri import Hop


async def run(house: House, person: Person | None, *words: str) -> Result:
    """A command at a person's terminal."""
    session = house.folder / "session"
    session.unlink(missing_ok=True)
    if person is not None:
        session.touch(mode=0o600)
        session.write_text(person.token + "\n")
    environment = {"TELEBANK_DATA": str(house.folder), "TELEBANK_SESSION": str(session)}
    runner = CliRunner(env=environment)
    return await asyncio.to_thread(runner.invoke, main, ["phones", *words])


async def test_a_phone_from_its_first_secret_to_its_end(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen = await house.login(await house.found("chen", "administrator"))
        added = await run(house, chen, "add", "8001", "--name", "Counter 3")
        assert added.exit_code == 0, added.output
        (line,) = [line for line in added.output.splitlines() if line.startswith("secret")]
        secret = line.split()[1]
        good = Account.of_password("8001", "bank.example", secret, (Algorithm.SHA_256,))
        assert house.shelf.accounts["8001"] == good
        away = await run(house, chen, "list")
        assert all(word in away.output for word in ("8001", "Counter 3", "away"))
        source = Hop("10.1.2.3", 5060)
        binding = Binding("8001", "sip:8001@10.1.2.3", source, 1.0, "c", 1, 0.0, 600.0)
        house.shelf.contacts = [Registered(binding, 600.0)]
        there = await run(house, chen, "list")
        assert all(word in there.output for word in ("Counter 3", "udp:10.1.2.3:5060", "2026-"))
        shown = await run(house, chen, "show", "8001")
        assert "sip:8001@10.1.2.3 from udp:10.1.2.3:5060 until 2026-" in shown.output
        assert shown.output.count(" UTC") == 3
        assert "SHA-256" in shown.output
        other = await run(house, chen, "secret", "8001", "--md5", "--json")
        found = json.loads(other.output)
        assert (found["extension"], len(found["secret"])) == ("8001", 24)
        assert (await run(house, chen, "remove", "8001")).output == "8001 can register no more\n"
        assert json.loads((await run(house, chen, "list", "--json")).output)["phones"] == []
        (one,) = json.loads((await run(house, chen, "list", "--all", "--json")).output)["phones"]
        assert (one["extension"], one["state"]) == ("8001", "removed")


async def test_exit_codes(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen = await house.login(await house.found("chen", "administrator"))
        wu = await house.login(await house.found("wu", "supervisor"))
        assert (await run(house, None, "list")).exit_code == 2
        assert (await run(house, chen, "add", "x")).exit_code == 2
        denied = await run(house, wu, "add", "8001")
        assert (denied.exit_code, "may not do this" in denied.output) == (1, True)
        unknown = await run(house, chen, "remove", "8001")
        assert (unknown.exit_code, "no phone" in unknown.output) == (1, True)
    assert (await run(house, chen, "list")).exit_code == 3


async def test_where_there_is_no_registrar_the_list_says_so(tmp_path: Path) -> None:
    async with open_house(tmp_path, phone_options=PhoneOptions()) as house:
        chen = await house.login(await house.found("chen", "administrator"))
        listed = await run(house, chen, "list")
        assert (listed.exit_code, "no registrar here" in listed.stderr) == (0, True)
        told = await run(house, chen, "list", "--json")
        assert "no registrar here" in json.loads(told.stdout)["note"]
        assert told.stderr == ""
    async with open_house(tmp_path / "two") as house:
        chen = await house.login(await house.found("chen", "administrator"))
        assert "registrar" not in (await run(house, chen, "list")).output


async def test_the_shell_offers_extensions(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen = await house.login(await house.found("chen", "administrator"))
        for extension in ("8001", "8002", "9001"):
            body = {"extension": extension, "name": f"desk {extension}"} | fresh()
            assert (await house.ask(chen, "POST", "/v1/phones", body)).status == 200
        session = tmp_path / "session"
        session.touch(mode=0o600)
        session.write_text(chen.token + "\n")
        context = click.Context(phones.show)
        context.params = {"data": tmp_path, "session": session}
        (argument,) = [one for one in phones.show.params if one.name == "extension"]
        found = await asyncio.to_thread(argument.shell_complete, context, "80")
        assert [(one.value, one.help) for one in found] == [
            ("8001", "desk 8001"),
            ("8002", "desk 8002"),
        ]
    assert await asyncio.to_thread(argument.shell_complete, context, "80") == []
