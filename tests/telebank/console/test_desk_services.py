"""Services at a desk in a browser's requests: who gets there, what goes to the node, and its no."""

import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from support.desk_place import DeskPlace, desk_place
from support.form_counter import CALL, DONE, PAYEE, TERMS, FormDesk
from telebank.calls.control.seating import TellerDesks
from telebank.calls.control.services import ServicesPart
from telebank.console.desk.texts import DESK_WORDS

SCRIPT = Path(__file__).parents[3] / "telebank/console/static/desk_services.js"
FORM = {"call": CALL, "service": "transfer.card_to_card"}


class Rows:
    """The board of the stand-in, as the paths of services ask it."""

    def __init__(self, keeper: Any) -> None:
        self.keeper = keeper

    def row(self, kind: str, key: str, *, for_supervisor: bool) -> Any:
        assert not for_supervisor
        return self.keeper.row(kind, key)


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[tuple[DeskPlace, FormDesk]]:
    """li talks with a caller who was at transfers."""
    forms = FormDesk()
    forms.room.caller.exits |= {
        "transfer.quote": ("ok", TERMS),
        "transfer.card_to_card": ("ok", DONE),
    }

    def services(part: Any) -> list[ServicesPart]:
        rows = cast(TellerDesks, Rows(part.keeper))
        return [ServicesPart(part.counter, forms.clerk, rows)]

    async with desk_place(folder, services) as place:
        place.part.seat("li")
        place.part.caller(CALL, business="transfer")
        yield place, forms


async def post(place: DeskPlace, act: str, **body: Any) -> Any:
    token = await place.desk.token("/desk")
    return await place.desk.post(
        f"/desk/services/{act}",
        json.dumps({"request_id": secrets.token_hex(8), **body}),  # type: ignore[arg-type]
        headers={"X-CSRFToken": token, "Content-Type": "application/json"},
    )


async def test_a_form_is_filled_in_read_back_confirmed_and_done_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as (place, forms):
        await place.desk.login(place.people["li"])
        offer = (await place.desk.get(f"/desk/services?call={CALL}")).json
        assert offer["business"] == FORM["service"]
        wrong = await post(place, "quote", **FORM, fields={"to": "6227"})
        assert set(wrong.json["fields"]) == {"to", "amount"}
        fields = {"to": PAYEE, "amount": "100"}
        slip = (await post(place, "quote", **FORM, fields=fields)).json
        named = {"call": CALL, "slip": slip["slip"]}
        twice = [(await post(place, "confirm", **named)).json["state"] for _ in range(2)]
        assert (twice, forms.room.entries) == (["pin", "pin"], 1)
        forms.room.entered()
        path = f"/desk/services/slip?call={CALL}&slip={slip['slip']}"
        while (now := (await place.desk.get(path)).json)["state"] == "working":
            pass
        assert now["result"]["reference"] == DONE["ref"]
        assert forms.room.caller.services() == ["transfer.quote", "transfer.card_to_card"]


async def test_the_nodes_no_comes_back_and_what_cannot_be_meant_stays_here(tmp_path: Path) -> None:
    async with desk(tmp_path) as (place, forms):
        await place.desk.login(place.people["li"])
        refused = await post(place, "confirm", call=CALL, slip="nothing")
        assert (refused.status_code, refused.json["code"]) == (409, "no_slip")
        gone = await place.desk.get("/desk/services?call=01-9-9")
        assert (gone.status_code, gone.json["code"]) == (409, "no_call")
        for act, body in (
            ("erase", {}),
            ("quote", {"call": CALL}),
            ("quote", FORM | {"fields": {"to": "6" * 201}}),
            ("quote", FORM | {"fields": {}, "teller": "wu"}),
            ("confirm", {"call": "../x", "slip": "1"}),
        ):
            assert (await post(place, act, **body)).json["code"] == "bad_request", act
        forged = await place.desk.post("/desk/services/confirm", json.dumps({}))  # type: ignore[arg-type]
        assert forged.status_code == 400
        assert forms.room.caller.asked == []


@pytest.mark.parametrize(("name", "status"), [("li", 200), ("sun", 403), ("chen", 403)])
async def test_only_who_serves_gets_there(tmp_path: Path, name: str, status: int) -> None:
    async with desk(tmp_path) as (place, _):
        path = f"/desk/services?call={CALL}"
        assert (await place.desk.get(path)).status_code == 401
        await place.desk.login(place.people[name])
        assert (await place.desk.get(path)).status_code == status


def test_the_page_has_every_word_that_its_script_says() -> None:
    script = SCRIPT.read_text(encoding="utf-8")
    said = set(re.findall(r'\bt\("(\w+)"', script)) | set(re.findall(r'"(service_\w+)"', script))
    ends = {f"service_{kind}" for kind in ("done", "refused", "not_done", "in_doubt", "answer")}
    for words in DESK_WORDS.values():
        assert said | ends <= set(words)
        assert {"service_needs_2", "service_needs_3", "entry_wrong", "entry_cancelled"} <= set(
            words
        )
