"""`telebank say`: what cannot be read or kept is said in a line."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from support.bank_process import Voice
from telebank.commands.say import command


@pytest.mark.parametrize("language", ["zh", "en"])
def test_only_currencies_that_can_be_read_are_named(language: str) -> None:
    for code in ("XYZ", "KWD"):
        done = CliRunner().invoke(command, ["money", f"10 {code}", "--language", language])
        assert done.exit_code == 2
        assert f"no reading of '{code}': give an amount" in done.output
        assert "known are CNY, USD" in done.output
        assert "KWD" not in done.output.partition("known are")[2]
    assert CliRunner().invoke(command, ["money", "10 JPY", "--language", language]).exit_code == 0


def test_a_file_that_cannot_be_written(tmp_path: Path, voice: Voice) -> None:
    voice.lend(tmp_path)  # encoding the clips takes longer than all else here
    words = ["money", "10", "--save", str(tmp_path / "no" / "x.wav"), "--data", str(tmp_path)]
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 2
    assert "cannot be written: No such file" in done.output
