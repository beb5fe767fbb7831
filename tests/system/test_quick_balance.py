"""One real call by someone who knows the keys: how soon after the answer his balance begins."""

import asyncio
from pathlib import Path

import pytest

from support.bank_process import BankProcess, Voice
from support.money_caller import PATIENCE_S
from telebank.phone.hearing import ClipHeard
from telebank.phone.phone import PhoneCall, PhoneOptions
from telebank.phone.report import CallReport

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

KEY_S = 0.3
MOST_S = 25.0
"""What the bank promises: seconds from the answer to the first sample of the amount."""
AMOUNT = "zh/bal.amount#1"
"""The words before the amount."""


def amount_began(report: CallReport, clips: list[ClipHeard]) -> float:
    """Seconds from the answer to the first clip of the amount, as the phone heard it."""
    keys = [clip.key for clip in clips]
    first = clips[keys.index(AMOUNT) + 1]
    assert first.key.startswith("zh/unit:"), first.key
    sentence = next(prompt for prompt in report.prompts if prompt.prompt == "bal.amount")
    began = clips[keys.index("zh/bal.amount#0")].began_at
    assert report.answered_after is not None
    return sentence.began_at - report.answered_after + (first.began_at - began)


async def presses(call: PhoneCall, keys: str) -> None:
    """One key after the other from the answer on, waiting for nothing."""
    await call.answered.wait()
    for key in keys:
        call.press(key)
        await asyncio.sleep(KEY_S)


async def test_card_pin_one_one_tells_the_amount_in_time(voice: Voice, tmp_path: Path) -> None:
    with BankProcess.start(tmp_path / "bank", voice) as bank:
        who = bank.cards[0]
        keys = f"11{who.card}#{who.pin}#11"
        clips: list[ClipHeard] = []
        options = PhoneOptions(patience_s=PATIENCE_S, hang_up_after="bal.amount")
        async with bank.phone() as phone:
            call = await phone.dial(bank.uri, options, on_heard=clips.append)
            pressing = asyncio.create_task(presses(call, keys))
            report = await call.run(())
            await pressing
    seconds = amount_began(report, clips)
    assert KEY_S * (len(keys) - 1) < seconds < MOST_S
