"""The end of a day, with real processes: callers move money, replies are lost, the bank cuts over.

Then journal, host's totals and host's file are compared by `telebank host reconcile`."""

import asyncio
import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from support.money_caller import prompts, transfer
from support.money_stage import SETTINGS, Day, Scene, Stage

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(900),
]

TRANSFER_42 = {"mti": "0200", "processing": "42"}


@dataclass(frozen=True)
class Said:
    """One run of the command."""

    code: int
    json: dict[str, Any]
    text: str

    def kinds(self) -> list[tuple[str, str]]:
        """What was found, and how much it matters."""
        return sorted((one["kind"], one["severity"]) for one in self.json["findings"])


@dataclass(frozen=True)
class Seen:
    """What every run came to."""

    first: Said
    second: Said
    tampered: Said
    totals_alone: Said
    node_away: Said
    file_alone: Said
    references: list[str]
    wrong: str
    files: list[Path]


async def run(*words: str) -> Said:
    command = [sys.executable, "-m", "telebank", *words]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=120
    )
    try:
        found = json.loads(done.stdout)
    except ValueError:
        found = {}
    return Said(done.returncode, found, done.stdout + done.stderr)


async def reconcile(day: Day, on: date, *more: str) -> Said:
    data = str(day.bank.data)
    return await run("host", "reconcile", on.isoformat(), "--data", data, "--json", *more)


async def host_file(day: Day, on: date) -> Path:
    """The file of a date, where the command looks for it."""
    path = day.bank.data / "hostfiles" / f"{on.isoformat()}.csv"
    path.parent.mkdir(exist_ok=True)
    folder = str(day.bank.data / "corehost")
    said = await run("corehost", "file", "--date", str(on), "--data", folder, "-o", str(path))
    assert said.code == 0, said.text
    return path


def with_more(path: Path, reference: str) -> Path:
    """The file with another amount in one row."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["reference"] == reference:
            row["amount"] = str(int(row["amount"]) + 1)
    other = path.with_name("tampered.csv")
    with other.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return other


async def heard(day: Day, script: str, until: str) -> None:
    """A call that goes its way; else what was heard in its place."""
    told = prompts(await day.ring(script, until))
    assert until in told, told


async def busy_day(day: Day) -> None:
    """Two transfers, one whose reply is lost and one that never arrives."""
    lost, never = day.pair(2), day.pair(3)
    day.fault(lost[0], "drop_after", **TRANSFER_42)
    day.fault(never[0], "drop_before", **TRANSFER_42)
    await asyncio.gather(
        heard(day, transfer(*day.pair(0), "100"), "tr.done"),
        heard(day, transfer(*day.pair(1), "6000.50", language="en"), "tr.done"),
        heard(day, transfer(*lost, "30"), "tr.in_doubt"),
        heard(day, transfer(*never, "40"), "tr.in_doubt"),
    )
    await day.settled(lost[0])
    await day.settled(never[0])
    day.lift(*day.rules)


async def end_of_day(stage: Stage) -> Seen:
    async with stage.open_bank("reconcile", **SETTINGS) as day:
        await busy_day(day)
        tomorrow = date.fromisoformat(day.bank.host.tell("cut-over")["business_date"])
        await heard(day, transfer(*day.pair(4), "70"), "tr.done")
        today = tomorrow - timedelta(days=1)
        totals_alone = await reconcile(day, today, "--without-file")
        file = await host_file(day, today)
        await host_file(day, tomorrow)
        rows = [day.journal.rows(day.pair(number)[0])[0] for number in range(5)]
        wrong = rows[1].reference
        tampered = await reconcile(
            day, today, "--host-file", str(with_more(file, wrong)), "--language", "en"
        )
        first, second = await reconcile(day, today), await reconcile(day, tomorrow)
        day.bank.stop()
        return Seen(
            first=first,
            second=second,
            tampered=tampered,
            totals_alone=totals_alone,
            node_away=await reconcile(day, today),
            file_alone=await reconcile(day, today, "--without-totals"),
            references=[row.reference for row in rows],
            wrong=wrong,
            files=[Path(one) for one in first.json["files"]],
        )


async def test_the_three_sides_agree(stage: Stage) -> None:
    seen = await stage.of(end_of_day)
    assert seen.first.code == 0, seen.first.text
    assert seen.first.kinds() == []
    sides = seen.first.json["currencies"]["CNY"]
    assert sides["journal"] == sides["totals"] == sides["file"]
    assert (sides["journal"]["net"], sides["journal"]["net_minor"]) == (2, 610_050)
    assert (sides["journal"]["posted"], sides["journal"]["reversed"]) == (3, 1)


async def test_what_came_after_the_cut_over_is_of_the_next_date(stage: Stage) -> None:
    seen = await stage.of(end_of_day)
    assert seen.second.code == 0, seen.second.text
    assert {severity for _, severity in seen.second.kinds()} <= {"explained"}
    sides = seen.second.json["currencies"]["CNY"]
    assert sides["journal"] == sides["totals"] == sides["file"]
    assert (sides["journal"]["net"], sides["journal"]["net_minor"]) == (1, 7_000)


async def test_another_amount_in_the_file_is_a_difference(stage: Stage) -> None:
    seen = await stage.of(end_of_day)
    assert seen.tampered.code == 1
    assert seen.tampered.kinds() == [
        ("amount_differs", "difference"),
        ("totals_differ_from_file", "difference"),
    ]
    assert [one["reference"] for one in seen.tampered.json["findings"]] == ["", seen.wrong]


async def test_without_a_file_the_sums_are_compared(stage: Stage) -> None:
    seen = await stage.of(end_of_day)
    assert seen.totals_alone.code == 0, seen.totals_alone.text
    assert (seen.totals_alone.json["totals"], seen.totals_alone.json["file"]) == (True, False)
    assert seen.totals_alone.json["result"] == "unchecked"
    assert seen.totals_alone.json["rows"]["unchecked"] == 2


async def test_without_a_node_two_sides_are_compared_and_it_says_so(stage: Stage) -> None:
    seen = await stage.of(end_of_day)
    assert seen.node_away.code == 3
    assert "no node answers" in seen.node_away.json["totals_missing"]
    assert seen.node_away.json["result"] == "agreed"
    assert seen.file_alone.code == 0, seen.file_alone.text


async def test_the_report_names_the_transactions(stage: Stage) -> None:
    seen = await stage.of(end_of_day)
    pdf, findings, summary = seen.files
    document = pypdfium2.PdfDocument(pdf)
    text = "".join(page.get_textpage().get_text_bounded() for page in document)
    assert "日终对账报告" in text
    assert "6,100.50" in text
    for path in (findings, summary):
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")


SCENES: Sequence[Scene[Seen]] = [end_of_day]
