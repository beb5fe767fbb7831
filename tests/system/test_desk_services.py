"""A teller does transfers for his callers in a running bank: the form for what the caller was at,
the read-back, the PIN on the caller's own keys, and one posting at the host. By the control socket,
and in a browser."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from core_adapters.corehost.seed import SeedCard
from support.bank_process import BankProcess, Voice
from support.baresip import baresip
from support.console_process import console
from support.desk_chromium import chromium, log_in, missing
from support.desk_chromium import until as shows
from support.desk_page import REGISTRAR, Page, until
from support.money_journal import MoneyJournal, assert_whole
from support.money_secrets import findings
from support.release_scene import Staff, query
from telebank.phone.phone import PhoneCall, PhoneOptions
from transactions.card import CardNumber

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        shutil.which("baresip") is None, reason="baresip is not installed: apt-get install baresip"
    ),
]
TRANSFER = "transfer.card_to_card"


@dataclass
class Desk:
    """A bank with a teller, wu, whose telephone is 8001."""

    bank: BankProcess
    staff: Staff
    secret: str
    folder: Path

    @property
    def page(self) -> Page:
        """What his page asks of the node."""
        return Page(self.bank, self.staff.wu.session)

    @asynccontextmanager
    async def caller_of(self, who: SeedCard) -> AsyncIterator[tuple[PhoneCall, str]]:
        """Somebody talks with wu: Chinese, card and PIN, transfers, to a card; there he wanted a
        person."""
        page, phone_at = self.page, f"sip:8001@{self.bank.sip}"
        async with baresip(self.folder / who.card[-4:], phone_at, self.secret):
            await until(lambda: self.bank.counts()["phones_contacts"])
            page.does("enter", phone="8001")
            page.does("state", state="ready")
            async with self.bank.phone() as phone:
                caller = await phone.dial(self.bank.uri, PhoneOptions(max_seconds=300))
                await asyncio.wait_for(caller.answered.wait(), 60)
                caller.press(f"11{who.card}#{who.pin}#210#")
                row = await until(lambda: page.call("talking"))
                assert (row["level"], row["business"]) == (2, "transfer")
                yield caller, row["key"]
                caller.hang_up()
                await until(lambda: page.rows("SeatRow")[0]["state"] == "wrap_up")
            page.does("wrapped")
            page.does("leave")
        await until(lambda: not self.bank.counts()["calls"] + self.bank.counts()["media_channels"])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, voice: Voice) -> Iterator[Desk]:
    """One bank for all of these."""
    folder = tmp_path_factory.mktemp("desk")
    with BankProcess.start(folder / "bank", voice, registrar=REGISTRAR) as bank:
        staff = Staff.found(bank, folder / "private")
        words = ("phones", "add", "8001", "--name", "Counter", "--md5", "--json")
        secret = staff.desk.run(staff.chen, *words).json["secret"]
        assert staff.desk.run(staff.wu, "staff", "skills", "wu", "general=5").code == 0
        yield Desk(bank, staff, secret, folder)


def quoted(page: Page, call: str, **fields: str) -> dict[str, Any]:
    return page.posts("services/quote", call=call, service=TRANSFER, fields=fields)


def ended(page: Page, named: dict[str, str]) -> dict[str, Any]:
    slip = page.looks("services/slip", **named)
    return slip if slip["state"] == "done" else {}


async def kept_whole(desk: Desk, shown: str) -> None:
    """The books are in order, and no PIN or card number is anywhere."""
    await asyncio.to_thread(assert_whole, desk.bank)
    assert list((desk.bank.data / "recordings").iterdir())
    assert await asyncio.to_thread(findings, desk.bank.data) == []
    for one in desk.bank.cards[:4]:
        assert one.card not in shown
        assert one.pin not in shown


async def test_a_transfer_by_a_teller_is_confirmed_by_the_callers_pin(desk: Desk) -> None:
    bank, page = desk.bank, desk.page
    payer, payee = bank.cards[0], bank.cards[1]
    before = bank.host.balances()
    async with desk.caller_of(payer) as (caller, call):
        offer = page.looks("services", call=call)
        assert offer["business"] == TRANSFER
        wrong = quoted(page, call, to=payee.card[:-1], amount="0")
        assert set(wrong["fields"]) == {"to", "amount"}
        slip = quoted(page, call, to=payee.card, amount="100.00")
        assert [line["value"]["en"] for line in slip["lines"]] == [
            CardNumber(payee.card).masked,
            "100.00 yuan",
            "0.00 yuan",
        ]
        named = {"call": call, "slip": slip["slip"]}

        assert page.posts("services/confirm", **named)["state"] == "pin"
        page.does("resume")  # the teller takes him back before he keys it
        assert page.looks("services/slip", **named)["state"] == "open"

        for _ in range(2):
            assert page.posts("services/confirm", **named)["state"] == "pin"
        assert page.call("pin")["step"] == "terms"  # the machine reads it to him
        caller.press(f"{payer.pin}#")  # which counts for nothing yet
        await until(lambda: page.call("pin")["pin"] == "0 of 6")
        caller.press(f"{payer.pin}#")
        done = await until(lambda: ended(page, named))
        again = page.posts("services/confirm", **named)
        assert (again["state"], again["result"]) == ("done", done["result"])
        assert done["result"]["kind"] == "done", done
        assert done["result"]["words"]["zh"].startswith("转账成功")
        await until(lambda: page.call("talking"))
        await until(lambda: page.looks("services/slip", **named)["told"])  # by the machine
        assert page.posts("services/say", **named)["slip"] == slip["slip"]
        shown = repr([page.rows("CallRow"), offer, slip, done])

    posted = MoneyJournal(bank.data).only(payer)
    assert posted.history == ["RECORDED", "SENT", "APPROVED"]
    assert posted.messages == [("0200", "00")]
    assert (posted.told, posted.reference) == ("ok", done["result"]["reference"])
    of = "select actor, channel, auth, call from request where id = ?"
    assert [tuple(one) for one in query(bank, of, posted.id)] == [("wu", "teller", "pin", call)]
    states = "select distinct actor, role from event where origin = 'teller'"
    assert [tuple(one) for one in query(bank, states)] == [("wu", "teller")]
    served = query(bank, "select distinct actor, role from event where kind = 'contact.service'")
    assert [tuple(one) for one in served] == [("wu", "teller")]
    held = bank.host.balances()
    assert held[payer.card] == before[payer.card] - 10_000
    assert held[payee.card] == before[payee.card] + 10_000
    await kept_whole(desk, shown)


class Screen:
    """The services of a desk in Chromium."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def at(self, name: str) -> Any:
        return self.driver.find_element(By.ID, name)

    def waits(self, name: str, text: str = "") -> str:
        """Until something is shown, and says this."""

        def there() -> bool:
            return self.at(name).is_displayed() and text in self.at(name).text

        shows(self.driver, there, f"{name} says {text!r}")
        return str(self.at(name).text)

    def fills(self, **written: str) -> None:
        """A form, and Enter."""
        for name, text in written.items():
            self.at(f"s-f-{name}").clear()
            self.at(f"s-f-{name}").send_keys(text)
        self.at("s-quote").submit()


