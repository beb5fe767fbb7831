"""`telebank host reconcile` by its command line, on a real store; no node runs here."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from support.store_kit import DAY, message, money_plan, open_store, transfer
from telebank.commands.host import reconcile
from telebank.commands.host.reconcile import command
from transactions.journal import Recorded
from transactions.lifecycle import State
from transactions.ports import CurrencyTotals, HostTotals, Tally

HEAD = "reference,stan,field7,terminal,service,amount,fee,currency,business_date,status"


def run(data: Path, *words: str, as_json: bool = True) -> Result:
    more = ["--json"] if as_json else []
    return CliRunner().invoke(command, [*words, "--data", str(data), *more])


def found(result: Result) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(result.stdout)
    return body


async def _bank(data: Path, *states: State, on: date = DAY) -> list[str]:
    """A store with one transfer of 100.00 and a fee of 1.00 for each state."""
    references = []
    async with open_store(data) as store:
        for number, state in enumerate(states):
            name = f"r{number}"
            request = transfer(name, business_date=on)
            recorded = await store.journal.record(request, money_plan(guarded=False))
            assert isinstance(recorded, Recorded)
            sent = message(name, f"{number + 1:06d}")
            await store.journal.sending(sent)
            await store.journal.answered(replace(sent, reply39="00", settled_on=on))
            await store.journal.advance(name, [state])
            references.append(recorded.request.reference)
    return references


def bank(data: Path, *states: State, on: date = DAY) -> list[str]:
    """The same from a test without a loop: the command brings its own."""
    return asyncio.run(_bank(data, *states, on=on))


def row(reference: str, amount: int = 10_000, on: date = DAY) -> str:
    return f"{reference},000001,1,T,420000,{amount},100,CNY,{on},posted"


def put_file(data: Path, *rows: str, on: date = DAY) -> Path:
    path = data / "hostfiles" / f"{on.isoformat()}.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([HEAD, *rows, ""]), encoding="utf-8")
    return path


def test_the_file_in_its_usual_place_is_found(tmp_path: Path) -> None:
    (one,) = bank(tmp_path, State.APPROVED)
    put_file(tmp_path, row(one))
    result = run(tmp_path, str(DAY), "--without-totals")
    assert result.exit_code == 0, result.output
    body = found(result)
    assert (body["result"], body["file"], body["totals"]) == ("agreed", True, False)
    assert body["currencies"]["CNY"]["journal"]["fees"] == 100
    for path in body["files"]:
        assert Path(path).parent == tmp_path / "reports"
        assert Path(path).stat().st_size > 0


def test_differences_are_exit_one(tmp_path: Path) -> None:
    one, two, _ = bank(tmp_path, State.APPROVED, State.APPROVED, State.MANUAL)
    file = tmp_path / "other.csv"
    put_file(tmp_path, row(one, 10_001), row(two)).rename(file)
    words = (str(DAY), "--without-totals", "--host-file", str(file), "--out", str(tmp_path / "o"))
    result = run(tmp_path, *words)
    assert result.exit_code == 1, result.output
    kinds = [one["kind"] for one in found(result)["findings"]]
    assert kinds == ["amount_differs", "still_open"]
    screen = run(tmp_path, *words, "--language", "en", as_json=False)
    assert screen.exit_code == 1
    assert "Amount differs" in screen.output
    assert "Differences found" in screen.output
    assert "+0.01" in screen.output


def test_without_a_node_it_is_exit_three_and_the_other_sides_are_compared(
    tmp_path: Path,
) -> None:
    (one,) = bank(tmp_path, State.APPROVED)
    put_file(tmp_path, row(one))
    result = run(tmp_path, str(DAY))
    assert result.exit_code == 3
    assert "no node answers" in found(result)["totals_missing"]
    screen = run(tmp_path, str(DAY), as_json=False)
    assert "the host's totals are missing: no node answers" in screen.output


def test_differences_go_before_a_host_that_cannot_be_asked(tmp_path: Path) -> None:
    (one,) = bank(tmp_path, State.APPROVED)
    put_file(tmp_path, row(one, 10_001))
    result = run(tmp_path, str(DAY))
    assert result.exit_code == 1
    body = found(result)
    assert body["result"] == "difference"
    assert "no node answers" in body["totals_missing"]


def host_says(monkeypatch: pytest.MonkeyPatch, minor: int) -> None:
    """The node's answer, as it comes through the control socket."""
    none = Tally(0, 0)
    told = HostTotals(DAY, {"CNY": CurrencyTotals(Tally(1, minor), none, none, none, 100)})
    monkeypatch.setattr(reconcile, "_totals", lambda _asked: (told, ""))


