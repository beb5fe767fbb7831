"""What a retired key sealed is sealed anew, in small parts, whatever breaks it off."""

import signal
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import insert

from support.store_kit import NOON, PAYER, message, open_store, recorded, rows
from telebank.settings import store_url
from telebank.store import resealing, seal_keys, tables
from telebank.store.engine import open_read_only
from telebank.store.errors import StartRefused
from telebank.store.key_files import destroy, write_key
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from telebank.store.transaction import Transaction
from telebank.store.values import from_json
from transactions.approval import Actor
from transactions.card import SealedCard
from transactions.lifecycle import State
from transactions.outcome import Approved

MANY = 450
BY = Actor("wu", "supervisor", "here")
CRASHING = """
import asyncio, sys
from functools import partial
from pathlib import Path
from telebank.settings import store_url
from telebank.store import resealing
from telebank.store.sealing import Keyring
from telebank.store.store import Store

async def main(folder):
    store = await Store.open(store_url(folder), "01", Keyring.open(folder / "keys"))
    after = None
    while True:
        look = partial(resealing.find, keys=store.vault, place="known_balance.ciphertext",
                       after=after, most=50)
        found = await store.reader.run(look)
        await store.journal.run(partial(resealing.reseal, found=found, by="test"))
        print("part", flush=True)
        sys.stdin.readline()
        after = found.after

asyncio.run(main(Path(sys.argv[1])))
"""


def counted(place: Path) -> dict[str, Counter[str]]:
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        found = resealing.sealed_by(connection)
    engine.dispose()
    return {name: many for name, many in found.items() if many}


async def balances(store: Store, many: int) -> None:
    made = [store.vault.seal_digits(f"{number:08d}") for number in range(many)]
    new = [
        {"token": f"t{n:06d}", "at": NOON, "key_id": one.key_id, "ciphertext": one.ciphertext}
        for n, one in enumerate(made)
    ]

    def job(part: Transaction) -> None:
        part.execute_many(insert(tables.known_balance), new)

    await store.journal.run(job)


async def all_resealed(store: Store) -> int:
    """As the command does it."""
    written = 0
    for place in resealing.NAMES:
        after = None
        while True:
            look = partial(resealing.find, keys=store.vault, place=place, after=after)
            found = await store.reader.run(look)
            written += await store.journal.run(partial(resealing.reseal, found=found, by="test"))
            after = found.after
            if after is None:
                break
    return written


def test_every_sealed_column_is_known() -> None:
    """A new table with a key's id is sealed anew too, or said here why not."""
    keyed = {
        f"{table.name}.{column.name}"
        for table in tables.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("key_id")
    }
    known = {f"{one.table.name}.{one.key_id.name}" for one in resealing.PLACES.values()}
    # Which key was the one of that time; and recordings, whose files have their keys.
    assert keyed == known | {"request.key_id", "recording.key_id"}


async def test_everything_is_sealed_anew_and_reads_the_same(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "r1")
        await store.journal.sending(message("r1", "000001"))
        kept = Approved({"payee": store.vault.seal(PAYER), "left": "7"}, "ref")
        await store.journal.advance("r1", [State.APPROVED], outcome=kept)
        await balances(store, MANY)
        before = counted(place)
        assert before["sealed_input.ciphertext"]["k1"] == 2
        assert before["known_balance.ciphertext"] == {"k1": MANY}
        assert before["request.outcome_data"] == {"k1": 1}
        Keyring.rotate(store.vault.directory)
        store.vault.reread()
        total = sum(many.total() for many in before.values())
        assert await all_resealed(store) == total
        after = counted(place)
        assert {name: many["k2"] for name, many in after.items()} == {
            name: many["k1"] for name, many in before.items()
        }
        assert await all_resealed(store) == 0, "all is done"
        told = [row for row in rows(place, tables.event) if row.kind == "store.resealed"]
        assert sum(row.detail["rows"] for row in told) == total
        destroy(store.vault.directory, "k1")
        store.vault.reread()
        for number, row in enumerate(rows(place, tables.known_balance)):
            opened = store.vault.unseal_digits(SealedCard("", "", row.key_id, row.ciphertext))
            assert opened == f"{number:08d}"
        (row,) = rows(place, tables.request)
        card = from_json(row.outcome_data["payee"])
        assert isinstance(card, SealedCard)
        assert (card.key_id, store.vault.unseal(card)) == ("k2", PAYER)
        assert row.outcome_data["left"] == "7"


