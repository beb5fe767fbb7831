"""`telebank size`: tables of Erlang B that others have, and what it makes of them."""

import json

import pytest
from click.testing import CliRunner

from telebank.agents.erlang import erlang_b, lines_for
from telebank.commands.size import Asked, size_of
from telebank.main import main


@pytest.mark.parametrize(
    ("offered", "blocking", "lines"),
    [(20.0, 0.01, 30), (20.34, 0.01, 31), (4.46, 0.01, 10), (84.0, 0.01, 100), (7.51, 0.05, 12)],
)
def test_lines_are_those_of_the_tables(offered: float, blocking: float, lines: int) -> None:
    assert lines_for(offered, blocking) == lines
    assert erlang_b(offered, lines) <= blocking < erlang_b(offered, lines - 1)


@pytest.mark.parametrize("blocking", [0.0, 1.0, -1.0])
def test_what_cannot_be_had_is_refused(blocking: float) -> None:
    with pytest.raises(ValueError, match="cannot be had"):
        lines_for(1.0, blocking)


def test_five_thousand_calls_of_two_minutes_need_thirty_lines() -> None:
    done = CliRunner().invoke(main, ["size", "--calls-a-day", "5000", "--json"])
    found = json.loads(done.stdout)
    assert (found["calls_an_hour"], found["erlang"], found["lines"]) == (600.0, 20.0, 30)
    assert (found["seats"], found["workers"], found["cores"]) == (0, 1, 2)
    words = CliRunner().invoke(main, ["size", "--calls-a-day", "5000"]).output
    assert "600 calls, 20.0 erlang" in words


def test_tellers_take_lines_seats_and_cores() -> None:
    few = Asked(600, 120, 0.01, 0.0, 240, 20, 0.8)
    many = Asked(600, 120, 0.01, 0.135, 240, 20, 0.8)
    assert size_of(many).seats == 8
    assert size_of(many).lines > size_of(few).lines
    assert size_of(many).media_cores > size_of(few).media_cores


def test_more_than_can_be_reckoned_is_said() -> None:
    done = CliRunner().invoke(main, ["size", "--calls-a-day", "9000000", "--seconds", "7000"])
    assert done.exit_code == 2
    assert done.output.count("Error:") == 1
