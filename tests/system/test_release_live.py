"""A biller and an enquiry added by data alone while a real node runs, and taken back: proposed by
one person, published by another, called, rolled back; a call that was up keeps what it had."""

import asyncio
import json
from pathlib import Path

import pytest

from support.bank_process import BankProcess, Voice
from support.money_caller import ring
from support.money_journal import MoneyJournal
from support.release_scene import OnTheLine, Staff, heard_with, on_the_line, query
from support.service_books import Books
from telebank.phone.report import CallReport

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(900)]

MENU, GAS_MENU = "zh/bill.menu#0", "zh/gas.menu#0"


async def test_gas_and_gold_come_and_go_while_a_call_is_up(voice: Voice, tmp_path: Path) -> None:
    with BankProcess.start(tmp_path / "bank", voice, store={"heartbeat_s": 1.0}) as bank:
        staff = await asyncio.to_thread(Staff.found, bank, tmp_path / "private")
        old = _standing(staff)["release"]
        async with bank.phone() as phone, on_the_line(bank, phone) as caller:
            who = bank.cards[0]
            await caller.says(("1", "zh/front.menu#0"), ("1", "zh/auth.card#0"))
            await caller.says((f"{who.card}#", "zh/auth.pin#0"), (f"{who.pin}#", "zh/main.menu#0"))
            await caller.says(("3", MENU))
            async with caller.staying():
                new = await asyncio.to_thread(_publish, staff, tmp_path)
                now = await asyncio.to_thread(_standing, staff)
                assert (now["release"], now["calls"]) == (new, {old: 1})
                assert new != old
                await _new_calls_have_gas(bank, voice, tmp_path / "gas", new)
            # Who was on the line still has the old menus, texts and contracts.
            caller.press("#")
            await caller.hears(MENU)
            caller.press("4")
            await caller.hears("zh/sys.invalid#0")
            await _pays_water(bank, caller, old)
            back = await asyncio.to_thread(_roll_back, staff)
            assert back == old
        await _new_calls_are_as_before(bank, staff, old, new)
        assert bank.host.findings() == []
        assert [row.id for row in MoneyJournal(bank.data).rows() if not row.settled] == []


def _standing(staff: Staff) -> dict[str, object]:
    return staff.say(staff.chen, "status", "--json").json


def _publish(staff: Staff, folder: Path) -> str:
    """Every refusal on the way; the hash of what was published."""
    gas = staff.gas(folder / "gas")
    clip = gas / "recordings" / "zh" / "word.biller.gas-0.flac"
    kept = clip.read_bytes()
    clip.unlink()
    note = ("--note", "gas, by the contract of May")
    refused = staff.say(staff.chen, "propose", str(gas), *note)
    assert refused.code == 1
    assert "recordings/zh/word.biller.gas-0.flac: word.biller.gas#0 '煤气费' is not" in refused.out
    assert "telebank voice list --missing" in refused.out
    assert len(staff.say(staff.chen, "list", "--json").json) == 1  # nothing was stored
    clip.write_bytes(kept)
    assert staff.say(staff.wu, "propose", str(gas), *note).code == 1  # who approves changes nothing
    proposed = staff.say(staff.chen, "propose", str(gas), *note, "--json")
    assert proposed.code == 0, proposed
    release: str = proposed.json["release"]
    diff = staff.say(staff.wu, "diff", "current", release[:8]).out
    assert "flows/paper_gold.yaml: added" in diff
    assert "+  info.paper_gold:" in diff
    same = staff.say(staff.chen, "approve", release[:8])
    assert (same.code, "you proposed it yourself" in same.err) == (1, True), same
    done = staff.say(staff.wu, "approve", release[:8], "--note", "read and heard", "--json")
    assert done.code == 0, done
    assert done.json["publication"] == 2
    return release


