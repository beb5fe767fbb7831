"""`telebank host` send and replay, over real TCP."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from support.corehost_process import CoreHostProcess
from support.host_command import SHIPPED, lines, run


def send(host: CoreHostProcess, *words: str, stdin: str | None = None) -> Result:
    where = ("--host", f"127.0.0.1:{host.port}", "--data", str(host.data), "--keys", str(host.keys))
    return run("send", *words, *where, stdin=stdin)


def test_a_balance_with_every_frame_decoded_and_masked(host: CoreHostProcess) -> None:
    card = host.cards[0].card
    result = send(host, "card.balance", f"card={card}")
    assert result.exit_code == 0
    assert "Processing code                    310000" in result.stdout
    assert "approved" in result.stdout
    assert "10000.00 CNY" in result.stdout
    assert card not in result.output
    assert f"{card[:6]}******{card[-4:]}" in result.stdout


def test_a_pin_from_standard_input_is_nowhere_shown(host: CoreHostProcess) -> None:
    who = host.cards[1]
    result = send(host, "pin.verify", f"card={who.card}", "pin=-", "--json", stdin=f"{who.pin}\n")
    assert result.exit_code == 0
    assert lines(result)[-1]["outcome"] == "approved"
    assert who.pin not in result.output
    block = [v for e in lines(result) for v in e.get("fields", []) if v["field"] == "52"]
    assert {view["text"] for view in block} == {"•••"}


def test_a_pin_from_another_descriptor(host: CoreHostProcess) -> None:
    reading, writing = os.pipe()
    os.write(writing, f"{host.cards[2].pin}\n".encode())
    os.close(writing)
    words = (f"card={host.cards[2].card}", "pin=-", "--pin-fd", str(reading))
    assert send(host, "pin.verify", *words).exit_code == 0
    os.close(reading)


def test_a_pin_that_is_not_given_is_asked_for_without_echo(host: CoreHostProcess) -> None:
    who = host.cards[3]
    result = send(host, "pin.verify", f"card={who.card}", stdin=f"{who.pin}\n")
    assert result.exit_code == 0
    assert who.pin not in result.output


def test_a_pin_on_the_command_line_is_refused(host: CoreHostProcess) -> None:
    result = send(host, "pin.verify", f"card={host.cards[0].card}", "pin=123456789012")
    assert result.exit_code == 2
    assert "123456789012" not in result.output
    assert "shell's history" in result.output


def test_a_list_is_shown_row_by_row_and_asked_for_page_by_page(host: CoreHostProcess) -> None:
    card = f"card={host.cards[7].card}"
    result = send(host, "card.recent", card)
    assert result.exit_code == 0, result.output
    rows = [line for line in result.stdout.splitlines() if line.split()[:1] == ["120.01"]]
    assert len(rows) == 1
    assert "what=" in rows[0]
    assert "amount=•••" in rows[0]
    assert "items             1. on " in result.stdout
    told = lines(send(host, "deposit.list", card, "--json"))[-1]["data"]
    more = lines(send(host, "deposit.list", card, f"cursor={told['cursor']}", "--json"))
    assert told["items"][0]["sub"] == "0001"
    assert {"sub", "kind", "amount", "rate"} <= set(more[-1]["data"]["items"][0])
    assert "cursor" not in more[-1]["data"]


def test_dates_and_words_are_told_how_they_are_written(host: CoreHostProcess) -> None:
    asked = ("bill.breakdown", f"card={host.cards[7].card}", "number=1")
    for words, said in (
        (("biller=Water", "month=2026-10-01"), "biller: a code: small letters"),
        (("biller=water", "month=October"), "month: a date, such as 2026-11-22"),
        (("biller=water",), "bill.breakdown needs month=date"),
    ):
        result = send(host, *asked, *words)
        assert result.exit_code == 2
        assert said in result.output


def test_what_the_host_declines_is_exit_1(host: CoreHostProcess) -> None:
    result = send(host, "card.balance", "card=6227009999999995")
    assert result.exit_code == 1
    assert "declined: bad_card" in result.stdout


def test_a_host_that_is_no_test_host_is_sent_nothing(host: CoreHostProcess) -> None:
    path = host.data / "real.yaml"
    path.write_text(SHIPPED.read_text(encoding="utf-8").replace("test: true ", "test: false "))
    result = send(host, "card.balance", f"card={host.cards[0].card}", "--profile", str(path))
    assert result.exit_code == 2
    assert "test: true" in result.output


def test_a_host_that_is_not_there_is_exit_3(host: CoreHostProcess) -> None:
    words = ("--host", "127.0.0.1:1", "--data", str(host.data), "--keys", str(host.keys))
    slow = host.data / "config"
    slow.mkdir(exist_ok=True)
    (slow / "telebank.toml").write_text(
        "schema = 1\n[hosts.tb87]\nconnect_timeout_s = 0.2\nmux = {sign_on_timeout_s = 0.2}\n"
    )
    result = run("send", "card.balance", f"card={host.cards[0].card}", *words)
    (slow / "telebank.toml").unlink()
    assert result.exit_code == 3
    assert "nothing was sent" in result.output


@pytest.mark.parametrize("words", [("card.balance",), ("card.balance", "crad=1"), ("nonsense",)])
def test_a_wrong_command_line_is_exit_2(host: CoreHostProcess, words: tuple[str, ...]) -> None:
    assert send(host, *words).exit_code == 2


# -- replay --------------------------------------------------------------------------------------


def replay(host: CoreHostProcess, tmp_path: Path, *rows: dict[str, Any]) -> Result:
    file = tmp_path / "messages.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    where = ("--host", f"127.0.0.1:{host.port}", "--data", str(host.data), "--keys", str(host.keys))
    return run("replay", str(file), "--json", "--wait", "2", *where)


def test_messages_of_a_file_are_sent_and_answered(host: CoreHostProcess, tmp_path: Path) -> None:
    balance = {"2": host.cards[4].card, "3": "310000", "49": "156"}
    echo = {"mti": "0800", "fields": {"70": "301"}}
    result = replay(host, tmp_path, {"mti": "0200", "fields": balance}, echo)
    got = [e for e in lines(result) if e["what"] == "received"]
    assert result.exit_code == 0
    assert [e["mti"] for e in got] == ["0810", "0210", "0810"]
    assert host.cards[4].card not in result.output
    assert "2 sent, 2 answered" in result.stderr


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"mti": "0600", "fields": {"52": "0011223344556677"}}, "field 52 is a secret"),
        ({"mti": "0200", "fields": {"35": "6227=99"}}, "field 35 is a secret"),
        ({"mti": "0200", "fields": {"3": "abc"}}, "field 3"),
        ({"fields": {}}, "needs `mti`"),
    ],
)
def test_a_line_that_may_not_be_sent_stops_all(
    host: CoreHostProcess, tmp_path: Path, row: dict[str, Any], said: str
) -> None:
    result = replay(host, tmp_path, {"mti": "0800", "fields": {"70": "301"}}, row)
    assert result.exit_code == 2
    assert "line 2" in result.output
    assert said in result.output
    assert lines(result) == []


@pytest.mark.parametrize("content", [b"hello", b"[1]", b"\x7fELF\xff\xfe", b""])
def test_a_file_of_something_else_says_what_a_line_is(
    host: CoreHostProcess, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_bytes(content)
    result = run("replay", str(file), "--data", str(host.data), "--keys", str(host.keys))
    assert result.exit_code == 2
    assert "messages" in result.output
    assert not content or 'a line is a message, such as {"mti": "0200"' in result.output


def test_the_host_of_a_running_demo_is_found(host: CoreHostProcess) -> None:
    ready = host.data / "run" / "corehost.json"
    ready.parent.mkdir(exist_ok=True)
    ready.write_text(json.dumps({"host": "127.0.0.1", "port": host.port}))
    keys = ("--data", str(host.data), "--keys", str(host.keys))
    result = run("send", "card.balance", f"card={host.cards[7].card}", *keys)
    ready.unlink()
    assert result.exit_code == 0
    assert "approved" in result.stdout
