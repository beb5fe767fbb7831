"""What `telebank call` says where there is no bank, and of orders that cannot be carried out."""

import json
import os
import shutil
import socket
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from support.bank_process import Voice
from support.tls_kit import Authority, StrictServer, server_context
from support.voice_pack import write_pack
from telebank.commands.call import command
from telebank.commands.call_clips import MAX_BANKS, release_banks
from voice_prompts.bank import build_bank


@pytest.fixture
def data(tmp_path: Path, voice: Voice) -> Path:
    """A node's folder, which has the clips already: encoding them takes seconds."""
    voice.lend(tmp_path / "data")
    return tmp_path / "data"


def call(*words: str) -> Result:
    return CliRunner().invoke(command, list(words))


def test_a_port_without_a_bank_is_said_at_once(data: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    done = call(f"sip:bank@127.0.0.1:{port}", "--keys", "1", "--data", str(data))
    assert done.exit_code == 3
    assert "nothing listens" in done.output
    assert "telebank run" in done.output


def test_a_port_that_never_answers_is_given_up(data: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        target = f"sip:bank@127.0.0.1:{mute.getsockname()[1]}"
        done = call(target, "--keys", "1", "--answer-within", "0.3", "--json", "--data", str(data))
    assert done.exit_code == 3
    report = json.loads(done.stdout)
    assert report["fault"] == "not answered: no answer within 0.3 s"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sip:bank@", "--keys", "1"], "no SIP address"),
        (["sip:bank@127.0.0.1:70000", "--keys", "1"], "no SIP address"),
        (["sip:bank@no-such-host.invalid", "--keys", "1"], "no host"),
        (["sip:bank@127.0.0.1"], "no terminal"),
        (["sip:bank@127.0.0.1", "--keys", "1 x"], "group 2"),
        (["sip:bank@127.0.0.1", "--calls", "2"], "--keys"),
        (["sip:bank@127.0.0.1", "--keys", "1", "--expect", "bal.amuont"], "bal.amount"),
        (["sip:bank@127.0.0.1", "--keys", "1", "--hang-up-after", "nothing"], "voice list"),
    ],
)
def test_orders_that_cannot_be_carried_out(data: Path, words: list[str], said: str) -> None:
    done = call(*words, "--data", str(data))
    assert done.exit_code == 2
    assert said in done.output


def test_no_target_and_no_node_here(tmp_path: Path) -> None:
    done = call("--keys", "1", "--data", str(tmp_path))
    assert done.exit_code == 3
    assert "no node runs" in done.output


def test_keys_files(tmp_path: Path) -> None:
    empty, bad = tmp_path / "empty", tmp_path / "bad"
    empty.write_text("\n\n")
    bad.write_text("1 2\n622700 nonsense 123456#\n")
    target = "sip:bank@127.0.0.1"
    assert "holds no keys" in call(target, "--keys-file", str(empty)).output
    refused = call(target, "--keys-file", str(bad))
    assert "group 2" in refused.output
    assert "622700" not in refused.output
    assert "not both" in call(target, "--keys-file", str(bad), "--keys", "1").output


def test_prompt_ids_are_completed() -> None:
    found = ShellComplete(command, {}, "call", "_X").get_completions(["--expect"], "bal.")
    assert {item.value for item in found} >= {"bal.amount", "bal.after"}
    assert all(item.value.startswith("bal.") for item in found)


def test_recordings_of_releases_are_known_the_newest_of_them(tmp_path: Path) -> None:
    for number in range(MAX_BANKS + 2):
        write_pack(tmp_path / f"packs{number}" / "zh", "zh", {f"new.{number}": "新"})
        folder = tmp_path / "voice" / f"release-{number}"
        build_bank(tmp_path / f"packs{number}", folder)
        os.utime(folder, (number, number))
    for name, left in (("half", "prompts.pcmu"), ("cut", "index.json")):
        (tmp_path / "voice" / f"release-{name}").mkdir()
        shutil.copy(tmp_path / "voice" / "release-3" / left, tmp_path / "voice" / f"release-{name}")
    known = {key for bank in release_banks(tmp_path / "voice") for key in bank.index.texts}
    newest = range(MAX_BANKS + 1, 3, -1)
    assert known == {f"zh/new.{number}" for number in newest}


def _tls(data: Path, port: int, *words: str) -> str:
    target = f"sip:bank@127.0.0.1:{port};transport=tls"
    done = call(target, "--keys", "1", "--data", str(data), *words)
    assert done.exit_code == 3
    assert "503" not in done.output
    assert "Is the bank running there?" not in done.output
    return done.output


def test_nothing_listens_for_streams(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        for transport in ("tcp", "tls"):
            target = f"sip:bank@127.0.0.1:{port};transport={transport}"
            done = call(target, "--keys", "1", "--data", str(data))
            assert done.exit_code == 3
            assert f"not answered: nothing listens on TCP 127.0.0.1:{port}" in done.output


def test_a_bank_whose_certificate_is_not_believed(tmp_path: Path, data: Path) -> None:
    ours, other = Authority(tmp_path), Authority(tmp_path, "other")
    elsewhere = ours.issue("elsewhere", host="192.0.2.1")
    with StrictServer(server_context(ours.issue("bank"), ours.path)) as bank:
        assert "give it by --tls-ca FILE" in _tls(data, bank.port)
        assert "not of the authority in" in _tls(data, bank.port, "--tls-ca", str(other.path))
    with StrictServer(server_context(elsewhere, ours.path)) as bank:
        said = _tls(data, bank.port, "--tls-ca", str(ours.path))
        assert "by a name or address that its certificate has" in said


def test_a_bank_that_asks_for_a_certificate(tmp_path: Path, data: Path) -> None:
    ours, other = Authority(tmp_path), Authority(tmp_path, "other")
    stranger = other.issue("stranger")
    with StrictServer(server_context(ours.issue("bank"), ours.path)) as bank:
        believed = ("--tls-ca", str(ours.path))
        said = _tls(data, bank.port, *believed)
        assert "Where the bank asks for a certificate: --tls-certificate CERTIFICATE KEY" in said
        shown = ("--tls-certificate", str(stranger.certificate), str(stranger.key))
        assert f"Does the bank believe {stranger.certificate}?" in _tls(
            data, bank.port, *believed, *shown
        )
