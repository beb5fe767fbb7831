"""Telephone banking opened by telephone, a payee registered, and transfers above both tiers: real
calls, with the codes that came by message keyed in."""

import json
import re
from pathlib import Path

import pytest

from core_adapters.corehost.seed import SeedCard
from support.bank_process import BankProcess, Voice
from support.corehost_process import special_card
from support.money_journal import MoneyJournal
from support.release_scene import on_the_line, query

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(900)]

SETTINGS = {
    "sms": {"sender": "file"},
    "payees": {"cooling_hours": 0},
    "second_factor": {"transfer": "100.00", "transfer_registered": "500.00"},
}
NEW_PIN = "975310864213"


def codes(bank: BankProcess) -> list[str]:
    """What came by message, oldest first."""
    outbox = bank.data / "sms" / "outbox.jsonl"
    return [json.loads(line)["code"] for line in outbox.read_text().splitlines()]


def _proof(who: SeedCard, pin: str = "") -> str:
    """Language, accounts, card, PIN, typed ahead."""
    return f"11{who.card}#{pin or who.pin}#"


async def _newcomer(bank: BankProcess, who: SeedCard) -> None:
    """From nothing to the main menu in one call."""
    async with bank.phone() as phone, on_the_line(bank, phone) as caller:
        await caller.says((f"151{who.card}#{who.identity}#", "zh/sf.code#0"))
        await caller.says((codes(bank)[-1], "zh/pin.new#0"))
        await caller.says((f"{NEW_PIN}#{NEW_PIN}#", "zh/enrol.done#0"))
        await caller.says((_proof(who, NEW_PIN)[1:], "zh/main.menu#0"))


async def _registers(bank: BankProcess, who: SeedCard, payee: SeedCard) -> None:
    """After a wrong code, with a right one."""
    async with bank.phone() as phone, on_the_line(bank, phone) as caller:
        await caller.says((f"{_proof(who)}542{payee.card}#", "zh/sf.code#0"))
        code = codes(bank)[-1]
        await caller.says((f"{(int(code) + 1) % 10**6:06d}", "zh/sf.wrong#0"))
        await caller.says((code, "zh/sys.confirm#0"), ("1", "zh/payee.added#1"))


async def _pays(bank: BankProcess, who: SeedCard) -> None:
    """Up to the tier of a registered payee without a code, above it with one."""
    async with bank.phone() as phone, on_the_line(bank, phone) as caller:
        before = codes(bank)
        await caller.says((f"{_proof(who)}241200#", "zh/tr.confirm#3"), ("1", "zh/tr.after#0"))
        assert codes(bank) == before
        await caller.says(("21600#", "zh/sf.code#0"))
        assert len(codes(bank)) == len(before) + 1
        await caller.says((codes(bank)[-1], "zh/tr.confirm#3"), ("1", "zh/tr.after#0"))


async def test_from_opening_to_a_large_transfer(voice: Voice, tmp_path: Path) -> None:
    with BankProcess.start(tmp_path / "bank", voice, **SETTINGS) as bank:
        newcomer, who, payee = special_card("unenrolled"), bank.cards[0], bank.cards[1]
        await _newcomer(bank, newcomer)
        await _registers(bank, who, payee)
        await _pays(bank, who)
        rows = [row for row in MoneyJournal(bank.data).rows() if row.amount]
        assert sorted((row.amount, row.state.value) for row in rows) == [
            (20_000, "APPROVED"),
            (60_000, "APPROVED"),
        ]
        levels = query(bank, "SELECT auth FROM request WHERE amount > 0 ORDER BY amount")
        assert [level for (level,) in levels] == ["pin", "second_factor"]
        told = query(
            bank,
            "SELECT kind, outcome FROM event WHERE kind LIKE 'code.%' OR kind LIKE"
            " 'payee.%' ORDER BY sequence",
        )
        assert list(told) == [
            *(("code.sent", "ok"), ("code.right", "ok")),
            *(("code.sent", "ok"), ("code.wrong", "wrong_code"), ("code.right", "ok")),
            ("payee.added", "ok"),
            *(("code.sent", "ok"), ("code.right", "ok")),
        ]
        written = bank.log_text() + str(query(bank, "SELECT detail, personal FROM event"))
        for secret in (*codes(bank), NEW_PIN):
            assert re.search(rf"(?<!\d){secret}(?!\d)", written) is None
    assert bank.host.findings() == []
