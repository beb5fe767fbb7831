"""Logins and people at a real control socket over a real store."""

import asyncio
import threading
from pathlib import Path

import pytest

from support.staff_house import CHEAP, House, Person, fresh, open_house, seed_of
from telebank.staff.totp import STEP_S
from telebank.store import tables
from telebank.store.logins import UNKNOWN


async def two(house: House) -> tuple[Person, Person]:
    """An administrator and a supervisor, logged in."""
    chen = await house.found("chen", "administrator")
    wu = await house.found("wu", "supervisor")
    return await house.login(chen), await house.login(wu)


async def test_the_first_two_are_one_administrator_and_one_supervisor(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        body = {"name": "li", "role": "teller", "password": "four unrelated words"}
        refused = await house.ask(None, "POST", "/v1/staff", body | fresh())
        assert (refused.status, refused.body["code"]) == (409, "founders")
        await house.found("chen", "administrator")
        again = await house.ask(
            None, "POST", "/v1/staff", body | {"role": "administrator"} | fresh()
        )
        assert (again.status, again.body["code"]) == (409, "founders")
        await house.found("wu", "supervisor")
        third = await house.ask(None, "POST", "/v1/staff", body | fresh())
        assert (third.status, third.body["code"]) == (401, "login_needed")
        added = house.events("staff.added")
    machine = {actor for actor, _, _ in added}
    assert len(machine) == 1
    assert machine.pop().startswith("os:")
    assert [outcome for _, _, outcome in added] == ["founders", "ok", "founders", "ok"]


async def test_a_founder_who_is_said_twice_is_added_once(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.found("chen", "administrator")
        body = {"name": "wu", "role": "supervisor", "password": "four unrelated words", **fresh()}
        first = await house.ask(None, "POST", "/v1/staff", body)
        again = await house.ask(None, "POST", "/v1/staff", body)
        assert (first.status, again.status) == (200, 200)
        assert {**again.body, "otpauth": first.body["otpauth"]} == first.body
        assert "otpauth" not in again.body


async def test_a_name_without_a_password_is_asked_for_one(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        body = {"name": "chen", "role": "administrator"}
        asked = await house.ask(None, "POST", "/v1/staff", body | fresh())
        assert asked.body["code"] == "password_needed"
        short = await house.ask(None, "POST", "/v1/staff", body | fresh() | {"password": "short"})
        assert short.status == 400
        assert "12 to 128" in short.body["error"]
        assert house.rows(tables.staff) == []


async def test_login_whoami_logout(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        assert (await house.ask(chen, "GET", "/v1/whoami")).body == {
            "name": "chen",
            "role": "administrator",
        }
        first = chen.token
        await house.login(chen)
        assert chen.token != first
        assert (await house.ask(chen, "POST", "/v1/logout", {})).status == 200
        assert (await house.ask(chen, "GET", "/v1/whoami")).status == 401
        assert (await house.ask(wu, "GET", "/v1/whoami")).status == 200
        assert (await house.ask(None, "GET", "/v1/whoami")).status == 401
        assert house.events("staff.logout") == [("chen", "administrator", "ok")]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('for="192.0.2.7"', "console 192.0.2.7"),
        ('for="[2001:db8::7]"', "console 2001:db8::7"),
        ('for="1.2.3"', "control os:"),
        ('for="not an address"', "control os:"),
        ("", "control os:"),
    ],
)
async def test_an_act_has_the_address_of_the_browser(tmp_path: Path, said: str, kept: str) -> None:
    async with open_house(tmp_path) as house:
        chen = await house.found("chen", "administrator")
        await house.login(chen)
        headers = {"Authorization": f"Bearer {chen.token}", "Forwarded": said}
        async with house.client.post("http://node/v1/logout", json={}, headers=headers) as answer:
            assert answer.status == 200
        rows = [row for row in house.rows(tables.event) if row.kind == "staff.logout"]
    assert [row.origin.startswith(kept) for row in rows] == [True]


async def test_fifteen_minutes_idle_end_a_login_and_looking_does_not_count(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        for _ in range(2):
            house.clock.forward(600)
            assert (await house.ask(chen, "GET", "/v1/whoami")).status == 200
            await house.ask(wu, "GET", "/v1/whoami?live=1")
        assert (await house.ask(wu, "GET", "/v1/whoami")).status == 401
        house.clock.forward(900)
        assert (await house.ask(chen, "GET", "/v1/whoami")).status == 401


async def test_a_code_counts_once_and_a_minute_late_not_at_all(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen = await house.found("chen", "administrator")
        house.clock.forward(60)
        code = chen.code(house.clock.now)
        assert (await house.try_login("chen", chen.password, code)).status == 200
        assert (await house.try_login("chen", chen.password, code)).status == 401
        house.clock.forward(STEP_S)
        late = chen.code(house.clock.now)
        house.clock.forward(STEP_S)  # one step of drift is let pass
        assert (await house.try_login("chen", chen.password, late)).status == 200
        stale = chen.code(house.clock.now)
        house.clock.forward(2 * STEP_S)
        assert (await house.try_login("chen", chen.password, stale)).status == 401
        ends = [outcome for _, _, outcome in house.events("staff.login")]
        assert ends == ["ok", "wrong_code", "ok", "wrong_code"]


async def test_two_logins_at_once_by_one_code_are_one(tmp_path: Path) -> None:
    async with open_house(tmp_path, verify_parallel=2) as house:
        chen = await house.found("chen", "administrator")
        house.clock.forward(60)
        code = chen.code(house.clock.now)
        tries = [house.try_login("chen", chen.password, code) for _ in range(4)]
        statuses = sorted([asked.status for asked in await asyncio.gather(*tries)])
        assert statuses == [200, 401, 401, 401]


async def test_ten_wrong_tries_lock_for_half_an_hour(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen = await house.found("chen", "administrator")
        for _ in range(10):
            house.clock.forward(STEP_S)
            wrong = await house.try_login("chen", "not it at all", chen.code(house.clock.now))
            assert wrong.status == 401
        house.clock.forward(STEP_S)
        right = await house.try_login("chen", chen.password, chen.code(house.clock.now))
        assert right.body == wrong.body
        house.clock.forward(1_800)
        right = await house.try_login("chen", chen.password, chen.code(house.clock.now))
        assert right.status == 200
        ends = [outcome for _, _, outcome in house.events("staff.login")]
        assert ends == ["wrong_password"] * 10 + ["locked", "ok"]
        assert len(house.events("staff.locked")) == 1


async def test_tries_at_once_all_count(tmp_path: Path) -> None:
    async with open_house(tmp_path, verify_waiting=40) as house:
        chen = await house.found("chen", "administrator")
        tries = [house.try_login("chen", f"guess {n}", "000000") for n in range(30)]
        assert {asked.status for asked in await asyncio.gather(*tries)} == {401}
        ends = [outcome for _, _, outcome in house.events("staff.login")]
        assert sorted(ends) == ["locked"] * 20 + ["wrong_password"] * 10
        house.clock.forward(60)
        right = await house.try_login("chen", chen.password, chen.code(house.clock.now))
        assert right.status == 401


async def test_an_administrator_unlocks_another_but_not_himself(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        for _ in range(10):
            await house.try_login("wu", "not it", "000000")
        denied = await house.ask(wu, "POST", "/v1/staff/chen/unlock", fresh())
        assert (denied.status, denied.body["code"]) == (403, "not_allowed")
        assert (await house.ask(chen, "POST", "/v1/staff/chen/unlock", fresh())).body[
            "code"
        ] == "himself"
        assert (await house.ask(chen, "POST", "/v1/staff/wu/unlock", fresh())).status == 200
        await house.login(wu)
        assert house.events("staff.denied") == [("wu", "supervisor", "not_allowed")]
        assert house.events("staff.unlocked")[-1] == ("chen", "administrator", "ok")


async def test_unknown_and_wrong_look_the_same_and_cost_the_same(tmp_path: Path) -> None:
    """The same answer, the same commits and statements, one password hash each."""
    async with open_house(tmp_path) as house:
        await house.found("chen", "administrator")
        seen = []
        for name in ("chen", "nobody-here"):
            events = len(house.rows(tables.event))
            commits = house.store.commits
            hashed: list[str] = []
            verify = house.desk._passwords.verify

            def watched(
                encoded: str,
                password: str,
                verify: object = verify,
                into: list[str] = hashed,
            ) -> bool:
                into.append(encoded.rpartition("$")[0].rpartition("$")[0])
                assert threading.current_thread().name.startswith("password")
                return verify(encoded, password)  # type: ignore[operator, no-any-return]

            house.desk._passwords.verify = watched  # type: ignore[method-assign]
            asked = await house.try_login(name, "is it this one", "123456")
            house.desk._passwords.verify = verify  # type: ignore[method-assign]
            written = len(house.rows(tables.event)) - events
            seen.append((asked, written, house.store.commits - commits, tuple(hashed)))
        assert seen[0] == seen[1]
        assert seen[0][3] == ("$argon2id$v=19$m=64,t=1,p=1",)
        assert house.events("staff.login")[-1] == (UNKNOWN, UNKNOWN, "unknown")
        assert "nobody-here" not in repr(house.rows(tables.event))


async def test_too_many_logins_at_once_are_told_to_wait(tmp_path: Path) -> None:
    async with open_house(tmp_path, verify_waiting=1, argon2_time=20) as house:
        tries = [house.try_login("x", "y", "000000") for _ in range(12)]
        found = await asyncio.gather(*tries)
        assert {asked.status for asked in found} == {401, 503}
        assert {asked.body["code"] for asked in found if asked.status == 503} == {"busy"}


async def test_a_third_person_is_added_by_two(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        body = {"name": "li", "role": "teller", "full_name": "Li Na"}
        early = await house.ask(wu, "POST", "/v1/staff", body | fresh())
        assert early.body["code"] == "no_proposal"
        assert (await house.ask(chen, "POST", "/v1/staff", body | fresh())).status == 202
        twice = await house.ask(chen, "POST", "/v1/staff", body | fresh())
        assert (twice.status, twice.body["code"]) == (409, "same_person")
        other = body | {"role": "supervisor"} | fresh()
        differs = await house.ask(wu, "POST", "/v1/staff", other)
        assert (differs.status, differs.body["code"]) == (409, "different_content")
        chosen = body | fresh() | {"password": "wu picked this alone 7"}
        assert (await house.ask(wu, "POST", "/v1/staff", chosen)).status == 400
        whole = body | fresh()
        added = await house.ask(wu, "POST", "/v1/staff", whole)
        assert added.status == 200
        again = await house.ask(wu, "POST", "/v1/staff", whole)
        assert (again.status, again.body["state"]) == (200, "approved")
        assert "half" not in again.body
        li = Person("li", "teller", "li sings in the rain")
        halves = [await house.half(chen, "li"), added.body["half"]]
        enrolled = await house.enrol("li", halves, li.password)
        assert enrolled.status == 200
        li.seed = seed_of(enrolled)
        await house.login(li)
        denied = await house.ask(li, "GET", "/v1/staff")
        assert denied.body["code"] == "not_allowed"
        listed = (await house.ask(chen, "GET", "/v1/staff")).body["people"]
        assert [(one["name"], one["created_by"]) for one in listed][1] == ("li", "wu")
        row = house.rows(tables.approval)[0]
        assert (row.proposed_by, row.decided_by, row.state) == ("chen", "wu", "approved")


async def test_a_lost_telephone_is_replaced_by_two_and_ends_its_logins(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        li = await house.hire(chen, wu, "li", "teller")
        mine = await house.ask(li, "POST", "/v1/staff/li/reset", fresh())
        assert mine.body["code"] == "not_allowed"
        assert (await house.ask(chen, "POST", "/v1/staff/li/reset", fresh())).status == 202
        done = await house.ask(wu, "POST", "/v1/staff/li/reset", fresh())
        assert done.status == 200
        assert (await house.ask(li, "GET", "/v1/whoami")).status == 401
        house.clock.forward(STEP_S)
        old = await house.try_login("li", li.password, li.code(house.clock.now))
        assert old.status == 401
        halves = [done.body["half"], await house.half(chen, "li")]
        enrolled = await house.enrol("li", halves, "a quite new sentence")
        li.password, li.seed = "a quite new sentence", seed_of(enrolled)
        await house.login(li)
        assert house.events("staff.reset") == [("wu", "supervisor", "ok")]


async def test_nobody_resets_himself(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        mine = await house.ask(chen, "POST", "/v1/staff/chen/reset", fresh())
        assert (mine.status, mine.body["code"]) == (409, "himself")
        assert (await house.ask(chen, "POST", "/v1/staff/wu/reset", fresh())).status == 202
        own = await house.ask(wu, "POST", "/v1/staff/wu/reset", fresh())
        assert (own.status, own.body["code"]) == (409, "himself")
        assert house.rows(tables.approval)[0].state == "pending"


async def test_who_leaves_is_out_at_once_and_his_name_is_never_used_again(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        li = await house.hire(chen, wu, "li", "teller")
        last = await house.ask(chen, "POST", "/v1/staff/wu/leave", fresh())
        assert last.body["code"] == "last_founder"
        assert (await house.ask(chen, "POST", "/v1/staff/li/leave", fresh())).status == 200
        assert (await house.ask(li, "GET", "/v1/whoami")).status == 401
        house.clock.forward(STEP_S)
        back = await house.try_login("li", li.password, li.code(house.clock.now))
        assert back.status == 401
        body = {"name": "li", "role": "it"}
        again = await house.ask(chen, "POST", "/v1/staff", body | fresh())
        assert again.body["code"] == "name_taken"


async def test_the_same_request_id_does_an_act_once(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, _ = await two(house)
        body = {"name": "li", "role": "teller", **fresh()}
        both = await asyncio.gather(*(house.ask(chen, "POST", "/v1/staff", body) for _ in range(5)))
        assert all(one == both[0] for one in both)
        assert both[0].status == 202
        assert len(house.rows(tables.approval)) == 1
        other = await house.ask(chen, "POST", "/v1/staff", body | {"role": "it"})
        assert (other.status, other.body["code"]) == (409, "request_id_used")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "li"},
        {"name": "li", "role": "king", "request_id": "0123456789"},
        {"name": "li", "role": "teller", "request_id": "short"},
        {"name": "Li!", "role": "teller", "request_id": "0123456789"},
        {"name": "system", "role": "teller", "request_id": "0123456789"},
        {"name": "li", "role": "teller", "request_id": "0123456789", "extra": 1},
        {"name": "li", "role": "teller", "request_id": "0123456789", "full_name": "x" * 200},
    ],
)
async def test_bad_bodies_are_told_what_is_wrong(tmp_path: Path, body: dict[str, object]) -> None:
    async with open_house(tmp_path) as house:
        asked = await house.ask(None, "POST", "/v1/staff", body)
        assert (asked.status, asked.body["code"]) == (400, "bad_request")
        assert house.rows(tables.staff) == []


async def test_no_password_and_no_seed_in_any_file_or_event(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        li = await house.hire(chen, wu, "li", "teller")
        await house.try_login("wu", chen.password, "123456")
        words = [
            *(one.password for one in (chen, wu, li)),
            *(one.seed for one in (chen, wu, li)),
            *(one.token for one in (chen, wu, li)),
        ]
        content = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
        assert not [word for word in words if word.encode() in content]
        hashes = [row.password for row in house.rows(tables.staff)]
        assert all(
            one.startswith(f"$argon2id$v=19$m={CHEAP['argon2_memory_kib']},") for one in hashes
        )
        assert len(set(hashes)) == 3
