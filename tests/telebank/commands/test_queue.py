"""`telebank queue`: what theory and play say, what is wrong with a file, what may be given."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from telebank.agents.findings import findings
from telebank.agents.load import load_queues
from telebank.commands.queue import PARTS
from telebank.commands.queue import command as queue
from telebank.commands.queue.texts import ZH

QUEUE: dict[str, Any] = {"zh": "综合", "en": "General", "skills": ["general"]}
SIMULATE = ("simulate", "--calls", "general=100", "--seats", "general=8", "--count", "300")


def run(*words: object, code: int = 0) -> Result:
    result = CliRunner().invoke(queue, [*map(str, words)])
    assert result.exit_code == code, result.output
    return result


def said(*words: object, code: int = 0) -> str:
    return " ".join(run(*words, code=code).stderr.split())


# -- erlang ---------------------------------------------------------------------------------------


def test_erlang_tells_the_seats_that_are_needed() -> None:
    told = json.loads(run("erlang", "--calls", 120, "--talk", 180, "--json").stdout)
    assert (told["offered_erlangs"], told["needed"]) == (7.0, 10)
    rows = {row["seats"]: row for row in told["rows"]}
    assert list(rows) == [7, 8, 9, 10, 11, 12, 13]
    assert rows[7]["mean_wait_s"] is None
    assert rows[10]["service_level"] > 0.8 > rows[9]["service_level"]
    assert rows[8]["occupancy"] == 7 / 8


def test_erlang_of_callers_who_give_up() -> None:
    words = ("--calls", 120, "--talk", 180, "--seats", 6, "--patience", 100)
    rows = json.loads(run("erlang", *words, "--json").stdout)["rows"]
    (six,) = [row for row in rows if row["seats"] == 6]
    assert 0.15 < six["abandons"] < 0.35
    page = run("erlang", *words, "--language", "zh").stdout
    assert "放弃" in page
    assert "爱尔兰" in page


@pytest.mark.parametrize(
    "words",
    [
        ("--calls", "0", "--talk", "180"),
        ("--calls", "nan", "--talk", "180"),
        ("--calls", "10", "--talk", "inf"),
        ("--calls", "10", "--talk", "180", "--seats", "10001"),
        ("--calls", "10", "--talk", "180", "--level", "100"),
        ("--calls", "100000", "--talk", "7200"),
        ("--calls", "10", "--talk", "180", "--within", "-1"),
    ],
)
def test_erlang_has_limits(words: tuple[str, ...]) -> None:
    run("erlang", *words, code=2)


# -- simulate -------------------------------------------------------------------------------------


def test_simulate_plays_the_shipped_queues() -> None:
    words = ("--calls", "loss=20", "--talk", "180", "--talk", "loss=60", "--calls", "general:en=9")
    more = ("--patience", 120, "--seeds", 2, "--seats", "general/3+loss/9=2")
    told = json.loads(run(*SIMULATE, *words, *more, "--json").stdout)
    assert {"loss", "general"} <= set(told["queues"])
    assert told["all"]["came"] + told["refused"] == 600
    assert len(set(told["mean_waits_s"])) == 2
    page = run(*SIMULATE, *words, *more, "--language", "zh").stdout
    assert "综合服务" in page
    assert re.search("各随机种子的平均等待：.+ 至 .+ 秒", page)


def test_simulate_says_whom_nobody_serves(tmp_path: Path) -> None:
    file = tmp_path / "queues.yaml"
    other = {**QUEUE, "skills": ["other"]}
    file.write_text(json.dumps({"schema": 1, "queues": {"general": QUEUE, "other": other}}))
    page = run(*SIMULATE, "--calls", "other=100", "--language", "en", file).stdout
    assert re.search(r"\d+ callers were taken by no queue", page)


def test_simulate_offers_call_backs_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "queues.yaml"
    own = {**QUEUE, "most": 3, "call_backs": 20, "wrap_up_s": 0}
    file.write_text(json.dumps({"schema": 1, "queues": {"general": own}}))
    busy = ("simulate", file, "--calls", "general=100", "--seats", "general=4", "--count", 300)
    without = json.loads(run(*busy, "--json").stdout)["all"]["ends"]
    taken = json.loads(run(*busy, "--call-back", 100, "--json").stdout)["all"]["ends"]
    assert taken["full"] < without["full"]


def test_simulate_has_callers_of_every_kind(tmp_path: Path) -> None:
    file = tmp_path / "queues.yaml"
    money = {**QUEUE, "business": ["transfers"], "languages": ["en"], "level": 3}
    file.write_text(json.dumps({"schema": 1, "queues": {"money": money, "general": QUEUE}}))
    calls = ("--calls", "general=50", "--calls", "general@transfers:en:3=50")
    words = (*calls, "--seats", "general=9", "--count", 300, "--json")
    came = json.loads(run("simulate", file, *words).stdout)["queues"]
    assert {name: one["came"] > 100 for name, one in came.items()} == {"money": 1, "general": 1}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--calls", "general"), "--calls general: give SKILL=AN_HOUR, general=120"),
        (("--calls", "general=0"), "calls an hour for general is 0: give 1e-06 to 100000"),
        (("--seats", "general/12=3"), "--seats general/12=3: give SKILL=HOW_MANY"),
        (("--seats", "general=900"), "908 seats: give 1 to 200, the `seats` of the queues' file"),
        (("--talk", "x"), "--talk x: give seconds, 180, or SKILL=SECONDS"),
        (("--talk", "loss=60"), "--talk names loss, for which there are no --calls"),
        (("--talk", "9999"), "seconds of talk for general is 9999: give 0.1 to 7200"),
        (("--answer", "30"), "phones that ring 30 s are never answered"),
    ],
)
def test_simulate_says_what_may_be_given(words: tuple[str, ...], told: str) -> None:
    assert told in said(*SIMULATE, *words, code=2)


# -- compare --------------------------------------------------------------------------------------


def test_compare_keeps_draws_and_fills_in(tmp_path: Path) -> None:
    kept, pictures, page = tmp_path / "kept.json", tmp_path / "pictures", tmp_path / "page.md"
    page.write_text("before\n<!-- queue waits -->\nold\n<!-- /queue -->\nafter\n")
    run("compare", "--load", 0.8, "--calls", 2_000, "--seeds", 1, "--keep", kept)
    words = ("--from", kept, "--pictures", pictures, "--page", page)
    (one,) = json.loads(run("compare", *words, "--json").stdout)
    assert one == json.loads(kept.read_text())[0]
    assert one["erlang_wait_s"] == pytest.approx(36.826, abs=0.001)
    text = page.read_text()
    assert "| 0.8 | 1 |" in text
    assert "old" not in text
    files = sorted(file.name for file in pictures.iterdir())
    assert files == ["queue-told.svg", "queue-wait.svg", "queue-waiting.svg"]
    for file in pictures.iterdir():
        assert ElementTree.fromstring(file.read_text()).tag.endswith("svg")


def test_compare_refuses_what_it_did_not_keep(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    for text in ("[]", "{", '[{"load": 1}]'):
        kept.write_text(text)
        assert str(kept) in said("compare", "--from", kept, code=2)


# -- check ----------------------------------------------------------------------------------------


def test_the_shipped_queues_have_one_finding(tmp_path: Path) -> None:
    told = json.loads(run("check", "--data", tmp_path, "--json").stdout)
    assert told["error"] is None
    assert told["findings"] == [
        "queues.expert: level is 5, and `important` makes nobody more than 0: only customers"
        " whose record says so come here (`telebank customer set`)"
    ]


def test_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "queues.yaml"
    file.write_text("schema: 1\nqueues: {a: {zh: 甲, en: A, skills: [x], mots: 3}}\n")
    told = f"{file}: queues.a: unknown key 'mots'; did you mean 'most'?"
    assert said("check", file, code=1) == told
    assert json.loads(run("check", file, "--json", code=1).stdout)["error"] == told


def test_warnings_are_no_errors(tmp_path: Path) -> None:
    file = tmp_path / "queues.yaml"
    file.write_text(json.dumps({"schema": 1, "queues": {"general": {**QUEUE, "most": 0}}}))
    result = run("check", file)
    assert result.stdout.splitlines()[-1] == "queues are fine"
    assert "warning: menus ask for 'loss', which no queue takes" in result.stderr


@pytest.mark.parametrize(
    ("queues", "told"),
    [
        ({}, "there is no queue"),
        ({"g": {"languages": ["en"]}}, "'general' has no queue for every caller who speaks zh"),
        ({"g": {"numbers": ["010*"]}}, "'general' has no queue for every caller who speaks en"),
        ({"g": {"overflow": {"h": 700}}, "h": {}}, "queues.g: overflow to h comes after 700 s"),
        ({"g": {"place_first_s": 60, "longest_s": 50}}, "queues.g: place_first_s (60 s) is no"),
        ({"g": {"longest_s": 15}}, "queues.g: rings_s (20 s) is no less than longest_s (15 s)"),
        ({"g": {"most": 0}}, "queues.g: most is 0"),
        ({"g": {"call_backs": 5, "offer_after_s": 0}}, "queues.g: offer_after_s is 0"),
        ({"g": {"call_backs": 5, "place_every_s": 0}}, "queues.g: place_every_s is 0, so that"),
        ({"g": {"call_backs": 5, "offer_after_s": 900}}, "queues.g: offer_after_s (900 s) is no"),
        ({"g": {"hours": {"week": {"mon": []}}}}, "queues.g: hours has no span at all"),
        ({"g": {"business": ["fx"]}}, "'general' has no queue for every caller who speaks zh"),
        ({"g": {}, "h": {"business": ["fx"]}}, "queues.h: g stands above it and takes all its"),
        ({"g": {}, "h": {"languages": ["en"]}}, "queues.h: g stands above it and takes all its"),
        ({"g": {}, "v": {"level": 3, "skills": ["v"]}}, "queues.v: level is 3, and `important`"),
    ],
)
def test_findings_say_what_is_not_as_it_seems(queues: dict[str, Any], told: str) -> None:
    tables = {name: {**QUEUE, **more} for name, more in queues.items()}
    found = findings(load_queues({"schema": 1, "queues": tables}), ["general"])
    assert any(one.startswith(told) for one in found)


def test_a_plain_queue_has_no_finding() -> None:
    options = load_queues({"schema": 1, "queues": {"general": QUEUE}})
    assert list(findings(options, ["general"])) == []


# -- all ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", PARTS)
def test_help_has_examples(part: str) -> None:
    assert f"telebank queue {part}" in run(part, "--help").stdout


def test_chinese_texts_have_the_places_of_the_english() -> None:
    for text, zh in ZH.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", zh)), text
