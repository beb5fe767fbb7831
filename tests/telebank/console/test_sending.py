"""Sending a fax in a browser: one form is one fax; what is wrong is said."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from fax.page.options import MAX_PAGES, MAX_PDF_BYTES
from support.console_desk import (
    BEIJING,
    FAX,
    NUMBER,
    Desk,
    at_work,
    blank,
    encrypted,
    hidden,
    open_desk,
    paper,
)
from support.fax_jobs import queued
from support.staff_house import Person
from telebank.calls.control.faxes import HANDED, NotTaken, harmless
from telebank.console.options import SENDERS


async def test_one_form_is_one_fax_however_often_it_is_sent(tmp_path: Path, pdf: bytes) -> None:
    async with at_work(tmp_path) as desk:
        form = await desk.form() | {"to": "020 5555 0000", "language": "en"}

        async def click() -> TestResponse:
            return await desk.post(
                "/faxes/new", form | {"file": paper(pdf, "账单 6227001234567894.pdf")}
            )

        clicks = [await click(), *await asyncio.gather(click(), click())]
        assert [one.headers.get("Location") for one in clicks] == [f"/faxes/{FAX}"] * 3
        (order,) = desk.room.orders
        assert (order.to, order.title, order.pages) == (NUMBER, "账单 ****7894.pdf", 1)
        assert (order.language, order.due_at, order.by.id) == ("en", None, "wu")
        other = await desk.post("/faxes/new", form | {"file": paper(blank(2))})
        assert other.status_code == 409
        assert "已经发送过" in other.text
        assert len(desk.room.orders) == 1
        assert list((tmp_path / HANDED).iterdir()) == []


async def test_a_time_is_the_banks(tmp_path: Path, pdf: bytes) -> None:
    async with at_work(tmp_path) as desk:
        tomorrow = datetime.now(BEIJING) + timedelta(days=1)
        at = tomorrow.strftime("%Y-%m-%dT%H:%M")
        form = await desk.form() | {"to": NUMBER, "at": at, "file": paper(pdf)}
        assert (await desk.post("/faxes/new", form)).status_code == 303
        assert desk.room.orders[0].due_at == tomorrow.replace(second=0, microsecond=0)


WRONG: list[tuple[str, Callable[[bytes], dict[str, Any]], int, str]] = [
    ("no file", lambda _: {}, 400, "请选择"),
    ("an empty file", lambda _: {"file": paper(b"")}, 400, "0 字节"),
    ("no PDF", lambda _: {"file": paper(b"words\n" * 99)}, 400, "这不是可以读取的 PDF"),
    ("a locked PDF", lambda pdf: {"file": paper(encrypted(pdf))}, 400, "有密码"),
    ("too many pages", lambda _: {"file": paper(blank(MAX_PAGES + 1))}, 400, "1 至 200 页"),
    ("too large", lambda _: {"file": paper(bytes(MAX_PDF_BYTES + 1))}, 413, "20 MB"),
    ("no number", lambda pdf: {"file": paper(pdf), "to": "abc"}, 400, "这不是号码"),
    ("no time", lambda pdf: {"file": paper(pdf), "at": "soon"}, 400, "这不是时间"),
    ("a past time", lambda pdf: {"file": paper(pdf), "at": "2001-01-01T08:00"}, 400, "三十天"),
    ("no id", lambda pdf: {"file": paper(pdf), "request": "1"}, 400, "重新打开"),
]


@pytest.mark.parametrize(
    ("fields", "status", "words"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG]
)
async def test_what_is_wrong_is_said_and_nothing_sent(
    tmp_path: Path,
    pdf: bytes,
    fields: Callable[[bytes], dict[str, Any]],
    status: int,
    words: str,
) -> None:
    async with at_work(tmp_path) as desk:
        form = await desk.form()
        answer = await desk.post("/faxes/new", form | {"to": NUMBER} | fields(pdf))
        assert (answer.status_code, words in answer.text) == (status, True), answer.text
        assert 'role="alert"' in answer.text
        assert desk.room.orders == []
        handed = tmp_path / HANDED
        assert not handed.exists() or list(handed.iterdir()) == []


async def test_larger_forms_than_a_paper_are_not_read(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        form = await desk.form()
        answer = await desk.post(
            "/faxes/new",
            form
            | {"to": "020 5555", "language": "en", "file": paper(bytes(MAX_PDF_BYTES + 99_999))},
        )
        assert answer.status_code == 413
        assert 'value="020 5555"' in answer.text
        assert 'value="en" checked' in answer.text
        assert hidden(answer.text, "request") == form["request"]
        assert "20 MB" in answer.text
        other = await desk.post("/logout", {"csrf_token": form["csrf_token"], "x": "y" * 70_000})
        assert other.status_code == 413


async def test_one_impatient_person_keeps_nobody_out(tmp_path: Path, pdf: bytes) -> None:
    async with at_work(tmp_path) as desk:
        forms = [await desk.form() | {"to": NUMBER} for _ in range(SENDERS)]
        desk.room.goes_on.clear()
        clicks = [forms[0]] * (SENDERS + 1) + forms[1:]
        sent = asyncio.gather(
            *(desk.post("/faxes/new", form | {"file": paper(pdf)}) for form in clicks)
        )
        async with asyncio.timeout(60):
            while desk.room.held < SENDERS:  # one order of each form is being taken
                await asyncio.sleep(0.01)
        late = await desk.form() | {"to": NUMBER}
        busy = await desk.post("/faxes/new", late | {"file": paper(pdf)})
        assert (busy.status_code, "太多" in busy.text) == (503, True)
        assert hidden(busy.text, "request") == late["request"], "the same form: no second fax"
        desk.room.goes_on.set()
        assert [answer.status_code for answer in await sent] == [303] * len(clicks)
        assert len(desk.room.orders) == SENDERS
        again = await desk.post("/faxes/new", late | {"file": paper(pdf)})
        assert again.status_code == 303
        assert len({order.request for order in desk.room.orders}) == SENDERS + 1


async def test_a_paper_stays_while_nobody_knows_whether_the_node_took_it(
    tmp_path: Path, pdf: bytes
) -> None:
    async with at_work(tmp_path) as desk:
        form = await desk.form() | {"to": NUMBER}
        desk.room.trouble = "it is not known whether this was kept"
        away = await desk.post("/faxes/new", form | {"file": paper(pdf)})
        assert (away.status_code, "不知是否已收下" in away.text) == (503, True)
        assert hidden(away.text, "request") == form["request"]
        assert [one.name for one in (tmp_path / HANDED).iterdir()] == [form["request"]]
        desk.room.trouble = ""
        again = await desk.post("/faxes/new", form | {"file": paper(pdf)})
        assert again.status_code == 303
        assert list((tmp_path / HANDED).iterdir()) == []


async def test_a_form_has_another_id_only_where_the_node_knows_it(
    tmp_path: Path, pdf: bytes
) -> None:
    async with at_work(tmp_path) as desk:
        form = await desk.form() | {"to": "abc"}
        wrong = await desk.post("/faxes/new", form | {"file": paper(pdf)})
        assert hidden(wrong.text, "request") == form["request"]
        desk.room.refusal = NotTaken("denied", "a rule")
        refused = await desk.post("/faxes/new", form | {"to": NUMBER, "file": paper(pdf)})
        assert hidden(refused.text, "request") != form["request"]
        desk.room.refusal = NotTaken("request_id_used", "other content")
        used = await desk.post("/faxes/new", await desk.form() | {"to": NUMBER, "file": paper(pdf)})
        assert '<a href="/faxes/new">打开新表单</a>' in used.text


@pytest.mark.parametrize(
    ("typed", "number"),
    [("０２０－５５５５ ００００", NUMBER), ("＋８６ ２０ ５５５５ ００００", "+862055550000")],
)
async def test_digits_of_full_width_are_digits(
    tmp_path: Path, pdf: bytes, typed: str, number: str
) -> None:
    async with at_work(tmp_path) as desk:
        form = await desk.form() | {"to": typed, "file": paper(pdf)}
        assert (await desk.post("/faxes/new", form)).status_code == 303
        assert desk.room.orders[0].to == number


@pytest.mark.parametrize(
    "name", ["6227 - 0012 - 3456 - 7894.pdf", "6227  0012  3456  7894.pdf", "6227__00123456_7894"]
)
def test_numbers_of_cards_are_in_no_title(name: str) -> None:
    assert harmless(name).startswith("****7894")


async def test_a_node_that_sends_no_faxes_is_said_before_a_form_is_filled_in(
    tmp_path: Path,
) -> None:
    async with at_work(tmp_path) as desk:
        desk.room.missing = "apt-get install libspandsp2"
        for path in ("/faxes", "/faxes/new"):
            assert "此节点现在不能发送传真" in (await desk.get(path)).text
            assert desk.room.missing in (await desk.get(f"{path}?lang=en")).text


@pytest.mark.parametrize("path", ["/login", "/logout", "/faxes/new", f"/faxes/{FAX}/cancel"])
async def test_forms_from_elsewhere_do_nothing(tmp_path: Path, pdf: bytes, path: str) -> None:
    async with at_work(tmp_path) as desk:
        form = await desk.form() | {"to": NUMBER, "file": paper(pdf)}
        for wrong in ("", "IjEi.forged.token"):
            answer = await desk.post(path, form | {"csrf_token": wrong, "file": paper(pdf)})
            assert answer.status_code == 400
            assert "没有办理" in answer.text
        assert (desk.room.orders, desk.room.cancelled) == ([], [])
        assert (await desk.get("/faxes")).status_code == 200


async def test_who_may_not_fax_is_told_so_by_the_node(tmp_path: Path, pdf: bytes) -> None:
    async with open_desk(tmp_path) as desk:
        chen = await desk.house.login(await desk.house.found("chen", "administrator"))
        wu = await desk.house.login(await desk.house.found("wu", "supervisor"))
        sun = await desk.house.hire(chen, wu, "sun", "auditor")
        await queued(desk.house.store, FAX)
        await desk.login(sun)
        page = await desk.get("/faxes")
        assert "010****66" in page.text
        assert '<button class="to"' not in page.text
        assert (await desk.get("/faxes/new")).status_code == 403
        token = hidden(page.text, "csrf_token")
        form = {"csrf_token": token, "request": "0" * 16, "to": NUMBER, "file": paper(pdf)}
        answer = await desk.post("/faxes/new", form)
        assert answer.status_code == 403
        assert "您的角色" in answer.text
        stopped = await desk.post(f"/faxes/{FAX}/cancel", {"csrf_token": token})
        assert stopped.status_code == 403
        assert len(desk.house.events("staff.denied")) == 2
        assert (desk.room.orders, desk.room.cancelled) == ([], [])


async def test_a_login_that_is_over_sends_nothing(tmp_path: Path, pdf: bytes) -> None:
    async with at_work(tmp_path, idle_s=900.0) as desk:
        form = await desk.form() | {"to": NUMBER, "file": paper(pdf)}
        desk.house.clock.forward(901)
        answer = await desk.post("/faxes/new", form)
        assert answer.status_code == 303
        assert desk.room.orders == []
        page = await desk.get(answer.headers["Location"])
        assert "您的登录已结束。没有发送任何内容。" in page.text


async def again(desk: Desk, who: Person, pdf: bytes, **more: Any) -> str:
    """The form after a login that ended while it was filled in."""
    form = await desk.form() | {"at": "2026-11-24T08:00", "language": "en", "to": NUMBER}
    desk.house.clock.forward(901)
    sent = await desk.post("/faxes/new", form | {"file": paper(pdf)} | more)
    assert sent.status_code == 303
    entered = await desk.login(who, next="/faxes/new")
    assert entered.headers["Location"] == "/faxes/new"
    return (await desk.get("/faxes/new")).text


async def test_a_form_comes_back_after_the_login(tmp_path: Path, pdf: bytes) -> None:
    async with open_desk(tmp_path, idle_s=900.0) as desk:
        chen = await desk.house.found("chen", "administrator")
        wu = await desk.house.found("wu", "supervisor")
        await desk.login(wu)
        page = await again(desk, wu, pdf)
        for part in (f'value="{NUMBER}"', 'value="2026-11-24T08:00"', 'value="en" checked'):
            assert part in page
        assert NUMBER not in (await desk.get("/faxes/new")).text, "once"
        assert NUMBER not in await again(desk, wu, pdf, csrf_token="forged")
        assert NUMBER not in await again(desk, chen, pdf), "it is nobody else's"


@pytest.mark.parametrize(("site", "comes_back"), [("same-origin", True), ("cross-site", False)])
async def test_a_form_comes_back_after_logging_out_in_another_window(
    tmp_path: Path, pdf: bytes, site: str, comes_back: bool
) -> None:
    async with open_desk(tmp_path) as desk:
        chen = await desk.house.found("chen", "administrator")
        await desk.login(chen)
        form = await desk.form() | {"to": NUMBER, "file": paper(pdf)}
        await desk.post("/logout", {"csrf_token": await desk.token("/faxes")})
        sent = await desk.post("/faxes/new", form, headers={"Sec-Fetch-Site": site})
        assert sent.headers["Location"].startswith("/login?next=/faxes/new")
        await desk.login(chen, next="/faxes/new")
        page = (await desk.get("/faxes/new")).text
        assert (f'value="{NUMBER}"' in page) is comes_back
        assert desk.room.orders == []


async def test_a_form_comes_back_after_the_node_was_away(tmp_path: Path, pdf: bytes) -> None:
    async with at_work(tmp_path) as desk:
        form = await desk.form() | {"to": NUMBER, "file": paper(pdf)}
        await desk.server.close()
        answer = await desk.post("/faxes/new", form)
        assert (answer.status_code, "已保留" in answer.text) == (503, True)
        assert 'href="/faxes/new"' in answer.text
        await desk.server.start()
        assert f'value="{NUMBER}"' in (await desk.get("/faxes/new")).text
        assert desk.room.orders == []


async def test_rules_of_the_node_are_said(tmp_path: Path, pdf: bytes) -> None:
    async with at_work(tmp_path) as desk:
        for code, words in (("denied", "规则禁止"), ("other_rule", "it said why")):
            desk.room.refusal = NotTaken(code, "it said why")
            form = await desk.form() | {"to": NUMBER, "file": paper(pdf)}
            answer = await desk.post("/faxes/new", form)
            assert answer.status_code == 409
            assert words in answer.text
        desk.room.refusal, desk.room.missing = None, "libspandsp is not here"
        for language, told in (("en", True), ("zh", False)):
            answer = await desk.post(
                f"/faxes/new?lang={language}",
                await desk.form() | {"to": NUMBER, "file": paper(pdf)},
            )
            assert ("libspandsp is not here" in answer.text) is told
            assert answer.status_code == 409
        assert list((tmp_path / HANDED).iterdir()) == []


async def test_a_node_that_goes_away_is_said(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        await desk.server.close()
        for path in ("/faxes", "/faxes/rows", "/faxes/new"):
            answer = await desk.get(path)
            assert (answer.status_code, "没有应答" in answer.text) == (503, True)
