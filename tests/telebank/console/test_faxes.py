"""Lists of faxes in a browser, and clicks on their numbers."""

import re
from datetime import UTC
from pathlib import Path

import pytest

from fax.job import Answered, CallEnded
from support.console_desk import BEIJING, FAX, at_work, hidden, paper
from support.fax_jobs import queued, step, take
from telebank.calls.control.faxes import NotTaken
from telebank.console.options import ConsoleOptions


async def test_a_click_on_a_number_sends_to_it_unseen(tmp_path: Path, pdf: bytes) -> None:
    async with at_work(tmp_path) as desk:
        await queued(desk.house.store, FAX)
        page = (await desk.get("/faxes?lang=en")).text
        assert "01088886666" not in page
        assert re.search(rf'name="like" value="{FAX}"', page)
        assert 'aria-label="Send a fax to 010****66"' in page
        path = f"/faxes/new?like={FAX}&lang=en"
        shown = (await desk.get(path)).text
        assert 'value="010****66" readonly' in shown
        assert "01088886666" not in shown
        form = await desk.form(path) | {"like": hidden(shown, "like"), "file": paper(pdf)}
        sent = await desk.post("/faxes/new?lang=en", form | {"to": "110"})
        assert sent.headers["Location"] == f"/faxes/{FAX}?lang=en"
        (order,) = desk.room.orders
        assert (order.to, order.like) == ("", FAX)


async def test_a_number_of_no_fax_cannot_be_clicked(tmp_path: Path, pdf: bytes) -> None:
    async with at_work(tmp_path) as desk:
        assert (await desk.get("/faxes/new?like=01-1-F9")).status_code == 404
        form = await desk.form() | {"like": "01-1-F9", "file": paper(pdf)}
        desk.room.refusal = NotTaken("none", "there is no fax")
        assert (await desk.post("/faxes/new", form)).status_code == 404


async def test_pages_tell_how_it_stands_in_the_banks_time(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        fax = await queued(desk.house.store, FAX)
        assert fax is not None
        page = (await desk.get("/faxes?lang=en")).text
        made = fax.made_at.replace(tzinfo=UTC).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
        for words in (made, "0 of 3 confirmed", "queued", "对账单", "li.na", "UTC+08:00"):
            assert words in page
        one = await desk.get(f"/faxes/{FAX}?lang=en")
        assert '<progress id="bar" max="3" value="0"' in one.text
        rows = await desk.get("/faxes/rows")
        again = await desk.get("/faxes/rows", headers={"If-None-Match": rows.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (
            "Timed out waiting for initial communication",
            {
                "zh": ("对方没有传真机应答", "请拨打该号码核实"),
                "en": ("no fax machine answered there", "ring the number: is it a fax machine"),
            },
        ),
        ("refused_407", {"zh": ("网关要求密码（SIP 407）",), "en": ("password (SIP 407)",)}),
        ("word of tomorrow", {"zh": ("word of tomorrow",), "en": ("word of tomorrow",)}),
    ],
)
async def test_why_it_failed_and_what_to_do_in_the_pages_language(
    tmp_path: Path, heard: str, said: dict[str, tuple[str, ...]]
) -> None:
    async with at_work(tmp_path) as desk:
        await queued(desk.house.store, FAX, tries=1)
        assert await take(desk.house.store) is not None
        for event in (Answered(), CallEnded("failed", 0, heard)):
            assert await step(desk.house.store, event) is not None
        for language, words in said.items():
            for path in ("/faxes", f"/faxes/{FAX}"):
                page = (await desk.get(f"{path}?lang={language}")).text
                for word in words:
                    assert word in page
                assert (heard in page) is ("tomorrow" in heard)


async def test_one_that_waits_is_cancelled(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        await queued(desk.house.store, FAX)
        page = (await desk.get("/faxes")).text
        assert f'formaction="/faxes/{FAX}/cancel"' in page
        done = await desk.post(f"/faxes/{FAX}/cancel", {"csrf_token": hidden(page, "csrf_token")})
        assert done.headers["Location"] == f"/faxes/{FAX}"
        assert desk.room.cancelled == [FAX]


async def test_pages_keep_their_own_policy(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        await queued(desk.house.store, FAX)
        for path in ("/", "/login", "/faxes", "/faxes/new", f"/faxes/{FAX}"):
            page = await desk.get(path)
            assert re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", page.text) == []
            assert "form-action 'self'" in page.headers["Content-Security-Policy"]
            assert page.headers["Cache-Control"] == "no-store"
            for field_id in re.findall(
                r'<input (?!type="(?:hidden|radio)")id="([^"]+)"', page.text
            ):
                assert f'<label for="{field_id}">' in page.text


async def test_open_pages_share_one_look_into_the_store(tmp_path: Path) -> None:
    async with at_work(tmp_path, console=ConsoleOptions(refresh_ms=600_000)) as desk:
        before = await desk.get("/faxes/rows")
        await queued(desk.house.store, FAX)
        assert (await desk.get("/faxes/rows")).data == before.data
        assert FAX in (await desk.get("/faxes")).text, "who opens the page sees what there is"
        assert FAX in (await desk.get("/faxes/rows")).text, "and the others with him"
