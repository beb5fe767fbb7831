"""`telebank bench plot`: a short run, what is kept of it, and pictures and tables made again."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from telebank.commands.bench import command as bench
from telebank.commands.bench.machine import Machine, yardstick
from telebank.commands.bench.pictures import plots
from telebank.commands.bench.sweeps import Run, Sweeps, left, plan, read, write

MACHINE = Machine("a processor", 2, 2048, "6.1", "3.11", "2026-01-20T08:00:00+00:00")
PAGE = "before\n\n<!-- bench media -->\nold\n<!-- /bench -->\n\nafter\n"


def _media(value: int, cost: float, late: float = 1.0, failed: int = 0) -> Run:
    figures = {"cpu_us_per_call_second": cost, "tick_late_p99_ms": late, "rss_mb": 20.0}
    return Run("media", value, ("media",), 0.5, 3.0, {"failed": failed, **figures})


def _plot(*words: str | Path) -> Result:
    return CliRunner().invoke(bench, ["plot", *map(str, words)])


def test_a_short_run_is_kept_drawn_and_made_again(tmp_path: Path) -> None:
    kept, first, again = tmp_path / "figures.json", tmp_path / "first", tmp_path / "again"
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    words = ("--quick", "--sweep", "media", "--sweep", "recorded")
    result = _plot(*words, "--json", kept, "--pictures", first, "--page", page)
    assert result.exit_code == 0, result.output
    sweeps = json.loads(kept.read_text())
    assert {run["sweep"] for run in sweeps["runs"]} == {"media", "recorded"}
    assert all(run["packet_us"] > 0 and run["figures"]["failed"] == 0 for run in sweeps["runs"])
    assert sweeps["machine"]["cores"] > 0
    names = sorted(file.name for file in first.iterdir())
    kinds = ("bridge-cost", "media-core", "media-cost", "media-late", "media-memory")
    assert names == [f"bench-{kind}.svg" for kind in kinds]
    made = page.read_text()
    assert "| 5 | 1 | 0 |" in made
    assert "old" not in made
    assert _plot("--from", kept, "--pictures", again, "--page", page).exit_code == 0
    assert [file.read_bytes() for file in sorted(again.iterdir())] == [
        file.read_bytes() for file in sorted(first.iterdir())
    ]
    assert page.read_text() == made


def test_each_measurement_is_told_with_what_is_left() -> None:
    said = _plot("--quick", "--sweep", "media")
    assert said.exit_code == 0
    told = said.stderr.splitlines()
    places = [line.split("  ")[0] for line in told]
    assert places == ["1 of 2", "2 of 2"]
    assert "media --seconds 2 --calls 5" in told[0]
    assert all(re.search(r"about \d+ (s|min) left$", line) for line in told)


@pytest.mark.parametrize(
    ("program", "how"),
    [
        ("import nowhere.at.all", "exit code 1"),
        ("import sys; print('no bank', file=sys.stderr); sys.exit(3)", "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed by signal 9"),
        ("print('{\"failed\": 0')", "exit code 0"),
    ],
)
def test_a_measurement_that_fails_is_named_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, how: str
) -> None:
    (tmp_path / "telebank").mkdir()
    (tmp_path / "telebank" / "__main__.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    said = _plot("--quick", "--sweep", "media")
    assert said.exit_code == 3
    assert "measurement 1 of 2" in said.stderr
    assert "`telebank bench media --seconds 2 --calls 5 --json`" in said.stderr
    assert how in said.stderr
    if "nowhere" in program:
        assert "ModuleNotFoundError: No module named 'nowhere'" in said.stderr


def test_what_is_left_is_as_slow_as_what_was() -> None:
    assert left([10, 10, 20], 0, 0.0) == 40
    assert left([10, 10, 20], 1, 30.0) == 90
    assert left([10, 10, 20], 3, 80.0) == 0


def test_a_picture_has_its_units_its_aim_and_every_run(tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    runs = [_media(100, 800), _media(100, 900), _media(500, 400)]
    write(Sweeps(MACHINE, runs), kept)
    assert _plot("--from", kept, "--pictures", tmp_path).exit_code == 0
    drawn = ElementTree.fromstring((tmp_path / "bench-media-cost.svg").read_text())
    words = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "µs of CPU a call-second, node and workers" in words
    assert "calls at once" in words
    assert "aim: 450 or less" in words
    assert "two workers" not in words
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}circle"))) == len(runs)


def test_all_calls_take_what_one_takes_so_many_times() -> None:
    plot = plots(Sweeps(MACHINE, [_media(500, 400)]))["media-core"]
    assert plot.series[0].points == [(500, 20.0)]


def test_a_table_has_the_median_and_how_far_rounds_are_apart(tmp_path: Path) -> None:
    kept, page = tmp_path / "figures.json", tmp_path / "page.md"
    page.write_text(PAGE + PAGE.replace("media", "bridge"))
    runs = [_media(1_000, cost, failed=1) for cost in (300, 1_200, 500)]
    write(Sweeps(MACHINE, runs), kept)
    assert _plot("--from", kept, "--page", page).exit_code == 0
    made = page.read_text()
    assert "| 1,000 | 1 | 3 | 500 (300–1,200) | 1.0 | 20 |" in made
    assert "<!-- bench bridge -->\nold\n<!-- /bench -->" in made


def test_what_it_cannot_use(tmp_path: Path) -> None:
    kept, page = tmp_path / "figures.json", tmp_path / "page.md"
    assert "No such file" in _plot("--from", kept).stderr
    kept.write_text("{}")
    said = _plot("--from", kept)
    assert (said.exit_code, "has no figures" in said.stderr) == (2, True)
    write(Sweeps(MACHINE, [_media(100, 800)], version=0), kept)
    assert "measure anew" in _plot("--from", kept).stderr
    write(Sweeps(MACHINE, [_media(100, 800)]), kept)
    page.write_text(PAGE.replace("media", "medium"))
    said = _plot("--from", kept, "--page", page)
    assert (said.exit_code, "no table is called medium" in said.stderr) == (2, True)
    assert _plot("--from", kept, "--quick").exit_code == 2
    assert read(kept) == Sweeps(MACHINE, [_media(100, 800)])


@pytest.mark.parametrize("quick", [True, False])
def test_rounds_go_over_everything_before_they_begin_anew(quick: bool) -> None:
    steps = [(sweep.name, value) for sweep, value, _ in plan((), 2, quick=quick)]
    once = [(sweep.name, value) for sweep, value, _ in plan((), 1, quick=quick)]
    assert steps[: len(once)] == once
    assert steps[len(once) :] == [step for step in once if step[0] != "dtmf"]


def test_a_packet_costs_something() -> None:
    assert 0 < yardstick() < 1_000
