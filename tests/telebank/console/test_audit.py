"""The auditor's pages: what they tell of a transaction, how it is found, and that each look is in
the log before it is shown."""

import asyncio
import csv
import io
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from pypdfium2 import PdfDocument

from support.audit_log import sign
from support.audit_scene import CALL, REFERENCE, told
from support.console_desk import hidden
from support.console_routes import AUDITOR, SEARCH, TELLER, RoutePlace, route_place, routes
from support.store_kit import PAYEE, PAYER
from telebank.settings import store_url
from telebank.store import tables
from telebank.store.sealing import Keyring
from telebank.store.signing import Signer
from transactions.journal import JournalEvent

NUMBER = "13800138078"
KIND = "audit.looked"


def posted(browser: FlaskClient, path: str, **form: str) -> Any:
    token = hidden(browser.get("/login").text, "csrf_token")
    return browser.post(path, data={**form, "csrf_token": token})


async def at(place: RoutePlace, work: Callable[[], None]) -> None:
    await asyncio.to_thread(work)


def looks(place: RoutePlace) -> list[tuple[str, dict[str, Any]]]:
    """Outcome and detail of each look."""
    rows = place.house.rows(tables.event)
    return [(row.outcome, row.detail | (row.personal or {})) for row in rows if row.kind == KIND]


async def test_each_look_is_in_the_log_before_it_is_shown(tmp_path: Path) -> None:
    async with route_place(tmp_path) as place:
        await told(place.house)

        def looked() -> None:
            browser = place.browser(AUDITOR)
            for route in routes(place.matter):
                if not route.rule.startswith("/audit") or route.method != "GET":
                    continue
                before = len(looks(place))
                assert browser.get(route.address).status_code in (200, 404), route.name
                assert len(looks(place)) == before + 1, f"{route.name} leaves no entry"
            for rule in ("/audit/search", "/audit/sheet"):
                before = len(looks(place))
                assert posted(browser, rule, **SEARCH).status_code == 200
                assert len(looks(place)) == before + 1, rule
            before = len(looks(place))
            stranger = place.browser(TELLER)
            assert stranger.get(f"/audit/story/{REFERENCE}").status_code == 403
            assert len(looks(place)) == before
            who = {row.actor for row in place.house.rows(tables.event) if row.kind == KIND}
            assert who == {"sun"}

        await at(place, looked)


async def test_a_transaction_is_told_whole(tmp_path: Path) -> None:
    async with route_place(tmp_path) as place:
        await told(place.house)

        def looked() -> None:
            browser = place.browser(AUDITOR)
            page = browser.get(f"/audit/story/{REFERENCE}?lang=en").text
            count = sum(row.call == CALL for row in place.house.rows(tables.event))
            seen = re.sub(r"<[^>]+>|\s+", " ", page)
            for words in (
                *("138******78", "telephone PIN", "PCMA", "•••", "Main menu", "100.00 CNY"),
                *("reversed", "no reply in time", "0 message type", "0200", "000017", "11 STAN"),
                *(
                    "not yet: no checkpoint",
                    "telebank audit prove",
                    f"all {count} as they were written",
                ),
                *("Said:", CALL, "61.5 s", "2026-03-31 12:"),
            ):
                assert words in seen or words in page, words
            assert "输入" in browser.get(f"/audit/story/{REFERENCE}?lang=zh").text
            for digits in (PAYER.digits, PAYEE.digits):
                assert digits not in page
            order = ["recorded", "sent", "Sent to the host", "unknown", "reversing", "reversed"]
            shown = page.partition('<ol class="story">')[2]
            found = [shown.index(f">{words}") for words in order]
            assert found == sorted(found), "in time's order, and nothing goes before it is kept"
            by_call = browser.get(f"/audit/story/{CALL}?lang=en").text
            assert REFERENCE in by_call
            entry = re.search(r'<p class="entry">(01-\d+)</p>', page)
            assert entry is not None
            assert REFERENCE in browser.get(f"/audit/story/{entry[1]}").text
            alone = next(row for row in place.house.rows(tables.event) if row.kind == "staff.login")
            assert browser.get(f"/audit/story/01-{alone.sequence}").status_code == 200
            assert browser.get("/audit/story/019999999999").status_code == 404
            opened = posted(browser, "/audit/open", of=f" {REFERENCE} ")
            assert opened.location == f"/audit/story/{REFERENCE}"
            hyphens = "-".join(re.findall("....", PAYER.digits))
            for wrong in (PAYER.digits, "6227 0012 3456 7899", hyphens, "", "../x"):
                refused = posted(browser, "/audit/open", of=wrong)
                assert refused.status_code == 400
                assert "6227" not in refused.text
                if "/" not in wrong:
                    assert browser.get(f"/audit/story/{wrong}").status_code == 404, wrong
            assert looks(place)[-1] == ("story", {"of": "?"})

        await at(place, looked)


async def test_its_proof_is_verified_now(tmp_path: Path) -> None:
    async with route_place(tmp_path) as place:
        await told(place.house)
        await sign(place.house.store, Signer(store_url(tmp_path), "01", tmp_path / "keys"))

        def looked() -> None:
            browser = place.browser(AUDITOR)
            page = browser.get(f"/audit/story/{REFERENCE}?lang=en").text
            assert "yes: it stands in the signed checkpoint" in page
            with sqlite3.connect(tmp_path / "telebank.db") as database:
                database.execute("UPDATE leaf SET hash = zeroblob(32) WHERE sequence = 1")
            page = browser.get(f"/audit/story/{REFERENCE}?lang=en").text
            assert "no: entry 01-" in page

        await at(place, looked)


