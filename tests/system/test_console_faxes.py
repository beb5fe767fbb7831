"""A person logs in at the web page, clicks a number, and a fax goes: real nodes, people made by
`telebank staff`, forms over HTTP as a browser sends them."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pyotp
import pytest

from support.bank_process import BankProcess, Voice
from support.console_process import console
from support.fax_bank import FaxDesk, write_pdf

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(600)]

PATIENCE_S = 240.0
STEP_S = 30.0
"""A code counts once: the next login has the next one's."""
NUMBER, UNREACHED = "02055558820", "01055550000"


@dataclass
class Browser:
    """A person's browser, as far as HTTP goes."""

    client: httpx.AsyncClient

    async def page(self, path: str) -> str:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def login(self, desk: FaxDesk) -> None:
        """By the code after the one that the terminal's login took."""
        at = datetime.fromtimestamp(datetime.now(UTC).timestamp() + STEP_S, UTC)
        form = {
            "name": desk.who.name,
            "password": desk.who.password,
            "code": pyotp.TOTP(desk.who.seed).at(at),
            "csrf_token": hidden(await self.page("/login"), "csrf_token"),
        }
        answer = await self.client.post("/login", data=form)
        assert answer.status_code == 303, answer.text

    async def send(self, path: str, pdf: Path, **fields: str) -> httpx.Response:
        """Open a form, fill it in, and click twice at once."""
        page = await self.page(path)
        for name in ("csrf_token", "request", "like"):
            if f'name="{name}"' in page:
                fields[name] = hidden(page, name)
        files = {"file": (pdf.name, pdf.read_bytes(), "application/pdf")}
        first, second = await asyncio.gather(
            *(self.client.post(path, data=fields, files=files) for _ in range(2))
        )
        assert first.status_code == second.status_code
        assert first.headers.get("Location") == second.headers.get("Location")
        assert ("Location" in first.headers) is (first.status_code == 303), first.text
        return first


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


@dataclass
class Scene:
    """Two banks; at the one that sends, the web page and somebody logged in at it."""

    sender: BankProcess
    receiver: BankProcess
    desk: FaxDesk
    browser: Browser

    @property
    def to(self) -> str:
        return f"sip:{NUMBER}@{self.receiver.sip}"


@asynccontextmanager
async def scene(voice: Voice, place: Path) -> AsyncIterator[Scene]:
    fax = {"look_s": 0.2, "retry_s": 0.5, "tries": 1, "numbers": [NUMBER]}
    with ExitStack() as stack:
        start = stack.enter_context
        receiver = start(BankProcess.start(place / "receiver", voice, fax=fax))
        allowed = {"allow": ["sip:127.0.0.1", NUMBER]}
        sender = start(BankProcess.start(place / "sender", voice, fax=fax, outbound=allowed))
        desk = FaxDesk.found(sender, place / "private")
        base = start(console(sender.data))
        async with httpx.AsyncClient(base_url=base, timeout=120) as client:
            browser = Browser(client)
            await browser.login(desk)
            yield Scene(sender, receiver, desk, browser)


async def test_a_click_on_a_number_sends_a_fax(voice: Voice, tmp_path: Path) -> None:
    async with scene(voice, tmp_path) as bank:
        browser, desk = bank.browser, bank.desk
        pdf = write_pdf(tmp_path / "statement.pdf", 1)
        first = await browser.send("/faxes/new?lang=en", pdf, to=bank.to)
        fax = re.fullmatch(r"/faxes/([^?]+)\?lang=en", first.headers["Location"])
        assert fax is not None, first.text
        await desk.until(fax[1], lambda one: one.state == "done", PATIENCE_S)
        page = await browser.page("/faxes?lang=en")
        assert "1 of 1 confirmed" in page
        assert NUMBER not in page
        assert f"Send a fax to {desk.seen(fax[1]).number_masked}" in page

        again = await browser.send(f"/faxes/new?like={fax[1]}", pdf)
        assert again.status_code == 303, again.text
        clicked = again.headers["Location"].removeprefix("/faxes/")
        assert clicked != fax[1]
        await desk.until(clicked, lambda one: one.state == "done", PATIENCE_S)
        assert "已送达" in await browser.page(f"/faxes/{clicked}")
        assert len(desk.beside(bank.receiver).inbox()) == 2
        listed = json.loads(desk.fax("list", "--json").out)
        assert [(one["id"], one["by"]) for one in listed] == [(clicked, "wu"), (fax[1], "wu")]


async def test_rules_hold_and_what_waits_is_cancelled(voice: Voice, tmp_path: Path) -> None:
    async with scene(voice, tmp_path) as bank:
        browser, desk = bank.browser, bank.desk
        pdf = write_pdf(tmp_path / "statement.pdf", 1)
        refused = await browser.send("/faxes/new?lang=en", pdf, to=UNREACHED)
        assert refused.status_code == 409
        assert "[outbound] allow" in refused.text
        tomorrow = datetime.fromtimestamp(datetime.now(UTC).timestamp() + 86_400, UTC)
        waits = await browser.send(
            "/faxes/new", pdf, to=bank.to, at=tomorrow.strftime("%Y-%m-%dT%H:%M")
        )
        fax = waits.headers["Location"].removeprefix("/faxes/")
        assert desk.seen(fax).state == "queued"
        token = hidden(await browser.page("/faxes"), "csrf_token")
        stopped = await browser.client.post(f"/faxes/{fax}/cancel", data={"csrf_token": token})
        assert stopped.status_code == 303
        assert desk.seen(fax).state == "cancelled"

        bank.sender.kill()
        away = await browser.client.get("/faxes")
        assert away.status_code == 503
        assert (await browser.client.get("/")).status_code == 200
        log = (bank.sender.data / "console.log").read_text()
        assert "console.fax_sent" in log
        cookie = browser.client.cookies["telebank_staff"]
        for secret in (desk.who.password, cookie, bank.to, UNREACHED):
            assert secret not in log
