"""Contacts and recordings listed and checked beside the node."""

import hashlib
import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from support.desk_house import open_desks
from support.staff_house import START
from telebank.main import main
from telebank.store.contacts import NewContact
from telebank.store.recordings import NewRecording, Outcome

SEALED = b"sealed octets"


def run(place: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--data", str(place)])


def told(ran: Result) -> Any:
    return json.loads(ran.stdout)


async def kept(place: Path) -> None:
    folder = place / "recordings"
    folder.mkdir()
    async with open_desks(place) as desks:
        for number, seat in enumerate(("li", "wang"), start=1):
            call = f"01-1-00000{number}"
            desks.book.begun(
                NewContact(
                    *(f"{call}.1", call, seat, "cards", "in", START, START),
                    *("138******78", "", "zh", 0, "card_loss"),
                )
            )
            name = f"{number}.flac"
            (folder / name).write_bytes(SEALED)
            desks.book.recording_begun(
                NewRecording(name, call, f"{call}.1", seat, "system", START, "k1")
            )
            sealed = hashlib.sha256(SEALED).hexdigest()
            desks.book.recording_ended(name, Outcome(7.0, "aa", sealed, len(SEALED)))
        await desks.book.close()


async def test_contacts_are_listed(tmp_path: Path) -> None:
    await kept(tmp_path)
    ran = run(tmp_path, "contacts", "list")
    assert ran.exit_code == 0, ran.output
    assert "01-1-000001" in ran.output
    assert "goes on" in ran.output
    (one,) = told(run(tmp_path, "contacts", "list", "--seat", "li", "--json"))["contacts"]
    assert (one["call"], one["caller"], one["has_note"]) == ("01-1-000001", "138******78", False)
    assert run(tmp_path / "none", "contacts", "list").exit_code == 3


async def test_recordings_are_listed_and_changed_ones_found(tmp_path: Path) -> None:
    await kept(tmp_path)
    call = ("--call", "01-1-000002", "--json")
    (one,) = told(run(tmp_path, "recordings", "list", *call))["recordings"]
    assert (one["name"], one["seconds"], one["state"]) == ("2.flac", 7.0, "kept")
    assert "1.flac" in run(tmp_path, "recordings", "list").output
    good = run(tmp_path, "recordings", "check", "--json")
    assert (good.exit_code, told(good)) == (0, {"checked": 2, "wrong": []})
    (tmp_path / "recordings" / "1.flac").write_bytes(SEALED[:-1])
    (tmp_path / "recordings" / "2.flac").unlink()
    bad = run(tmp_path, "recordings", "check", "--json")
    assert bad.exit_code == 1
    assert {each["name"]: each["why"] for each in told(bad)["wrong"]} == {
        "1.flac": "it was changed since it was made",
        "2.flac": "No such file or directory",
    }
