"""Services that a teller does for his caller, at the control socket: who may, what is answered, and
that one confirmation is one posting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.calls_house import CARD
from support.desk_house import DeskHouse, open_desks
from support.form_counter import CALL, DONE, PAYEE, TERMS, FormDesk
from support.staff_house import Asked, Person, fresh
from telebank.calls.control.services import ServicesPart
from telebank.store import tables
from transactions.money import Money

QUOTE = {
    "call": CALL,
    "service": "transfer.card_to_card",
    "fields": {"to": PAYEE, "amount": "100.00"},
}


@dataclass
class Place:
    """A teller, li, who has a caller."""

    desks: DeskHouse
    forms: FormDesk
    li: Person

    async def post(self, what: str, who: Person | None = None, **body: Any) -> Asked:
        return await self.desks.post(who or self.li, f"desk/services/{what}", **body)

    async def look(self, path: str = "", **query: str) -> Asked:
        return await self.desks.ask(self.li, "GET", f"desk/services{path}", params=query)


@asynccontextmanager
async def open_place(folder: Path) -> AsyncIterator[Place]:
    forms = FormDesk()
    forms.room.caller.exits |= {
        "transfer.quote": ("ok", TERMS),
        "transfer.card_to_card": ("ok", DONE),
    }
    async with open_desks(
        folder, more=lambda counter, room: [ServicesPart(counter, forms.clerk, room)]
    ) as desks:
        li = await desks.teller("li")
        desks.room.waits(CALL, business="transfer")
        yield Place(desks, forms, li)


async def test_a_transfer_by_a_teller_is_confirmed_by_the_pin_and_posted_once(
    tmp_path: Path,
) -> None:
    async with open_place(tmp_path) as place:
        offer = (await place.look(call=CALL)).body
        assert (offer["business"], offer["level"], offer["last"]) == (QUOTE["service"], 2, None)
        (form,) = (one for one in offer["forms"] if one["service"] == QUOTE["service"])
        assert [one["name"] for one in form["fields"]] == ["to", "amount"]
        assert form["fields"][1]["label"] == {"zh": "金额", "en": "Amount"}

        slip = (await place.post("quote", **QUOTE)).body
        assert (slip["state"], slip["pin"], slip["left_s"]) == ("open", True, 180)
        assert "100.00 yuan" in slip["aloud"]["en"]
        same = fresh() | {"call": CALL, "slip": slip["slip"]}
        first, second, third = await asyncio.gather(
            *(place.post("confirm", **same) for _ in range(2)),
            place.post("confirm", call=CALL, slip=slip["slip"]),
        )
        assert first == second
        assert [one.body["state"] for one in (first, third)] == ["pin", "pin"]
        assert place.forms.room.entries == 1
        place.forms.room.entered()
        query = {"call": CALL, "slip": slip["slip"]}
        while (now := await place.look("/slip", **query)).body["state"] == "working":
            await asyncio.sleep(0)
        assert (now.body["result"]["kind"], now.body["result"]["reference"]) == (
            "done",
            DONE["ref"],
        )
        assert (await place.post("confirm", call=CALL, slip=slip["slip"])).body == now.body
        assert place.forms.room.caller.services() == ["transfer.quote", "transfer.card_to_card"]
        assert {teller for teller, _ in place.forms.room.caller.asked} == {"li"}
        assert (await place.post("told", call=CALL, slip=slip["slip"])).body["told"]
        assert (await place.look(call=CALL)).body["last"]["slip"] == slip["slip"]
        shown = repr([offer, slip, first, now])
        assert PAYEE not in shown
        assert CARD not in shown


async def test_what_is_wrong_is_said_by_field_and_what_only_tells_is_answered_at_once(
    tmp_path: Path,
) -> None:
    async with open_place(tmp_path) as place:
        wrong = await place.post("quote", **QUOTE | {"fields": {"to": CARD[:-1] + "0"}})
        assert (wrong.status, wrong.body["state"]) == (200, "wrong")
        assert set(wrong.body["fields"]) == {"to", "amount"}
        assert set(wrong.body["fields"]["to"]) == {"zh", "en"}
        money = Money.parse("12.34")
        told = {"available": money, "ledger": money}
        place.forms.room.caller.exits["card.balance"] = ("ok", told)
        balance = await place.post("quote", call=CALL, service="card.balance")
        assert balance.body["state"] == "done"
        assert balance.body["result"]["lines"][0]["value"]["zh"] == "12.34 元"
        for body in ({"call": "../x"}, {"call": CALL, "fields": {"amount": 1}}, {}):
            asked = await place.post("quote", service="card.balance", **body)
            assert (asked.status, asked.body["code"]) == (400, "bad_request")
        assert (await place.look("/slip", call=CALL)).body["code"] == "bad_request"
        assert place.forms.room.caller.services() == ["card.balance"]


async def test_nobody_else_may_and_each_no_says_what_to_do(tmp_path: Path) -> None:
    async with open_place(tmp_path) as place:
        slip = (await place.post("quote", **QUOTE)).body["slip"]
        wang = await place.desks.teller("wang")
        others = [
            await place.post("quote", wang, **QUOTE),
            await place.post("confirm", wang, call=CALL, slip=slip),
            await place.post("confirm", call=CALL, slip="nothing"),
            await place.post("quote", **QUOTE | {"service": "pin.verify", "fields": {}}),
            await place.post("say", call=CALL, slip=slip),
        ]
        assert [(one.status, one.body["code"]) for one in others] == [
            (409, "no_call"),
            (409, "no_call"),
            (409, "no_slip"),
            (409, "no_service"),
            (409, "no_words"),
        ]
        assert all(one.body["error"] != one.body["code"] for one in others)
        unblock = await place.post("quote", **QUOTE | {"service": "card.unblock", "fields": {}})
        assert (unblock.body["factor"], unblock.body["state"]) == (True, "open")
        denied = await place.post("quote", place.desks.chen, **QUOTE)
        assert (denied.status, denied.body["code"]) == (403, "not_allowed")
        assert (await place.desks.post(None, "desk/services/quote", **QUOTE)).status == 401
        kinds = [row.kind for row in place.desks.house.rows(tables.event)]
        assert "staff.denied" in kinds
        assert place.forms.room.entries == 0
