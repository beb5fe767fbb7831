"""`telebank matters` against a control socket of this process."""

import json
from functools import partial
from pathlib import Path

from support.staff_house import START, fresh, open_house
from support.staff_words import say, three_people
from telebank.store import contacts
from telebank.store.contacts import NewContact

CALL = "01-1-7"


async def test_matters_are_listed_and_shown_to_who_may(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu, li = await three_people(house)
        who = ("138******78", "622700******7899", "zh", 2, "loans")
        new = NewContact("c.1", CALL, "li", "cards", "in", START, START, *who)
        await house.store.journal.run(partial(contacts.begin, new=new))
        body = {"call": CALL, "subject": "papers", "text": "call him back", "business": "loans"}
        due = {"due": "2026-03-31T20:00"}
        opened = await house.ask(li, "POST", "/v1/matters", body | due | fresh())
        number = opened.body["number"]
        listed = await say(house, li, "matters", "list")
        assert listed.exit_code == 0, listed.output
        for words in (number, "open", "li", "Loans", "papers", "2026-03-31 20:00:00"):
            assert words in listed.output, words
        shown = await say(house, wu, "matters", "show", number)
        assert "li: opened to li\n     call him back" in shown.output
        assert "Held by: li\nDue: 2026-03-31 20:00:00\n" in shown.output, "the bank's clock"
        said = await say(house, wu, "matters", "show", number, "--language", "zh")
        assert "业务: 贷款" in said.output
        assert "li: 登记 交给 li\n     call him back" in said.output
        found = await say(house, wu, "matters", "list", "--of", "all", "--json")
        assert [one["number"] for one in json.loads(found.output)["matters"]] == [number]
        one = json.loads((await say(house, li, "matters", "show", number, "--json")).output)
        assert [entry["text"] for entry in one["entries"]] == ["call him back"]
        assert (await say(house, chen, "matters", "list")).exit_code == 1
        assert (await say(house, li, "matters", "list", "--of", "all")).exit_code == 1
        missing = await say(house, li, "matters", "show", "01-999999")
        assert (missing.exit_code, "no such matter" in missing.output) == (1, True)
        wrong = await say(house, li, "matters", "list", "--state", "new")
        assert wrong.exit_code == 2
