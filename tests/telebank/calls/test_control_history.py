"""A seat's day, its notes and its recordings at the control socket; rows written as they happen."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.desk_house import DeskHouse, open_desks
from support.staff_house import START
from telebank.calls.control import playing
from telebank.calls.recording_keys import new_key
from telebank.media.recording import Header, Recording
from telebank.store import tables
from telebank.store.contacts import EndedContact, NewContact
from telebank.store.recordings import NewRecording, Outcome
from telebank.store.seat_tables import contact, recording

TALK = "01-000001.1"


def talked(desks: DeskHouse, seat: str = "li", contact_id: str = TALK, **more: Any) -> None:
    """A talk of a hundred seconds, wrapped up in twenty."""
    began = more.get("began", START)
    values: dict[str, Any] = {
        "id": contact_id,
        "call": "01-000001",
        "seat": seat,
        "queue": "cards",
        "direction": "in",
        "began": began,
        "answered": began + timedelta(seconds=5),
        "caller_masked": "138******78",
        "card_masked": "",
        "language": "zh",
        "level": 0,
        "business": "card_loss",
    }
    desks.book.begun(NewContact(**(values | more)))
    end = began + timedelta(seconds=105)
    desks.book.ended(
        EndedContact(contact_id, end, "transfer", 9, 2, "card_loss", "622700******7899", "token")
    )
    desks.book.wrapped(contact_id, 20)


def recorded(
    desks: DeskHouse, place: Path, name: str = "a.flac", by: str = "system", noise_s: int = 0
) -> None:
    """A second of a tone, or some of noise, sealed on the disk, with its row."""
    folder = place / "recordings"
    folder.mkdir(exist_ok=True)
    key = new_key(desks.house.store.vault)
    made = Recording(folder / name, key.plain, Header(key.wrapped, START.isoformat()))
    tone = 9_000 * np.sin(np.arange(8_000) * 2 * np.pi * 440 / 8_000)
    noise = np.random.default_rng(1).integers(-9_000, 9_000, (8_000 * noise_s, 2))
    both = noise if noise_s else np.stack([tone, tone], axis=1)
    made.add(0, both.astype(np.int16))
    done = made.finish()
    key_id = key.wrapped.partition(":")[0]
    desks.book.recording_begun(NewRecording(name, "01-000001", TALK, "li", by, START, key_id))
    outcome = Outcome(done.seconds, done.sha256, done.sealed_sha256, done.size)
    desks.book.recording_ended(name, outcome)


def outcomes(desks: DeskHouse, kind: str) -> Sequence[tuple[str, str]]:
    rows = desks.house.rows(tables.event)
    return [(row.actor, row.outcome) for row in rows if row.kind == kind]


async def test_a_day_has_contacts_recordings_and_figures(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        li = await desks.teller("li")
        talked(desks)
        talked(desks, "li", "01-000002.2", began=START - timedelta(hours=13))  # yesterday there
        recorded(desks, tmp_path, by="wu")
        await desks.book.close()
        own = (await desks.ask(li, "GET", "desk/history")).body
        assert (own["seat"], own["day"]) == ("li", "2026-03-31")
        assert own["figures"] == {
            "contacts": 1,
            "talk_s": 100.0,
            "mean_talk_s": 100.0,
            "longest_talk_s": 100.0,
            "hold_s": 9,
            "wrap_s": 20,
            "transferred": 1,
        }
        (one,) = own["contacts"]
        assert (one["customer"], one["level"], one["note"]) == ("622700******7899", 2, "")
        assert [(each["name"], each["by"]) for each in one["recordings"]] == [("a.flac", "wu")]
        seen = await desks.ask(desks.wu, "GET", "desk/history", params={"seat": "li"})
        assert seen.body == own
        assert outcomes(desks, "contact.shown") == [("wu", "ok")]
        other = await desks.ask(li, "GET", "desk/history", params={"seat": "wu"})
        assert (other.status, other.body["code"]) == (403, "not_allowed")


async def test_a_note_is_kept_shown_to_its_teller_and_holds_no_card(tmp_path: Path) -> None:
    words = "客户说卡丢了 lost on 1 October"
    async with open_desks(tmp_path) as desks:
        li, wang = await desks.teller("li"), await desks.teller("wang")
        talked(desks)
        await desks.book.close()
        about = {"call": "01-000001", "business": "card_loss"}
        kept = await desks.post(li, "desk/note", text=words, **about)
        assert (kept.status, kept.body["done"]) == (200, "note")
        not_his = await desks.post(wang, "desk/note", text=words, **about)
        assert (not_his.status, not_his.body["code"]) == (409, "note_not_yours")
        for bad, code in (
            ("card 6227 0012 3456 7899", "note_number"),
            ("x" * 2_001, "note_long"),
            ("x" * 8_001, "bad_request"),
        ):
            refused = await desks.post(li, "desk/note", text=bad, **about)
            assert (refused.status, refused.body["code"]) == (400, code)
        assert (await desks.post(desks.chen, "desk/note", text="a", **about)).status == 403
        (one,) = (await desks.ask(li, "GET", "desk/history")).body["contacts"]
        assert one["note"] == words
        assert words not in repr(desks.house.rows(tables.event))
        assert words.encode() not in bytes(desks.house.rows(contact)[0].note_ciphertext)


async def test_no_name_leads_out_of_the_folder_of_recordings(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        recorded(desks, tmp_path)
        (tmp_path / "recordings" / "a.flac").rename(tmp_path / "a.flac")
        desks.book.recording_begun(
            NewRecording("../a.flac", "01-000001", TALK, "li", "system", START, "k1")
        )
        desks.book.recording_ended("../a.flac", Outcome(1.0, "aa", "bb", 9))
        await desks.book.close()
        status, no = await played(desks, desks.wu, "../a.flac")
        assert (status, json.loads(no)["code"]) == (409, "no_file")


async def test_a_node_that_starts_knows_who_talked_last(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        talked(desks)
        await desks.book.close()
        await asyncio.sleep(0)
        assert await desks.book.open() == {"token": "li"}


async def played(desks: DeskHouse, who: Any, name: str = "a.flac") -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {who.token}"}
    url = "http://node/v1/recordings/play"
    async with desks.client.post(url, json={"name": name}, headers=headers) as answer:
        return answer.status, await answer.read()


async def test_the_sound_of_a_recording_is_sent_to_who_may_hear_it(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        li, wang = await desks.teller("li"), await desks.teller("wang")
        talked(desks)
        recorded(desks, tmp_path, by="wu")
        await desks.book.close()
        (row,) = desks.house.rows(recording)
        for who in (li, desks.wu):
            status, sound = await played(desks, who)
            assert (status, hashlib.sha256(sound).hexdigest()) == (200, row.sha256)
        for who, code in ((wang, "unknown_recording"), (desks.chen, "not_allowed")):
            status, no = await played(desks, who)
            assert (status, json.loads(no)["code"]) == (409 if who is wang else 403, code)
        told = [row for row in desks.house.rows(tables.event) if row.kind == "recording.played"]
        assert [(one.actor, one.outcome) for one in told] == [
            ("li", "ok"),
            ("wu", "ok"),
            ("wang", "unknown"),
        ]
        assert told[0].detail == {"name": "a.flac", "seat": "li", "seconds": 1.0}
        own = (await desks.ask(li, "GET", "recordings")).body["recordings"]
        shown = [(one["name"], one["by"], one["queue"], one["caller"]) for one in own]
        assert shown == [("a.flac", "wu", "cards", "138******78")]
        assert (await desks.ask(wang, "GET", "recordings")).body["recordings"] == []
        asked = await desks.ask(li, "GET", "recordings", params={"seat": "wang"})
        assert asked.status == 403
        all_ = await desks.ask(
            desks.wu, "GET", "recordings", params={"seat": "", "day": "2026-03-31"}
        )
        assert [one["seat"] for one in all_.body["recordings"]] == ["li"]
        assert outcomes(desks, "recording.listed") == [("wu", "ok")]
        another = await desks.ask(li, "GET", "recordings", params={"day": "2026-03-30"})
        assert another.body["recordings"] == []
        assert (await desks.ask(li, "GET", "recordings", params={"day": "soon"})).status == 400


async def test_what_was_damaged_or_is_gone_is_not_played(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        recorded(desks, tmp_path)
        await desks.book.close()
        path = tmp_path / "recordings" / "a.flac"
        whole = path.read_bytes()
        for octets in (whole[:-1], whole[:-9] + b"x" + whole[-8:], b"none of ours"):
            path.write_bytes(octets)
            status, no = await played(desks, desks.wu)
            assert (status, json.loads(no)["code"]) == (409, "damaged")
        path.unlink()
        status, no = await played(desks, desks.wu)
        assert (status, json.loads(no)["code"]) == (409, "no_file")
        told = outcomes(desks, "recording.played")
        assert told == [("wu", "damaged")] * 3 + [("wu", "missing")]


async def test_who_takes_no_octets_holds_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_desks(tmp_path) as desks, AsyncExitStack() as unread:
        li = await desks.teller("li")
        talked(desks)
        recorded(desks, tmp_path, noise_s=90)
        await desks.book.close()
        headers = {"Authorization": f"Bearer {li.token}"}
        url, body = "http://node/v1/recordings/play", {"name": "a.flac"}

        async def waiting() -> list[int]:
            """Two of his that are begun and not read."""
            asked = [desks.client.post(url, json=body, headers=headers) for _ in range(2)]
            return [(await unread.enter_async_context(one)).status for one in asked]

        async def heard() -> None:
            """All of it, as soon as there is a place."""
            async with asyncio.timeout(60):
                while (await played(desks, li))[0] != 200:
                    await asyncio.sleep(0.1)

        monkeypatch.setattr(playing, "MOST_WAIT_S", 300.0)
        assert await waiting() == [200, 200]
        status, no = await played(desks, li)
        assert (status, json.loads(no)["code"]) == (503, "busy")
        assert (await played(desks, desks.wu))[0] == 200, "there is a place for others"
        await unread.aclose()
        await heard()
        monkeypatch.setattr(playing, "MOST_WAIT_S", 2.0)
        assert await waiting() == [200, 200]
        await heard()
        held = [one.resolve() for one in Path("/proc/self/fd").iterdir()]
        assert (tmp_path / "recordings" / "a.flac").resolve() not in held
