"""The torture messages of RFC 4475, each with the statuses that may answer it."""

import json
from pathlib import Path

import pytest

from support.sip_line import PEER, Line
from support.sip_phones import Desk
from telebank.sip import CallOffered, DatagramReceived, Hop
from telebank.sip.stream import Framer, MessageFramed

FOLDER = Path(__file__).parents[3].parent / "shared" / "vectors" / "rfc4475"
MANIFEST = FOLDER / "manifest.json"
ROWS = json.loads(MANIFEST.read_text()) if MANIFEST.is_file() else []
pytestmark = pytest.mark.skipif(not ROWS, reason=f"the RFC 4475 vectors are not at {FOLDER}")


Row = dict[str, list[int] | str]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: Path(row["file"]).stem)
STREAM = Hop(*PEER[:2], "tcp")


@each_row
@pytest.mark.parametrize("kind", [Line, Desk])
def test_torture_message(row: Row, kind: type[Line]) -> None:
    line = kind()
    data = (FOLDER / Path(str(row["file"])).name).read_bytes()
    told = line.hears(data)
    judge(row, line, told)


@each_row
@pytest.mark.parametrize("kind", [Line, Desk])
def test_torture_message_of_a_stream(row: Row, kind: type[Line]) -> None:
    """What is framed gets the same; where no end can be found, the stream is over."""
    line = kind()
    data = (FOLDER / Path(str(row["file"])).name).read_bytes()
    framed = Framer().receive(data)
    if not framed or not isinstance(framed[0], MessageFramed):
        return
    event = DatagramReceived(framed[0].data, STREAM)
    judge(row, line, line.did(line.agent.receive(event, line.now)), stream=True)


def test_streams_carry_most_of_them() -> None:
    files = [(FOLDER / Path(str(row["file"])).name).read_bytes() for row in ROWS]
    first = [found[0] for data in files if (found := Framer().receive(data))]
    assert sum(isinstance(one, MessageFramed) for one in first) > len(files) * 0.7


def judge(row: Row, line: Line, told: list[str], *, stream: bool = False) -> None:
    """One answer of those that are right, or none where none is."""
    assert len([text for text in told if text.startswith("Trouble")]) <= 1
    statuses = [int(text.split()[1]) for text in told if text.startswith("> ")]
    accepted = row["accepted_status"]
    assert isinstance(accepted, list)
    assert all(status in accepted for status in statuses), (statuses, accepted)
    assert stream or bool(statuses) == bool(accepted)  # what may be answered is, nothing else
    offered = any(isinstance(command, CallOffered) for command in line.commands)
    assert not offered or any(status < 300 for status in accepted)


def test_only_the_first_request_of_a_datagram_counts() -> None:
    line = Line()
    assert line.hears((FOLDER / "dblreq.dat").read_bytes()) == ["> 405 REGISTER"]


def test_a_registrar_asks_for_a_password() -> None:
    for name in ("dblreq", "regaut01", "escnull", "cparam01", "cparam02", "regescrt"):
        assert Desk().hears((FOLDER / f"{name}.dat").read_bytes()) == ["> 401 REGISTER"], name


def test_unsupported_extensions_are_all_named() -> None:
    line = Line()
    line.hears((FOLDER / "bext01.dat").read_bytes())
    assert line.last().first("unsupported") == "nothingSupportsThis, nothingSupportsThisEither"
