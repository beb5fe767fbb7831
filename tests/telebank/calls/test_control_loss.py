"""Reports of loss at a real control socket over a real store: who may, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.ledger_world import CONTRACTS
from support.staff_house import House, Person, fresh, open_house
from support.store_kit import DAY, PAYER, reference
from telebank.calls.control.loss import SERVICES
from telebank.store import tables
from transactions.contract import Contracts
from transactions.hot_list import LIFT
from transactions.journal import RecordPlan
from transactions.lifecycle import State
from transactions.request import Request

DECIDING = Contracts({name: CONTRACTS[name] for name in SERVICES.values()})
UNKNOWN = {"reports": "", "digest": ""}
NOTE = "signed, identity card seen"


async def staff(house: House) -> dict[str, Person]:
    """One of each role, logged in."""
    chen = await house.found("chen", "administrator")
    wu = await house.found("wu", "supervisor")
    await house.login(chen)
    await house.login(wu)
    roles = {"li": "teller", "gao": "auditor", "tian": "it"}
    hired = {name: await house.hire(chen, wu, name, role) for name, role in roles.items()}
    return {"chen": chen, "wu": wu, **hired}


async def report(house: House, name: str = "r1") -> str:
    """A report by telephone that the host has taken."""
    inputs = {"card": PAYER, "identity": "4021"}
    request = Request(name, "card.report_loss", 1, inputs, "customer", reference=reference(name))
    token = house.store.vault.token(PAYER)
    plan = RecordPlan("state", "repeat", "h", customer=token, hot_list=PAYER, takes_hot=True)
    await house.store.journal.record(request, replace(plan, hot_until=DAY))
    await house.store.journal.advance(name, [State.REPEATING])
    await house.store.journal.advance(name, [State.APPROVED])
    return request.reference


async def confirm(house: House, who: Person, of: str, note: str = NOTE) -> Any:
    return await house.ask(who, "POST", f"/v1/losses/{of}/confirm", {"note": note, **fresh()})


async def lift(house: House, who: Person, of: str, **more: Any) -> Any:
    seen = await house.ask(who, "GET", f"/v1/losses/{of}")
    detail = {"detail": seen.body.get("standing", UNKNOWN)}
    body = {"act": LIFT, "object": of, "note": "found", **detail, **fresh(), **more}
    return await house.ask(who, "POST", "/v1/acts", body)


async def test_each_role_may_what_the_table_says(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        people = await staff(house)
        of = await report(house)
        for name, status in {"wu": 200, "li": 200, "gao": 200, "chen": 200, "tian": 403}.items():
            asked = await house.ask(people[name], "GET", "/v1/losses")
            assert asked.status == status, (name, asked)
            asked = await house.ask(people[name], "GET", f"/v1/losses/{of}")
            assert asked.status == status, (name, asked)
        shown = await house.ask(people["li"], "GET", f"/v1/losses/{of}")
        assert shown.body["card_masked"] == PAYER.masked
        assert (shown.body["state"], shown.body["until"]) == ("reported", DAY.isoformat())
        for name in ("gao", "chen", "tian"):
            denied = await confirm(house, people[name], of)
            assert (denied.status, denied.body["code"]) == (403, "not_allowed")
            assert "a supervisor or a teller may" in denied.body["error"]
            asked = await lift(house, people[name], of)
            assert asked.status == 403, (name, asked)
        assert (await house.ask(None, "GET", "/v1/losses")).status == 401
        unknown = await house.ask(people["li"], "GET", "/v1/losses/019999999999")
        assert unknown.status == 404


async def test_a_host_without_the_mapping_is_named_and_nothing_is_changed(tmp_path: Path) -> None:
    async with open_house(tmp_path, DECIDING) as house:
        await house.processor.recover()
        people = await staff(house)
        of = await report(house)
        refused = await confirm(house, people["li"], of)
        assert (refused.status, refused.body["code"]) == (409, "unsupported")
        assert "does not map card.confirm_loss" in refused.body["error"]
        assert (await lift(house, people["li"], of)).status == 202
        refused = await lift(house, people["wu"], of)
        assert (refused.status, refused.body["code"]) == (409, "unsupported")
        assert "does not map card.lift_loss" in refused.body["error"]
        (row,) = house.rows(tables.hot_card)
        assert (row.state, row.decided_by) == ("reported", None)
        (proposal,) = [one for one in house.rows(tables.approval) if one.act == LIFT]
        assert proposal.state == "pending"


@pytest.mark.parametrize(
    ("of", "note", "why"),
    [
        ("0100", NOTE, "twelve|12 digits"),
        ("010000000001", "?", "note is missing"),
        ("010000000001", "card 6227001234567899", "no card or account numbers"),
    ],
)
async def test_bad_words_are_refused_before_anything(
    tmp_path: Path, of: str, note: str, why: str
) -> None:
    async with open_house(tmp_path, DECIDING) as house:
        await house.processor.recover()
        people = await staff(house)
        refused = await confirm(house, people["li"], of, note)
        assert refused.status == 400
        assert any(word in refused.body["error"] for word in why.split("|"))
        refused = await lift(house, people["li"], of, note=note)
        assert refused.status == 400


async def test_lifting_names_what_is_lifted(tmp_path: Path) -> None:
    async with open_house(tmp_path, DECIDING) as house:
        people = await staff(house)
        of = await report(house)
        refused = await lift(house, people["li"], of, detail={})
        assert (refused.status, refused.body["code"]) == (400, "bad_request")
        assert "standing" in refused.body["error"]
        assert (await lift(house, people["li"], of, detail={"x": "y"})).status == 400
        unknown = await lift(house, people["li"], "019999999999")
        assert (unknown.status, unknown.body["code"]) == (409, "unknown_reference")
        assert "no report of loss" in unknown.body["error"]


async def test_a_report_that_nobody_saw_is_not_lifted_with_others(tmp_path: Path) -> None:
    async with open_house(tmp_path, DECIDING) as house:
        people = await staff(house)
        of = await report(house)
        seen = (await house.ask(people["li"], "GET", f"/v1/losses/{of}")).body["standing"]
        assert seen["reports"] == f"{of} reported"
        await report(house, "r2")
        late = await lift(house, people["li"], of, detail=seen)
        assert (late.status, late.body["code"]) == (409, "reports_changed")
        assert "telebank loss show" in late.body["error"]


async def test_a_card_number_in_a_path_is_in_no_event(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        people = await staff(house)
        for name, status in {"tian": 403, "li": 400}.items():
            asked = await house.ask(people[name], "GET", f"/v1/losses/{PAYER.digits}")
            assert asked.status == status
            assert PAYER.digits not in str(asked.body)
        denied = await house.ask(people["tian"], "GET", "/v1/losses/010000000001")
        assert denied.status == 403
        found = [row.detail for row in house.rows(tables.event) if row.kind == "staff.denied"]
        assert [one["object"] for one in found] == ["", "010000000001"]
        assert PAYER.digits not in str(house.rows(tables.event))
