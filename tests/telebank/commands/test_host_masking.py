"""Proved by search: no card number, track or PIN stands in anything that is written.

Every service, messages with tracks where none belong, complaints, a certification report. `send`
and `replay` print what a node's tap gives to `trace`, by the same words.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from support.corehost_process import CoreHostProcess
from support.money_secrets import NOT_OURS, found_in
from telebank.commands.host import command

EXPIRY_AND_MORE = "99121010000042"
NEW_PIN = "271828182845"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreHostProcess]:
    with CoreHostProcess.start(tmp_path_factory.mktemp("bank")) as one:
        yield one


class Desk:
    """Runs commands and keeps every word that they say."""

    def __init__(self, host: CoreHostProcess) -> None:
        self.said: list[str] = []
        port, data, keys = f"127.0.0.1:{host.port}", str(host.data), str(host.keys)
        self._where = ("--host", port, "--data", data, "--keys", keys)

    def send(self, *words: str, stdin: str | None = None) -> Result:
        return self._run("send", *words, *self._where, stdin=stdin)

    def replay(self, file: Path, *lines: str) -> Result:
        file.write_text("\n".join(lines), encoding="utf-8")
        return self._run("replay", str(file), "--wait", "2", *self._where)

    def _run(self, *words: str, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(command, list(words), input=stdin)
        self.said.append(result.output + repr(result.exception))
        return result


def search(texts: list[str]) -> list[str]:
    """What must not be there: card numbers, PINs, and what stands behind a track's separator."""
    whole = "\n".join(texts)
    return found_in(whole.encode()) + [one for one in (EXPIRY_AND_MORE, NEW_PIN) if one in whole]


def files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """All files but those of the bank's own books and what a test wrote itself."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.is_file() and NOT_OURS.isdisjoint(inside) and path.suffix != ".jsonl":
            yield path, path.read_bytes()


@pytest.mark.parametrize("style", [(), ("--json",)])
def test_every_service_said_and_shown(host: CoreHostProcess, style: tuple[str, ...]) -> None:
    desk, (payer, payee) = Desk(host), host.cards[:2]
    loss = host.cards[3 if style else 4]
    pin = desk.send("pin.verify", f"card={payer.card}", "pin=-", *style, stdin=f"{payer.pin}\n")
    assert pin.exit_code == 0
    assert desk.send("card.balance", f"card={payer.card}", *style).exit_code == 0
    changed = host.cards[7 if style else 8]
    words = (f"card={changed.card}", "pin=-", *style)
    two = f"{changed.pin}\n{NEW_PIN}\n"
    assert desk.send("pin.change", *words, stdin=two).exit_code == 0
    between = (f"from={payer.card}", f"to={payee.card}", "amount=1.00")
    quote = desk.send("transfer.quote", *between, "--json")
    terms = json.loads(quote.stdout.splitlines()[-1])["data"]
    agreed = (f"fee={terms['fee'].split()[0]}", f"quote={terms['quote']}")
    assert desk.send("transfer.card_to_card", *between, *agreed, *style).exit_code == 0
    report = (f"card={loss.card}", f"identity={loss.identity}")
    assert desk.send("card.report_loss", *report, *style).exit_code == 0
    assert len(desk.said) == 6
    assert search(desk.said) == []


def misplaced(card: str) -> list[dict[str, Any]]:
    """Messages of a badly made program: card numbers and tracks in fields for something else."""
    track = f"{card}={EXPIRY_AND_MORE}"
    balance = {"2": card, "3": "310000", "49": "156"}
    return [
        {"mti": "0200", "fields": balance | extra}
        for extra in (
            {"43": track.ljust(40)[:40]},
            {"44": card, "104": f"card {card}"},
            {"48": {"reason": track, "99": card}},
            {"60": {"channel": card, "call": f"%B{card}^DOE/JOHN^{EXPIRY_AND_MORE}"}},
            {"54": f"{card}D{EXPIRY_AND_MORE}", "63": track},
            {"102": card, "103": f"{card}D{EXPIRY_AND_MORE}"[:28], "120": track},
            {"101": card},
        )
    ]


@pytest.mark.parametrize("style", [(), ("--json",)])
def test_tracks_where_none_belong(
    host: CoreHostProcess, tmp_path: Path, style: tuple[str, ...]
) -> None:
    desk = Desk(host)
    lines = [json.dumps(row) for row in misplaced(host.cards[5].card)]
    result = desk.replay(tmp_path / "odd.jsonl", *lines)
    assert f"{len(lines)} sent" in result.stderr
    assert "=•••" in result.stdout
    assert search(desk.said) == []


def test_complaints_say_no_value(host: CoreHostProcess, tmp_path: Path) -> None:
    desk, one = Desk(host), host.cards[6]
    for row in (
        {"mti": "0200", "fields": {"4": one.card}},
        {"mti": "0200", "fields": {"35": f"{one.card}={EXPIRY_AND_MORE}"}},
        {"mti": one.card, "fields": {"3": "310000"}},
        {"mti": "0200", "fields": {"48": {one.card: one.pin}}},
        {"mti": "0200", "fields": {"55": one.card + "="}},
        {"mti": "0200", "fields": {"119": one.card}},
    ):
        assert desk.replay(tmp_path / "bad.jsonl", json.dumps(row)).exit_code == 2
    assert desk.replay(tmp_path / "bad.jsonl", f'{{"mti": "{one.card}').exit_code == 2
    for words in (
        ("pin.verify", f"card={one.card}", f"pin={one.pin}"),
        ("card.balance", f"card={one.card}0000"),
        ("card.balance", one.card),
        ("transfer.quote", f"from={one.card}", "to=x", "amount=1"),
    ):
        assert desk.send(*words).exit_code == 2
    assert desk.send("pin.verify", f"card={one.card}", "pin=-", stdin="x").exit_code == 2
    assert search(desk.said) == []


def test_a_certification_report_and_every_file(host: CoreHostProcess, tmp_path: Path) -> None:
    report = tmp_path / "tb87.html"
    words = ["certify", "tb87", "--only", "service.", "--only", "late.", "--report", str(report)]
    result = CliRunner().invoke(command, [*words, "--data", str(tmp_path)])
    assert report.stat().st_size > 10_000, result.output
    wrong = {str(path): found for path, data in files(tmp_path) if (found := found_in(data))}
    wrong |= {str(path): found for path, data in files(host.data) if (found := found_in(data))}
    assert wrong == {}
    assert search([result.output, host.log.read_text(encoding="utf-8")]) == []
