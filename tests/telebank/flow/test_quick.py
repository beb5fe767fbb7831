"""How soon the balance begins for a caller who knows the keys, as `flow check --times` reckons."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.flow_bank import BANK
from telebank.flow import keymap
from telebank.flow.check.quick import KEY_S, TYPED, quick_calls, too_slow
from telebank.flow.load import load_release
from telebank.flow.options import FlowOptions
from telebank.main import main
from transactions.card import luhn_valid
from transactions.request import Language

SHIPPED = load_release(Path(__file__).resolve().parents[3] / "config")
KEYS = len("11") + len(TYPED["CARD"] + "#") + len(TYPED["PIN"] + "#") + len("11")


def reckoned(prompt_s: float, lead_s: float, **options: float) -> dict[str, float]:
    calls = quick_calls(
        SHIPPED, FlowOptions(**options), lambda prompt, language: prompt_s, lambda *_: lead_s
    )
    return {call.language: call.seconds for call in calls}


def test_the_shipped_menus_tell_it_in_time_in_both_languages() -> None:
    run = CliRunner().invoke(main, ["flow", "check", "--times", "--json"])
    assert run.exit_code == 0
    found = json.loads(run.output)["quick"]
    assert [call["language"] for call in found] == ["zh", "en"]
    assert all(call["keys"][1:] == ["1", "CARD#", "PIN#", "1", "1"] for call in found)
    assert all(KEYS * KEY_S < call["seconds"] < 25 for call in found)


@pytest.mark.parametrize("lead_s", [0.5, 4.0])
def test_what_comes_before_the_amount_counts(lead_s: float) -> None:
    """Prompts that a key stops take no time, however long they are."""
    short, long = reckoned(0.1, lead_s), reckoned(60.0, lead_s)
    for language in ("zh", "en"):
        assert short[language] == pytest.approx(long[language])
        assert short[language] == pytest.approx(reckoned(0.1, 0.0)[language] + lead_s)


def test_answers_of_the_host_count() -> None:
    waits = [reckoned(1.0, 1.0, quick_host_s=host)["zh"] for host in (0.0, 1.0, 2.0)]
    assert waits[0] > KEYS * KEY_S
    assert waits[0] < waits[1] < waits[2]


def test_what_comes_too_late_is_a_finding() -> None:
    def seconds(prompt: str, language: Language) -> float:
        return 1.0

    def lead(prompt: str, slot: str, language: Language) -> float:
        return 3.0 if language == "zh" else 30.0

    (found,) = too_slow(SHIPPED, FlowOptions(), seconds, lead)
    assert (found.rule, found.file) == ("quick", "flows/main.yaml")
    assert "(en, keys 2 1 CARD# PIN# 1 1), over 25 s" in found.problem


def test_the_command_takes_another_budget() -> None:
    run = CliRunner().invoke(main, ["flow", "check", "--times", "--quick-budget", "9"])
    assert run.exit_code == 1
    assert run.output.count("[quick]") == 2
    assert "from the answer to the amount: 1 1 CARD# PIN# 1 1" in run.output


def test_menus_without_that_service_are_not_timed() -> None:
    run = CliRunner().invoke(main, ["flow", "check", "--times", "--config", str(BANK)])
    assert run.exit_code == 0
    assert "from the answer" not in run.output


def unreached(service: str = "card.balance") -> list[tuple[str, str, str]]:
    found = too_slow(SHIPPED, FlowOptions(quick_service=service), lambda *_: 1.0, lambda *_: 1.0)
    return [(one.rule, one.file, one.problem) for one in found]


def test_a_service_that_no_keys_lead_to_is_a_finding() -> None:
    """A quote is asked on the way, so that no menu leads to it."""
    assert unreached("transfer.quote") == [
        (
            "quick",
            "flows/main.yaml",
            "no keys lead to transfer.quote, which is to be told quickly",
        )
    ]
    assert unreached() == []


def test_menus_of_too_many_places_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not looked at may hold the way; a short way that was seen says nothing of others."""
    monkeypatch.setattr(keymap, "MAX_PLACES", 60)
    (found,) = unreached()
    assert found[:2] == ("quick", "flows/main.yaml")
    assert "more than 60 places" in found[2]


def test_the_card_that_is_reckoned_with_is_the_longest_there_is() -> None:
    assert (len(TYPED["CARD"]), luhn_valid(TYPED["CARD"])) == (19, True)
