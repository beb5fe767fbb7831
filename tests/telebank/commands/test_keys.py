"""`telebank keys`: what an operator types, sees and gets as an exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core_adapters.hsm.kinds import Algorithm, CheckMethod, KeySpec, Usage
from core_adapters.hsm.primitives import check_digits
from core_adapters.hsm.software import open_software
from support.hsm_kit import SoftToken, components, make_token, softhsm_library
from telebank.commands.keys import command

KEY = bytes(range(40, 72))
FIRST, SECOND = (part.hex() for part in components(Algorithm.AES256, KEY))
KCV, FIRST_KCV, SECOND_KCV = (
    check_digits(Algorithm.AES256, bytes.fromhex(part), CheckMethod.CMAC).hex()[:6].upper()
    for part in (KEY.hex(), FIRST, SECOND)
)
ENTER = ["enter", "host.kbpk", "--usage", "transport", "--algorithm", "aes-256"]
GENERATE = ["--usage", "mac", "--algorithm", "aes-256", "--exportable"]


def run(data: Path, *words: str, typed: str = "") -> Result:
    return CliRunner().invoke(command, [*words, "--data", str(data)], input=typed)


def typing(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def test_a_whole_exchange(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    typed = typing("li", FIRST, FIRST_KCV, "wang", SECOND, SECOND_KCV)
    for side in (ours, theirs):
        entered = run(side, *ENTER, "--json", typed=typed)
        assert entered.exit_code == 0, entered.output
        assert json.loads(entered.stdout)[0]["kcv"] == KCV
    assert run(ours, "generate", "tb87.mak", *GENERATE).exit_code == 0
    module = open_software(ours / "keys")
    sent = {
        "block": module.export_key("tb87.mak", "host.kbpk"),
        "kcv": module.check_value("tb87.mak"),
    }
    under = ["--usage", "mac", "--under", "host.kbpk"]
    wrong = run(theirs, "import", "tb87.mak", *under, "--kcv", "000000", typed=sent["block"])
    assert wrong.exit_code == 1
    taken = run(theirs, "import", "tb87.mak", *under, "--kcv", sent["kcv"], typed=sent["block"])
    assert taken.exit_code == 0, taken.output
    assert sent["kcv"] in taken.output
    assert run(theirs, "check", "tb87.mak", "--kcv", sent["kcv"]).exit_code == 0


def test_nothing_typed_is_shown(tmp_path: Path) -> None:
    typed = typing("li", FIRST, FIRST_KCV, "wang", SECOND, SECOND_KCV)
    result = run(tmp_path, *ENTER, typed=typed)
    assert result.exit_code == 0
    for secret in (FIRST, SECOND, KEY.hex()):
        assert secret[:16] not in result.output.lower()
    for path in (tmp_path / "keys").iterdir():
        text = path.read_bytes()
        assert KEY not in text
        assert KEY.hex().encode() not in text.lower()


def test_a_custodian_mends_a_mistake(tmp_path: Path) -> None:
    typed = typing("li", FIRST[:-1], FIRST_KCV, FIRST, SECOND_KCV, FIRST, FIRST_KCV)
    typed += typing("wang", SECOND, SECOND_KCV)
    result = run(tmp_path, *ENTER, typed=typed)
    assert result.exit_code == 0, result.output
    assert KCV in result.output
    assert "64 hexadecimal digits" in result.output
    assert "does not fit" in result.output


def test_three_mistakes_end_it(tmp_path: Path) -> None:
    typed = typing("li", *(["00", "000000"] * 3))
    result = run(tmp_path, *ENTER, typed=typed)
    assert result.exit_code == 1
    assert json.loads(run(tmp_path, "list", "--json").stdout) == []


def test_one_person_twice(tmp_path: Path) -> None:
    typed = typing("li", FIRST, FIRST_KCV, "li", *([SECOND, SECOND_KCV] * 3))
    result = run(tmp_path, *ENTER, typed=typed)
    assert result.exit_code == 1
    assert "another person" in result.output


def test_list_shows_versions(tmp_path: Path) -> None:
    run(tmp_path, "generate", "tb87.mak", *GENERATE)
    module = open_software(tmp_path / "keys")
    module.generate(module.list_keys()[0].spec, rotate=True)
    rows = json.loads(run(tmp_path, "list", "--json").stdout)
    assert [(row["version"], row["state"]) for row in rows] == [(2, "current"), (1, "previous")]
    assert "current" in run(tmp_path, "list").output


def test_live_keys_are_touched_by_two_people_at_the_node(tmp_path: Path) -> None:
    """Nobody's word as typed counts once there are keys, and no node is asked here."""
    run(tmp_path, "generate", "host.kbpk", "--usage", "transport", "--algorithm", "aes-256")
    run(tmp_path, "generate", "tb87.mak", *GENERATE)
    module = open_software(tmp_path / "keys")
    block = module.export_key("tb87.mak", "host.kbpk")
    before = module.list_keys()
    typed = typing("alice", FIRST, FIRST_KCV, "bob", SECOND, SECOND_KCV)
    entered = run(tmp_path, "enter", "mine.kbpk", *ENTER[2:], typed=typed)
    assert (entered.exit_code, "telebank serve" in entered.output) == (3, True)
    under = ["--under", "host.kbpk"]
    for words in (
        ["export", "tb87.mak", *under],
        ["rotate", "tb87.mak"],
        ["retire", "tb87.mak", "1"],
        ["import", "tb87.mak", "--usage", "mac", *under, "--rotate"],
    ):
        refused = run(tmp_path, *words, typed=block)
        assert (refused.exit_code, "two people" in refused.output) == (3, True), words
        assert "D0144" not in refused.output
    module.reload()
    assert module.list_keys() == before


