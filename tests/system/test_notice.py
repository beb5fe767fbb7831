"""A notice recorded by telephone: a supervisor's code, his words, and what callers hear of them."""

import asyncio
import re
import stat
from pathlib import Path

import pytest

from support.bank_process import BankProcess, Voice
from support.release_scene import OnTheLine, Staff, on_the_line, query
from telebank.phone.phone import PhoneCall
from voice_prompts.bank import Bank

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(600)]

WORDS = "zh/loss.not_matched#0"
"""A clip that a supervisor plays into his telephone; nobody hears it at the front menu."""
BREATH_S = 0.5
MENU = "zh/front.menu#0"


def clip(voice: Voice) -> bytes:
    """The supervisor's words."""
    bank = Bank.open(voice.folder)
    start, samples = bank.index.clips[WORDS]
    return bank.laws["pcma"][start : start + samples].tobytes()


async def speaks(caller: OnTheLine, octets: bytes) -> None:
    """Draws breath, says it to its end, and presses the hash key."""
    call: PhoneCall = caller.call
    await asyncio.sleep(BREATH_S)
    call.media.speak(octets)
    while call.media.speaking:
        await asyncio.sleep(0.05)
    caller.press("#")


async def records(bank: BankProcess, code: str, octets: bytes) -> None:
    """Records it, hears it, records it again, keeps it."""
    async with bank.phone() as phone, on_the_line(bank, phone) as caller:
        await caller.says(("158", "zh/ntc.code#0"), (code, "zh/ntc.speak#0"))
        await speaks(caller, octets[:4_000])
        await caller.hears("zh/ntc.short#0")
        await caller.hears("zh/ntc.speak#0")
        await speaks(caller, octets)
        await caller.hears(WORDS)
        await caller.says(("2", "zh/ntc.speak#0"))
        await speaks(caller, octets)
        await caller.hears("zh/ntc.keep#0")
        await caller.says(("1", "zh/sys.done#0"))


async def heard(bank: BankProcess, keys: str, until: str) -> list[str]:
    """The clips of a new call, from the keys on until one of them."""
    async with bank.phone() as phone, on_the_line(bank, phone) as caller:
        before = len(caller.call.heard_clips)
        await caller.says((keys, until))
        return [one.key for one in caller.call.heard_clips[before:]]


async def test_a_notice_is_recorded_heard_and_taken_down(voice: Voice, tmp_path: Path) -> None:
    with BankProcess.start(tmp_path / "bank", voice) as bank:
        staff = Staff.found(bank, tmp_path / "private")
        refused = staff.desk.run(staff.chen, "notice", "record", "--language", "zh")
        assert refused.code == 1, refused
        given = staff.desk.run(staff.wu, "notice", "record", "--language", "zh", "--json")
        code = given.json["recording"]
        assert re.fullmatch(r"\d{8}", code)
        wrong = f"{(int(code) + 1) % 10**8:08d}"

        async with bank.phone() as phone, on_the_line(bank, phone) as caller:
            await caller.says(("158", "zh/ntc.code#0"))
            for _ in range(2):
                await caller.says((wrong, "zh/ntc.wrong#0"))
                await caller.hears("zh/ntc.code#0")
            await caller.says((wrong, "zh/sys.goodbye#0"))

        assert WORDS not in await heard(bank, "1", MENU)
        await records(bank, code, clip(voice))

        began = await heard(bank, "1", MENU)
        assert began.index(WORDS) < began.index(MENU)
        assert WORDS not in await heard(bank, "2", "en/front.menu#0")
        ahead = await heard(bank, "11", "zh/auth.card#0")
        assert WORDS not in ahead
        async with bank.phone() as phone, on_the_line(bank, phone) as caller:
            await caller.says(("1", WORDS), ("5", "zh/front.more#0"))  # a key stops it

        bank.restart()
        listed = staff.desk.run(staff.wu, "notice", "list", "--json")
        assert listed.code != 0, "a start ends every login"
        staff.desk.login(staff.wu)
        (shown,) = staff.desk.run(staff.wu, "notice", "list", "--json").json["notices"]
        assert (shown["language"], shown["recorded_by"]) == ("zh", "wu")
        assert WORDS in await heard(bank, "1", MENU)
        for file in (bank.data / "voice" / "notices" / shown["content"]).iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600

        assert staff.desk.run(staff.wu, "notice", "down", "zh").code == 0
        assert WORDS not in await heard(bank, "1", MENU)
        assert staff.desk.run(staff.wu, "notice", "down", "zh").code == 1
        async with bank.phone() as phone, on_the_line(bank, phone) as caller:
            await caller.says(("158", "zh/ntc.code#0"), (code, "zh/ntc.wrong#0"))  # used before

        told = query(
            bank,
            "SELECT kind, actor, outcome FROM event WHERE kind LIKE 'notice.%' ORDER BY sequence",
        )
        assert list(told) == [
            ("notice.code_given", "wu", "ok"),
            *[("notice.code_tried", "caller", "wrong_code")] * 3,
            ("notice.code_tried", "wu", "ok"),
            ("notice.recorded", "wu", "ok"),
            ("notice.taken_down", "wu", "ok"),
            ("notice.taken_down", "wu", "none"),
            ("notice.code_tried", "caller", "wrong_code"),
        ]
        written = bank.log_text() + str(query(bank, "SELECT detail, personal FROM event"))
        files = [one for one in bank.data.rglob("*") if one.is_file() and "voice" not in one.parts]
        for octets in (written.encode(), *(one.read_bytes() for one in files)):
            assert code.encode() not in octets
