"""Desks, boards and the floor at the control socket: what each may do and see, and what is told."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from support.desk_house import DeskHouse, open_desks
from support.staff_house import Person, fresh
from telebank.store import tables


async def at_desk(desks: DeskHouse, name: str = "li", phone: str = "8001") -> Person:
    """A teller of the cards who sits at a phone."""
    who = await desks.teller(name)
    given = await desks.post(desks.wu, f"staff/{name}/skills", skills={"cards": 5})
    assert given.status == 200, given
    entered = await desks.post(who, "desk/enter", phone=phone)
    assert entered.status == 200, entered
    return who


async def talking(desks: DeskHouse, who: Person, call: str = "01-000001") -> None:
    desks.room.waits(call)
    desks.room.rings(call, who.name)
    answered = await desks.post(who, "desk/answer")
    assert answered.status == 200, answered


def told(desks: DeskHouse, kind: str) -> list[tuple[str, str, object]]:
    rows = desks.house.rows(tables.event)
    return [(row.actor, row.outcome, row.detail) for row in rows if row.kind == kind]


async def test_a_teller_enters_works_and_leaves(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        li = await at_desk(desks)
        ready = await desks.post(li, "desk/state", state="ready")
        assert (ready.body["seat"]["state"], ready.body["seat"]["queues"]) == ("ready", ["cards"])
        await talking(desks, li)
        acts = ["hold", "resume", "pin"]
        states = []
        for act in acts:
            assert (await desks.post(li, f"desk/{act}")).status == 200
            states.append(desks.room.calls["01-000001"].state)
        assert states == ["held", "talking", "pin"]
        ended = await desks.post(li, "desk/hang_up")
        assert ended.body["seat"]["state"] == "wrap_up"
        assert (await desks.post(li, "desk/wrapped")).body["seat"]["state"] == "ready"
        left = await desks.post(li, "desk/leave")
        assert (left.status, left.body) == (200, {"seat": None})
        assert desks.room.seats == {}


async def test_a_number_is_called_where_a_rule_lets_it_be(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        li = await at_desk(desks)
        refused = await desks.post(li, "desk/call", number="+44 20 7946 0000")
        assert (refused.status, refused.body["code"]) == (409, "unknown_target")
        assert "[outbound]" in refused.body["error"]
        assert (await desks.post(li, "desk/call", number="sip:boss@192.0.2.7")).status == 400
        called = await desks.post(li, "desk/call", number="138 0013 8000")
        assert called.body["seat"]["state"] == "talking"


async def test_refusals_have_codes_and_say_what_to_do(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        li = await desks.teller("li")
        wang = await desks.teller("wang")
        asked = [
            await desks.post(li, "desk/hold"),
            await desks.post(li, "desk/enter"),
            await desks.post(li, "desk/enter", phone="9999"),
            await desks.post(li, "desk/enter", phone="8001"),
            await desks.post(wang, "desk/enter", phone="8001"),
            await desks.post(li, "desk/hold"),
            await desks.post(li, "desk/wrapped"),
            await desks.post(li, "desk/enter", phone="8002"),
        ]
        codes = [(one.status, one.body.get("code", "")) for one in asked]
        assert codes == [
            (409, "no_seat"),
            (409, "no_phone"),
            (409, "no_phone"),
            (200, ""),
            (409, "phone_busy"),
            (409, "no_call"),
            (409, "wrong_state"),
            (409, "wrong_state"),
        ]
        assert "telebank phones list" in asked[2].body["error"]
        again = await desks.post(li, "desk/enter", phone="8001")  # his page was loaded anew
        assert (again.status, again.body["seat"]["phone"]) == (200, "8001")
        await talking(desks, li)
        targets = {
            "seat:nobody": (409, "unknown_target"),
            "queue:none": (409, "unknown_target"),
            "number:010": (409, "unknown_target"),
            "wang": (400, "bad_request"),
            "number:01x": (400, "bad_request"),
        }
        for to, expected in targets.items():
            asked_for = await desks.post(li, "desk/transfer", to=to, blind=True)
            assert (asked_for.status, asked_for.body["code"]) == expected, to
        assert (await desks.post(li, "desk/transfer", blind=False)).body["code"] == "wrong_state"
        assert (await desks.post(li, "desk/transfer", to="queue:cards")).status == 200


async def test_the_same_request_id_acts_once(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        li = await at_desk(desks)
        await talking(desks, li)
        same = fresh()
        first = await desks.post(li, "desk/hold", **same)
        assert await desks.post(li, "desk/hold", **same) == first
        assert desks.room.calls["01-000001"].state == "held"
        other = await desks.post(li, "desk/hold")
        assert other.body["code"] == "wrong_state"


async def test_own_phone_skills_and_first_day_come_from_the_store(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        await desks.phone("8003")
        li = await desks.teller("li")
        body = {"skills": {"cards": 5, "lang.en": 2}, "phone": "8003", "began_on": "2026-03-01"}
        given = await desks.post(desks.chen, "staff/li/skills", **body)
        now = {"name": "li", "full_name": "li", **body}
        assert (given.status, given.body) == (200, now)
        assert (await desks.ask(li, "GET", "staff/li/skills")).body == now
        entered = await desks.post(li, "desk/enter")
        assert (entered.body["seat"]["phone"], desks.room.days["li"]) == ("8003", 30)
        denied = await desks.post(li, "staff/li/skills", skills={"cards": 9})
        assert (denied.status, denied.body["code"]) == (403, "not_allowed")
        assert (await desks.ask(li, "GET", "staff/wu/skills")).status == 403
        wrong = [
            await desks.post(desks.wu, "staff/li/skills", skills={"cards": 10}),
            await desks.post(desks.wu, "staff/li/skills", skills={"Cards!": 1}),
            await desks.post(desks.wu, "staff/li/skills", phone="8009"),
            await desks.post(desks.wu, "staff/nobody/skills", skills={"cards": 1}),
        ]
        assert [one.body["code"] for one in wrong] == [
            *("bad_request", "bad_request", "unknown_phone", "unknown_person")
        ]


async def test_skills_that_changed_while_he_sits_hold_when_he_is_ready_again(
    tmp_path: Path,
) -> None:
    async with open_desks(tmp_path) as desks:
        li = await at_desk(desks)
        given = await desks.post(desks.wu, "staff/li/skills", skills={"cards": 0, "loss": 7})
        assert given.status == 200
        assert (await desks.post(li, "desk/state", state="busy")).status == 200
        assert desks.room.learned == {}
        assert (await desks.post(li, "desk/state", state="ready")).status == 200
        assert desks.room.learned == {"li": ("li", {"loss": 7}, 10_000)}


async def test_each_sees_his_own_board(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        li = await at_desk(desks)
        wang = await desks.teller("wang")
        await desks.post(wang, "desk/enter", phone="8002")
        await talking(desks, li)
        desks.room.waits("01-000002", path=(("卡片", "Cards"),))
        await asyncio.sleep(0.01)
        seen = {}
        for who in (li, wang, desks.wu, desks.chen):
            asked = await desks.board(who)
            assert (asked.status, asked.body["type"], asked.body["boot"]) == (
                200,
                "Board",
                "boot-1",
            )
            seen[who.name] = {(row["type"], row["key"]): row for row in asked.body["rows"]}
        calls = {
            name: {key for kind, key in rows if kind == "CallRow"} for name, rows in seen.items()
        }
        assert calls["li"] == {"01-000001", "01-000002"}
        assert calls["wang"] == set()
        assert calls["wu"] == calls["chen"] == {"01-000001", "01-000002"}
        paths = [seen[name]["CallRow", "01-000002"]["path"] for name in ("li", "wu")]
        assert paths == [[], [["卡片", "Cards"]]]
        phones = [seen[name]["SeatRow", "li"]["phone"] for name in ("li", "wang", "wu")]
        assert phones == ["8001", "", "8001"]
        assert (await desks.board(None)).status == 401
        machine = await desks.house.hire(desks.chen, desks.wu, "zhao", "it")
        assert (await desks.board(machine)).body["code"] == "not_allowed"
        auditor = await desks.house.hire(desks.chen, desks.wu, "qian", "auditor")
        assert (await desks.board(auditor)).status == 200
        assert (await desks.post(auditor, "desk/enter", phone="8003")).status == 403


async def test_a_screen_waits_for_what_changes(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        li = await at_desk(desks)
        at = (await desks.board(li)).body["at"]
        waiting = asyncio.create_task(desks.board(li, after=at, wait=20, live=1))
        while not desks.boards.waiting:
            await asyncio.sleep(0)
        await desks.post(li, "desk/state", state="break", reason="lunch")
        seen = (await waiting).body
        assert (seen["type"], seen["rows"][0]["reason"]) == ("Changes", "lunch")
        assert (await desks.board(li, after=seen["at"])).body["rows"] == []
        assert (await desks.board(li, after=seen["at"], boot="another")).body["type"] == "Board"
        for query in ({"wait": 21}, {"wait": "x"}, {"wait": -1}, {"after": "x"}, {"wait": "nan"}):
            assert (await desks.board(li, **query)).body["code"] == "bad_request", query


async def test_only_a_seats_own_page_says_that_he_is_there(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        li = await at_desk(desks)
        await desks.board(li)
        assert desks.room.sights == []
        await desks.board(li, seat=1)
        await desks.board(desks.chen, seat=1)  # an administrator has no desk
        assert desks.room.sights == ["li"]


async def test_who_goes_away_frees_his_place_and_one_too_many_is_told(tmp_path: Path) -> None:
    async with open_desks(tmp_path, most=2) as desks:
        at = (await desks.board(desks.wu)).body["at"]
        waits = [asyncio.create_task(desks.board(desks.wu, after=at, wait=20)) for _ in range(2)]
        while desks.boards.waiting < 2:
            await asyncio.sleep(0)
        busy = await desks.board(desks.wu, after=at, wait=20)
        assert (busy.status, busy.body["code"]) == (503, "busy")
        waits[0].cancel()
        while desks.boards.waiting == 2:  # within a second: else the test's own time is over
            await asyncio.sleep(0.01)
        desks.room.waits("01-000001")
        assert (await waits[1]).body["rows"][0]["key"] == "01-000001"


async def test_a_login_that_ends_meanwhile_sees_nothing_more(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        li = await at_desk(desks)
        at = (await desks.board(li)).body["at"]
        waiting = asyncio.create_task(desks.board(li, after=at, wait=20))
        while not desks.boards.waiting:
            await asyncio.sleep(0)
        assert (await desks.house.ask(li, "POST", "/v1/logout", {})).status == 200
        desks.room.waits("01-000001")
        assert (await waiting).status == 401


FLOOR = {
    "monitor": {"phone": "8003"},
    "whisper": {"phone": "8003"},
    "barge": {"phone": "8003"},
    "stop": {},
    "intercept": {},
    "force": {"state": "ready"},
    "record": {"on": True},
}


@pytest.mark.parametrize("act", FLOOR)
async def test_a_supervisors_act_is_told_before_it_happens(tmp_path: Path, act: str) -> None:
    async with open_desks(tmp_path) as desks:
        li = await at_desk(desks)
        await talking(desks, li)
        more = FLOOR[act]
        for who in (li, desks.chen):
            denied = await desks.post(who, f"floor/{act}", seat="li", **more)
            assert (denied.status, denied.body["code"]) == (403, "not_allowed")
        assert desks.room.done == []
        done = await desks.post(desks.wu, f"floor/{act}", seat="li", **more)
        assert (done.status, done.body) == (200, {"seat": "li", "done": act})
        assert [one[0] for one in desks.room.done] == [act]
        ((actor, outcome, detail),) = told(desks, f"floor.{act}")
        expected = {"seat": "li", **FLOOR[act]} | ({"reason": ""} if act == "force" else {})
        assert (actor, outcome, detail) == ("wu", "asked", expected)
        (event,) = (row for row in desks.house.rows(tables.event) if row.kind == f"floor.{act}")
        assert event.call == "01-000001"


async def test_what_the_store_does_not_take_does_not_happen(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        li = await at_desk(desks)
        await talking(desks, li)
        same = fresh()

        def no_events(part: object) -> None:
            part.execute(  # type: ignore[attr-defined]
                text(
                    "CREATE TRIGGER none BEFORE INSERT ON event WHEN NEW.kind = 'floor.monitor'"
                    " BEGIN SELECT RAISE(ABORT, 'the disk says no'); END"
                )
            )

        await desks.house.store.journal.run(no_events)
        asked = await desks.post(desks.wu, "floor/monitor", seat="li", phone="8003", **same)
        assert (asked.status, desks.room.done) == (503, [])
        drop = text("DROP TRIGGER none")
        await desks.house.store.journal.run(lambda part: part.execute(drop))
        again = await desks.post(desks.wu, "floor/monitor", seat="li", phone="8003", **same)
        assert (again.status, len(desks.room.done)) == (200, 1)


async def test_what_the_room_refuses_is_a_second_event(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        await at_desk(desks)
        asked = await desks.post(desks.wu, "floor/monitor", seat="li", phone="8003")
        assert (asked.status, asked.body["code"]) == (409, "no_call")
        outcomes = [outcome for _, outcome, _ in told(desks, "floor.monitor")]
        assert outcomes == ["asked", "no_call"]
        out = await desks.post(desks.wu, "floor/force", seat="li", state="out")
        assert (out.status, desks.room.seats) == (200, {})


async def test_a_supervisor_at_no_desk_listens_by_his_own_phone(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        await desks.phone("8002")
        li = await at_desk(desks)
        await talking(desks, li)
        nowhere = await desks.post(desks.wu, "floor/monitor", seat="li")
        assert nowhere.body["code"] == "no_phone"
        await desks.post(desks.chen, "staff/wu/skills", phone="8002")
        assert (await desks.post(desks.wu, "floor/monitor", seat="li")).status == 200
        assert desks.room.done == [("monitor", "wu", "li", "8002")]
        assert told(desks, "floor.monitor")[-1] == ("wu", "asked", {"seat": "li", "phone": "8002"})
        seen = [(await desks.board(who)).body["rows"] for who in (desks.wu, li)]
        watchers = [row["watched_by"] for rows in seen for row in rows if row["key"] == "li"]
        assert watchers == ["wu", ""]
