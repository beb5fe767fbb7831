"""Calls out, kept places and calling a number: words of both languages, and what a desk and the
floor show of them in a browser."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from support.desk_browsers import Browser, Browsers, programs
from support.desk_pictures import served
from support.desk_place import DeskPlace, desk_place
from telebank.agents.events import Failure
from telebank.calls.tellers.floor import LISTENING
from telebank.console.desk.calling_texts import CALLS, DIAL
from telebank.console.desk.texts import DESK_WORDS
from telebank.console.floor.texts import FLOOR_WORDS

NUMBER = "139 0013-0033"
REASONS = (LISTENING, "call_back", *get_args(Failure))
TRIES = (*get_args(Failure), "machine", "cancelled", "fax", "congestion")
LANGUAGES = ("zh", "en")
in_browser = pytest.mark.skipif(not programs(), reason="needs chromium (Debian)")


@pytest.mark.parametrize("language", LANGUAGES)
def test_reasons_and_tries_have_words(language: Any) -> None:
    wanted = {f"reason_{why}" for why in REASONS} | {f"reached_{why}" for why in TRIES}
    for words in (DESK_WORDS[language], FLOOR_WORDS[language]):
        assert wanted <= set(words)


async def test_the_desk_has_a_field_for_a_number(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        await place.desk.login(place.people["li"])
        for nth, language in enumerate(LANGUAGES):
            page = (await place.desk.get(f"/desk?lang={language}")).get_data(as_text=True)
            assert DIAL["dial_number"][nth] in page
            assert 'type="tel"' in page


async def test_the_node_is_asked_to_call_and_its_no_comes_back(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        await place.desk.login(place.people["li"])
        place.part.seat("li", state="ready")
        refused = await calls(place, "010 1234 5678")
        assert (refused.status_code, refused.json["code"]) == (409, "unknown_target")
        assert (await calls(place, NUMBER)).status_code == 200
        assert place.part.acts[-1] == ("li", "call", {"number": NUMBER})
        assert (await calls(place, NUMBER)).json["code"] == "wrong_state"
        assert (await calls(place, "sip:x@y")).json["code"] == "bad_request"


async def calls(place: DeskPlace, number: str) -> Any:
    return await place.desk.post(
        "/desk/act/call",
        json.dumps({"request_id": "0123456789abcdef", "number": number}),  # type: ignore[arg-type]
        headers={
            "X-CSRFToken": await place.desk.token("/desk"),
            "Content-Type": "application/json",
        },
    )


@asynccontextmanager
async def screen(folder: Path, who: str, path: str) -> AsyncIterator[tuple[DeskPlace, Browser]]:
    """Somebody's page, in English."""
    async with desk_place(folder) as place:
        with served(place) as base:
            browsers = Browsers(folder / "browsers", base)
            try:
                token = place.people[who].token
                yield place, await browsers.open(who, token, path, "en")
            finally:
                await browsers.close()


@pytest.mark.long
@in_browser
async def test_a_number_is_called_and_why_not_stands_beside_the_field(tmp_path: Path) -> None:
    async with screen(tmp_path, "li", "/desk") as (place, page):
        place.part.seat("li", state="ready")
        await page.sees("#dial")
        alt_c = ActionChains(page.driver).key_down(Keys.ALT).send_keys("c").key_up(Keys.ALT)
        await page.run(alt_c.perform)
        assert await page.script("return document.activeElement.id") == "dial-number"
        await page.press("010 1234 5678", Keys.ENTER)
        await page.reads("#dial-problem", DIAL["dial_no_unknown_target"][1])
        await page.script("document.getElementById('dial-number').select()")
        await page.press(NUMBER)
        assert await page.text("#dial-problem") is None, "another number"
        await page.press(Keys.ENTER)
        await page.reads("#call-state", CALLS["call_calling"][1])
        assert place.part.acts[-1] == ("li", "call", {"number": NUMBER})
        assert await page.text("#f-way") == CALLS["way_out"][1]
        assert await page.text("#dial") is None
        assert "00130033" not in await page.source(), "a number is nowhere once it is called"
        place.part.not_reached("li")
        await page.reads("#dial-problem", "139****0033 was not reached")
        place.part.mood("li", "break")
        await page.until("#dial", lambda shown: shown is None)


@pytest.mark.long
@in_browser
async def test_whoever_hangs_up_himself_is_not_told_why(tmp_path: Path) -> None:
    async with screen(tmp_path, "li", "/desk") as (place, page):
        place.part.seat("li", state="busy")
        place.part.out("li", "out1")
        await page.reads("[data-act=hang_up]", "Hang up")
        await page.click("[data-act=hang_up]")
        await page.reads("#mine-word", "Wrap-up")
        place.part.mood("li", "busy", call="")
        await page.sees("#dial")
        assert await page.text("#dial-problem") is None


@pytest.mark.long
@in_browser
async def test_a_call_back_says_so_and_who_was_not_reached_keeps_his_place(tmp_path: Path) -> None:
    async with screen(tmp_path, "li", "/desk") as (place, page):
        place.part.seat("li", state="ready")
        place.part.caller("c1")
        place.part.ring("c1", "li")
        await page.reads("#f-way", CALLS["way_in"][1])
        place.part.keeps("c1", seat="")
        place.part.mood("li", "ready", call="")
        await page.sees("#dial")
        place.part.ring("c1", "li", waited_s=125.0)
        await page.reads("#f-way", "Called back, waited since ")
        assert await page.text("#call-state") == CALLS["call_calling_back"][1]
        place.part.not_reached("li", not_reached="machine")
        await page.reads("#dial-problem", "138****5678 was not reached (answering machine")
        place.part.ring("c1", "li")
        await page.reads("#f-tried", "Last try: answering machine")
        assert await page.text("#dial-problem") is None


@pytest.mark.long
@in_browser
async def test_the_floor_marks_kept_places_and_keeps_their_order(tmp_path: Path) -> None:
    async with screen(tmp_path, "wu", "/floor") as (place, page):
        place.part.caller("c1", waited_s=90.0)
        place.part.caller("c2", waited_s=30.0)
        await page.sees("[data-row=c2]")
        assert await page.text("#callers .kept") is None
        place.part.keeps("c1", not_reached="busy")
        seen = await page.reads("[data-row=c1] .kept", CALLS["place_kept"][1])
        assert "Last try: engaged" in seen
        assert await page.text("[data-row=c2] .kept") is None
        first = "return document.querySelector('#callers tr').dataset.row"
        assert await page.script(first) == "c1", "who waits longest stands first"
