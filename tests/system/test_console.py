"""The page of calls over real HTTP while a customer is on the line."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest
import pytest_asyncio

from support.console_process import console
from support.money_caller import prove
from support.money_stage import Day, Stage

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(900),
]


@dataclass
class Seen:
    """What the browser got, by when it asked."""

    answers: dict[str, httpx.Response] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.answers[name].text


async def fetch_until(
    client: httpx.AsyncClient, path: str, done: Callable[[str], bool]
) -> httpx.Response:
    """Ask as the page does until the answer says so."""
    while True:
        answer = await client.get(path)
        if done(answer.text):
            return answer
        await asyncio.sleep(0.1)


async def watched_call(stage: Stage) -> Seen:
    async with stage.open_bank("console") as day:
        web = console(day.bank.data)
        base = await asyncio.to_thread(web.__enter__)
        try:
            async with httpx.AsyncClient(base_url=base, timeout=30) as client:
                return await watch(day, client)
        finally:
            await asyncio.to_thread(web.__exit__, None, None, None)


async def watch(day: Day, client: httpx.AsyncClient) -> Seen:
    seen = Seen()
    seen.answers["before"] = await client.get("/")
    who, _ = day.pair(0)
    caller = asyncio.ensure_future(day.ring(f"{prove(who)} @main.menu 9", "sys.goodbye"))
    seen.answers["ringing"] = await fetch_until(client, "/calls", lambda text: "•" in text)
    seen.answers["proved"] = await fetch_until(client, "/calls?lang=en", lambda t: "PIN check" in t)
    await caller
    over = await fetch_until(client, "/calls", lambda text: 'class="over"' in text)
    seen.answers["over"] = over
    again = {"If-None-Match": over.headers["ETag"]}
    seen.answers["again"] = await client.get("/calls", headers=again)
    for language in ("zh", "en"):
        seen.answers[language] = await client.get("/", headers={"Accept-Language": language})
    seen.answers["asked"] = await client.get("/?lang=en", headers={"Accept-Language": "zh"})
    seen.answers["livez"] = await client.get("/livez")
    seen.answers["post"] = await client.post("/calls", data={"call": "1"})
    seen.answers["style"] = await client.get("/static/console.css")
    seen.answers["nothing"] = await client.get("/staff")
    return seen


SCENES = (watched_call,)


@pytest_asyncio.fixture(loop_scope="session")
async def seen(stage: Stage) -> Seen:
    return await stage.of(watched_call)


async def test_rows_appear_while_the_call_is_up(seen: Seen) -> None:
    assert "还没有通话" in seen.text("before")
    assert 'class="talking"' in seen.text("ringing")
    assert "通话中" in seen.text("ringing")
    assert 'class="talking"' in seen.text("proved")
    assert "已结束" in seen.text("over")
    assert re.search(r"<td class=\"length number\">\d+:\d\d</td>", seen.text("over"))


async def test_secret_keys_are_dots(seen: Seen) -> None:
    keys = re.findall(r"<small>([^<]+)</small><kbd>([^<]+)</kbd>", seen.text("over"))
    shown = dict(keys)
    assert shown["语言"] == shown["首页"] == "1"
    assert set(shown["卡号"]) == set(shown["密码"]) == {"•"}
    assert shown["主菜单"] == "9"


async def test_both_languages(seen: Seen) -> None:
    assert '<html lang="zh"' in seen.text("zh")
    assert "验证密码" in seen.text("zh")
    for name in ("en", "asked"):
        assert '<html lang="en"' in seen.text(name)
        assert "PIN check" in seen.text(name)


async def test_nothing_is_sent_again_while_nothing_changed(seen: Seen) -> None:
    assert seen.answers["again"].status_code == 304
    assert seen.answers["again"].content == b""


@pytest.mark.parametrize("name", ["before", "over", "livez", "post", "nothing", "style"])
async def test_every_answer_is_guarded(seen: Seen, name: str) -> None:
    headers = seen.answers[name].headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


async def test_pages_obey_their_own_policy(seen: Seen) -> None:
    assert re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", seen.text("zh")) == []


async def test_it_only_reads(seen: Seen) -> None:
    assert seen.answers["post"].status_code == 405
    assert seen.answers["livez"].text == "ok\n"
    assert seen.answers["nothing"].status_code == 404
