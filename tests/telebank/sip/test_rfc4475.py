"""The torture messages of RFC 4475, each with the statuses that may answer it."""

import json
from pathlib import Path

import pytest

from support.sip_line import Line
from telebank.sip import CallOffered

FOLDER = Path(__file__).parents[3].parent / "shared" / "vectors" / "rfc4475"
MANIFEST = FOLDER / "manifest.json"
ROWS = json.loads(MANIFEST.read_text()) if MANIFEST.is_file() else []
pytestmark = pytest.mark.skipif(not ROWS, reason=f"the RFC 4475 vectors are not at {FOLDER}")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: Path(row["file"]).stem)
def test_torture_message(row: dict[str, list[int] | str]) -> None:
    line = Line()
    data = (FOLDER / Path(str(row["file"])).name).read_bytes()
    told = line.hears(data)
    assert len([text for text in told if text.startswith("Trouble")]) <= 1
    statuses = [int(text.split()[1]) for text in told if text.startswith("> ")]
    accepted = row["accepted_status"]
    assert isinstance(accepted, list)
    assert all(status in accepted for status in statuses), (statuses, accepted)
    assert bool(statuses) == bool(accepted)  # what may be answered is, nothing else
    offered = any(isinstance(command, CallOffered) for command in line.commands)
    assert not offered or any(status < 300 for status in accepted)


def test_only_the_first_request_of_a_datagram_counts() -> None:
    line = Line()
    assert line.hears((FOLDER / "dblreq.dat").read_bytes()) == ["> 405 REGISTER"]


def test_unsupported_extensions_are_all_named() -> None:
    line = Line()
    line.hears((FOLDER / "bext01.dat").read_bytes())
    assert line.last().first("unsupported") == "nothingSupportsThis, nothingSupportsThisEither"
