"""Torture messages of our own: tests/vectors/sip, expectations as data."""

import json
import re
from pathlib import Path
from typing import TypedDict

import pytest

from support.sip_line import PEER, Line
from telebank.sip import SendDatagram, SipOptions

FOLDER = Path(__file__).parents[2] / "vectors" / "sip"


class Row(TypedDict):
    status: int | None
    leg: bool
    trouble: bool
    why: str


ROWS: dict[str, Row] = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))


def datagram(name: str) -> bytes:
    """The octets a vector stands for."""
    text = (FOLDER / f"{name}.txt").read_bytes().removesuffix(b"\n@@").replace(b"\n", b"\r\n")
    return re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), text)


def test_every_vector_has_an_expectation() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_torture_message(name: str) -> None:
    line = Line()
    told = line.hears(datagram(name))
    row = ROWS[name]
    statuses = [int(text.split()[1]) for text in told if text.startswith("> ")]
    assert statuses == ([] if row["status"] is None else [row["status"]])
    assert sum(text.startswith("CallOffered") for text in told) == row["leg"]
    assert sum(text.startswith("Trouble") for text in told) == row["trouble"]
    for command in line.commands:
        if isinstance(command, SendDatagram):
            assert command.destination[0] == PEER[0]  # never to an address the message names
    if not row["leg"]:
        assert line.agent.counts()["legs"] == 0


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row["leg"]])
def test_every_call_a_vector_opens_can_be_ended(name: str) -> None:
    line = Line(SipOptions(scanners=()))
    line.hears(datagram(name))
    line.did(line.agent.hang_up(line.leg, 0))
    assert not any(line.quiet().values())