@pytest.mark.skipif(bool(missing()), reason=missing())
async def test_the_same_in_a_browser_also_when_the_page_is_loaded_anew(desk: Desk) -> None:
    bank, (payer, payee) = desk.bank, desk.bank.cards[2:4]
    before = bank.host.balances()

    def fills_in(screen: Screen, base: str) -> None:
        log_in(screen.driver, base, desk.staff.wu.session.read_text().strip())
        screen.driver.get(f"{base}/desk?lang=en")
        screen.waits("s-form")
        shows(screen.driver, lambda: screen.at("s-service").get_property("value") == TRANSFER, 1)
        screen.fills(to=payee.card[:-1], amount="0")
        assert "no card number" in screen.waits("s-f-to-wrong", "card")
        assert screen.driver.switch_to.active_element == screen.at("s-f-to")
        screen.fills(to=payee.card, amount="50.00")
        screen.waits("s-aloud", "50.00 元")
        screen.driver.refresh()
        said = screen.waits("s-aloud", "50.00 元")  # for the caller, who speaks Chinese
        assert "amount 50.00 yuan" in said
        screen.at("s-confirm").click()
        screen.waits("s-state", "The machine reads it")
        shows(
            screen.driver, lambda: "0 of 6 digits" in screen.at("s-state").text, "PIN is asked for"
        )

    def sees_it_done(screen: Screen) -> str:
        reference = screen.waits("s-kind", "Reference").rpartition(" ")[2]
        assert "转账成功" in screen.waits("s-words")
        screen.waits("s-knows", "knows the result")  # the machine has told him
        return reference

    with console(bank.data) as base, chromium(desk.folder / "profile") as driver:
        screen = Screen(driver)
        async with desk.caller_of(payer) as (caller, _):
            await asyncio.to_thread(fills_in, screen, base)
            caller.press(f"{payer.pin}#")
            reference = await asyncio.to_thread(sees_it_done, screen)
            shown = driver.page_source
    posted = MoneyJournal(bank.data).only(payer)
    assert (posted.reference, posted.told, posted.amount) == (reference, "ok", 5_000)
    assert posted.history == ["RECORDED", "SENT", "APPROVED"]
    held = bank.host.balances()
    assert held[payee.card] == before[payee.card] + 5_000
    await kept_whole(desk, shown)
