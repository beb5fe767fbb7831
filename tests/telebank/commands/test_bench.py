"""`telebank bench`: what a measurement says that cannot begin."""

from click.testing import CliRunner

from telebank.commands.bench import command as bench


def test_a_bank_that_is_not_ready_in_time_is_given_up_after_the_time_said() -> None:
    said = CliRunner().invoke(bench, ["signalling", "--start-timeout", "1"])
    assert said.exit_code == 3
    assert "was not ready within 1 s" in said.output


def test_every_seat_has_callers_who_ask_for_it() -> None:
    said = CliRunner().invoke(bench, ["desk", "--seats", "8", "--lines", "15"])
    assert said.exit_code == 2
    assert "at least 2 for each of 8 seats" in said.output
