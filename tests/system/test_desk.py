"""A teller's desk in a running bank: he enters at the control socket with a desk phone, which is
baresip, and is rung for a caller who asks for a person."""

import asyncio
import shutil
from pathlib import Path

import pytest

from support.bank_process import BankProcess, Voice
from support.baresip import baresip
from support.desk_page import REGISTRAR, Page, until
from support.release_scene import Staff, query
from telebank.phone.phone import PhoneOptions

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("baresip") is None, reason="baresip is not installed: apt-get install baresip"
    ),
]


async def test_a_seat_enters_and_its_phone_rings_for_a_caller(tmp_path: Path, voice: Voice) -> None:
    with BankProcess.start(tmp_path / "bank", voice, registrar=REGISTRAR) as bank:
        staff = Staff.found(bank, tmp_path / "private")
        words = ("phones", "add", "8001", "--name", "Counter", "--md5", "--json")
        secret = staff.desk.run(staff.chen, *words).json["secret"]
        skilled = staff.desk.run(staff.wu, "staff", "skills", "wu", "general=5")
        assert skilled.code == 0, skilled
        page = Page(bank, staff.wu.session)
        async with baresip(tmp_path / "phone", f"sip:8001@{bank.sip}", secret):
            await until(lambda: bank.counts()["phones_contacts"])
            seat = page.does("enter", phone="8001")
            assert (seat["state"], seat["reason"]) == ("busy", "entered")
            assert "general" in seat["queues"]
            assert page.does("state", state="ready")["state"] == "ready"
            async with bank.phone() as phone:
                caller = await phone.dial(bank.uri, PhoneOptions(max_seconds=60))
                await asyncio.wait_for(caller.answered.wait(), 20)
                caller.press("10")
                row = await until(lambda: page.call("talking"))
                assert (row["queue"], row["seat"]) == ("general", "wu")
                (general,) = (one for one in page.rows("QueueRow") if one["key"] == "general")
                assert (general["seats_in"], general["answered_today"]) == (1, 1)
                caller.hang_up()
                await until(lambda: page.rows("SeatRow")[0]["state"] == "wrap_up")
            assert page.does("wrapped")["state"] == "ready"
            assert page.does("leave") is None
        await until(lambda: not bank.counts()["calls"] + bank.counts()["media_channels"])
        kept = await until(lambda: query(bank, "select seat, queue, how_ended from contact"))
        assert [tuple(one) for one in kept] == [("wu", "general", "caller")]
