"""`telebank bench bridge` on a few calls: both legs hear each other, every recording is whole."""

import json

from click.testing import CliRunner

from telebank.commands.bench.bridge import command
from telebank.media.load_bridge import CLIP_FRAMES, Clip


def test_a_few_calls_are_joined_and_recorded() -> None:
    result = CliRunner().invoke(command, ["--calls", "3", "--seconds", "4", "--json"])
    figures = json.loads(result.stdout)
    assert result.exit_code == 0, figures
    assert (figures["calls"], figures["recorded"], figures["failed"]) == (3, 3, 0)
    assert {"cpu_us_per_call_second", "tick_late_p99_ms", "rss_mb"} < figures.keys()
    assert figures["cpu_us_per_call_second"] > figures["writer_us_per_call_second"] > 0


def test_a_clip_knows_its_own_pieces_and_no_others() -> None:
    one, other = Clip(1), Clip(2)
    twice = one.octets * 2
    assert all(one.holds(twice[at : at + 160]) for at in range(0, CLIP_FRAMES * 160 - 8, 7))
    assert not one.holds(bytes([0xD5]) * 160)
    assert not any(one.holds(frame) for frame in other.frames)
    torn = twice[5:100] + twice[300:365]
    assert not one.holds(torn)
