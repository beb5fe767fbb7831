"""Contacts and recordings on SQLite and PostgreSQL: begun, ended, noted, found again."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from support.store_kit import NOON, FakeClock, open_store, rows
from telebank.settings import store_url
from telebank.store import contacts, recordings, tables
from telebank.store.contacts import EndedContact, NewContact
from telebank.store.engine import open_read_only
from telebank.store.recordings import NewRecording, Outcome
from telebank.store.seat_tables import contact, recording
from telebank.store.seat_views import Wanted
from telebank.store.seat_views import contacts as listed_contacts
from telebank.store.seat_views import recordings as listed_recordings
from telebank.store.store import Store
from transactions.approval import Actor

LI = Actor("li", "teller", "control")
WU = Actor("wu", "supervisor", "control")
DAY = timedelta(days=1)


def talk(contact_id: str = "01-1-K1", **changes: Any) -> NewContact:
    values: dict[str, Any] = {
        "id": contact_id,
        "call": "01-000001",
        "seat": "li",
        "queue": "cards",
        "direction": "in",
        "began": NOON,
        "answered": NOON + timedelta(seconds=7),
        "caller_masked": "138******78",
        "card_masked": "",
        "language": "zh",
        "level": 0,
        "business": "card_loss",
    }
    return NewContact(**(values | changes))


def over(contact_id: str = "01-1-K1", **changes: Any) -> EndedContact:
    values: dict[str, Any] = {
        "id": contact_id,
        "at": NOON + timedelta(seconds=107),
        "how": "caller",
        "hold_s": 12,
        "level": 2,
        "business": "card_loss",
        "card_masked": "622700******7899",
        "customer": "token-of-payer",
    }
    return EndedContact(**(values | changes))


async def begun(store: Store, contact_id: str = "01-1-K1", **changes: Any) -> None:
    await store.journal.run(partial(contacts.begin, new=talk(contact_id, **changes)))


async def ended(store: Store, contact_id: str = "01-1-K1", **changes: Any) -> None:
    await store.journal.run(partial(contacts.end, ended=over(contact_id, **changes)))


async def of_day(store: Store, seat: str = "li") -> list[str]:
    job = partial(contacts.of_day, seat=seat, since=NOON - DAY, until=NOON + DAY)
    return [one.id for one in await store.journal.run(job)]


async def last(store: Store, customer: str = "token-of-payer") -> str:
    return await store.journal.run(partial(contacts.last_seat, customer=customer))


async def test_a_contact_has_its_times_to_the_second(place: Path) -> None:
    async with open_store(place) as store:
        await begun(store)
        await ended(store)
        await ended(store, how="teller")  # a second end is none
        await store.journal.run(partial(contacts.wrapped, contact_id="01-1-K1", seconds=25))
        job = partial(contacts.of_day, seat="li", since=NOON, until=NOON + DAY)
        (one,) = await store.journal.run(job)
    assert (one.talk_s, one.hold_s, one.wrap_s, one.how_ended) == (100.0, 12, 25, "caller")
    assert (one.began, one.level, one.card_masked) == (NOON, 2, "622700******7899")


async def test_a_day_has_its_own_contacts_newest_first(place: Path) -> None:
    async with open_store(place) as store:
        await begun(store)
        await begun(store, "01-1-K2", began=NOON + timedelta(hours=1))
        await begun(store, "01-1-K3", seat="wang")
        await begun(store, "01-1-K4", began=NOON + DAY)
        await begun(store, "01-1-K5", began=NOON - DAY)
        assert await of_day(store) == ["01-1-K2", "01-1-K1", "01-1-K5"]
        assert await of_day(store, "wang") == ["01-1-K3"]
        assert await of_day(store, "nobody") == []


async def test_who_talked_last_is_known_for_thirty_days(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        assert await last(store) == ""
        await begun(store)
        assert await last(store) == ""  # nobody is proven before the end
        await ended(store)
        await begun(store, "01-1-K2", seat="wang", answered=NOON + timedelta(hours=1))
        await ended(store, "01-1-K2")
        await begun(store, "01-1-K3", seat="sun", answered=None)  # never answered
        await ended(store, "01-1-K3")
        assert await last(store) == "wang"
        await begun(store, "01-1-K4", answered=NOON + timedelta(minutes=1))
        await ended(store, "01-1-K4", customer="another")
        found = await store.journal.run(partial(contacts.last_seats, most=10))
        assert list(found.items()) == [("another", "li"), ("token-of-payer", "wang")]
        assert await last(store, "third") == ""
        clock.forward(30 * 86_400 + 3_600)
        assert await last(store) == "wang"
        clock.forward(1)
        assert await last(store) == ""


async def test_a_note_is_kept_sealed_of_the_seats_last_contact(place: Path) -> None:
    words = "客户说卡在 10 月 1 日丢了"
    async with open_store(place) as store:
        await begun(store)
        await begun(store, "01-1-K2", began=NOON + timedelta(minutes=5))
        await begun(store, "01-1-K3", seat="wang", began=NOON + timedelta(minutes=6))
        sealed = store.vault.seal_digits(words)
        job = partial(contacts.note, call="01-000001", business="lost", sealed=sealed)
        assert await store.journal.run(partial(job, by=LI)) is None
        assert await store.journal.run(partial(job, by=WU)) == "no_call"
        found = {row.id: row for row in rows(place, contact)}
        assert [row.business for row in found.values()] == ["card_loss", "lost", "card_loss"]
        assert bytes(found["01-1-K1"].note_ciphertext) == b""
        assert words.encode() not in bytes(found["01-1-K2"].note_ciphertext)
        (one, _) = await store.journal.run(
            partial(contacts.of_day, seat="li", since=NOON, until=NOON + DAY)
        )
        assert store.vault.unseal_digits(one.note) == words
    told = [row for row in rows(place, tables.event) if row.kind == "contact.noted"]
    assert [(row.actor, row.outcome) for row in told] == [("li", "ok"), ("wu", "no_call")]
    assert words not in repr(told)


async def test_the_business_of_a_note_stays(place: Path) -> None:
    def written() -> list[str]:
        return [row.business for row in rows(place, contact)]

    async with open_store(place) as store:
        await begun(store)
        sealed = store.vault.seal_digits("in the call, and after it")
        job = partial(contacts.note, call="01-000001", sealed=sealed, by=LI)
        await store.journal.run(partial(job, business="lost"))
        await ended(store)
        assert written() == ["lost"], "its end knows the menus only"
        await store.journal.run(partial(job, business=""))
        assert written() == ["lost"], "a note without one"
        await store.journal.run(partial(job, business="limits"))
        assert written() == ["limits"]


async def test_what_a_dead_node_left_is_closed_by_its_next_life(place: Path) -> None:
    new = NewRecording("a.flac", "01-000001", "01-1-K1", "li", "system", NOON, "k1")
    async with open_store(place) as store:
        await begun(store)
        await begun(store, "01-1-K2")
        await ended(store, "01-1-K2")
        await store.journal.run(partial(recordings.begin, new=new))
    async with open_store(place) as store:
        await begun(store, "01-2-K1")
        assert await store.journal.run(contacts.lost) == 1
        assert await store.journal.run(contacts.lost) == 0
        assert await store.journal.run(recordings.lost) == 1
    ends = {row.id: (row.how_ended, row.ended is None) for row in rows(place, contact)}
    assert ends == {
        "01-1-K1": ("lost", True),
        "01-1-K2": ("caller", False),
        "01-2-K1": ("", True),
    }
    (row,) = rows(place, recording)
    assert (row.state, bool(row.cut)) == ("failed", True)


async def test_a_recording_is_kept_with_what_proves_it(place: Path) -> None:
    new = NewRecording("2026/a.flac", "01-000001", "01-1-K1", "li", "wu", NOON, "k1")
    good = Outcome(61.48, "aa" * 32, "bb" * 32, 99, (("secret", 8_000, 24_000),))
    async with open_store(place) as store:
        await store.journal.run(partial(recordings.begin, new=new))
        finish = partial(recordings.finish, name=new.name)
        await store.journal.run(partial(finish, outcome=good))
        await store.journal.run(partial(finish, outcome=Outcome(0.0, "", "", 0)))
        await store.journal.run(partial(recordings.finish, name="none", outcome=good))
        one = await store.journal.run(partial(recordings.find, name=new.name))
        assert one is not None
        assert (one.state, one.seconds, one.sha256, one.cut) == ("kept", 61.48, "aa" * 32, False)
        assert one.marks == [["secret", 8_000, 24_000]]
        job = partial(recordings.of_day, seat="li", since=NOON, until=NOON + DAY)
        assert await store.journal.run(job) == [one]
    told = [row for row in rows(place, tables.event) if row.kind.startswith("recording.")]
    assert [(row.kind, row.actor, row.outcome) for row in told] == [
        ("recording.begun", "wu", "ok"),
        ("recording.ended", "wu", "kept"),
    ]
    assert told[1].detail["sealed_sha256"] == "bb" * 32


async def test_who_may_not_hear_a_recording_is_in_the_log_and_own_ones_are_ones_own(
    place: Path,
) -> None:
    new = NewRecording("a.flac", "01-000001", "01-1-K1", "li", "system", NOON, "k1")
    async with open_store(place) as store:
        await store.journal.run(partial(recordings.begin, new=new))
        wanted = partial(recordings.wanted, name="a.flac")
        assert await store.journal.run(partial(wanted, by=WU)) is not None
        assert await store.journal.run(partial(wanted, by=LI, whose="li")) is not None
        sun = Actor("sun", "teller", "control")
        assert await store.journal.run(partial(wanted, by=sun, whose="sun")) is None
        assert await store.journal.run(partial(recordings.wanted, name="b", by=WU)) is None
    told = [row for row in rows(place, tables.event) if row.kind == "recording.played"]
    assert [(row.actor, row.outcome) for row in told] == [("sun", "unknown"), ("wu", "unknown")]


async def test_lists_beside_the_node_are_newest_first_and_narrowed(place: Path) -> None:
    async with open_store(place) as store:
        for number in range(1, 4):
            await begun(
                store,
                f"01-1-K{number}",
                call=f"01-00000{number}",
                seat="li" if number < 3 else "wang",
                began=NOON + timedelta(minutes=number),
            )
            new = NewRecording(
                f"{number}.flac", f"01-00000{number}", "", "li", "system", NOON, "k1"
            )
            await store.journal.run(partial(recordings.begin, new=new))
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:

        def found(**wanted: Any) -> list[str]:
            return [one.id for one in listed_contacts(connection, Wanted(**wanted))]

        assert found() == ["01-1-K3", "01-1-K2", "01-1-K1"]
        assert found(seat="li", limit=1) == ["01-1-K2"]
        assert found(call="01-000003") == ["01-1-K3"]
        assert found(since=NOON + timedelta(minutes=2)) == ["01-1-K3", "01-1-K2"]
        assert found(until=NOON + timedelta(minutes=2)) == ["01-1-K1"]
        names = [one.name for one in listed_recordings(connection, Wanted(call="01-000002"))]
        assert names == ["2.flac"]
    engine.dispose()
