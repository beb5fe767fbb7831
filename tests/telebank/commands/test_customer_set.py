"""`telebank customer set`: two people's word, what is seen of it, and what queues then know."""

import asyncio
import json
from pathlib import Path

from support.ledger_world import CARDS
from support.staff_house import House, Person, fresh, open_house
from support.staff_words import run, three_people
from telebank.commands.wiring.customer_records import SET
from telebank.store import tables
from telebank.store.customer_tables import customer_number, customer_record

VIP, OTHER = CARDS[:2]
NOTE = ("--note", "contract of November")
NUMBER = "13800001234"


async def said(house: House, li: Person, wu: Person, *words: str, card: str = VIP.digits) -> None:
    """Both say it."""
    for who in (li, wu):
        result = await run(house, who, "set", *words, *NOTE, card=card)
        assert result.exit_code == 0, result.output


async def test_two_people_say_how_a_customer_is_received(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu, li = await three_people(house)
        words = ("--importance", "7", "--teller", "li", "--number", NUMBER)
        proposed = await run(house, li, "set", *words, *NOTE)
        assert (proposed.exit_code, "a supervisor approves" in proposed.output) == (0, True)
        assert house.rows(customer_record) == []
        other = await run(house, wu, "set", "--importance", "8", *NOTE)
        assert (other.exit_code, "not what li proposed" in other.output) == (1, True)
        done = await run(house, wu, "set", *words, *NOTE)
        assert (done.exit_code, done.output.strip()) == (0, f"{VIP.masked}: set")
        token = house.store.vault.token(VIP)
        record = house.customers.of(token, "")
        assert record is not None
        assert (record.importance, record.teller, record.changed_by) == (7, "li", "wu")
        for number in (NUMBER, "+8613800001234", "0086 138-0000-1234"):
            assert house.customers.of("", number) == record, number
        assert house.customers.of("", "13800001235") is None
        other_card = house.store.vault.token(OTHER)
        assert house.customers.of(other_card, NUMBER) is None, "who proved himself is himself"
        shown = await run(house, wu, "show")
        for line in ("importance: 7", "own teller: li", "calls from: 138******34"):
            assert line in shown.output
        assert house.events("customer.set") == [("wu", "supervisor", "ok")]
        denied = await run(house, chen, "set", "--importance", "1", *NOTE)
        assert (denied.exit_code, "a teller may" in denied.output) == (1, True)
        everything = str([house.rows(each) for each in (tables.event, tables.approval)])
        assert NUMBER not in everything
        assert VIP.digits not in everything


async def test_what_is_not_named_stays_and_what_is_taken_back_is_not_said(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        _, wu, li = await three_people(house)
        await said(house, li, wu, "--importance", "0", "--number", NUMBER)
        await said(house, li, wu, "--teller", "wu")
        token = house.store.vault.token(VIP)
        record = house.customers.of(token, "")
        assert record is not None
        assert (record.importance, record.teller, len(record.numbers)) == (0, "wu", 1)
        await said(house, li, wu, "--importance", "none", "--forget-numbers")
        record = house.customers.of(token, "")
        assert record is not None
        assert (record.importance, record.teller, record.numbers) == (None, "wu", ())
        assert house.customers.of("", NUMBER) is None
        shown = json.loads((await run(house, li, "show", "--json")).output)["record"]
        assert (shown["importance"], shown["teller"], shown["numbers"]) == (None, "wu", [])
        await said(house, li, wu, "--importance", "3", "--number", NUMBER, card=OTHER.digits)
        assert [row.importance for row in house.rows(customer_record)] in ([3, None], [None, 3])


async def test_what_cannot_be_said_is_refused_with_why(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        _, wu, li = await three_people(house)
        await said(house, li, wu, "--importance", "7", "--number", NUMBER)
        for words, why in (
            (("--importance", "7"), "stands already"),
            (("--teller", "nobody"), "nobody of this name"),
            (("--teller", "chen"), "nobody of this name"),
        ):
            refused = await run(house, li, "set", *words, *NOTE)
            assert (refused.exit_code, why in refused.output) == (1, True), refused.output
        taken = await run(house, li, "set", "--number", NUMBER, *NOTE, card=OTHER.digits)
        assert (taken.exit_code, "another customer's" in taken.output) == (1, True)
        for last in "56":
            await said(house, li, wu, "--number", f"1380000123{last}")
        fourth = await run(house, li, "set", "--number", "13800001237", *NOTE)
        assert (fourth.exit_code, "3 numbers at most" in fourth.output) == (1, True)
        assert len(house.rows(customer_number)) == 3
        for words in ((), ("--importance", "10"), ("--importance", "high")):
            assert (await run(house, li, "set", *words, *NOTE)).exit_code == 2
        for more in ({"number": "1"}, {"importance": 10}, {"teller": ""}, {"level": 3}, {}):
            body = {"card": VIP.digits, "note": "a contract", **more, **fresh()}
            assert (await house.ask(li, "POST", SET, body)).status == 400, more


async def test_another_nodes_change_is_seen_at_the_next_look(tmp_path: Path) -> None:
    """Of two books over one store, the second is as one of another node."""
    async with open_house(tmp_path) as house:
        _, wu, li = await three_people(house)
        far = house.book()
        await far.refresh()
        token = house.store.vault.token(VIP)
        assert far.of(token, "") is None
        await said(house, li, wu, "--importance", "5", "--number", NUMBER)
        await far.refresh()
        assert far.of("", NUMBER) == house.customers.of(token, "")
        house.clock.forward(600)
        await said(house, li, wu, "--forget-numbers", "--number", "13800009999")
        await far.refresh()
        assert far.of("", NUMBER) is None
        record = far.of("", "13800009999")
        assert record is not None
        assert record.importance == 5


async def test_a_node_looks_for_changes_by_itself_until_it_is_closed(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        _, wu, li = await three_people(house)
        far, token = house.book(every_s=0.05), house.store.vault.token(VIP)
        await far.open()
        try:
            await said(house, li, wu, "--importance", "5")
            async with asyncio.timeout(60):
                while far.of(token, "") is None:
                    await asyncio.sleep(0.05)
        finally:
            await far.close()
