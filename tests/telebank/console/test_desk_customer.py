"""The customer in hand in a browser's requests: who gets there, what comes, and its words."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.customer_in_hand import MASKED, STANDING, InHand
from support.desk_place import DeskPlace, desk_place
from support.form_counter import CALL, edition
from telebank.calls.control.customers import CustomerPart, tries_of
from telebank.console.desk.texts import DESK_WORDS
from telebank.customers.preferences import CHOICES
from telebank.settings import load_settings

SCRIPT = Path(__file__).parents[3] / "telebank/console/static/desk_customer.js"
HERE = f"/desk/customer?call={CALL}"


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[DeskPlace]:
    parts = lambda part: [CustomerPart(part.counter, InHand(), STANDING)]  # noqa: E731
    async with desk_place(folder, parts) as place:
        yield place


async def test_a_page_is_told_of_its_customer_or_why_not(tmp_path: Path) -> None:
    async with desk(tmp_path) as place:
        await place.desk.login(place.people["li"])
        seen = (await place.desk.get(HERE)).json
        assert (seen["customer"], seen["pin"]["state"], seen["past"]) == (MASKED, "active", [])
        gone = await place.desk.get("/desk/customer?call=01-9-9")
        assert (gone.status_code, gone.json["code"]) == (409, "no_call")
        page = (await place.desk.get("/desk")).get_data(as_text=True)
        assert page.count('id="cu-open"') == 1
        assert 'href="/matters/new"' in page


@pytest.mark.parametrize(("name", "status"), [("li", 200), ("sun", 403), ("chen", 403)])
async def test_only_who_may_look_gets_there(tmp_path: Path, name: str, status: int) -> None:
    async with desk(tmp_path) as place:
        assert (await place.desk.get(HERE)).status_code == 401
        await place.desk.login(place.people[name])
        assert (await place.desk.get(HERE)).status_code == status


def test_the_page_has_every_word_that_its_script_says() -> None:
    script = SCRIPT.read_text(encoding="utf-8")
    said = set(re.findall(r'"(cu_\w+)"', script))
    assert len(said) > 20, "the script says its words another way now"
    said |= {f"cu_pin_{state}" for state in ("active", "locked", "must_change")}
    said |= {f"cu_factor_{kind}" for kind in ("token", "message", "none")}
    said |= {f"came_{came}" for came in ("done", "not_done", "open")}
    said |= {f"setting_{what}" for what in CHOICES}
    said |= {f"{what}_{value}" for what, values in CHOICES.items() for value in values}
    for words in DESK_WORDS.values():
        assert said <= set(words), said - set(words)


def test_shipped_limits_and_tries_have_words(tmp_path: Path) -> None:
    limits = {f"limit_{name}" for name in load_settings(tmp_path).transactions.limits}
    tried = [one.name for one in tries_of(edition().contracts) if not one.pin]
    tries = {f"tries_{name.replace('.', '_')}" for name in tried}
    for words in DESK_WORDS.values():
        assert limits | tries <= set(words), (limits | tries) - set(words)
