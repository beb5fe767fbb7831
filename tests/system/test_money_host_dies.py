"""The core host dies over a transfer, or is away when a card is lost."""

import asyncio
import re
import shutil
from dataclasses import dataclass

import pytest

from support.money_caller import prompts, prove, report_loss, transfer
from support.money_journal import LOSS, Row, assert_whole
from support.money_stage import OPENING, SETTINGS, Scene, Stage
from telebank.phone.report import CallReport
from telebank.settings import seed_dir

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(900),
]

QUICK_LINKS = {"hosts.tb87": {"backoff_min_s": 0.2, "backoff_max_s": 0.5}}


@dataclass(frozen=True)
class Seen:
    """What is looked at when a scene's bank still runs."""

    calls: list[CallReport]
    row: Row
    held: tuple[int, int]


async def host_dies(stage: Stage, action: str) -> Seen:
    async with stage.open_bank(action, **SETTINGS, **QUICK_LINKS) as day:
        payer, payee = day.pair(0)
        day.fault(payer, action, mti="0200", processing="42")
        first = await day.ring(transfer(payer, payee, "60"), "tr.in_doubt")
        host = day.bank.host
        assert await asyncio.to_thread(host.wait) != 0
        day.lift(*day.rules)
        await asyncio.to_thread(host.run, host.port)
        row = await day.settled(payer)
        second = await day.ring(prove(payer), "notice.not_posted")
        assert_whole(day.bank)
        return Seen([first, second], row, (day.held(payer), day.held(payee)))


async def dies_before(stage: Stage) -> Seen:
    return await host_dies(stage, "die_before")


async def dies_after(stage: Stage) -> Seen:
    return await host_dies(stage, "die_after")


@pytest.mark.parametrize(("scene", "answer"), [(dies_before, "25"), (dies_after, "00")])
async def test_a_host_that_dies_over_a_transfer(
    stage: Stage, scene: Scene[Seen], answer: str
) -> None:
    """A host that never had it says 25 to the reversal, and bars it from being applied later."""
    seen = await stage.of(scene)
    assert prompts(seen.calls[0])[:2] == ["tr.confirm", "tr.in_doubt"]
    assert seen.row.history == ["RECORDED", "SENT", "UNKNOWN", "REVERSING", "REVERSED"]
    assert seen.row.messages[0] == ("0200", None)
    assert seen.row.messages[-1][1] == answer
    assert prompts(seen.calls[1])[0] == "notice.not_posted"
    assert seen.held == (OPENING, OPENING)


async def lost_while_the_host_is_away(stage: Stage) -> Seen:
    """The advice's waiting time is two seconds here, so that it goes out as 0322."""
    config = stage.folder / "away" / "config"
    shutil.copytree(seed_dir() / "hosts", config / "hosts")
    profile = config / "hosts" / "tb87.yaml"
    text, count = re.subn(r"after_s: \d+", "after_s: 2", profile.read_text("utf-8"))
    assert count >= 1
    profile.write_text(text, "utf-8")
    async with stage.open_bank("away", **SETTINGS, **QUICK_LINKS) as day:
        who, _ = day.pair(0)
        host = day.bank.host
        await asyncio.to_thread(host.stop)
        reported = await day.ring(report_loss(who), "loss.stored")
        refused = await day.ring(prove(who), "auth.lost")
        stored = day.journal.only(who, LOSS)
        assert stored.history == ["RECORDED", "REPEATING"]
        day.fault(who, "drop_before", mti="0322")
        await asyncio.to_thread(host.run, host.port)
        row = await day.settled(who, LOSS)
        assert_whole(day.bank)
        return Seen([reported, refused], row, (day.held(who), day.held(who)))


async def test_a_report_of_loss_is_delivered_when_the_host_is_back(stage: Stage) -> None:
    seen = await stage.of(lost_while_the_host_is_away)
    reported, refused = seen.calls
    assert prompts(reported)[:2] == ["loss.confirm", "loss.stored"]
    assert prompts(refused)[0] == "auth.lost"
    assert seen.row.history == ["RECORDED", "REPEATING", "APPROVED"]
    assert seen.row.messages == [("0322", None), ("0323", "00")]
    assert seen.row.told == "stored"


SCENES = (dies_before, dies_after, lost_while_the_host_is_away)
