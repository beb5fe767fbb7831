"""Records of customers, looks at one, and matters, on SQLite and PostgreSQL."""

from datetime import timedelta, timezone
from functools import partial
from pathlib import Path

from support.store_kit import FakeClock, open_store, recorded
from telebank.store import (
    approvals,
    contacts,
    customer_looks,
    customer_records,
    matter_views,
    matters,
    people,
)
from telebank.store import seats as seat_jobs
from telebank.store.contacts import NewContact
from telebank.store.customer_looks import Look
from telebank.store.customer_records import Number, RecordChange
from telebank.store.matter_views import Wanted
from telebank.store.matters import NOTHING, Acting, Kind, NewMatter, Said, Sight
from telebank.store.seats import SeatChange
from telebank.store.store import Store
from transactions.approval import Actor, Approving, content_hash
from transactions.money import Money

CHEN = Actor("chen", "administrator", "control")
LI, WU = Actor("li", "teller", "control"), Actor("wu", "supervisor", "control")
SITS = frozenset({"teller", "supervisor"})
WHO, OTHER = "token-of-payer", "b" * 64
ACT, CALL = "customer.set", "01-1-7"
BEIJING = timezone(timedelta(hours=8))


async def hired(store: Store) -> None:
    secrets = people.NewSecrets("hash", store.vault.seal_digits("SEED"))
    for name, role in (("chen", "administrator"), ("wu", "supervisor"), ("li", "teller")):
        new = people.NewPerson(name, f"{name} {role}", role, secrets)
        await store.journal.run(partial(people.insert_person, new=new, by=CHEN))


async def put(store: Store, name: str, who: str, change: RecordChange) -> str | None:
    """By two people's word; `name` is of the proposal."""
    digest = content_hash(ACT, who, {})
    draft = approvals.Draft(name, ACT, who, {}, digest, "", LI, timedelta(hours=1))
    await store.journal.run(partial(approvals.propose, draft=draft, check=None))
    approving = Approving(ACT, who, digest, WU, "seen")
    job = partial(customer_records.put, customer=who, change=change, approving=approving)
    return await store.journal.run(job)


async def test_a_record_is_changed_found_and_told_to_others(place: Path) -> None:
    clock, number = FakeClock(), Number("k1", "138******34")
    async with open_store(place, clock=clock) as store:
        await hired(store)
        run = store.journal.run
        first = RecordChange({"importance": 7, "teller": "li"}, number=number, sits=SITS)
        assert await put(store, "proposal-1", WHO, first) is None
        found = await run(partial(customer_records.find, customer=WHO))
        assert (found.importance, found.teller, found.numbers) == (7, "li", (number,))
        assert await put(store, "proposal-2", WHO, first) == "nothing"
        taken = RecordChange(number=number, sits=SITS)
        assert await put(store, "proposal-3", OTHER, taken) == "number_taken"
        clock.forward(60)
        since = clock.now
        cleared = RecordChange({"importance": None}, forget=True, sits=SITS)
        refused = await put(store, "proposal-4", WHO, cleared)
        assert refused is None, refused
        changed = await run(partial(customer_records.changed, since=since))
        assert [(one.customer, one.importance, one.numbers) for one in changed] == [(WHO, None, ())]
        later = since + timedelta(seconds=1)
        assert await run(partial(customer_records.changed, since=later)) == []
        assert len(await run(partial(customer_records.changed, since=None))) == 1


async def test_a_look_at_the_customer_in_hand(place: Path) -> None:
    async with open_store(place, clock=FakeClock()) as store:
        request = await recorded(store, "r-1")
        limits = {"transfer_daily": Money.parse("500.00")}
        look = Look(WHO, "622700******7899", CALL, LI, limits, ["pin.verify"], BEIJING)
        seen = await store.journal.run(partial(customer_looks.look, wanted=look))
        assert (seen.lost, seen.tries, seen.payees) == (False, {"pin.verify": 0}, 0)
        assert str(seen.limits["transfer_daily"].used) == "100.00 CNY"
        ((asked,),) = [one.asked for one in seen.past]
        assert (asked.reference, asked.came) == (request.reference, "open")


async def test_matters_are_seen_by_whom_they_concern(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await hired(store)
        run = store.journal.run
        skills = SeatChange(skills={"loans": 5})
        assert await run(partial(seat_jobs.change, person_id="wu", wanted=skills, by=CHEN)) is None
        who = ("138******78", "", "zh", 0, "loans")
        talk = NewContact("c.1", CALL, "li", "cards", "in", clock.now, clock.now, *who)
        await run(partial(contacts.begin, new=talk))
        subject, words = store.vault.seal_digits("papers"), store.vault.seal_digits("call him")
        new = NewMatter(CALL, "loans", subject, words, "skill:loans", clock.now)
        li, wu = Acting(LI, False, SITS), Acting(WU, False, SITS)
        number, why = await run(partial(matters.open_one, new=new, acting=li))
        assert (why, number) == (None, "01-000001")

        async def numbers(by: Actor, sight: Sight) -> list[str]:
            look = partial(matter_views.listed, wanted=Wanted(sight), by=by)
            found = await store.reader.run(look)
            return [one.number for one in found]

        expected: dict[Sight, list[str]] = {"mine": [number], "own": [], "groups": [number]}
        for sight, seen in expected.items():
            assert await numbers(WU, sight) == seen, sight
        assert await numbers(LI, "groups") == []
        assert await numbers(CHEN, "mine") == []
        steps: tuple[tuple[Kind, str, Acting], ...] = (
            ("hand", "seat:wu", wu),
            ("result", "", wu),
            ("close", "", li),
        )
        for kind, to, acting in steps:
            said = Said(kind, NOTHING, to)
            job = partial(matters.add, number=number, said=said, acting=acting)
            assert await run(job) is None, kind
        whole = await store.reader.run(partial(matter_views.find, number=number, acting=wu))
        assert whole is not None
        one, entries, concerned = whole
        assert concerned
        assert (one.state, one.holder, [each.nth for each in entries]) == (
            "closed",
            "seat:wu",
            [1, 2, 3, 4],
        )
        assert store.vault.unseal_digits(entries[0].words) == "call him"
        alone = Acting(CHEN, False, SITS)
        look = partial(matter_views.find, number=number, acting=alone)
        assert await store.reader.run(look) is None
        assert await numbers(LI, "mine") == []
