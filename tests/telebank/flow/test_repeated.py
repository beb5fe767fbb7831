"""An entry that must repeat another: taken when it does, an invalid one when it does not."""

from pathlib import Path

import pytest

from support.flow_bank import changed, findings_of
from support.flow_caller import Caller
from telebank.flow.load import load_release
from transactions.secret import Secret

CODE = "  code: {kind: collect, say: main.code, into: code, digits: {min: 3, max: 6}, "
ONE = CODE + "public: true, next: told}"
TWICE = (
    CODE
    + "public: true, next: again}\n"
    + "  again: {kind: collect, say: main.code, into: code, same_as: code,"
    + ' digits: {min: 3, max: 6}, invalid: {say: main.news}, entry_keys: {"*": code}, next: told}'
)


@pytest.fixture
def caller(tmp_path: Path) -> Caller:
    bank = changed(tmp_path, "flows/main.yaml", ONE, TWICE)
    return Caller(load_release(bank)).start()


def test_the_same_twice_goes_on(caller: Caller) -> None:
    caller.press("3123#123#")
    assert caller.session.place == "main.told"


def test_another_is_invalid_and_the_first_one_stays(caller: Caller) -> None:
    caller.press("3123#124#")
    assert (caller.session.place, caller.heard) == ("main.again", ["main.news", "main.code"])
    caller.press("123#")
    assert caller.session.place == "main.told"


def test_its_tries_are_counted(caller: Caller) -> None:
    caller.press("3123#124#")
    caller.press("125#")
    assert caller.session.place == "main.agent"


def test_star_starts_the_first_entry_over(caller: Caller) -> None:
    caller.press("3123#*")
    assert caller.session.place == "main.code"
    caller.press("987#987#")
    assert caller.session.place == "main.told"


def test_an_entry_of_full_length_swallows_its_end_key_though_it_differs(caller: Caller) -> None:
    caller.press("3123456#123457#")
    assert (caller.session.place, caller.heard) == ("main.again", ["main.news", "main.code"])


def test_a_secret_that_differs_is_wiped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wiped: list[str] = []
    wipe = Secret.wipe

    def seen(secret: Secret) -> None:
        wiped.append(secret.reveal())
        wipe(secret)

    monkeypatch.setattr(Secret, "wipe", seen)
    pin = "  pin: {kind: collect, say: main.pin, into: pin, digits: {min: 6, max: 12}, next: "
    again = pin.replace("  pin:", "  again:") + "verify, same_as: pin}"
    bank = changed(tmp_path, "flows/main.yaml", pin + "verify}", pin + "again}\n" + again)
    caller = Caller(load_release(bank)).start()
    caller.press("16227000000000012#246813579024#246813579025#")
    assert (caller.session.place, wiped) == ("main.again", ["246813579025"])
    caller.press("246813579024#")
    assert caller.session.place == "main.verify"


@pytest.mark.parametrize(
    ("new", "rule"),
    [
        (TWICE.replace("same_as: code", "same_as: nothing"), "declared"),
        (TWICE.replace("same_as: code", "same_as: card"), "kind"),
        (ONE.replace("next: told", "next: told, same_as: code"), "not-set"),
    ],
)
def test_what_it_must_repeat_is_there_and_of_its_kind(new: str, rule: str, tmp_path: Path) -> None:
    config = changed(tmp_path, "flows/main.yaml", ONE, new)
    assert rule in {finding.rule for finding in findings_of(config)}
