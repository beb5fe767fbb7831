"""Logins in a browser: cookies, what is said and logged, where they lead."""

import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from support.console_desk import COOKIE, FAX, NUMBER, at_work, open_desk, paper
from telebank.console.options import ConsoleOptions


async def test_a_login_is_a_cookie_that_no_script_reads(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        chen = await desk.house.found("chen", "administrator")
        first = await desk.login(chen)
        (cookie,) = (c for c in first.headers.getlist("Set-Cookie") if c.startswith(COOKIE))
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
        assert first.headers["Location"] == "/faxes"
        page = await desk.get("/faxes?lang=en")
        assert "chen · administrator" in page.text
        token = re.search(rf"{COOKIE}=([^;]+)", cookie)
        assert token is not None
        assert token[1] not in page.text
        again = await desk.login(chen)
        assert token[1] not in again.headers.getlist("Set-Cookie")[0]


async def test_over_https_cookies_are_for_https_only(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        chen = await desk.house.found("chen", "administrator")
        desk.base = "https://localhost"
        entered = await desk.login(chen)
        assert entered.status_code == 303
        cookies = entered.headers.getlist("Set-Cookie")
        assert cookies
        assert all("Secure" in cookie for cookie in cookies)


async def test_unknown_and_wrong_have_one_answer(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        chen = await desk.house.found("chen", "administrator")
        answers = [
            await desk.login(chen, name="nobody.here"),
            await desk.login(chen, password="something else"),
            await desk.login(chen, code="000000"),
        ]
        assert [answer.status_code for answer in answers] == [401] * 3
        words = {re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}
        assert len(words) == 1
        assert "半小时" in words.pop()
        assert all(COOKIE not in str(answer.headers) for answer in answers)


async def test_a_locked_name_has_the_same_answer(tmp_path: Path) -> None:
    async with open_desk(tmp_path, tries_max=2) as desk:
        chen = await desk.house.found("chen", "administrator")
        for _ in range(2):
            await desk.login(chen, password="something else")
        locked = await desk.login(chen)
        assert locked.status_code == 401
        assert "锁定半小时" in locked.text
        desk.house.clock.forward(1_801)
        assert (await desk.login(chen)).status_code == 303


async def test_a_busy_node_and_one_that_is_away_are_said(tmp_path: Path) -> None:
    async with open_desk(tmp_path, verify_waiting=1) as desk:
        chen = await desk.house.found("chen", "administrator")
        with desk.house.desk._room():
            busy = await desk.login(chen)
        assert busy.status_code == 503
        assert "太多" in busy.text
        await desk.server.close()
        away = await desk.login(chen)
        assert away.status_code == 503
        assert "没有应答" in away.text
        assert f'value="{chen.name}"' in away.text, "the name need not be written again"
        assert chen.password not in away.text
        assert (await desk.get("/")).status_code == 200  # calls are seen all the same
        assert (await desk.get("/livez")).text == "ok\n"


async def test_logging_out_ends_the_login_at_the_node(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        cookie = desk.client.get_cookie(COOKIE)
        assert cookie is not None
        left = await desk.post("/logout", {"csrf_token": await desk.token("/faxes")})
        assert left.status_code == 303
        assert desk.client.get_cookie(COOKIE) is None
        desk.client.set_cookie(COOKIE, cookie.value)
        over = await desk.get("/faxes")
        assert over.status_code == 303
        assert "您的登录已结束" in (await desk.get(over.headers["Location"])).text
        never = await desk.get("/faxes")
        assert "您的登录已结束" not in (await desk.get(never.headers["Location"])).text


async def test_logins_that_fail_and_ends_of_logins_are_in_the_log(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        chen = await desk.house.found("chen", "administrator")
        with capture_logs() as logs:
            await desk.login(chen, password="something else")
            await desk.login(chen, name="correct.horse7")  # a password, typed a field too early
            await desk.login(chen)
            await desk.post("/logout", {"csrf_token": await desk.token("/faxes")})
        mine = [line for line in logs if line["event"].startswith("console.")]
        told = [(line["event"], line.get("person"), line["address"]) for line in mine]
        here = "127.0.0.1"
        assert told == [
            ("console.login_refused", None, here),
            ("console.login_refused", None, here),
            ("console.login", "chen", here),
            ("console.logout", "chen", here),
        ]
        assert {key for line in mine for key in line} == {"event", "person", "address", "log_level"}


async def test_looking_by_itself_keeps_no_login_alive(tmp_path: Path) -> None:
    async with at_work(tmp_path, idle_s=900.0) as desk:
        for _ in range(4):
            desk.house.clock.forward(200)
            assert (await desk.get("/faxes/rows")).status_code == 200
        assert (await desk.get("/faxes")).status_code == 200  # an act: the clock begins anew
        for status in (200, 200, 200, 200, 401):
            desk.house.clock.forward(200)
            assert (await desk.get("/faxes/rows")).status_code == status


@pytest.mark.parametrize(
    ("asked", "leads"),
    [
        ("/faxes/new?like=01-1-F1", "/faxes/new?like=01-1-F1"),
        ("https://elsewhere.example/faxes", "/faxes"),
        ("//elsewhere.example", "/faxes"),
        ("/faxes\r\nX: y", "/faxes"),
    ],
)
async def test_a_login_leads_back_and_never_elsewhere(
    tmp_path: Path, asked: str, leads: str
) -> None:
    async with open_desk(tmp_path) as desk:
        chen = await desk.house.found("chen", "administrator")
        entered = await desk.login(chen, next=asked)
        assert entered.headers["Location"] == leads


async def test_nobody_sees_faxes_without_a_login(tmp_path: Path, pdf: bytes) -> None:
    async with open_desk(tmp_path) as desk:
        for path in ("/faxes", "/faxes/new?like=01-1-F1", f"/faxes/{FAX}"):
            sent = await desk.get(path)
            assert sent.status_code == 303
            assert sent.headers["Location"].startswith("/login?next=")
        assert (await desk.get("/faxes/rows")).status_code == 401
        body = {"csrf_token": await desk.token("/login"), "file": paper(pdf), "to": NUMBER}
        assert (await desk.post("/faxes/new", body)).status_code == 303
        assert desk.room.orders == []


async def test_strangers_write_nothing(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        before = len(desk.house.events("staff.denied"))
        for junk in ("A" * 43, "a\tb", "x" * 4_000):
            desk.client.set_cookie(COOKIE, junk)
            assert (await desk.get("/faxes")).status_code == 303
            token = await desk.token("/login")
            assert (await desk.post("/logout", {"csrf_token": token})).status_code == 303
        assert len(desk.house.events("staff.denied")) == before


async def test_a_browser_is_logged_out_also_where_the_node_is_away(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        token = await desk.token("/faxes")
        await desk.server.close()
        left = await desk.post("/logout", {"csrf_token": token})
        assert (left.status_code, "此浏览器已退出登录" in left.text) == (503, True)
        assert desk.client.get_cookie(COOKIE) is None


async def test_a_second_login_ends_the_first(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        chen = await desk.house.found("chen", "administrator")
        await desk.login(chen)
        first = desk.client.get_cookie(COOKIE)
        await desk.login(chen)
        second = desk.client.get_cookie(COOKIE)
        assert first is not None
        assert second is not None
        assert first.value != second.value
        assert (await desk.get("/faxes")).status_code == 200
        desk.client.set_cookie(COOKIE, first.value)
        assert (await desk.get("/faxes")).status_code == 303


async def test_pages_of_errors_have_a_name_and_a_way_out(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        for path in ("/nowhere", "/faxes/01-1-F9"):
            page = await desk.get(path)
            assert page.status_code == 404
            assert "wu · 主管" in page.text
            assert 'action="/logout"' in page.text


@pytest.mark.parametrize(("proxies", "told"), [(0, "127.0.0.1"), (1, "192.0.2.7")])
async def test_the_browser_behind_a_server_that_is_trusted(
    tmp_path: Path, proxies: int, told: str
) -> None:
    async with open_desk(tmp_path, ConsoleOptions(proxies=proxies)) as desk:
        form = {"name": "chen", "csrf_token": await desk.token("/login")}
        sent = {"X-Forwarded-For": "203.0.113.9, 192.0.2.7"}
        with capture_logs() as logs:
            await desk.post("/login", form, headers=sent)
        (line,) = (one for one in logs if one["event"] == "console.login_refused")
        assert line["address"] == told


@pytest.mark.parametrize("wrong", [{"threads": 39}, {"threads": 401}, {"proxies": -1}])
def test_options_that_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="give"):
        ConsoleOptions(**wrong)  # type: ignore[arg-type]