async def test_a_row_that_changed_meanwhile_stays_as_it_is(place: Path) -> None:
    async with open_store(place) as store:
        await balances(store, 3)
        Keyring.rotate(store.vault.directory)
        store.vault.reread()
        name = "known_balance.ciphertext"
        look = partial(resealing.find, keys=store.vault, place=name, after=None)
        found = await store.reader.run(look)
        new = store.vault.seal_digits("newer")
        column = tables.known_balance.c

        def job(part: Transaction) -> None:
            part.connection.execute(
                tables.known_balance.update()
                .where(column.token == "t000001")
                .values(key_id=new.key_id, ciphertext=new.ciphertext)
            )

        await store.journal.run(job)
        assert await store.journal.run(partial(resealing.reseal, found=found, by="test")) == 2
        row = rows(place, tables.known_balance, column.token == "t000001")[0]
        assert row.ciphertext == new.ciphertext


async def test_what_does_not_open_is_counted_and_left(place: Path) -> None:
    async with open_store(place) as store:
        await balances(store, 2)
        Keyring.rotate(store.vault.directory)
        destroy(store.vault.directory, "k1")
        store.vault.reread()
        name = "known_balance.ciphertext"
        look = partial(resealing.find, keys=store.vault, place=name, after=None)
        found = await store.reader.run(look)
        assert (found.spoilt, found.changes, found.after) == (2, [], None)


async def test_a_process_killed_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await balances(store, MANY)
    Keyring.rotate(tmp_path / "keys")
    words = [sys.executable, "-c", CRASHING, str(tmp_path)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(3):
            assert process.stdout.readline() == "part\n"
            process.stdin.write("go on\n")
        process.send_signal(signal.SIGKILL)
    half = counted(tmp_path)["known_balance.ciphertext"]
    assert half["k2"] >= 150
    assert half.total() == MANY
    async with open_store(tmp_path) as store:
        await all_resealed(store)
        assert counted(tmp_path)["known_balance.ciphertext"] == {"k2": MANY}
        for number, row in enumerate(rows(tmp_path, tables.known_balance)):
            opened = store.vault.unseal_digits(SealedCard("", "", row.key_id, row.ciphertext))
            assert opened == f"{number:08d}"


async def test_a_node_needs_no_key_that_was_destroyed(place: Path) -> None:
    async with open_store(place) as store:
        folder = store.vault.directory
        Keyring.rotate(folder)
        store.vault.reread()
    kept = (folder / "seal-k1.key").read_text()
    destroy(folder, "k1")
    with pytest.raises(StartRefused, match=r"seal-k1\.key is missing"):
        async with open_store(place):
            pass
    write_key(folder / "seal-k1.key", bytes.fromhex(kept.splitlines()[0]))
    async with open_store(place) as store:
        await store.journal.run(partial(seal_keys.destroyed, name="k1", by=BY))
    destroy(folder, "k1")
    async with open_store(place) as store:
        assert store.vault.current == "k2"
        found = await store.reader.run(partial(seal_keys.keys_of_store, directory=folder))
        states = {one.name: one.state for one in found}
        assert states == {"token.key": "active", "k1": "destroyed", "k2": "active"}
        assert await store.reader.run(seal_keys.highest_number) == 2
    told = [row for row in rows(place, tables.event) if row.kind == "store.key"]
    assert [(row.actor, row.outcome, row.detail) for row in told] == [
        ("wu", "destroyed", {"key": "k1"})
    ]
