"""Releases at a real control socket over a real store: who may, and what is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.staff_house import House, Person, fresh, open_house
from telebank.flow.release import hash_of

ONE = {"services.yaml": b"one\n"}
TWO = {"services.yaml": b"two\n"}
NOTE = "gas bills"


async def staff(house: House) -> dict[str, Person]:
    chen = await house.found("chen", "administrator")
    wu = await house.found("wu", "supervisor")
    await house.login(chen)
    await house.login(wu)
    roles = {"li": "teller", "tian": "it", "ma": "supervisor"}
    hired = {name: await house.hire(chen, wu, name, role) for name, role in roles.items()}
    return {"chen": chen, "wu": wu, **hired}


async def say(house: House, who: Person, files: Mapping[str, bytes], what: str) -> Any:
    path = f"/v1/releases/{hash_of(files)}/{what}"
    return await house.ask(who, "POST", path, {"note": NOTE, **fresh()})


async def back(house: House, who: Person, **more: str) -> Any:
    body = {"note": "callers hear nothing", **more, **fresh()}
    return await house.ask(who, "POST", "/v1/releases/rollback", body)


async def test_one_proposes_another_approves_and_a_supervisor_takes_it_back(
    tmp_path: Path,
) -> None:
    async with open_house(tmp_path) as house:
        people = await staff(house)
        await house.store.releases.begin(ONE)
        house.publishing.files[hash_of(TWO)] = TWO
        for name in ("wu", "li"):
            denied = await say(house, people[name], TWO, "propose")
            assert (denied.status, denied.body["code"]) == (403, "not_allowed")
        nobody = await say(house, people["wu"], TWO, "approve")
        assert (nobody.status, nobody.body["code"]) == (409, "no_proposal")
        made = await say(house, people["tian"], TWO, "propose")
        assert (made.status, made.body["state"]) == (202, "pending")
        assert "supervisor approves it" in made.body["next"]
        for name in ("tian", "chen"):
            turned = await say(house, people[name], TWO, "approve")
            assert turned.status == 409
        assert (
            "you proposed it yourself"
            in ((await say(house, people["tian"], TWO, "approve")).body["error"])
        )
        done = await say(house, people["wu"], TWO, "approve")
        assert (done.status, done.body["publication"], done.body["release"]) == (
            *(200, 2),
            hash_of(TWO),
        )
        again = await say(house, people["chen"], TWO, "propose")
        assert (again.status, again.body["code"]) == (409, "in_force")
        assert "nothing is to be done" in again.body["error"]
        assert (await back(house, people["tian"])).status == 403
        taken = await back(house, people["ma"])
        assert (taken.status, taken.body["release"]) == (200, hash_of(ONE))
        for to in ("", hash_of(TWO)):
            further = await back(house, people["ma"], release=to)
            assert (further.status, further.body["code"]) == (409, "too_far")
            assert "telebank release export HASH" in further.body["error"]
        assert house.events("release.rolled_back") == [("ma", "supervisor", "")]
        assert house.events("alarm.release") == [("ma", "supervisor", "rolled_back")]


async def test_findings_and_bad_words_store_nothing(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        people = await staff(house)
        await house.store.releases.begin(ONE)
        house.publishing.findings = ("flows/main.yaml:3: [money] no read-back; add one",)
        refused = await say(house, people["chen"], TWO, "propose")
        assert (refused.status, refused.body["code"]) == (409, "findings")
        assert refused.body["findings"] == list(house.publishing.findings)
        path = f"/v1/releases/{hash_of(TWO)}/propose"
        for note in ("", "card 6227 0012 3456 7899"):
            bad = await house.ask(people["chen"], "POST", path, {"note": note, **fresh()})
            assert bad.status == 400
        for name in ("current", "0" * 63, "0" * 63 + "G"):
            path = f"/v1/releases/{name}/approve"
            bad = await house.ask(people["wu"], "POST", path, {"note": NOTE, **fresh()})
            assert bad.status == 400
        assert (await back(house, people["wu"], release="current")).status == 400
        assert await house.store.releases.files(hash_of(TWO)) == {}


async def test_a_proposal_is_refused_by_another_or_withdrawn(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        people = await staff(house)
        await house.store.releases.begin(ONE)
        house.publishing.files[hash_of(TWO)] = TWO
        for name, becomes in (("wu", "refused"), ("tian", "withdrawn")):
            made = await say(house, people["tian"], TWO, "propose")
            path = f"/v1/approvals/{made.body['approval']['id']}/refuse"
            body = {"note": "the menu says gas twice", **fresh()}
            ended = await house.ask(people[name], "POST", path, body)
            assert (ended.status, ended.body["state"]) == (200, becomes)
            turned = await say(house, people["wu"], TWO, "approve")
            assert (turned.status, turned.body["code"]) == (409, "no_proposal")
