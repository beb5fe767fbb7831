"""`telebank retention` against a control socket of this process."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from click.testing import CliRunner, Result

from support.ledger_world import CARDS
from support.old_things import OldThings
from support.staff_house import House, Person, open_house
from telebank.main import main
from telebank.store.retention_tables import legal_hold
from telebank.store.seat_tables import contact

CARD = CARDS[0]


async def run(house: House, who: Person | None, *words: str, typed: str = "") -> Result:
    env = {"TELEBANK_DATA": str(house.folder)}
    if who is not None:
        session = house.folder / who.name
        session.touch(mode=0o600)
        session.write_text(who.token)
        env["TELEBANK_SESSION"] = str(session)
    runner = CliRunner(env=env)
    return await asyncio.to_thread(runner.invoke, main, ["retention", *words], input=typed)


async def test_a_hold_is_placed_by_card_listed_and_released_by_who_may(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen = await house.login(await house.found("chen", "administrator"))
        wu = await house.login(await house.found("wu", "supervisor"))
        why = f"letter about {CARD.digits}"
        placed = await run(house, chen, "hold", "--why", why, "--json", typed=f"{CARD.digits}\n")
        assert placed.exit_code == 0, placed.output
        hold = json.loads(placed.stdout)["hold"]
        listed = await run(house, None, "list")
        assert CARD.masked in listed.output
        assert CARD.digits not in listed.output + placed.output
        refused = await run(house, chen, "release", hold, "--why", "over")
        assert (refused.exit_code, "a supervisor may" in refused.output) == (1, True)
        done = await run(house, wu, "release", hold, "--why", "over")
        assert done.exit_code == 0, done.output
        again = await run(house, wu, "release", hold, "--why", "over")
        assert again.exit_code == 1
        assert "h-" not in (await run(house, None, "list")).output
        (all_of_them,) = json.loads((await run(house, None, "list", "--all", "--json")).stdout)[
            "holds"
        ]
        assert (all_of_them["placed_by"], all_of_them["released_by"]) == ("chen", "wu")
        (row,) = house.rows(legal_hold)
        assert row.value == house.store.vault.token(CARD)
        assert house.events("staff.denied") == [("chen", "administrator", "not_allowed")]
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or CARD.digits.encode() not in path.read_bytes()


async def test_a_dry_run_says_what_a_run_then_deletes(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        wu = await house.login(await house.found("wu", "supervisor"))
        long_ago = house.clock.now - timedelta(days=20_000)
        old = OldThings(house.store, tmp_path, long_ago)
        await old.talk("one", 0, customer="token-a")
        await old.talk("two", 0, customer="token-b")
        held = await run(house, wu, "hold", "--token", "token-b", "--why", "case 7")
        assert held.exit_code == 0, held.output
        dry = await run(house, None, "run", "--dry-run", "--json")
        assert json.loads(dry.stdout)["kinds"]["talks"] == {
            "found": 2,
            "deleted": 0,
            "held": 1,
            "failed": 0,
        }
        assert len(house.rows(contact)) == 2
        done = await run(house, None, "run", "--json")
        assert (done.exit_code, json.loads(done.stdout)["outcome"]) == (0, "ok"), done.output
        assert [row.id for row in house.rows(contact)] == ["two"]
        assert len(house.events("retention.run")) == 1


async def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        wu = await house.login(await house.found("wu", "supervisor"))
        both = await run(house, wu, "hold", "--token", "t", "--reference", "r", "--why", "x")
        assert both.exit_code == 2
        nobody = await run(house, wu, "hold", "--reference", "019999999999", "--why", "x")
        assert (nobody.exit_code, "no transaction" in nobody.output) == (1, True)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "retention.yaml").write_text("hour: 99\n")
    bad = CliRunner().invoke(main, ["retention", "run", "--dry-run", "--data", str(tmp_path)])
    assert (bad.exit_code, "retention.yaml" in bad.output) == (2, True)
