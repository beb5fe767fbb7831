"""What a teller sees of the customer in hand, at the control socket: who may, what, the event."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from support.customer_in_hand import MASKED, STANDING, TOKEN, InHand
from support.desk_house import DeskHouse, open_desks
from support.form_counter import CALL, edition
from support.staff_house import START, Asked, Person
from support.store_kit import recorded
from telebank.calls.control.customers import CustomerPart, tries_of
from telebank.store import ceilings, habits, payees, tables
from telebank.store.contacts import EndedContact, NewContact
from telebank.store.transaction import Transaction
from transactions.card import CardNumber
from transactions.lifecycle import State
from transactions.money import Money
from transactions.telephone_pin import Customer

BEFORE = "01-000001"
"""The call that the store's own tests record transfers of."""
PAYEE = CardNumber("9900001234567893")


@asynccontextmanager
async def desks_with(folder: Path, hand: InHand) -> AsyncIterator[tuple[DeskHouse, Person]]:
    def part(counter: Any, _room: Any) -> list[CustomerPart]:
        return [CustomerPart(counter, hand, STANDING)]

    async with open_desks(folder, more=part) as desks:
        yield desks, await desks.teller("li")


async def look(desks: DeskHouse, who: Person, call: str = CALL) -> Asked:
    return await desks.ask(who, "GET", "desk/customer", params={"call": call})


def talked(desks: DeskHouse, call: str, at_minute: int, how: Any = "caller") -> None:
    began = START + timedelta(minutes=at_minute)
    desks.book.begun(
        NewContact(
            *(f"{call}.1", call, "wang", "cards", "in", began, began + timedelta(seconds=5)),
            *("138******78", MASKED, "zh", 2, "loss"),
        )
    )
    end = began + timedelta(seconds=65)
    desks.book.ended(EndedContact(f"{call}.1", end, how, 0, 2, "loss", MASKED, TOKEN))


async def test_how_he_stands_and_what_was_before(tmp_path: Path) -> None:
    async with desks_with(tmp_path, InHand()) as (desks, li):
        customer, bank = Customer(TOKEN), STANDING.limits["transfer_daily"]
        store = desks.house.store
        seal = store.vault.seal(PAYEE)
        today = START.astimezone(STANDING.zone).date()

        def fill(part: Transaction) -> None:
            habits.put(part, customer, "speed", "slow")
            payees.add(part, customer, seal, PAYEE.masked, cooling=timedelta(hours=24))
            lower = ceilings.Wanted("transfer_daily", Money.parse("200.00"), bank, today, today)
            ceilings.put(part, customer, lower, may_raise=False)

        await store.journal.run(fill)
        for _ in range(2):
            assert await store.journal.count_attempt(f"pin.verify:{TOKEN}", 3, today)
        for _ in range(5):
            assert await store.journal.count_attempt(f"customer.identify:{TOKEN}", 5, today)
        request = await recorded(store, "r-1")
        talked(desks, BEFORE, 1, "transfer")
        talked(desks, "01-000002", 3)
        talked(desks, CALL, 5)
        await desks.book.close()
        asked = await look(desks, li)
        assert asked.status == 200, asked
        seen = asked.body
        assert seen["pin"] == {"state": "active", "wrong": 2, "most": 3}
        assert [one["tries"] for one in seen["closed"]] == ["customer.identify"]
        assert (seen["payees"], seen["cooling"], seen["second_factor"]) == (1, 1, "message")
        assert seen["settings"] == {"speed": "slow", "patience": "normal", "greeting": "none"}
        (limit,) = seen["limits"]
        assert (limit["most"], limit["bank"]) == ("200.00 CNY", "50000.00 CNY")
        assert limit["used"] == "100.00 CNY"
        assert (seen["lost"], seen["numbers"], seen["teller"]) == (False, [], None)
        assert [one["call"] for one in seen["past"]] == ["01-000002", BEFORE], "not this call"
        talk, (transfer,) = seen["past"][1]["talks"][0], seen["past"][1]["asked"]
        assert (talk["seat"], talk["how_ended"], talk["talk_s"]) == ("wang", "transfer", 60.0)
        assert (transfer["en"], transfer["came"]) == ("Transfer to a card", "open")
        assert (transfer["amount"], transfer["reference"]) == ("100.00 CNY", request.reference)
        (event,) = [row for row in desks.house.rows(tables.event) if row.kind == "customer.looked"]
        assert (event.actor, event.role, event.call) == ("li", "teller", CALL)
        assert (event.detail["customer"], event.personal) == (TOKEN, {"card_masked": MASKED})
        assert PAYEE.digits not in str(asked)


async def test_a_pin_that_is_locked_or_must_be_changed(tmp_path: Path) -> None:
    hand = InHand()
    async with desks_with(tmp_path, hand) as (desks, li):
        hand.pin_result = "first_use"
        assert (await look(desks, li)).body["pin"]["state"] == "must_change"
        today = START.astimezone(STANDING.zone).date()
        for _ in range(3):
            key = f"pin.verify:{TOKEN}"
            assert await desks.house.store.journal.count_attempt(key, 3, today)
        seen = (await look(desks, li)).body
        assert (seen["pin"]["state"], seen["pin"]["wrong"]) == ("locked", 3)
        desks.house.clock.forward(24 * 3600)
        again = await desks.house.login(li)
        hand.pin_result = "verified"
        assert (await look(desks, again)).body["pin"] == {"state": "active", "wrong": 0, "most": 3}


async def test_what_was_asked_for_is_told_by_how_it_came_out(tmp_path: Path) -> None:
    async with desks_with(tmp_path, InHand()) as (desks, li):
        journal = desks.house.store.journal
        ways = {
            "r-1": [State.SENT, State.APPROVED],
            "r-2": [State.NOT_SENT],
            "r-3": [State.SENT, State.UNKNOWN, State.REVERSING, State.MANUAL],
        }
        for name, way in ways.items():
            await recorded(desks.house.store, name, guarded=False)
            for step in way:
                await journal.advance(name, [step])
            desks.house.clock.forward(1)
        (past,) = (await look(desks, li)).body["past"]
        assert [one["came"] for one in past["asked"]] == ["done", "not_done", "open"]


async def test_nobody_looks_at_others_or_at_who_proved_nothing(tmp_path: Path) -> None:
    hand = InHand()
    async with desks_with(tmp_path, hand) as (desks, li):
        wang = await desks.teller("wang")
        for who, call, code in ((wang, CALL, "no_call"), (li, "01-9-9", "no_call")):
            asked = await look(desks, who, call)
            assert (asked.status, asked.body["code"]) == (409, code)
        assert (await look(desks, desks.chen)).status == 403
        assert (await look(desks, li, "")).status == 400
        hand.token = ""
        asked = await look(desks, li)
        assert (asked.status, asked.body["code"]) == (409, "not_proved")
        assert desks.house.events("customer.looked") == []
        assert desks.house.events("staff.denied") == [("chen", "administrator", "not_allowed")]


def test_tries_that_are_counted_together_are_one() -> None:
    found = {one.name: one for one in tries_of(edition().contracts)}
    pin = found["pin.verify"]
    assert (pin.most, pin.pin, set(pin.services) >= {"pin.verify", "pin.change"}) == (3, True, True)
    assert "pin.change" not in found