def test_no_file_is_a_finding_unless_it_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank(tmp_path, State.APPROVED)
    host_says(monkeypatch, 10_000)
    place = str(tmp_path / "hostfiles" / f"{DAY}.csv")
    result = run(tmp_path, str(DAY))
    assert result.exit_code == 1
    body = found(result)
    assert (body["result"], body["file"], body["rows"]["unchecked"]) == ("unchecked", False, 1)
    assert body["file_missing"].startswith(f"{place} is not there")
    screen = run(tmp_path, str(DAY), "--language", "en", as_json=False)
    assert screen.exit_code == 1
    assert "Agreed as far as it was compared" in screen.output
    assert f"the host's file is missing: {place}" in screen.output
    meant = run(tmp_path, str(DAY), "--without-file")
    assert meant.exit_code == 0
    assert (found(meant)["result"], found(meant)["file_missing"]) == ("unchecked", "")


def test_without_a_file_sums_may_still_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank(tmp_path, State.APPROVED)
    host_says(monkeypatch, 10_001)
    assert run(tmp_path, str(DAY), "--without-file").exit_code == 1


def test_a_file_that_is_there_is_left_out_where_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = bank(tmp_path, State.APPROVED)
    put_file(tmp_path, row(one, 10_001))
    host_says(monkeypatch, 10_000)
    result = run(tmp_path, str(DAY), "--without-file")
    assert (result.exit_code, found(result)["file"]) == (0, False)


def test_nothing_to_compare_with(tmp_path: Path) -> None:
    bank(tmp_path, State.APPROVED)
    for words in ((str(DAY),), (str(DAY), "--without-totals")):
        result = run(tmp_path, *words)
        assert result.exit_code == 3
        assert f"hostfiles/{DAY}.csv" in result.output


def test_yesterday_is_the_banks(tmp_path: Path) -> None:
    day = (datetime.now(UTC) + timedelta(hours=8)).date() - timedelta(days=1)
    (one,) = bank(tmp_path, State.APPROVED, on=day)
    put_file(tmp_path, row(one, on=day), on=day)
    body = found(run(tmp_path, "--date", "yesterday", "--without-totals"))
    assert (body["business_date"], body["result"]) == (day.isoformat(), "agreed")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "give one date"),
        (("2026-11-22", "--date", "today"), "give one date"),
        (("22.11.2026",), "give YYYY-MM-DD, today or yesterday"),
        (("2026-11-22", "--host-file", "none.csv"), "does not exist"),
        (("2026-11-22", "--without-file", "--without-totals"), "goes with neither"),
    ],
)
def test_a_command_line_that_cannot_be_used(
    tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    result = run(tmp_path, *words)
    assert result.exit_code == 2
    assert why in result.output


def test_a_file_that_is_not_the_profiles(tmp_path: Path) -> None:
    bank(tmp_path, State.APPROVED)
    file = put_file(tmp_path)
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    result = run(tmp_path, str(DAY), "--without-totals")
    assert result.exit_code == 2
    assert "column 'reference' is not among the 2 words of the header" in result.output
    assert not (tmp_path / "reports").exists()


HOSTS = {
    "sql": """
schema = 1
[node]
host = "ourbank"
[hosts.ourbank]
adapter = "sql"
profile = "sql-demo"
""",
    # Its section stands in the profile that it extends.
    "extended": """
schema = 1
[node]
host = "ourbank"
[hosts.ourbank]
profile = "tb87-bcd"
""",
}


@pytest.mark.parametrize("host", HOSTS)
def test_the_file_of_any_adapters_host(tmp_path: Path, host: str) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "telebank.toml").write_text(HOSTS[host], encoding="utf-8")
    (one,) = bank(tmp_path, State.APPROVED)
    put_file(tmp_path, row(one))
    result = run(tmp_path, str(DAY), "--without-totals")
    assert result.exit_code == 0, result.output
    assert found(result)["result"] == "agreed"
    put_file(tmp_path, row(one, 9_999))
    assert run(tmp_path, str(DAY), "--without-totals").exit_code == 1


def test_no_store(tmp_path: Path) -> None:
    put_file(tmp_path)
    result = run(tmp_path, str(DAY), "--without-totals")
    assert result.exit_code == 3
    assert "there is no database" in result.output