def test_the_names_of_key_exchange_are_its_own(tmp_path: Path) -> None:
    """An old block of the host's, taken as `.next`, would be a MAC key that verifies."""
    for words in (["generate", "tb87.mak.next", *GENERATE], ["enter", "x.next", *ENTER[2:]]):
        assert run(tmp_path, *words).exit_code == 2


def test_exit_codes(tmp_path: Path) -> None:
    missing = run(tmp_path, "list")
    assert missing.exit_code == 1
    assert "no security module yet" in missing.output
    run(tmp_path, "generate", "tb87.mak", *GENERATE)
    assert run(tmp_path, "generate", "tb87.mak", *GENERATE).exit_code == 2
    assert run(tmp_path, "rotate", "nothing").exit_code == 2
    assert run(tmp_path, "retire", "tb87.mak", "100").exit_code == 2
    bad = run(tmp_path, "generate", "x", "--usage", "pin", "--algorithm", "hmac-sha256")
    assert bad.exit_code == 2
    assert "a pin key is" in bad.output
    assert run(tmp_path, "check", "--kcv", "ABCDEF").exit_code == 2
    assert run(tmp_path, "check", "tb87.mak", "--kcv", "ABCDEF").exit_code == 1
    assert run(tmp_path, "check").exit_code == 0
    assert run(tmp_path, "list", "--module", "pkcs11").exit_code == 2


def test_a_changed_file_is_a_finding(tmp_path: Path) -> None:
    run(tmp_path, "generate", "tb87.mak", *GENERATE)
    path = tmp_path / "keys" / "module.keys"
    path.write_text(path.read_text().replace('"mac"', '"pin"'))
    result = run(tmp_path, "check", "--json")
    assert result.exit_code == 1
    assert "was changed" in result.output


def test_the_master_key_may_live_elsewhere(tmp_path: Path) -> None:
    master = tmp_path / "credential"
    words = ["generate", "tb87.mak", *GENERATE, "--master", str(master)]
    assert run(tmp_path / "data", *words).exit_code == 0
    assert run(tmp_path / "data", "list").exit_code == 1
    assert run(tmp_path / "data", "list", "--master", str(master)).exit_code == 0


@pytest.mark.parametrize("words", [[], ["enter"], ["import"], ["export"], ["check"], ["generate"]])
def test_help_has_examples(words: list[str]) -> None:
    result = CliRunner().invoke(command, [*words, "--help"])
    assert result.exit_code == 0
    assert "telebank keys" in result.output


def test_what_the_command_made_the_module_uses(tmp_path: Path) -> None:
    run(tmp_path, "generate", "tb87.mak", *GENERATE)
    module = open_software(tmp_path / "keys")
    assert module.list_keys()[0].spec == KeySpec(
        "tb87.mak", Usage.MAC, Algorithm.AES256, exportable=True
    )
    assert module.verify_mac("tb87.mak", b"text", module.mac("tb87.mak", b"text"))


@pytest.fixture
def soft_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftToken:
    library = softhsm_library()
    # Put back afterwards: other tests of this process have a token of their own.
    monkeypatch.setenv("SOFTHSM2_CONF", "")
    return make_token(tmp_path / "softhsm", library)


def run_apart(token: SoftToken, *words: str) -> "subprocess.CompletedProcess[str]":
    """In a process of its own, which loads the token's library afresh."""
    module = ["--module", "pkcs11", "--library", token.library, "--token", token.label]
    code = "from telebank.commands.keys import command; command()"
    return subprocess.run(
        [sys.executable, "-c", code, *words, *module, "--token-pin-file", str(token.pin_file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_same_commands_on_a_token(soft_token: SoftToken) -> None:
    assert run_apart(soft_token, "generate", "tb87.mak", *GENERATE).returncode == 0
    refused = run_apart(soft_token, "rotate", "tb87.mak")
    assert (refused.returncode, "two people" in refused.stderr) == (3, True)
    listed = run_apart(soft_token, "list", "--json")
    states = [(row["version"], row["state"]) for row in json.loads(listed.stdout)]
    assert states == [(1, "current")]
    assert run_apart(soft_token, "check").returncode == 0


def test_a_wrong_token_pin_cannot_get_in(soft_token: SoftToken) -> None:
    soft_token.pin_file.write_text("99999999")
    result = run_apart(soft_token, "list")
    assert result.returncode == 3
    assert "PinIncorrect" in result.stderr
    assert "99999999" not in result.stderr
    soft_token.pin_file.chmod(0o644)
    assert "chmod 600" in run_apart(soft_token, "list").stderr
