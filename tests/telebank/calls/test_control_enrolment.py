"""People who are let in by two, and enrol themselves: a real control socket over a real store."""

from pathlib import Path

import pytest

from support.staff_house import CHEAP, STORE, Asked, House, Person, fresh, open_house, seed_of
from telebank.calls.control.desk import no_store
from telebank.calls.control.login import LOOK_S, LoggedIn, StaffDesk
from telebank.settings import store_url
from telebank.staff.options import StaffOptions
from telebank.store import enrolling, tables
from telebank.store.errors import StoreUnavailable
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.secret import Secret

LI = {"name": "li", "role": "teller"}
DAY_S = 86_400


async def two(house: House) -> tuple[Person, Person]:
    """An administrator and a supervisor, logged in."""
    chen = await house.found("chen", "administrator")
    wu = await house.found("wu", "supervisor")
    return await house.login(chen), await house.login(wu)


async def invited(house: House, chen: Person, wu: Person) -> str:
    """Li is added and has not enrolled; the supervisor's half."""
    assert (await house.ask(chen, "POST", "/v1/staff", LI | fresh())).status == 202
    added = await house.ask(wu, "POST", "/v1/staff", LI | fresh())
    assert added.status == 200, added
    half: str = added.body["half"]
    return half


async def test_who_approves_cannot_be_the_new_person(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        half = await invited(house, chen, wu)
        told = await house.ask(wu, "GET", "/v1/staff")
        assert "otpauth" not in repr(told.body)
        again = await house.half(wu, "li")  # his own once more, and never the other's
        for halves in ([half, half], [again, again], [half, again], [again, ""]):
            alone = await house.enrol("li", halves, "wu picked this alone 7")
            assert (alone.status, alone.body["code"]) == (401, "not_enrolled")
        assert {row.state for row in house.rows(tables.staff) if row.id == "li"} == {"invited"}
        login = await house.try_login("li", "wu picked this alone 7", "123456")
        assert login.status == 401
        assert house.events("staff.login")[-1] == ("li", "teller", "not_enrolled")


async def test_who_proposes_cannot_be_the_new_person(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        await invited(house, chen, wu)
        mine = [await house.half(chen, "li") for _ in range(2)]
        for halves in (mine, [mine[1], mine[1]]):
            alone = await house.enrol("li", halves, "chen picked this alone")
            assert alone.status == 401


async def test_nobody_else_is_given_a_half(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        sun = await house.hire(chen, wu, "sun", "supervisor")
        await invited(house, chen, wu)
        asked = await house.ask(sun, "POST", "/v1/staff/li/code", fresh())
        assert (asked.status, asked.body["code"]) == (409, "not_yours")
        asked = await house.ask(None, "POST", "/v1/staff/li/code", fresh())
        assert asked.status == 401
        gone = await house.ask(chen, "POST", "/v1/staff/sun/code", fresh())
        assert gone.body["code"] == "not_invited"


async def test_a_code_enrols_once_as_it_was_typed(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        halves = [await invited(house, chen, wu), await house.half(chen, "li")]
        weak = await house.enrol("li", halves, "short")
        assert (weak.status, "12 to 128" in weak.body["error"]) == (400, True)
        typed = [halves[1].lower().replace("-", " "), halves[0].replace("-", "")]
        li = Person("li", "teller", "li sings in the rain")
        enrolled = await house.enrol("li", typed, li.password)
        assert enrolled.status == 200, enrolled
        li.seed = seed_of(enrolled)
        await house.login(li)
        again = await house.enrol("li", halves, "somebody else again")
        assert again.status == 401
        assert house.events("staff.enrolled")[0] == ("li", "teller", "ok")
        row = next(one for one in house.rows(tables.event) if one.kind == "staff.enrolled")
        assert row.detail == {"proposed_by": "chen", "approved_by": "wu"}
        content = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
        plain = [half.replace("-", "") for half in halves]
        assert not [word for word in (*halves, *plain) if word.encode() in content]


async def test_both_who_let_him_in_are_told_at_their_logins(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        await house.hire(chen, wu, "li", "teller")
        for one in (chen, wu):
            house.clock.forward(30)
            asked = await house.try_login(one.name, one.password, one.code(house.clock.now))
            (told,) = asked.body["let_in"]
            assert (told["name"], told["state"], told["act"]) == ("li", "active", "staff.add")
            assert (told["proposed_by"], told["approved_by"]) == ("chen", "wu")
        house.clock.forward(8 * DAY_S)
        asked = await house.try_login("wu", wu.password, wu.code(house.clock.now))
        assert asked.body["let_in"] == []


async def test_a_code_lives_a_day_and_two_people_make_another(tmp_path: Path) -> None:
    async with open_house(tmp_path, session_s=1e9, idle_s=1e9) as house:
        chen, wu = await two(house)
        halves = [await invited(house, chen, wu), await house.half(chen, "li")]
        house.clock.forward(DAY_S)
        late = await house.enrol("li", halves, "li sings in the rain")
        assert late.status == 401
        asked = await house.ask(chen, "POST", "/v1/staff/li/code", fresh())
        assert asked.body["code"] == "code_expired"
        assert house.events("staff.enrolled")[-1] == ("li", "teller", "code_expired")
        assert (await house.ask(chen, "POST", "/v1/staff/li/reset", fresh())).status == 202
        done = await house.ask(wu, "POST", "/v1/staff/li/reset", fresh())
        halves = [done.body["half"], await house.half(chen, "li")]
        assert (await house.enrol("li", halves, "li sings in the rain")).status == 200


async def test_wrong_codes_are_counted_and_end_the_halves(tmp_path: Path) -> None:
    async with open_house(tmp_path, tries_max=3) as house:
        chen, wu = await two(house)
        halves = [await invited(house, chen, wu), await house.half(chen, "li")]
        for _ in range(3):
            assert (await house.enrol("li", ["a", "b"], "li sings in the rain")).status == 401
        assert (await house.enrol("li", halves, "li sings in the rain")).status == 401
        assert [one[2] for one in house.events("staff.enrolled")] == ["wrong_code"] * 3 + ["locked"]
        halves = [await house.half(wu, "li"), halves[1]]
        assert (await house.enrol("li", halves, "li sings in the rain")).status == 200


async def test_unknown_and_wrong_look_the_same(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        await invited(house, chen, wu)
        seen: list[Asked] = []
        for name in ("li", "wu", "a-password"):
            seen.append(await house.enrol(name, ["a", "b"], "four unrelated words"))
        assert seen[0] == seen[1] == seen[2]
        assert "a-password" not in repr(house.rows(tables.event))


async def test_an_invited_person_can_leave_and_is_no_last_founder(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        await house.ask(chen, "POST", "/v1/staff", {"name": "sun", "role": "supervisor", **fresh()})
        body = {"name": "sun", "role": "supervisor", **fresh()}
        half = (await house.ask(wu, "POST", "/v1/staff", body)).body["half"]
        last = await house.ask(chen, "POST", "/v1/staff/wu/leave", fresh())
        assert last.body["code"] == "last_founder"  # sun has not enrolled
        assert (await house.ask(chen, "POST", "/v1/staff/sun/leave", fresh())).status == 200
        gone = await house.enrol("sun", [half, "x"], "sun sings in the rain")
        assert gone.status == 401


async def test_ones_own_password_is_changed_by_the_old_one(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        new = "chen walks up the hill"

        async def change(old: str, to: str) -> Asked:
            return await house.ask(chen, "POST", "/v1/password", {"old": old, "new": to, **fresh()})

        assert (await change(chen.password, "short")).status == 400
        assert (await change(chen.password, chen.password)).status == 400
        wrong = await change("not it at all", new)
        assert (wrong.status, wrong.body["code"]) == (409, "not_changed")
        assert (await change(chen.password, new)).status == 200
        assert (await house.ask(chen, "GET", "/v1/whoami")).status == 401
        house.clock.forward(30)
        old = await house.try_login("chen", chen.password, chen.code(house.clock.now))
        assert old.status == 401
        chen.password = new
        await house.login(chen)
        assert (await house.ask(wu, "GET", "/v1/whoami")).status == 200
        ends = [outcome for _, _, outcome in house.events("staff.password")]
        assert ends == ["wrong_password", "ok"]


async def test_guesses_at_an_old_password_lock_the_name(tmp_path: Path) -> None:
    async with open_house(tmp_path, tries_max=3) as house:
        chen, _ = await two(house)
        body = {"old": "not it at all", "new": "chen walks up the hill"}
        for _ in range(3):
            await house.ask(chen, "POST", "/v1/password", body | fresh())
        right = body | {"old": chen.password}
        assert (await house.ask(chen, "POST", "/v1/password", right | fresh())).status == 409
        assert house.events("staff.password")[-1][2] == "locked"


@pytest.mark.parametrize("how", ["reset", "leave", "password"])
async def test_what_is_changed_at_one_node_ends_logins_at_another(tmp_path: Path, how: str) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        li = await house.hire(chen, wu, "li", "teller")
        keys = Keyring.open_or_create(tmp_path / "keys")
        store = await Store.open(store_url(tmp_path), "02", keys, STORE, house.clock)
        cheap = StaffOptions(**CHEAP)  # type: ignore[arg-type]
        there = StaffDesk(cheap, store.journal.run, keys, house.clock, store.reader.run)
        house.clock.forward(30)
        code = Secret(li.code(house.clock.now))
        login = await there.login("li", li.password, code, "another node")
        assert isinstance(login, LoggedIn)
        assert await there.current(login.token, act=True) is not None
        if how == "password":
            body = {"old": li.password, "new": "a brand new sentence", **fresh()}
            assert (await house.ask(li, "POST", "/v1/password", body)).status == 200
        elif how == "leave":
            assert (await house.ask(chen, "POST", "/v1/staff/li/leave", fresh())).status == 200
        else:
            await house.ask(chen, "POST", "/v1/staff/li/reset", fresh())
            done = await house.ask(wu, "POST", "/v1/staff/li/reset", fresh())
            halves = [done.body["half"], await house.half(chen, "li")]
            assert (await house.enrol("li", halves, "a brand new sentence")).status == 200
        assert await there.current(login.token, act=False) is not None, "a screen, a moment longer"
        house.clock.forward(LOOK_S)
        assert await there.current(login.token, act=False) is None
        assert await there.current(login.token, act=True) is None
        assert len(there.sessions) == 0
        there.close()
        await store.close()


async def test_an_unlocked_name_keeps_the_login_that_it_had(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await two(house)
        for _ in range(10):
            await house.try_login("wu", "not it", "000000")
        assert (await house.ask(chen, "POST", "/v1/staff/wu/unlock", fresh())).status == 200
        assert (await house.ask(wu, "GET", "/v1/whoami")).status == 200


def test_what_the_store_did_not_say_is_not_said_to_be_nothing() -> None:
    code, words = no_store(StoreUnavailable("disk full"))
    assert (code, words) == ("store", "nothing was changed: disk full")
    code, words = no_store(StoreUnavailable("it is not known whether the database took it: gone"))
    assert code == "store_unknown"
    assert "nothing was changed" not in words


def test_a_ticket_fits_its_column() -> None:
    from datetime import UTC, datetime

    ticket = enrolling.Ticket(datetime(2126, 1, 1, tzinfo=UTC), "a" * 32, "b" * 32, *["0" * 64] * 2)
    assert len(ticket.text()) <= tables.TEXT
    assert enrolling.Ticket.read(ticket.text()) == ticket
    assert enrolling.Ticket.read("$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA") is None
