"""The desk and the floor in a browser's requests: who gets there, acts, and the event stream."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from support.desk_place import DeskPlace, desk_place
from telebank.console.desk.board_line import BoardLine, Place
from telebank.console.desk.streams import Feed, Streams

ID = "0123456789abcdef"


async def act(place: DeskPlace, path: str, page: str = "/desk", **body: Any) -> Any:
    token = (await place.desk.get("/livez")) and await csrf(place, page)
    return await place.desk.post(
        path,
        json.dumps({"request_id": ID, **body}),  # type: ignore[arg-type]
        headers={"X-CSRFToken": token, "Content-Type": "application/json"},
    )


async def csrf(place: DeskPlace, page: str) -> str:
    return await place.desk.token(page)


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("li", {"/desk": 200, "/floor": 403, "/wall": 403}),
        ("wu", {"/desk": 200, "/floor": 200, "/wall": 200}),
        ("sun", {"/desk": 403, "/floor": 200, "/wall": 200}),
        ("chen", {"/desk": 403, "/floor": 200, "/wall": 200}),
    ],
)
async def test_each_role_sees_its_own_pages(
    tmp_path: Path, name: str, seen: dict[str, int]
) -> None:
    async with desk_place(tmp_path) as place:
        for path in seen:
            assert (await place.desk.get(path)).status_code == 303, "nobody is logged in"
        entered = await place.desk.login(place.people[name])
        assert entered.headers["Location"] == ("/desk" if name == "li" else "/faxes")
        for language in ("zh", "en"):
            found = {path: (await place.desk.get(f"{path}?lang={language}")) for path in seen}
            assert {path: page.status_code for path, page in found.items()} == seen
        if name == "sun":
            assert 'data-act="intercept"' not in found["/floor"].text, "an auditor only looks"


async def test_acts_go_to_the_node_and_its_no_comes_back(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        await place.desk.login(place.people["li"])
        refused = await act(place, "/desk/act/enter", phone="9999")
        assert (refused.status_code, refused.json["code"]) == (409, "no_phone")
        assert (await act(place, "/desk/act/enter", phone="8001")).status_code == 200
        place.part.mood("li", "ready")
        place.part.caller("c1")
        place.part.ring("c1", "li")
        place.part.lifts("li")
        for name in ("hold", "resume", "pin"):
            assert (await act(place, f"/desk/act/{name}")).status_code == 200, name
        assert place.part.of("li").pin == "0 of 6"
        assert (await act(place, "/desk/act/hold")).json["code"] == "wrong_state"
        for path, body in (
            ("/desk/act/erase", {}),
            ("/desk/act/consult", {"to": "seat:../x"}),
            ("/desk/act/state", {"state": "out"}),
            ("/desk/act/hold", {"more": 1}),
        ):
            assert (await act(place, path, **body)).json["code"] == "bad_request", path
        forged = await place.desk.post("/desk/act/hold", json.dumps({}))  # type: ignore[arg-type]
        assert forged.status_code == 400


async def test_a_node_that_is_away_is_said_where_somebody_is(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        await place.desk.login(place.people["li"])
        token = await csrf(place, "/desk")
        await place.desk.server.close()
        page = await place.desk.get("/desk?lang=en")
        assert (page.status_code, "sit down again" in page.text) == (503, True)
        assert 'http-equiv="refresh"' in page.text
        answer = await place.desk.post(
            "/desk/act/hold",
            json.dumps({"request_id": ID}),  # type: ignore[arg-type]
            headers={"X-CSRFToken": token, "Content-Type": "application/json"},
        )
        assert (answer.status_code, answer.json["code"]) == (503, "away")


async def test_a_teller_does_nothing_on_the_floor(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        await place.desk.login(place.people["li"])
        answer = await act(place, "/floor/act/monitor", seat="li")
        assert answer.status_code == 403
        assert place.part.acts == []


async def feed(place: DeskPlace, at: Place | None, until: int) -> list[tuple[str, Any]]:
    """The first events of a stream, without its signs of life."""

    def listen() -> list[tuple[str, Any]]:
        streams = Streams(1)
        stream = streams.open(place.people["wu"].token, "floor")
        assert stream is not None
        line = BoardLine(place.parts.socket, place.people["wu"].token)
        found = []
        for event in Feed(stream, line, None).run(at, "token"):
            lines = dict(part.split(": ", 1) for part in event.decode().strip().split("\n"))
            found.append((lines["event"], json.loads(lines["data"])))
            if len(found) == until:
                break
        line.close()
        streams.shut(stream)
        return found

    return await asyncio.to_thread(listen)


async def test_a_stream_goes_on_where_the_browser_was(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        hello, first = await feed(place, None, 2)
        assert (hello[0], first[1]["type"]) == ("hello", "Board")
        at = Place(first[1]["boot"], first[1]["at"])
        place.part.caller("c1")
        changes = (await feed(place, at, 2))[1][1]
        assert changes["type"] == "Changes"
        assert {row["key"] for row in changes["rows"]} == {"c1", "general"}
        place.part.restart()
        again = (await feed(place, at, 2))[1][1]
        assert again["type"] == "Board", "another run of the node"
        assert again["boot"] != at.boot


def test_a_second_tab_takes_over_and_places_end() -> None:
    streams = Streams(2)
    first, second = streams.open("a", "desk"), streams.open("b", "desk")
    assert first is not None
    assert second is not None
    assert streams.open("c", "desk") is None
    third = streams.open("a", "desk")
    assert third is not None
    assert (first.why, third.why) == ("taken", "")
    assert not streams.has("a", first.id)
    assert streams.has("a", third.id)
    streams.shut(first)
    streams.close()
    assert (second.why, third.why) == ("closing", "closing")
    assert streams.open("a", "desk") is None
    for stream in (second, third):
        streams.shut(stream)
    assert len(streams) == 0


@pytest.mark.parametrize("text", ["", "7", "a:", "a:x", "a b:7", "a:" + "9" * 30])
def test_a_place_that_is_none(text: str) -> None:
    assert Place.read(text) is None
    assert str(Place.read("boot-1:7")) == "boot-1:7"


async def test_the_wall_says_what_is_in_use(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        assert (await place.desk.get("/wall/lines")).status_code == 401
        await place.desk.login(place.people["li"])
        assert (await place.desk.get("/wall/lines")).status_code == 403
        await place.desk.login(place.people["sun"])
        told = (await place.desk.get("/wall/lines")).get_json()
        assert told == {"lines": 23, "capacity": 120, "faxes": 1, "trunks": 2, "well": 1}
