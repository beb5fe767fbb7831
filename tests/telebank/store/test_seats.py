"""Skills, own phones and first days of people, on SQLite and PostgreSQL."""

from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from support.store_kit import open_store, rows
from telebank.store import desk_phones, people, seats, tables
from telebank.store.desk_phones import PhoneKeys
from telebank.store.seats import FloorAct, SeatChange, SeatProfile
from telebank.store.store import Store
from transactions.approval import Actor

CHEN = Actor("chen", "administrator", "control")


async def hired(store: Store) -> None:
    secrets = people.NewSecrets("hash", store.vault.seal_digits("SEED"))
    for name, role in (("chen", "administrator"), ("wu", "supervisor"), ("li", "teller")):
        new = people.NewPerson(name, f"{name} {role}", role, secrets)
        await store.journal.run(partial(people.insert_person, new=new, by=CHEN))
    keys = PhoneKeys("bank.example", ("SHA-256",), store.vault.seal_digits("HA1"))
    for extension in ("8001", "8002"):
        add = partial(desk_phones.add, extension=extension, name="", keys=keys, by=CHEN, most=9)
        assert await store.journal.run(add) is None
    remove = partial(desk_phones.remove, extension="8002", by=CHEN)
    assert await store.journal.run(remove) is None


async def profile(store: Store, person: str = "li") -> SeatProfile | None:
    return await store.journal.run(partial(seats.profile, person_id=person))


async def change(store: Store, person: str = "li", by: Actor = CHEN, **wanted: Any) -> str | None:
    job = partial(seats.change, person_id=person, wanted=SeatChange(**wanted), by=by)
    return await store.journal.run(job)


async def test_skills_are_given_changed_and_taken_away(place: Path) -> None:
    async with open_store(place) as store:
        await hired(store)
        assert await profile(store) == SeatProfile("li", "li teller", {})
        assert await change(store, skills={"cards": 5, "lang.en": 3}) is None
        assert await change(store, skills={"cards": 0, "loans": 9}, phone="8001") is None
        first = date(2026, 3, 1)
        assert await change(store, began_on=first) is None
        now = SeatProfile("li", "li teller", {"lang.en": 3, "loans": 9}, "8001", first)
        assert await profile(store) == now
        assert await change(store, phone="") is None
        found = await profile(store)
        assert found is not None
        assert (found.phone, found.began_on) == ("", first)
    told = [row for row in rows(place, tables.event) if row.kind == "staff.skills"]
    assert [row.detail for row in told] == [
        {"person": "li", "skills": "cards=5 lang.en=3"},
        {"person": "li", "skills": "cards=0 loans=9", "phone": "8001"},
        {"person": "li", "began_on": "2026-03-01"},
        {"person": "li", "phone": ""},
    ]


async def test_what_cannot_be_leaves_everything_as_it_is(place: Path) -> None:
    async with open_store(place) as store:
        await hired(store)
        await change(store, skills={"cards": 5})
        assert await change(store, "sun", skills={"cards": 5}) == "unknown_person"
        many = {f"s{number}": 1 for number in range(seats.MAX_SKILLS)}
        assert await change(store, skills=many) == "too_many_skills"
        assert await change(store, phone="8002") == "unknown_phone"
        assert await change(store, phone="8009") == "unknown_phone"
        gone = Actor("zhou", "administrator", "control")
        assert await change(store, by=gone, skills={"cards": 1}) == "gone"
        found = await profile(store)
        assert found is not None
        assert found.skills == {"cards": 5}
        assert await profile(store, "sun") is None
        await store.journal.run(
            partial(people.leave, person_id="li", by=CHEN, rule=lambda _there, _role: False)
        )
        assert await profile(store) is None


async def test_what_a_supervisor_does_is_told_with_the_call(place: Path) -> None:
    wu = Actor("wu", "supervisor", "console 10.0.0.7")
    async with open_store(place) as store:
        of = FloorAct("li", "01-000001", {"on": True})
        await store.journal.run(partial(seats.acted, act="record", by=wu, outcome="asked", of=of))
    (row,) = (row for row in rows(place, tables.event) if row.kind == "floor.record")
    assert (row.actor, row.role, row.origin) == ("wu", "supervisor", "console 10.0.0.7")
    assert (row.call, row.outcome, row.detail) == ("01-000001", "asked", {"seat": "li", "on": True})
