"""`telebank corehost runs` beside a running host, and the host's own ends of days."""

import asyncio
import json
from typing import Any

from click.testing import CliRunner

from core_adapters.corehost.house import DATABASE
from core_adapters.corehost.ledger import connect_read_only
from support.bank_services import asker
from support.company_desk import MAKER
from support.corehost_client import Line, Terminal
from support.corehost_process import CoreHostProcess
from telebank.commands.corehost import command


def told(host: CoreHostProcess) -> list[dict[str, Any]]:
    said = CliRunner().invoke(command, ["runs", "--data", str(host.folder), "--json"])
    assert said.exit_code == 0, said.output
    rows: list[dict[str, Any]] = json.loads(said.output)
    return rows


async def test_a_cut_over_ends_a_date_before_anything_else_is_answered(
    own_host: CoreHostProcess,
) -> None:
    line = await Line.open(own_host.port, Terminal(own_host.keys))
    await line.sign_on()
    (before,) = told(own_host)
    assert before["lines"] == []
    moved = await asyncio.to_thread(own_host.tell, "cut-over")
    notice = await line.reply()
    await line.send(line.terminal.answer(notice))
    assert await line.code(line.terminal.network("301")) == "00"
    latest, first = told(own_host)
    assert first == before
    assert latest["business_date"] < moved["business_date"]
    # The company's loan is behind its schedule from the first day on.
    shown = CliRunner().invoke(command, ["runs", "--last", "1", "--data", str(own_host.folder)])
    assert shown.output.startswith(f"{latest['business_date']}  ended ")
    assert "corp_loan_overdue" in shown.output
    assert own_host.findings() == []
    line.close()


async def test_a_host_that_was_killed_ends_its_dates_when_it_is_back(
    own_host: CoreHostProcess,
) -> None:
    for _ in range(3):
        await asyncio.to_thread(own_host.tell, "cut-over")
        own_host.kill()
        own_host.run()
    async with asker(own_host) as caller:
        await caller.ask("corp.rights", card=MAKER)
    db = connect_read_only(own_host.folder / DATABASE)
    (last, count) = db.execute("SELECT MAX(date), COUNT(*) FROM day_run").fetchone()
    assert db.execute("SELECT date(date, '-1 day') FROM business_day").fetchone() == (last,)
    assert count == 4
    db.close()
    assert own_host.findings() == []


def test_no_bank_is_said_so(tmp_path: object) -> None:
    said = CliRunner().invoke(command, ["runs", "--data", str(tmp_path)])
    assert said.exit_code == 3
