"""Recordings in a browser: which are listed for whom, and the sound that comes through."""

import asyncio
import hashlib
import io
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from selenium.webdriver.common.keys import Keys
from werkzeug.test import TestResponse

from support.desk_browsers import Browsers, programs
from support.desk_pictures import served
from support.desk_place import DeskPlace, desk_place
from support.staff_house import START
from telebank.calls.recording_keys import new_key
from telebank.media.recording import Header, Recording
from telebank.store import contacts, recordings, tables
from telebank.store.contacts import NewContact
from telebank.store.recordings import NewRecording, Outcome
from telebank.store.seat_tables import recording
from telebank.store.transaction import Transaction


@asynccontextmanager
async def open_place(folder: Path) -> AsyncIterator[DeskPlace]:
    """li has a recording of hers that a supervisor began, and zhao one of his."""
    async with desk_place(folder) as place:
        await kept(place, folder, "2026/a.rec", "li", "wu")
        await kept(place, folder, "2026/b.rec", "zhao", "system")
        yield place


async def kept(place: DeskPlace, folder: Path, name: str, seat: str, by: str) -> None:
    """A second of a tone, sealed on the disk, with its rows."""
    (folder / "recordings" / "2026").mkdir(parents=True, exist_ok=True)
    key = new_key(place.desk.house.store.vault)
    tape = Recording(folder / "recordings" / name, key.plain, Header(key.wrapped, "now"))
    tone = 9_000 * np.sin(np.arange(8_000) * 2 * np.pi * 440 / 8_000)
    tape.add(0, np.stack([tone, tone], axis=1).astype(np.int16))
    done = tape.finish()
    key_id = key.wrapped.partition(":")[0]

    def work(part: Transaction) -> None:
        talk = f"{name}.1"
        contacts.begin(
            part,
            NewContact(
                *(talk, "01-1", seat, "loans", "in", START, START),
                *("138****5678", "", "zh", 0, "transfer"),
            ),
        )
        recordings.begin(part, NewRecording(name, "01-1", talk, seat, by, START, key_id))
        outcome = Outcome(done.seconds, done.sha256, done.sealed_sha256, done.size)
        recordings.finish(part, name, outcome)

    await place.desk.house.store.journal.run(work)


async def play(place: DeskPlace, name: str) -> TestResponse:
    found = re.search(r'data-csrf="([^"]+)"', (await place.desk.get("/recordings")).text)
    assert found is not None
    headers = {"X-CSRFToken": found[1], "Content-Type": "application/json"}
    body: Any = json.dumps({"name": name})
    return await place.desk.post("/recordings/play", body, headers=headers)


def told(place: DeskPlace) -> list[tuple[str, str, Any]]:
    """Who played what, and whose."""
    rows = place.desk.house.rows(tables.event)
    played = [row for row in rows if row.kind == "recording.played"]
    return [(row.actor, row.outcome, row.detail.get("seat")) for row in played]


async def test_a_teller_plays_his_own_alone(tmp_path: Path) -> None:
    async with open_place(tmp_path) as place:
        assert (await place.desk.get("/recordings")).status_code == 303
        await place.desk.login(place.people["li"])
        for language, queue in (("zh", "贷款咨询"), ("en", "Loans")):
            listed = (await place.desk.get(f"/recordings?lang={language}&seat=zhao")).text
            assert "a.rec" in listed
            assert "b.rec" not in listed
            assert (queue in listed, "138****5678" in listed, ">wu<" in listed) == (True,) * 3
        sound = await play(place, "2026/a.rec")
        assert (sound.status_code, sound.mimetype) == (200, "audio/flac")
        assert sound.headers["Cache-Control"] == "no-store"
        assert "media-src 'self' blob:" in sound.headers["Content-Security-Policy"]
        rows = {row.name: row for row in place.desk.house.rows(recording)}
        assert hashlib.sha256(sound.data).hexdigest() == rows["2026/a.rec"].sha256
        theirs = await play(place, "2026/b.rec")
        assert (theirs.status_code, theirs.json) == (409, theirs.json)
        assert theirs.json is not None
        assert theirs.json["code"] == "unknown_recording"
        assert told(place) == [("li", "ok", "li"), ("li", "unknown", None)]
        body: Any = json.dumps({"name": "2026/a.rec"})
        forged = await place.desk.post("/recordings/play", body, content_type="application/json")
        assert forged.status_code == 400