async def test_a_changed_entry_is_seen(tmp_path: Path) -> None:
    async with route_place(tmp_path) as place:
        await told(place.house)
        changed = next(row for row in place.house.rows(tables.event) if row.kind == "call.ended")
        with sqlite3.connect(tmp_path / "telebank.db") as database:
            where = "kind = 'call.ended'"
            database.execute(f"UPDATE event SET outcome = 'better' WHERE {where}")

        def looked() -> None:
            page = place.browser(AUDITOR).get(f"/audit/story/{REFERENCE}?lang=en").text
            assert f"changed since: {changed.node}-{changed.sequence}<" in page
            assert page.count("changed since it was written") == 1

        await at(place, looked)


async def test_what_is_searched_for_is_found_by_a_token(tmp_path: Path) -> None:
    async with route_place(tmp_path) as place:
        await told(place.house)
        token = Keyring.open(tmp_path / "keys").token(PAYER)

        def looked() -> None:
            browser = place.browser(AUDITOR)
            every = dict.fromkeys(SEARCH, "") | {"currency": "CNY"}

            def found(**form: str) -> bool:
                page = posted(browser, "/audit/search?lang=en", **{**every, **form})
                assert page.status_code == 200, page.text
                assert PAYER.digits not in page.text
                return f">{REFERENCE}</a>" in page.text

            day = {"since": "2026-03-31T00:00", "until": "2026-04-01T00:00"}
            assert found(card=PAYER.digits)
            assert found(card=f"{PAYER.digits[:4]} {PAYER.digits[4:]}")
            assert found(token=token)
            assert not found(token="0" * 64)
            assert found(card=PAYEE.digits), "whom he paid"
            assert found(reference=REFERENCE)
            assert found(**day, state="REVERSED", service="transfer.card_to_card")
            assert not found(**day, state="APPROVED")
            assert found(**day, least="100", most="100.00")
            assert not found(**day, least="100.01")
            assert not found(number=NUMBER), "nobody has registered it"
            for wrong in (
                {"card": "123"},
                {"number": "x"},
                {"token": "abc"},
                {"token": PAYER.digits},
                {"least": "many", **day},
                {"since": "2026-01-01T00:00", "until": "2026-12-31T00:00"},
                {"since": "2026-04-01T00:00", "until": "2026-03-01T00:00"},
                {"teller": PAYER.digits, **day},
                {},
            ):
                page = posted(browser, "/audit/search", **{**every, **wrong})
                assert page.status_code == 400, wrong
                assert 'role="alert"' in page.text
                assert PAYER.digits not in page.text

        await at(place, looked)
        told_of = looks(place)
        assert ("search", {"customer": token, "card_masked": PAYER.masked, "currency": "CNY"}) in (
            told_of
        )
        assert ("search", {"number_masked": "138******78", "customer": "", "currency": "CNY"}) in (
            told_of
        )
        raw = str([dict(row._mapping) for row in place.house.rows(tables.event)])
        assert PAYER.digits not in raw
        assert NUMBER not in raw


async def test_a_sheet_computes_nothing(tmp_path: Path) -> None:
    async with route_place(tmp_path) as place:
        await told(place.house)

        def looked() -> None:
            browser = place.browser(AUDITOR)
            form = dict.fromkeys(SEARCH, "") | {"reference": REFERENCE}
            answer = posted(browser, "/audit/sheet?lang=en", **form)
            assert answer.mimetype == "text/csv"
            assert "attachment" in answer.headers["Content-Disposition"]
            head, row = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
            got = dict(zip(head, row, strict=True))
            assert got["Reference"] == REFERENCE
            assert got["Amount"] == "100.00 CNY"
            assert PAYER.digits not in answer.text

        await at(place, looked)
        assert looks(place)[-1][0] == "csv"


async def test_what_is_unusual_leads_to_its_stories(tmp_path: Path) -> None:
    async with route_place(tmp_path) as place:
        await told(place.house)
        denied = [JournalEvent("staff.denied", actor="li", role="teller") for _ in range(6)]
        for event in denied:
            await place.house.store.journal.append(event)

        def looked() -> None:
            browser = place.browser(AUDITOR)
            page = browser.get("/audit/unusual?lang=en&since=2026-03-31&days=1").text
            heading = "One person, a day: refused again and again"
            found = page.partition(heading)[2]
            assert "6 times" in found
            first = re.search(r'href="(/audit/story/01-\d+[^"]*)"', found)
            assert first is not None
            assert "Refused: no right" in browser.get(first[1]).text
            assert "6 times" not in browser.get("/audit/unusual?since=2026-03-01&lang=en").text
            for odd in ("since=x", "days=-1", "days=9999", "since=9999-12-31", "since=0001-01-01"):
                assert browser.get(f"/audit/unusual?{odd}").status_code == 200, odd

        await at(place, looked)
        assert looks(place)[-1][0] == "unusual"


async def test_a_story_on_paper(tmp_path: Path) -> None:
    async with route_place(tmp_path) as place:
        await told(place.house)

        def looked() -> None:
            browser = place.browser(AUDITOR)
            for lang, words in (("en", "no reply in time"), ("zh", "按时间顺序")):
                answer = browser.get(f"/audit/story/{REFERENCE}/paper?lang={lang}")
                assert answer.mimetype == "application/pdf"
                assert REFERENCE in answer.headers["Content-Disposition"]
                document = PdfDocument(answer.data)
                text = "".join(page.get_textpage().get_text_range() for page in document)
                assert words in text
                assert REFERENCE in text
                assert "138******78" in text
                assert PAYER.digits not in text
            assert browser.get("/audit/story/01-1-9/paper").status_code == 404

        await at(place, looked)
        assert [outcome for outcome, _ in looks(place)] == ["paper"] * 3
