"""Two people close a row, at a real control socket over a real store and processor."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.staff_house import House, Person, fresh, open_house
from telebank.calls.control.acts import AfterApproval
from telebank.staff.sessions import Session
from telebank.store import tables
from transactions.approval import Actor, Detail
from transactions.lifecycle import State


async def staff(house: House) -> tuple[Person, Person, Person]:
    """An administrator, a supervisor and a teller, logged in."""
    chen = await house.found("chen", "administrator")
    wu = await house.found("wu", "supervisor")
    await house.login(chen)
    await house.login(wu)
    return chen, wu, await house.hire(chen, wu, "li", "teller")


def request_row(house: House) -> Any:
    """The one request."""
    (row,) = house.rows(tables.request)
    return row


@pytest.mark.parametrize(
    ("result", "state", "hold", "told"),
    [
        ("posted", "CLOSED_POSTED", "used", "posted"),
        ("not_posted", "CLOSED_NOT_POSTED", "released", "not_posted"),
    ],
)
async def test_two_people_close_a_row(
    tmp_path: Path, result: str, state: str, hold: str, told: str
) -> None:
    async with open_house(tmp_path) as house:
        _, wu, li = await staff(house)
        reference = await house.manual("r1")
        await house.store.journal.told("r1", "in_doubt")
        assert await house.store.journal.next_notice("token-of-payer") is None
        first = await house.say(li, reference, result, note="on the host's list")
        assert (first.status, first.body["state"]) == (202, "pending")
        assert request_row(house).state == "MANUAL"
        house.clock.forward(60)
        commits = house.store.commits
        second = await house.say(wu, reference, result, note="seen too")
        assert second.status == 200, second
        assert house.store.commits - commits <= 3  # who asks, what waits, and one does it all
        assert second.body["request_state"] == state
        assert (second.body["proposed_by"], second.body["approved_by"]) == ("li", "wu")
        row = request_row(house)
        assert (row.state, row.settled_at) == (state, house.clock.now)
        (use,) = house.rows(tables.limit_use)
        assert (use.state, use.business_date) == (hold, row.business_date)
        (step,) = [one for one in house.rows(tables.request_state) if one.state == state]
        assert step.why == "seen too"
        (event,) = [
            one for one in house.rows(tables.event) if one.outcome == state and one.request == "r1"
        ]
        assert (event.kind, event.actor, event.role) == ("request.state", "wu", "supervisor")
        assert event.detail["proposed_by"] == "li"
        assert house.events("approval.approved") == [("wu", "supervisor", "approved")] * 2
        notice = await house.store.journal.next_notice("token-of-payer")
        assert notice is not None
        assert (notice.result, notice.reference) == (told, reference)
        third = await house.say(wu, reference, result)
        assert third.body["code"] == f"not_manual:{state}"
        assert "already" in third.body["error"]


async def test_the_same_person_twice_is_refused(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        _, _, li = await staff(house)
        reference = await house.manual("r1")
        assert (await house.say(li, reference, "posted")).status == 202
        again = await house.say(li, reference, "posted")
        assert (again.status, again.body["code"]) == (409, "same_person")
        assert request_row(house).state == "MANUAL"
        assert house.events("approval.turned_away")[-1] == ("li", "teller", "same_person")


async def test_different_content_is_refused_and_told_whose(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        _, wu, li = await staff(house)
        reference = await house.manual("r1")
        await house.say(li, reference, "posted")
        other = await house.say(wu, reference, "not_posted")
        assert (other.status, other.body["code"]) == (409, "different_content")
        assert other.body["approval"]["proposed_by"] == "li"
        assert request_row(house).state == "MANUAL"
        assert (await house.say(wu, reference, "posted")).status == 200


async def test_an_expired_proposal_is_refused_and_can_be_made_anew(tmp_path: Path) -> None:
    async with open_house(tmp_path, approval_s=500.0) as house:
        _, wu, li = await staff(house)
        reference = await house.manual("r1")
        await house.say(li, reference, "posted")
        house.clock.forward(500)
        late = await house.say(wu, reference, "posted")
        assert (late.status, late.body["code"]) == (409, "expired")
        assert request_row(house).state == "MANUAL"
        assert (await house.say(wu, reference, "posted")).body["code"] == "no_proposal"
        assert (await house.say(li, reference, "posted")).status == 202
        house.clock.forward(500)
        assert (await house.say(li, reference, "not_posted")).status == 202
        states = sorted(row.state for row in house.rows(tables.approval) if row.object == reference)
        assert states == ["expired", "expired", "pending"]


async def test_nobody_without_the_right_or_a_login(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu, li = await staff(house)
        auditor = await house.hire(chen, wu, "gao", "auditor")
        engineer = await house.hire(chen, wu, "ma", "it")
        reference = await house.manual("r1")
        nobody = Person("x", "teller", "", token="made-up")
        for who, status in ((nobody, 401), (auditor, 403), (engineer, 403)):
            assert (await house.say(who, reference, "posted")).status == status
        assert (await house.say(li, reference, "posted")).status == 202
        for who, status in ((nobody, 401), (auditor, 403), (engineer, 403), (chen, 409)):
            assert (await house.say(who, reference, "posted")).status == status
        assert request_row(house).state == "MANUAL"
        denied = [(role, outcome) for _, role, outcome in house.events("staff.denied")]
        expected = [("machine", "not_allowed"), ("auditor", "not_allowed"), ("it", "not_allowed")]
        assert denied == expected * 2
        assert [row.state for row in house.rows(tables.approval) if row.object == reference] == [
            "pending"
        ]


async def test_who_left_meanwhile_decides_nothing(tmp_path: Path) -> None:
    """Another node lets him go between the look at his login and the commit, which looks again."""
    async with open_house(tmp_path) as house:
        chen, wu, _ = await staff(house)
        second = await house.hire(chen, wu, "sun", "supervisor")
        li = await house.hire(chen, wu, "he", "teller")
        reference = await house.manual("r1")
        assert (await house.say(li, reference, "posted")).status == 202
        house.desk.sessions.close_all = lambda person: 0  # type: ignore[method-assign]
        await house.ask(chen, "POST", "/v1/staff/sun/leave", fresh())

        async def looked_before(token: str, *, act: bool) -> Session | None:
            return house.desk.session(token, act=act)

        house.desk.current = looked_before  # type: ignore[method-assign]
        gone = await house.say(second, reference, "posted")
        assert (gone.status, gone.body["code"]) == (409, "gone")
        assert request_row(house).state == "MANUAL"


async def test_a_row_that_is_not_manual_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        _, wu, li = await staff(house)
        reference = await house.manual("r1")
        unknown = await house.say(li, "999999999999", "posted")
        assert unknown.body["code"] == "unknown_reference"
        assert (await house.say(li, reference, "posted")).status == 202
        assert (await house.say(wu, reference, "posted")).status == 200
        closed = await house.say(li, reference, "posted")
        assert closed.body["code"] == "not_manual:CLOSED_POSTED"
        assert (await house.say(li, "12", "posted")).status == 400
        assert (await house.say(li, reference, "maybe")).status == 400


async def test_a_row_that_the_gateway_still_settles_is_left_to_it(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        _, _, li = await staff(house)
        reference = await house.manual("r1")
        manual = await house.say(li, reference, "posted")
        assert manual.status == 202
        open_one = await house.manual_until(State.REVERSING, "r2")
        asked = await house.say(li, open_one, "posted")
        assert asked.body["code"] == "not_manual:REVERSING"
        assert "Wait" in asked.body["error"]


async def test_two_supervisors_at_once_close_a_row_once(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu, li = await staff(house)
        sun = await house.hire(chen, wu, "sun", "supervisor")
        reference = await house.manual("r1")
        await house.say(li, reference, "posted")
        both = await asyncio.gather(*(house.say(one, reference, "posted") for one in (wu, sun)))
        assert sorted(one.status for one in both) == [200, 409]
        history = [row.state for row in house.rows(tables.request_state)]
        assert history.count("CLOSED_POSTED") == 1


async def test_the_same_request_id_gives_the_same_answer(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        _, wu, li = await staff(house)
        reference = await house.manual("r1")
        await house.say(li, reference, "posted")
        same = fresh()
        both = await asyncio.gather(*(house.say(wu, reference, "posted", **same) for _ in range(3)))
        assert [one.status for one in both] == [200] * 3
        assert both[0].body == both[1].body == both[2].body
        other = await house.say(wu, reference, "not_posted", **same)
        assert other.body["code"] == "request_id_used"


async def test_a_proposal_is_listed_shown_refused_and_withdrawn(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu, li = await staff(house)
        reference = await house.manual("r1")
        first = (await house.say(li, reference, "posted")).body["approval"]["id"]
        listed = (await house.ask(wu, "GET", "/v1/approvals?state=pending")).body["approvals"]
        assert [(one["id"], one["object"], one["detail"]) for one in listed] == [
            (first, reference, {"result": "posted"})
        ]
        assert (await house.ask(wu, "GET", f"/v1/approvals/{first}")).body["proposed_by"] == "li"
        path = f"/v1/approvals/{first}/refuse"
        denied = await house.ask(chen, "POST", path, {"note": "no", **fresh()})
        assert denied.status == 403
        refused = await house.ask(wu, "POST", path, {"note": "not there", **fresh()})
        assert refused.body["state"] == "refused"
        assert (await house.say(wu, reference, "posted")).body["code"] == "no_proposal"
        second = (await house.say(li, reference, "posted")).body["approval"]["id"]
        path = f"/v1/approvals/{second}/refuse"
        assert (await house.ask(li, "POST", path, fresh())).body["state"] == "withdrawn"
        rows = {row.id: row for row in house.rows(tables.approval)}
        assert (rows[first].decided_by, rows[second].decided_by) == ("wu", None)


async def test_a_note_holds_no_card_number(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        _, _, li = await staff(house)
        reference = await house.manual("r1")
        asked = await house.say(li, reference, "posted", note="card 6227 0012 3456 7899")
        assert asked.status == 400
        named = await house.say(li, reference, "posted", note=f"as {reference} says")
        assert named.status == 202


async def test_an_act_outside_the_store_is_done_after_its_approval(tmp_path: Path) -> None:
    done: list[tuple[str, Detail, str]] = []

    async def work(of: str, detail: Detail, by: Actor) -> Mapping[str, Any]:
        done.append((of, detail, by.id))
        return {"key": of}

    async with open_house(tmp_path) as house:
        chen, wu, _ = await staff(house)
        ma = await house.hire(chen, wu, "ma", "it")
        carrier = AfterApproval(house.desk, work, lambda of, detail: None)
        body = {"act": "key.change", "object": "tb87.zpk", "detail": {}}
        unwired = await house.ask(ma, "POST", "/v1/acts", body | fresh())
        assert unwired.status == 400
        house.carriers["key.change"] = carrier
        assert (await house.ask(ma, "POST", "/v1/acts", body | fresh())).status == 202
        assert done == []
        asked = await house.ask(wu, "POST", "/v1/acts", body | fresh())
        assert (asked.status, asked.body["key"]) == (200, "tb87.zpk")
        assert done == [("tb87.zpk", {}, "wu")]


async def test_without_the_journal_nothing_is_done_and_it_is_said(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        _, _, li = await staff(house)
        reference = await house.manual("r1")
        await house.store.close()
        asked = await house.say(li, reference, "posted")
        assert (asked.status, asked.body["code"]) == (503, "store")
        code = li.code(house.clock.now)
        assert (await house.try_login("li", li.password, code)).status == 503
        listed = await house.ask(li, "GET", "/v1/approvals")
        assert listed.status == 503
