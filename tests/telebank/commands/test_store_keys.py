"""`telebank keys store`: two people rotate and destroy, the node seals anew while it runs."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from support.key_people import logged_in, people, run
from support.staff_house import House, Person, open_house
from support.store_kit import NOON
from telebank.commands.wiring.store_keys import RELOAD, RESEAL
from telebank.store import key_files, tables
from telebank.store.transaction import Transaction
from transactions.card import CardNumber, SealedCard

CARD = CardNumber("6227001234567899")
MANY = 450


async def said(house: House, *words: str, who: str = "it.li", code: int = 0) -> str:
    done = await run(house, "keys", "store", *words, session=who)
    assert done.exit_code == code, done.output
    return done.output


async def listed(house: House) -> dict[str, dict[str, Any]]:
    found = json.loads(await said(house, "list", "--json"))
    return {one["key"]: one for one in found}


async def balances(house: House, many: int = MANY) -> None:
    sealed = [house.store.vault.seal_digits(f"{n:08d}") for n in range(many)]
    new = [
        {"token": f"t{n:05d}", "at": NOON, "key_id": one.key_id, "ciphertext": one.ciphertext}
        for n, one in enumerate(sealed)
    ]

    def job(part: Transaction) -> None:
        part.execute_many(insert(tables.known_balance), new)

    await house.store.journal.run(job)


async def both(house: House, *words: str, people: tuple[Person, Person]) -> str:
    """The words of somebody of IT, then the same of a supervisor; what the second one reads."""
    for one in people:
        told = await said(house, *words, who=one.name)
    return told


async def test_two_people_rotate_and_the_old_key_is_destroyed_at_last(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        _, wu, li = await people(house)
        for one in (wu, li):
            await logged_in(house, one)
        await balances(house)
        staff = len(house.rows(tables.staff))
        before = await listed(house)
        assert before["k1"]["state"] == "active"
        assert before["k1"]["rows"] == {
            "known_balance.ciphertext": MANY,
            "staff.totp_ciphertext": staff,
        }
        assert "k1 is the key that seals" in await destroyed_in_vain(house, "k1", (li, wu))
        assert "proposed" in await said(house, "rotate", who="it.li")
        assert house.store.vault.current == "k1", "one person's word changes nothing"
        assert "k2 seals from now on" in await said(house, "rotate", who="wu")
        assert house.store.vault.current == "k2"
        after = await listed(house)
        assert (after["k1"]["state"], after["k2"]["state"]) == ("retired", "active")
        assert after["k1"]["retired"] is not None
        dry = json.loads(await said(house, "reseal", "--dry-run", "--json"))
        assert dry == {"to_reseal": after["k1"]["rows"], "recordings": 0}
        assert "needed to open" in await destroyed_in_vain(house, "k1", (li, wu))
        # Part of it, as by a command that was killed then.
        asked = await house.ask(None, "POST", RESEAL, {"place": "known_balance.ciphertext"})
        assert (asked.status, asked.body["written"]) == (200, 200)
        told = await said(house, "reseal")
        assert f"{MANY + staff - 200} sealed anew under k2" in told
        assert "nothing is left" in told
        assert "k1 is destroyed" in await both(house, "destroy", "k1", people=(li, wu))
        assert not key_files.file_of(tmp_path / "keys", "k1").exists()
        assert (await listed(house))["k1"]["state"] == "destroyed"
        for number, row in enumerate(house.rows(tables.known_balance)):
            kept = SealedCard("", "", row.key_id, row.ciphertext)
            assert house.store.vault.unseal_digits(kept) == f"{number:08d}"
        await logged_in(house, wu)
        kinds = [(row.actor, row.outcome, row.detail) for row in events(house, "store.key")]
        assert kinds == [
            ("wu", "rotated", {"key": "k2", "before": "k1"}),
            ("wu", "destroyed", {"key": "k1"}),
        ]
        parts = [row.detail["rows"] for row in events(house, "store.resealed")]
        assert sum(parts) == MANY + staff
        assert max(parts) == 200, "small transactions"


async def test_keys_of_another_node_are_read_when_they_are_copied(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        prepared = json.loads(await said(house, "prepare", "--json"))
        assert prepared["key"] == "k2"
        assert house.store.vault.current == "k1"
        assert (await listed(house))["k2"]["state"] == "prepared"
        key_files.promote(tmp_path / "keys", "k2")
        assert "k2 seals" in await said(house, "reload")
        assert house.store.vault.current == "k2"
        assert "nothing was changed" in await said(house, "reload")
        (told,) = events(house, "store.key")
        assert (told.outcome, told.detail) == ("read", {"key": "k2"})
        (tmp_path / "keys" / "seal-current").write_text("k1\n")
        asked = await house.ask(None, "POST", RELOAD, {})
        assert (asked.status, "retired" in asked.body["error"]) == (409, True)
        assert house.store.vault.seal(CARD).key_id == "k2", "a retired key seals nothing"


async def test_what_is_no_place_or_no_key_is_refused(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        _, wu, li = await people(house)
        for one in (wu, li):
            await logged_in(house, one)
        asked = await house.ask(None, "POST", RESEAL, {"place": "request.id"})
        assert asked.status == 400
        assert "no sealing key" in await said(house, "destroy", "../x", code=2)
        clash = ("keys", "generate", "store.seal", "--usage", "mac", "--algorithm", "aes-256")
        done = await run(house, *clash)
        assert (done.exit_code, "keys store" in done.output) == (2, True)


async def destroyed_in_vain(house: House, key: str, people: tuple[Person, Person]) -> str:
    first, second = people
    await said(house, "destroy", key, who=first.name)
    told = await said(house, "destroy", key, who=second.name, code=1)
    (waiting,) = [row for row in house.rows(tables.approval) if row.state == "pending"]
    done = await run(
        house, "approval", "refuse", waiting.id, "--note", "not yet", session=first.name
    )
    assert done.exit_code == 0, done.output
    return told


def events(house: House, kind: str) -> list[Any]:
    found = [row for row in house.rows(tables.event) if row.kind == kind]
    return sorted(found, key=lambda row: row.sequence)
