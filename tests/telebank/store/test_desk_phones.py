"""Desk phones on SQLite and PostgreSQL: added, changed, removed; what is sealed is that phone's."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy import update

from support.store_kit import FakeClock, open_store, rows
from telebank.calls.registrations import LETTERS, DeskPhones
from telebank.sip.digest import Account, Algorithm
from telebank.sip.registering import PhoneOptions
from telebank.store import desk_phones, people, tables
from telebank.store.desk_phone_tables import desk_phone
from telebank.store.store import Store
from transactions.approval import Actor

CHEN = Actor("chen", "administrator", "control")
GONE = Actor("li", "administrator", "control")
REALM = PhoneOptions("bank.example", phones=3)


class Shelf:
    """What the node's user agent was told last."""

    accounts: dict[str, Account]

    def use_phones(self, accounts: object) -> None:
        self.accounts = dict(accounts)  # type: ignore[call-overload]

    def registrations(self) -> list[object]:
        return []


async def an_administrator(store: Store) -> None:
    secrets = people.NewSecrets("hash", store.vault.seal_digits("SEED"))
    new = people.NewPerson("chen", "Chen", "administrator", secrets)
    add = partial(people.insert_person, new=new, by=CHEN)
    await store.journal.run(add)


async def at_work(store: Store, options: PhoneOptions = REALM) -> tuple[DeskPhones, Shelf]:
    shelf = Shelf()
    phones = DeskPhones(options, store.journal.run, store.vault)
    await phones.start(shelf)  # type: ignore[arg-type]
    return phones, shelf


async def test_a_phone_is_added_changed_and_removed(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await an_administrator(store)
        phones, shelf = await at_work(store)
        assert shelf.accounts == {}
        reason, secret = await phones.add("8001", "柜台三", md5=False, by=CHEN)
        assert reason == ""
        assert (len(secret), set(secret) <= set(LETTERS)) == (24, True)
        good = Account.of_password("8001", "bank.example", secret, (Algorithm.SHA_256,))
        assert shelf.accounts == {"8001": good}
        assert (await phones.add("8001", "", md5=False, by=CHEN))[0] == "extension_taken"
        clock.forward(60)
        reason, another = await phones.new_secret("8001", md5=True, by=CHEN)
        assert (reason, another == secret) == ("", False)
        assert set(shelf.accounts["8001"].ha1) == {Algorithm.SHA_256, Algorithm.MD5}
        (row,) = rows(place, desk_phone)
        assert (row.name, row.algorithms, row.created_by) == ("柜台三", "SHA-256 MD5", "chen")
        assert row.changed_at > row.created_at
        assert await phones.remove("8001", CHEN) == ""
        assert shelf.accounts == {}
        assert await phones.remove("8001", CHEN) == "unknown_phone"
        assert (await phones.new_secret("8001", md5=False, by=CHEN))[0] == "unknown_phone"
        (row,) = rows(place, desk_phone)
        assert (row.state, bytes(row.ciphertext)) == ("removed", b"")
        assert (await phones.add("8001", "again", md5=False, by=CHEN))[0] == ""
        assert list(shelf.accounts) == ["8001"]
        await phones.close()
    told = [(row.kind, row.outcome) for row in rows(place, tables.event) if "phone" in row.kind]
    assert told == [
        ("phone.added", "ok"),
        ("phone.added", "extension_taken"),
        ("phone.secret", "ok"),
        ("phone.removed", "ok"),
        ("phone.removed", "unknown_phone"),
        ("phone.secret", "unknown_phone"),
        ("phone.added", "ok"),
    ]


async def test_neither_secret_nor_digest_is_anywhere(place: Path) -> None:
    async with open_store(place) as store:
        await an_administrator(store)
        phones, shelf = await at_work(store)
        _, secret = await phones.add("8001", "", md5=True, by=CHEN)
        await phones.close()
        kept = repr(rows(place, desk_phone)) + repr(rows(place, tables.event))
        for text in (secret, *shelf.accounts["8001"].ha1.values()):
            assert text not in kept


async def test_who_left_adds_nothing_and_there_are_not_too_many(place: Path) -> None:
    async with open_store(place) as store:
        await an_administrator(store)
        phones, shelf = await at_work(store)
        assert (await phones.add("8001", "", md5=False, by=GONE))[0] == "gone"
        made = [(await phones.add(f"800{n}", "", md5=False, by=CHEN))[0] for n in range(4)]
        assert made == ["", "", "", "too_many_phones"]
        assert len(shelf.accounts) == 3
        await phones.close()


async def test_phones_are_there_at_the_next_start_in_their_realm(place: Path) -> None:
    async with open_store(place) as store:
        await an_administrator(store)
        phones, _ = await at_work(store)
        _, secret = await phones.add("8001", "", md5=False, by=CHEN)
        await phones.close()
    async with open_store(place) as store:
        phones, shelf = await at_work(store)
        good = Account.of_password("8001", "bank.example", secret, (Algorithm.SHA_256,))
        assert shelf.accounts == {"8001": good}
        await phones.close()
        other, empty = await at_work(store, replace(REALM, realm="another"))
        assert empty.accounts == {}
        await other.close()


async def test_what_another_node_adds_is_seen(place: Path) -> None:
    async with (
        open_store(place, nodes=2) as store,
        open_store(place, "02", nodes=2) as beside,
    ):
        await an_administrator(store)
        phones, _ = await at_work(store)
        others, shelf = await at_work(beside)
        before = await beside.journal.run(desk_phones.state_of)
        await phones.add("8001", "", md5=False, by=CHEN)
        assert await beside.journal.run(desk_phones.state_of) != before
        await others.load()
        assert list(shelf.accounts) == ["8001"]
        await phones.close()
        await others.close()


async def test_a_row_with_the_digests_of_another_phone_is_left_out(place: Path) -> None:
    async with open_store(place) as store:
        await an_administrator(store)
        phones, shelf = await at_work(store)
        for extension in ("8001", "8002"):
            await phones.add(extension, "", md5=False, by=CHEN)
        one, _ = rows(place, desk_phone)

        def swap(part: object) -> None:
            change = update(desk_phone).where(desk_phone.c.extension == "8002")
            part.execute(change.values(ciphertext=bytes(one.ciphertext)))  # type: ignore[attr-defined]

        await store.journal.run(swap)
        await phones.load()
        assert list(shelf.accounts) == ["8001"]
        await phones.close()