async def _new_calls_have_gas(bank: BankProcess, voice: Voice, release: Path, new: str) -> None:
    """The bill heard and paid, in ledger and journal; the price heard without a card."""
    ears = heard_with(voice, release, release.parent / "ears")
    there = BankProcess(bank.data, ears, bank.settings, bank.host, _address=bank.sip)
    who, books = bank.cards[2], Books(bank.host.folder)
    number = books.number(who, "gas")
    owed = sum(one.minor for one in books.bills(who, "gas") if not one.paid_by)
    async with there.phone() as phone:
        keys = f"!1 !1 !{who.card}# !{who.pin}# !3 @gas.menu 4 !{number}# @bill.choose 1"
        call = await ring(there, phone, f"{keys} @bill.confirm 1", "bill.done")
        assert call.heard("bill.done"), call
        said = "".join(one.words for one in call.prompts)
        for words in ("煤气费，请按四", "缴纳煤气费"):
            assert words in said, said
        gold = await ring(there, phone, "!2 !3 !5 @gold.menu 5", "gold.price")
        assert gold.heard("gold.price"), gold
    told = _after(gold, "gold.price")
    assert "we buy at seven hundred sixty eight point two" in told, told
    row = MoneyJournal(bank.data).only(who, "bill.pay")
    assert (row.state.value, row.amount) == ("APPROVED", owed)
    assert query(bank, "SELECT release FROM request WHERE id = ?", row.id) == [(new,)]
    legs = books.posted(row.reference).legs
    assert (legs[who.account], legs["claims:gas"]) == (-owed, owed)


def _after(call: CallReport, prompt: str) -> str:
    return "".join(one.words for one in call.prompts if one.prompt == prompt)


async def _pays_water(bank: BankProcess, caller: OnTheLine, old: str) -> None:
    """By the old menus and contracts, to the end."""
    who, books = bank.cards[0], Books(bank.host.folder)
    number = books.number(who, "water")
    await caller.hears(MENU)
    await caller.says(("2", "zh/bill.number#0"), (f"{number}#", "zh/bill.choose#0"))
    await caller.says(("1", "zh/bill.confirm#4"), ("1", "zh/bill.done#0"))
    row = MoneyJournal(bank.data).only(who, "bill.pay")
    assert row.state.value == "APPROVED"
    assert query(bank, "SELECT release FROM request WHERE id = ?", row.id) == [(old,)]


def _roll_back(staff: Staff) -> str:
    note = ("--note", "callers hear nothing")
    assert staff.say(staff.chen, "rollback", *note).code == 1
    done = staff.say(staff.wu, "rollback", *note, "--json")
    assert done.code == 0, done
    release: str = done.json["release"]
    return release


async def _new_calls_are_as_before(bank: BankProcess, staff: Staff, old: str, new: str) -> None:
    who = bank.cards[4]
    async with bank.phone() as phone, on_the_line(bank, phone) as caller:
        await caller.says(("1", "zh/front.menu#0"), ("1", "zh/auth.card#0"))
        await caller.says((f"{who.card}#", "zh/auth.pin#0"), (f"{who.pin}#", "zh/main.menu#0"))
        await caller.says(("3", MENU), ("4", "zh/sys.invalid#0"))
    listed = {row["release"]: row for row in staff.say(staff.wu, "list", "--json").json}
    assert listed[old]["publications"] == [1, 3]
    assert (listed[new]["publications"], listed[new]["in_force"]) == ([2], False)
    kinds = "('release.published', 'release.rolled_back', 'alarm.release')"
    said = query(bank, f"SELECT kind, actor FROM event WHERE kind IN {kinds} ORDER BY sequence")
    assert list(said) == [
        *(("release.published", "start"), ("release.published", "wu")),
        *(("release.rolled_back", "wu"), ("alarm.release", "wu")),
    ]
    # Nobody has it any more: its bank is gone, and the workers have left it.
    async with asyncio.timeout(20):
        while list((bank.data / "voice").glob("release-*")):
            await asyncio.sleep(0.1)
    assert json.loads((bank.data / "run" / "node.json").read_text())["pid"] == bank.pid
