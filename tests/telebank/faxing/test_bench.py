"""`telebank bench fax`: its figures, and what it says where it cannot measure."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from telebank.commands.bench import command as bench
from telebank.commands.bench.fax import command
from telebank.faxing import bench as measuring
from telebank.faxing.options import FaxingOptions


def test_it_is_listed_and_shows_examples() -> None:
    assert "fax" in CliRunner().invoke(bench, ["--help"]).output
    said = CliRunner().invoke(command, ["--help"])
    assert "telebank bench fax --json" in said.output
    assert CliRunner().invoke(command, ["--faxes", "0"]).exit_code == 2


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def options(**given: object) -> object:
        return real(library="libnothing.so.99", **given)

    real = measuring.FaxingOptions
    monkeypatch.setattr(measuring, "FaxingOptions", options)
    said = CliRunner().invoke(command, ["--faxes", "1"])
    assert said.exit_code == 3
    assert "apt-get install libspandsp2" in said.output


def test_a_fax_process_that_is_not_ready_in_time_is_given_up_after_the_time_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Never(measuring.FaxProcess):
        """Its processes die at once."""

        def __init__(self, options: FaxingOptions) -> None:
            super().__init__(options)
            self._program = replace(self._program, module="telebank.nothing")

    monkeypatch.setattr(measuring, "FaxProcess", Never)
    said = CliRunner().invoke(command, ["--start-timeout", "1"])
    assert said.exit_code == 3
    assert "a fax process was not ready within 1 s" in said.output


@pytest.mark.long
@pytest.mark.timeout(300)
def test_ten_at_once_cost_little() -> None:
    said = CliRunner().invoke(command, ["--json"])
    figures = json.loads(said.stdout)
    assert said.exit_code == 0, figures
    assert (figures["faxes"], figures["failed"], figures["pages"]) == (10, 0, 10)
    assert 0 < figures["cpu_ms_per_fax_second"] < 20  # a core carries fifty, on any machine
    assert {"seconds", "rss_mb", "tick_late_p99_ms"} < figures.keys()
