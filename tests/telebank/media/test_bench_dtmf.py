"""`telebank bench dtmf` on a little speech: what it counts, and how it ends."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from telebank.commands.bench import command as bench
from telebank.commands.bench.dtmf import _failed, command
from telebank.media.bench_dtmf import DtmfResult, Score, _Tally
from telebank.media.bench_dtmf_material import ROWS, cases
from telebank.media.bench_dtmf_spandsp import Spandsp

GOOD = DtmfResult(
    right=9,
    missed=0,
    false_keys=0,
    false_in_speech=0,
    speech_hours=3.0,
    channels=10,
    cpu_us_per_channel_second=50.0,
    spandsp=None,
)


def test_a_little_of_it_in_json() -> None:
    result = CliRunner().invoke(bench, ["dtmf", "--every", "50", "--channels", "10", "--json"])
    figures = json.loads(result.stdout)
    assert result.exit_code == 0, figures
    wanted = sum(case.keys for case in cases()) * ROWS * 32
    assert (figures["right"], figures["missed"], figures["false_keys"]) == (wanted, 0, 0)
    assert figures["speech_hours"] > 0.1
    assert figures["cpu_us_per_channel_second"] > 0


def test_its_help_shows_how() -> None:
    text = CliRunner().invoke(command, ["--help"]).stdout
    assert "telebank bench dtmf --json" in text


def test_packs_that_are_not_whole(tmp_path: Path) -> None:
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "manifest.json").write_text("{}", encoding="ascii")
    result = CliRunner().invoke(command, ["--packs", str(tmp_path)])
    assert result.exit_code == 2
    assert "manifest.json" in result.stderr


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        (GOOD, False),
        (replace(GOOD, false_keys=3, false_in_speech=3), False),
        (replace(GOOD, false_keys=4, false_in_speech=4), True),
        (replace(GOOD, false_keys=1), True),
        (replace(GOOD, missed=1), True),
    ],
)
def test_what_is_a_finding(result: DtmfResult, failed: bool) -> None:
    assert _failed(result) is failed


def test_keys_are_counted_in_their_order() -> None:
    tally = _Tally()
    tally.add(["1234", ""], ["1244", "5"])
    tally.add_speech(["", "77"])
    assert tally.score() == Score(right=3, missed=1, false_keys=4, false_in_speech=2)


def test_a_library_that_is_not_there() -> None:
    assert Spandsp.load("libspandsp-that-is-not-there.so.2") is None