async def test_a_supervisor_plays_others_and_a_damaged_one_says_so(tmp_path: Path) -> None:
    async with open_place(tmp_path) as place:
        await place.desk.login(place.people["wu"])
        assert "a.rec" not in (await place.desk.get("/recordings")).text
        assert "b.rec" in (await place.desk.get("/recordings?seat=zhao")).text
        all_ = (await place.desk.get("/recordings?seat=")).text
        assert ("a.rec" in all_, "b.rec" in all_) == (True, True)
        assert (await play(place, "2026/b.rec")).status_code == 200
        path = tmp_path / "recordings" / "2026" / "b.rec"
        path.write_bytes(path.read_bytes()[:-5])
        damaged = await play(place, "2026/b.rec")
        assert damaged.json is not None
        assert damaged.json["code"] == "damaged"
        path.unlink()
        gone = await play(place, "2026/b.rec")
        assert gone.json is not None
        assert gone.json["code"] == "no_file"
        assert [one[1] for one in told(place)] == ["ok", "damaged", "missing"]


async def test_of_one_that_was_cut_what_there_is_is_played(tmp_path: Path) -> None:
    async with open_place(tmp_path) as place:
        key = new_key(place.desk.house.store.vault)
        path = tmp_path / "recordings" / "c.rec"
        tape = Recording(path, key.plain, Header(key.wrapped, "now"))
        tape.add(0, np.ones((8_000 * 22, 2), np.int16))
        cut = tape.abandon("the disk is full")

        def work(part: Transaction) -> None:
            new = NewRecording("c.rec", "01-1", "", "li", "system", START, key.wrapped[:2])
            recordings.begin(part, new)
            outcome = Outcome(cut.seconds, "", cut.sealed_sha256, cut.size, cut=True)
            recordings.finish(part, "c.rec", outcome)

        await place.desk.house.store.journal.run(work)
        await place.desk.login(place.people["li"])
        assert "不完整" in (await place.desk.get("/recordings?lang=zh")).text
        sound = await play(place, "c.rec")
        assert (sound.status_code, sound.data[:4]) == (200, b"fLaC")
        with soundfile.SoundFile(io.BytesIO(sound.data)) as file:
            assert (file.samplerate, file.channels) == (8_000, 2)


@pytest.mark.parametrize("name", ["chen", "sun"])
async def test_who_has_no_right_sees_no_recordings(tmp_path: Path, name: str) -> None:
    async with open_place(tmp_path) as place:
        await place.desk.login(place.people[name])
        assert (await place.desk.get("/recordings")).status_code == 403
        assert told(place) == []


@pytest.mark.skipif(not programs(), reason="no browser: apt-get install chromium chromium-driver")
async def test_a_page_plays_and_says_why_not(tmp_path: Path) -> None:
    async with open_place(tmp_path) as place:
        with served(place) as base:
            browsers = Browsers(tmp_path / "browsers", base)
            try:
                path = "/recordings?name=2026/a.rec"
                page = await browsers.open("li", place.people["li"].token, path, "en")
                assert await page.script("return document.activeElement.className") == "play"
                await page.press(Keys.ENTER)
                await page.reads("#now", "Playing: 2026-03-31")
                heard = "return document.getElementById('sound').duration === 1 ? 'heard' : ''"
                while await page.script(heard) != "heard":
                    await asyncio.sleep(0.1)
                (tmp_path / "recordings" / "2026" / "a.rec").write_bytes(b"none")
                await page.click("#recordings .play")
                await page.reads("#problem", "damaged")
            finally:
                await browsers.close()
        assert told(place) == [("li", "ok", "li"), ("li", "damaged", "li")]
