"""A running bank reads its files again in the middle of a call: a bad one changes nothing."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import select

from support.bank_process import BankProcess, Voice
from support.money_caller import BALANCE, PATIENCE_S, prompts, prove
from telebank.phone.phone import PhoneOptions
from telebank.phone.script import parse_script
from telebank.settings import seed_dir, store_url
from telebank.store import tables
from telebank.store.engine import open_read_only

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


async def test_a_bad_file_changes_nothing_and_calls_go_on(voice: Voice, tmp_path: Path) -> None:
    with BankProcess.start(tmp_path / "bank", voice) as bank:
        who, url = bank.cards[0], store_url(bank.data)  # which reads the files too
        queues = bank.data / "config" / "queues.yaml"
        async with bank.phone() as phone:
            options = PhoneOptions(patience_s=PATIENCE_S, hang_up_after="bal.amount")
            call = await phone.dial(bank.uri, options)
            ringing = asyncio.create_task(call.run(parse_script(f"{prove(who)} {BALANCE}")))
            await call.answered.wait()
            queues.write_text("queues: [\n")
            told = await asyncio.to_thread(bank.control, "/v1/reload", "POST")
            assert "queues.yaml" in told["error"]
            os.kill(bank.pid, signal.SIGHUP)
            await _until_reloaded(url, ["refused", "refused"])
            shipped = (seed_dir() / "queues.yaml").read_text(encoding="utf-8")
            queues.write_text(shipped.replace("most: 100", "most: 3"), encoding="utf-8")
            told = await asyncio.to_thread(bank.control, "/v1/reload", "POST")
            assert (told["error"], told["changed"]) == ("", ["queues.yaml"])
            assert told["restart"] == []
            report = await ringing
        assert "bal.amount" in prompts(report)
        await _until_reloaded(url, ["refused", "refused", "ok"])


async def _until_reloaded(url: str, outcomes: list[str]) -> None:
    """Wait for the events of so many reloads."""
    engine = open_read_only(url)
    event = tables.event.c
    question = select(event.outcome).where(event.kind == "config.reloaded")
    found: list[str] = []
    for _ in range(600):
        with engine.connect() as connection:
            found = list(connection.scalars(question.order_by(event.sequence)))
        if len(found) >= len(outcomes):
            break
        await asyncio.sleep(0.1)
    engine.dispose()
    assert found == outcomes
