"""`telebank bench media` on a few calls: it must judge every call, and say so in JSON."""

import json

import pytest
from click.testing import CliRunner

from telebank.commands.bench.media import command
from telebank.media.bench import _failed
from telebank.media.load import Heard


def test_ten_calls_hear_everything() -> None:
    result = CliRunner().invoke(command, ["--calls", "10", "--seconds", "2", "--json"])
    figures = json.loads(result.stdout)
    assert result.exit_code == 0, figures
    assert (figures["calls"], figures["failed"]) == (10, 0)
    assert {"cpu_us_per_call_second", "tick_late_p99_ms", "rss_mb"} < figures.keys()
    assert figures["cpu_us_per_call_second"] > 0


@pytest.mark.parametrize(
    ("heard", "keys"),
    [
        (Heard(), 0),
        (Heard(packets=100, speech=90), 0),
        (Heard(packets=100, speech=100, gaps=1), 0),
        (Heard(packets=100, speech=99, wrong=1), 0),
        (Heard(packets=100, speech=100, keys=2), 1),
    ],
)
def test_a_call_with_any_fault_has_failed(heard: Heard, keys: int) -> None:
    assert _failed(heard, keys)
    assert not _failed(Heard(packets=100, speech=96, keys=2), 2)


def test_secure_calls_are_judged_beside_plain_ones() -> None:
    arguments = ["--calls", "6", "--seconds", "2", "--secure", "sdes"]
    result = CliRunner().invoke(command, [*arguments, "--json"])
    figures = json.loads(result.stdout)
    assert result.exit_code == 0, figures
    assert (figures["failed"], figures["secure"]["failed"], figures["secure"]["calls"]) == (0, 0, 6)
    assert figures["secure"]["cpu_ratio"] > 0
    table = CliRunner().invoke(command, arguments).stdout.splitlines()
    assert table[0].split() == ["plain", "SRTP"]
    assert "times the CPU" in table[-1]
