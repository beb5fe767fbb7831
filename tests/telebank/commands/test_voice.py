import json
import wave
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.voice_pack import write_pack, write_studio, write_texts
from telebank.commands.say import command as say
from telebank.commands.voice import command as voice

ZH, EN = {"a.sum": "余额为{sum|money}。"}, {"a.sum": "You have {sum|money}."}


@pytest.fixture
def run() -> CliRunner:
    return CliRunner()


def test_say_prints_the_reading(run: CliRunner) -> None:
    assert run.invoke(say, ["money", "120034.56"]).output == "十二万零三十四元五角六分\n"
    assert run.invoke(say, ["money", "-0.05", "--language", "en"]).output == "minus five fen\n"
    assert run.invoke(say, ["amount_GBP", "1.10"]).output == "一英镑十便士\n"
    body = json.loads(run.invoke(say, ["count_minute", "2", "--json"]).output)
    assert (body["text"], body["units"]) == ("两分钟", ["两分钟"])


@pytest.mark.parametrize("arguments", [["money", "much"], ["shout", "1"], ["money"]])
def test_say_refuses(run: CliRunner, arguments: list[str]) -> None:
    assert run.invoke(say, arguments).exit_code == 2


def test_say_saves_how_it_sounds(run: CliRunner, tmp_path: Path) -> None:
    write_pack(tmp_path / "packs" / "zh", "zh", {"unit:十": "十", "unit:二元": "二元"})
    target = tmp_path / "out.wav"
    common = ["--packs", str(tmp_path / "packs"), "--data", str(tmp_path), "--save", str(target)]
    assert run.invoke(say, ["money", "12", *common]).exit_code == 0
    with wave.open(str(target)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert file.getnframes() == 400 + 160 + 480
    missing = run.invoke(say, ["money", "13", *common])
    assert missing.exit_code == 1
    assert "zh/unit:三元" in missing.stderr


def test_voice_makes_checks_lists_and_builds(run: CliRunner, tmp_path: Path) -> None:
    texts = write_texts(tmp_path / "texts", ZH, EN)
    folders = ["--packs", str(tmp_path / "packs"), "--data", str(tmp_path)]
    listed = run.invoke(voice, ["list", "--texts", str(texts), "--language", "en"])
    assert listed.output == "a.sum#0  You have\n"

    assert run.invoke(voice, ["check", "--texts", str(texts), *folders]).exit_code == 1
    studio = write_studio(tmp_path / "studio")
    making = ["make", "--studio-python", str(studio), "--voices", str(tmp_path), "--texts"]
    dry = run.invoke(voice, [*making, str(texts), *folders, "--dry-run", "--json"])
    made = run.invoke(voice, [*making, str(texts), *folders, "--json"])
    assert json.loads(made.stdout) == json.loads(dry.stdout)
    again = run.invoke(voice, [*making, str(texts), *folders])
    assert "0 made" in again.stdout

    checked = run.invoke(voice, ["check", "--texts", str(texts), *folders, "--json"])
    assert checked.exit_code == 0, checked.output
    assert json.loads(checked.stdout)["findings"] == []
    built = run.invoke(voice, ["build", *folders, "--json"])
    assert json.loads(built.stdout)["clips"] > 500


def test_what_is_recorded_is_not_missing(run: CliRunner, tmp_path: Path) -> None:
    texts = write_texts(tmp_path / "prompts", ZH, EN)
    missing = ["list", "--missing", "--json", "--texts", str(texts)]

    def files(*words: str) -> list[str]:
        return [row["file"] for row in json.loads(run.invoke(voice, [*missing, *words]).output)]

    first = files()
    assert [name for name in first if "a.sum" in name] == [
        "recordings/zh/a.sum-0.flac",
        "recordings/en/a.sum-0.flac",
    ]
    recorded = tmp_path / "recordings" / "zh" / "a.sum-0.wav"
    recorded.parent.mkdir(parents=True)
    recorded.touch()
    assert files() == [name for name in first if name != "recordings/zh/a.sum-0.flac"]
    assert all(name.startswith("recordings/en/") for name in files("--language", "en"))
    both = run.invoke(voice, ["list", "--texts", str(texts)]).output
    assert "zh/a.sum#0" in both
    assert "en/a.sum#0  You have\n" in both


def test_voice_says_what_is_wrong(run: CliRunner, tmp_path: Path) -> None:
    folders = ["--packs", str(tmp_path / "packs"), "--data", str(tmp_path)]
    assert run.invoke(voice, ["build", *folders]).exit_code == 1
    assert run.invoke(voice, ["list", "--texts", str(tmp_path)]).exit_code == 1
    nowhere = ["--studio-python", str(tmp_path / "no"), "--voices", str(tmp_path)]
    assert run.invoke(voice, ["make", *nowhere, *folders]).exit_code == 3
