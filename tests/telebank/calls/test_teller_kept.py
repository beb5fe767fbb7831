"""Places that are kept are kept by the store: a node that is started again takes them up."""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

from support.bank_process import Voice
from support.calls_house import CARD, PIN
from support.store_kit import open_store
from support.store_kit import rows as store_rows
from support.teller_calls import LI, NUMBER, OPTIONS, Calls, calls, kept, row_of, rows, seated
from telebank import sip
from telebank.agents.events import Caller
from telebank.calls.place_book import PlaceBook
from telebank.calls.tellers.keeping import KeptPlace
from telebank.calls.tellers.values import CallerCard
from telebank.ops.clock import SystemClock
from telebank.store import clock as store_clock
from telebank.store import kept_places, tables
from telebank.store.sealing import Keyring
from telebank.store.seat_tables import contact

PLACES = "SELECT call, queue, tries, card FROM kept_place ORDER BY since"
CONTACTS = "SELECT call, seat, queue, direction, how_ended, answered FROM contact ORDER BY call"
CARD_OF = CallerCard("138******00", "zh", "2026-11-23T08:00:00.000Z", 0, "", "", "loss", (), "10")


async def gone_from_store(at: Calls) -> None:
    async with asyncio.timeout(40):
        while at.rows(PLACES):
            await asyncio.sleep(0.05)


async def test_a_place_is_taken_up_by_the_next_life_of_the_node(
    tmp_path: Path, voice: Voice
) -> None:
    async with calls(tmp_path, voice) as at:
        _, _, ref = await kept(at, keys=f"11{CARD}#{PIN}#0")
        ((call, queue, tries, card),) = at.rows(PLACES)
        assert (call, queue, tries) == (ref, "general", 0)
        assert NUMBER not in str(card)
        assert CARD not in str(card)
        (before,) = [row for row in rows(at) if row.key == ref]
    for path in (tmp_path / "bank").rglob("*"):
        assert not path.is_file() or NUMBER.encode() not in path.read_bytes()
    async with calls(tmp_path, voice) as at:
        (row,) = rows(at)
        assert (row.key, row.state, row.call_back, row.direction) == (ref, "waiting", True, "out")
        assert (row.caller, row.customer, row.path) == (before.caller, before.customer, before.path)
        assert (row.queue, row.began, row.level) == ("general", before.began, 0)
        phone = await seated(at, "li", "8001", LI)
        at.it.ears.append(await phone.answers())
        assert await at.rings() == NUMBER
        ((_, _, tries, _),) = at.rows(PLACES)
        assert tries == 1
        back = await at.picks_up()
        await at.it.pause(0.5)
        back.peer.press("1")
        await row_of(at, key=ref, state="talking", call_back=False)
        await gone_from_store(at)
        at.exchange.hangs_up()
        await at.it.state("SeatRow", "li", "ready")
    async with calls(tmp_path, voice) as at:  # he has been served
        assert rows(at) == []


async def test_who_was_being_called_when_the_node_died_is_tried_once_less(
    tmp_path: Path, voice: Voice
) -> None:
    async with calls(tmp_path, voice) as at:
        phone, first, ref = await kept(at)
        first.hangs_up()
        await phone.has(sip.CallEnded)
        at.it.ears.clear()
        at.it.ears.append(await phone.answers())
        await at.rings()
        assert [row[2] for row in at.rows(PLACES)] == [1]
    async with calls(tmp_path, voice) as at:
        assert [row.key for row in rows(at)] == [ref]
        phone = await seated(at, "li", "8001", LI)
        at.it.ears.append(await phone.answers())
        await at.rings()
        at.exchange.refuses(486)
        await at.it.house.happens("queue.left", how="unreachable")
        await gone_from_store(at)
        assert at.rows(CONTACTS) == [(ref, "", "general", "out", "unreachable", None)]


async def test_a_teller_who_gives_up_costs_the_customer_no_try(
    tmp_path: Path, voice: Voice
) -> None:
    async with calls(tmp_path, voice) as at:
        phone, first, ref = await kept(at)
        first.hangs_up()
        await phone.has(sip.CallEnded)
        at.it.ears.clear()
        at.it.ears.append(await phone.answers())
        await at.rings()
        phone.hangs_up()
        await row_of(at, key=ref, call_back=True, state="waiting")
        async with asyncio.timeout(40):
            while [row[2] for row in at.rows(PLACES)] != [0]:
                await asyncio.sleep(0.05)


async def test_what_is_over_by_then_ends_with_a_contact_and_the_rest_comes_in_order(
    tmp_path: Path,
) -> None:
    now = SystemClock().now()
    keyring = Keyring.open_or_create(tmp_path / "keys")

    def place(
        call: str, queue: str = "general", kept_s: float = 60.0, waited_s: float = 300.0
    ) -> KeptPlace:
        caller = Caller(call, "general", number=f"1380013800{call}", business="loss")
        since, kept_at = now - timedelta(seconds=waited_s), now - timedelta(seconds=kept_s)
        return KeptPlace(caller, queue, NUMBER, CARD_OF, since, kept_at)

    async with open_store(tmp_path, clock=store_clock.SystemClock()) as store:
        book = PlaceBook(store.journal.run, keyring)
        for one in (
            place("1"),
            place("2", waited_s=900.0),
            place("3", kept_s=OPTIONS.call_back_keeps_s + 1),
            place("4", queue="no_more"),
            place("5"),
        ):
            await book.keep(one)
        await book.tried("5", OPTIONS.call_back_tries)
        await book.close()
        book = PlaceBook(store.journal.run, Keyring.open_or_create(tmp_path / "lost_keys"))
        await book.keep(place("6"))  # his number can be read by nobody
        await book.close()
    async with open_store(tmp_path, clock=store_clock.SystemClock()) as store:
        book = PlaceBook(store.journal.run, keyring)
        found = await book.open(OPTIONS, now)
        assert [one.caller.call for one in found] == ["2", "1"]
        assert found[1] == place("1")
        assert [one.caller.call for one in await book.open(OPTIONS, now)] == ["2", "1"]
        other = await store.journal.run(partial(kept_places.open_places, lost=lambda _one: None))
        assert [one.call for one in other] == ["2", "1"]
    found_contacts = store_rows(tmp_path, contact)
    assert [(one.call, one.seat, one.queue, one.how_ended) for one in found_contacts] == [
        ("3", "", "general", "expired"),
        ("4", "", "no_more", "expired"),
        ("5", "", "general", "unreachable"),
        ("6", "", "general", "unreachable"),
    ]
    assert {(one.direction, one.answered) for one in found_contacts} == {("out", None)}
    left = store_rows(tmp_path, tables.event, tables.event.c.kind == "queue.left")
    assert sorted(one.call for one in left) == ["3", "4", "5", "6"]
