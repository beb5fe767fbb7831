"""A customer who keeps his place, at a running bank: what he hears, how he is called back by the
rules of `[outbound]`, and what is kept of it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.bank_process import BankProcess, Voice
from support.baresip import baresip
from support.desk_page import REGISTRAR, Page, until
from support.release_scene import Staff, query
from support.teller_scene import Phone
from telebank.phone.phone import Phone as Telephone
from telebank.phone.phone import PhoneCall, PhoneOptions

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        shutil.which("baresip") is None, reason="baresip is not installed: apt-get install baresip"
    ),
]
NUMBER = "13800138000"
QUEUES = """
schema: 1
queues:
  general:
    zh: 综合服务
    en: General
    skills: [general]
    wrap_up_s: 0
    place_first_s: 1
    place_every_s: 4
    offer_after_s: 1
    call_backs: 5
    record: false
"""


@asynccontextmanager
async def exchange() -> AsyncIterator[Phone]:
    """Where all numbers are that the bank calls."""
    phone = Phone("exchange", 1_800.0)
    await phone.opens()
    try:
        yield phone
    finally:
        await phone.endpoint.close()


async def test_a_caller_keeps_his_place_and_is_called_back(tmp_path: Path, voice: Voice) -> None:
    """He hears the offer and what becomes of it; his teller gets him back by the rules of
    [outbound], and it is one contact."""
    (tmp_path / "bank" / "config").mkdir(parents=True)
    (tmp_path / "bank" / "config" / "queues.yaml").write_text(QUEUES, encoding="utf-8")
    async with exchange() as numbers:
        host, port = numbers.endpoint.bound
        outbound = {"gateway": f"{host}:{port}", "allow": ["1##########"], "caller": "95588"}
        start = BankProcess.start
        with start(tmp_path / "bank", voice, registrar=REGISTRAR, outbound=outbound) as bank:
            await _called_back(bank, tmp_path, numbers)
            kept = await until(
                lambda: query(bank, "select direction, how_ended from contact order by began")
            )
            assert [tuple(one) for one in kept] == [("in", "caller"), ("out", "caller")]
            counted = query(bank, "select job, ended_at is not null from fax_dial")
            assert [(job[:5], bool(over)) for job, over in counted] == [("call:", True)]


async def test_a_place_outlives_a_node_that_is_killed(tmp_path: Path, voice: Voice) -> None:
    """The node dies by SIGKILL while a place is kept. The next one has it, calls him when his
    teller is ready, and keeps it no more once they talked."""
    (tmp_path / "bank" / "config").mkdir(parents=True)
    (tmp_path / "bank" / "config" / "queues.yaml").write_text(QUEUES, encoding="utf-8")
    async with exchange() as numbers:
        host, port = numbers.endpoint.bound
        outbound = {"gateway": f"{host}:{port}", "allow": ["1##########"], "caller": "95588"}
        start = BankProcess.start
        with start(tmp_path / "bank", voice, registrar=REGISTRAR, outbound=outbound) as bank:
            at = _Counter.found(bank, tmp_path)
            async with at.sits("first") as page, bank.phone() as phone:
                page.does("state", state="ready")
                talks, waits = await _keeps(bank, page, phone)
                page.does("state", state="busy")  # nobody is called back from a desk that is busy
                talks.hang_up()
                await until(lambda: page.rows("SeatRow")[0]["state"] == "busy")
            before = await until(lambda: query(bank, "select call, tries from kept_place"))
            await asyncio.to_thread(bank.kill)
            await asyncio.to_thread(bank.run)
            assert query(bank, "select call, tries from kept_place") == before
            await until(at.logs_in)
            async with at.sits("second") as page:
                row = page.call("waiting")
                assert (row["key"], row["call_back"]) == (waits["key"], True), "it is his place"
                page.does("state", state="ready")
                await _rung(page, numbers, waits["key"])
            await until(lambda: not query(bank, "select call from kept_place"))


@dataclass
class _Counter:
    """Wu's desk: an extension of which baresip answers by itself."""

    bank: BankProcess
    folder: Path
    staff: Staff
    secret: str

    @classmethod
    def found(cls, bank: BankProcess, folder: Path) -> "_Counter":
        staff = Staff.found(bank, folder / "private")
        words = ("phones", "add", "8001", "--name", "Counter", "--md5", "--json")
        secret = staff.desk.run(staff.chen, *words).json["secret"]
        assert staff.desk.run(staff.wu, "staff", "skills", "wu", "general=5").code == 0
        return cls(bank, folder, staff, secret)

    def logs_in(self) -> bool:
        """A login dies with its node, and a code counts once: the next one may be needed."""
        try:
            self.staff.desk.login(self.staff.wu)
        except AssertionError:
            return False
        return True

    @asynccontextmanager
    async def sits(self, name: str) -> AsyncIterator[Page]:
        """Wu sits there while the block runs."""
        address = f"sip:8001@{self.bank.sip}"
        async with baresip(self.folder / name, address, self.secret):
            await until(lambda: self.bank.counts()["phones_contacts"])
            page = Page(self.bank, self.staff.wu.session)
            page.does("enter", phone="8001")
            yield page


async def _keeps(
    bank: BankProcess, page: Page, phone: Telephone
) -> tuple[PhoneCall, dict[str, Any]]:
    """One talks with the teller, the next keeps his place: the call of the first, the row of the
    other."""
    stay = PhoneOptions(max_seconds=120, from_user=NUMBER)
    first = await phone.dial(bank.uri, stay)
    await asyncio.wait_for(first.answered.wait(), 60)
    first.press("10")
    await until(lambda: page.call("talking"))
    second = await phone.dial(bank.uri, stay)
    await asyncio.wait_for(second.answered.wait(), 60)
    second.press("10")
    await until(lambda: page.rows("CallRow") and second.report.heard("queue.offer"))
    second.press("1")
    waits = await until(lambda: page.call("waiting"))
    await until(lambda: page.rows("CallRow") and second.over.done())
    assert second.report.heard("queue.kept")
    return first, waits


async def _rung(page: Page, numbers: Phone, key: str) -> None:
    """He is called back, says that it is he, and talks with his teller."""
    offered = await numbers.rings()
    assert offered.from_uri.startswith("sip:95588@")
    row = await until(lambda: page.call("ringing"))
    assert (row["key"], row["call_back"], row["seat"]) == (key, True, "wu")
    ear = await numbers.picks_up(offered)
    # A key means nothing before he is asked.
    row = await until(lambda: ear.peer.press("1") or page.call("talking"))
    assert (row["key"], row["direction"], row["level"]) == (key, "out", 0)
    numbers.hangs_up()
    await until(lambda: page.rows("SeatRow")[0]["state"] == "ready")


async def _called_back(bank: BankProcess, tmp_path: Path, numbers: Phone) -> None:
    async with _Counter.found(bank, tmp_path).sits("phone") as page, bank.phone() as phone:
        page.does("state", state="ready")
        first, waits = await _keeps(bank, page, phone)
        first.hang_up()
        await _rung(page, numbers, waits["key"])
