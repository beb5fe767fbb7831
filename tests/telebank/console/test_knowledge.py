"""The knowledge pages in a browser's requests: who gets there, what is found, files that change."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from support.desk_place import DeskPlace, desk_place
from telebank.commands.wiring.knowledge import facts_of
from telebank.console.app import create_app
from telebank.console.knowledge.shelves import Shelves
from telebank.knowledge.source import Source
from telebank.settings import load_settings, seed_dir

SHIPPED = seed_dir() / "knowledge"
ZH = {"Accept-Language": "zh"}


def source(own: Path) -> Source:
    return Source((SHIPPED, own), facts_of(load_settings(own)))


@asynccontextmanager
async def logged_in(folder: Path, who: str = "li") -> AsyncIterator[DeskPlace]:
    """Somebody of the staff, at a console that has the shipped articles."""
    async with desk_place(folder) as place:
        parts = replace(place.parts, knowledge=source(folder / "own"))
        place.desk.client = create_app(parts).test_client()
        await place.desk.login(place.people[who])
        yield place


async def get(place: DeskPlace, path: str, **asked: str) -> str:
    answer = await place.desk.get(path, query_string=asked, headers=ZH)
    assert answer.status_code == 200, answer.text
    return answer.text


def listed(page: str) -> list[str]:
    return re.findall(r'data-article="([a-z0-9-]+)"', page)


async def test_whoever_is_not_logged_in_goes_to_the_login(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        page = await place.desk.get("/knowledge?q=PIN")
        assert (page.status_code, "next=/knowledge" in page.location) == (303, True)
        for path in ("/knowledge/find", "/knowledge/article/enrol"):
            assert (await place.desk.get(path)).status_code == 401


async def test_everybody_of_the_staff_reads_and_finds_it_in_the_frame(tmp_path: Path) -> None:
    async with logged_in(tmp_path, "sun") as place:  # an auditor
        page = await get(place, "/knowledge")
        assert 'href="/knowledge" aria-current="page">知识库' in page
        assert len(listed(page)) > 30
        assert "<script>" not in page
        assert "style=" not in page


async def test_words_are_found_and_marked(tmp_path: Path) -> None:
    async with logged_in(tmp_path) as place:
        found = await get(place, "/knowledge/find", q="密码锁定")
        assert listed(found)[0] == "pin-locked"
        assert "<mark>密码锁定</mark>" in found
        english = await get(place, "/knowledge/find", q="PIN locked")
        assert listed(english)[0] == "pin-locked"
        assert listed(await get(place, "/knowledge/find", q="qqqq")) == []


async def test_a_business_lists_all_of_it_and_a_call_its_own(tmp_path: Path) -> None:
    async with logged_in(tmp_path) as place:
        fx = await get(place, "/knowledge/find", business="fx")
        assert set(listed(fx)) == {"fx-deal", "fx-order"}
        assert listed(await get(place, "/knowledge/find", here="fx_deal")) == listed(fx)
        assert "外汇：2 条" in fx
        anything = await get(place, "/knowledge/find", here="fx_deal", q="挂失")
        assert listed(anything)[0] == "loss-report"


async def test_an_article_has_its_form_and_the_page_works_without_a_script(tmp_path: Path) -> None:
    async with logged_in(tmp_path) as place:
        part = await get(place, "/knowledge/article/loss-report")
        assert 'data-service="card.report_loss">挂失' in part
        assert "<ol><li>问卡号" in part
        page = await get(place, "/knowledge", q="挂失", article="loss-report")
        assert listed(page)[0] == "loss-report"
        assert 'data-id="loss-report"' in page
        gone = await place.desk.get("/knowledge/article/nothing")
        assert gone.status_code == 404
        assert "没有这一条" in await get(place, "/knowledge", article="nothing")


async def test_a_number_is_not_looked_for_and_leaves_the_address(tmp_path: Path) -> None:
    async with logged_in(tmp_path) as place:
        typed = {"q": "6225 8801 2345 6789 loss", "business": "cards"}
        page = await place.desk.get("/knowledge", query_string=typed)
        assert (page.status_code, page.location) == (302, "/knowledge?q=loss&business=cards")
        found = await get(place, "/knowledge/find", **typed)
        assert "6225" not in found
        assert listed(found)[0] == "loss-report"
        assert listed(await get(place, "/knowledge/find", q="50000.00"))


async def test_what_is_asked_for_is_escaped(tmp_path: Path) -> None:
    async with logged_in(tmp_path) as place:
        page = await get(place, "/knowledge", q='<b>"挂失', business='"><i>')
        assert "<b>&#34;" not in page
        assert "<i>" not in page
        assert "&lt;b&gt;" in page


def ours(folder: Path, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "ours.yaml").write_text(text, encoding="utf-8")


ARTICLE: Mapping[str, object] = {
    "id": "ours",
    "business": ["fx"],
    "subjects": {"zh": ["本行"], "en": ["ours"]},
    "title": {"zh": "本行的", "en": "Ours"},
    "question": {"zh": "什么", "en": "What"},
    "answer": {"zh": "这样", "en": "So"},
}


def test_files_are_read_anew_and_wrong_ones_leave_what_was(tmp_path: Path) -> None:
    shelves = Shelves(source(tmp_path / "own"))
    shipped = len(shelves.get().book.articles)
    good = f"schema: 1\narticles:\n  - {json.dumps(ARTICLE)[:-1]}, updated: 2026-11-23}}\n"
    ours(tmp_path / "own", good)
    assert "ours" in shelves.get(fresh=True).book.articles
    ours(tmp_path / "own", good + "  - {id: Wrong}\n")
    assert len(shelves.get(fresh=True).book.articles) == shipped + 1
    assert shelves.broken
    ours(tmp_path / "own", "schema: 1\narticles: []\n")
    assert len(shelves.get(fresh=True).book.articles) == shipped
    assert not shelves.broken


def test_a_console_without_articles_has_none() -> None:
    assert Shelves(None).get().book.articles == {}
