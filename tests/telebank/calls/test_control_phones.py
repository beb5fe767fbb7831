"""Desk phones at the control socket: administrators change, a secret is told once, no other way."""

from pathlib import Path

from support.staff_house import House, Person, fresh, open_house
from telebank.calls.phones import Registered
from telebank.sip.digest import Account, Algorithm
from telebank.sip.registering import PhoneOptions
from telebank.sip.registrar import Binding
from telebank.sip.uri import Hop

PHONE = Hop("10.1.2.3", 40_000, "tls")


async def people(house: House) -> tuple[Person, Person]:
    chen, wu = await house.found("chen", "administrator"), await house.found("wu", "supervisor")
    return await house.login(chen), await house.login(wu)


async def test_a_secret_is_told_once_and_opens_the_phone(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, _ = await people(house)
        body = {"extension": "8001", "name": "Counter 3"} | fresh()
        made = await house.ask(chen, "POST", "/v1/phones", body)
        assert (made.status, made.body["extension"]) == (200, "8001")
        secret = made.body["secret"]
        good = Account.of_password("8001", "bank.example", secret, (Algorithm.SHA_256,))
        assert house.shelf.accounts == {"8001": good}
        again = await house.ask(chen, "POST", "/v1/phones", body)
        assert (again.status, "secret" in again.body) == (200, False)
        listed = await house.ask(chen, "GET", "/v1/phones")
        assert secret not in str(listed.body)
        changed = await house.ask(chen, "POST", "/v1/phones/8001/secret", {"md5": True} | fresh())
        assert changed.body["secret"] != secret
        assert house.shelf.accounts["8001"] != good
        removed = await house.ask(chen, "POST", "/v1/phones/8001/remove", fresh())
        assert (removed.status, dict(house.shelf.accounts)) == (200, {})
        assert house.events("phone.added") == [("chen", "administrator", "ok")]
        assert house.events("phone.removed") == [("chen", "administrator", "ok")]


async def test_a_registered_phone_is_listed_with_where_it_is(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await people(house)
        await house.ask(chen, "POST", "/v1/phones", {"extension": "8001"} | fresh())
        binding = Binding("8001", "sip:8001@10.0.0.9", PHONE, 1.0, "c", 1, 0.0, 600.0)
        house.shelf.contacts = [Registered(binding, 600.0)]
        (one,) = (await house.ask(wu, "GET", "/v1/phones")).body["phones"]
        assert one["registered"] == [
            {
                "contact": "sip:8001@10.0.0.9",
                "from": "tls:10.1.2.3:40000",
                "until": "2026-03-31T04:11:00+00:00",
            }
        ]
        assert one == (await house.ask(wu, "GET", "/v1/phones/8001")).body
        assert (await house.ask(wu, "GET", "/v1/phones/8002")).status == 404


async def test_only_administrators_change_phones(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu = await people(house)
        body = {"extension": "8001"} | fresh()
        assert (await house.ask(None, "POST", "/v1/phones", body)).status == 401
        refused = await house.ask(wu, "POST", "/v1/phones", body)
        assert (refused.status, refused.body["code"]) == (403, "not_allowed")
        assert house.shelf.accounts == {}
        li = await house.hire(chen, wu, "li", "teller")
        assert (await house.ask(li, "GET", "/v1/phones")).status == 403
        assert (await house.ask(li, "GET", "/v1/phones/8001")).status == 403
        assert [actor for actor, _, _ in house.events("staff.denied")][-3:] == ["wu", "li", "li"]


async def test_what_cannot_be_says_why(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, _ = await people(house)
        for bad in ("8", "a b", "..", "-1", "x" * 33, "电话", ""):
            asked = await house.ask(chen, "POST", "/v1/phones", {"extension": bad} | fresh())
            assert (asked.status, asked.body["code"]) == (400, "bad_request"), bad
        codes = []
        for extension in ("8001", "8001", "8002", "8003", "8004"):
            body = {"extension": extension} | fresh()
            asked = await house.ask(chen, "POST", "/v1/phones", body)
            codes.append(asked.body.get("code", ""))
        assert codes == ["", "extension_taken", "", "", "too_many_phones"]
        long = {"extension": "8005", "name": "x" * 121} | fresh()
        asked = await house.ask(chen, "POST", "/v1/phones", long)
        assert asked.status == 400
        assert asked.body["error"] == "a name has at most 120 characters"
        unknown = await house.ask(chen, "POST", "/v1/phones/9999/secret", fresh())
        assert (unknown.status, unknown.body["code"]) == (409, "unknown_phone")


async def test_without_a_registrar_or_md5_nobody_gets_a_secret(tmp_path: Path) -> None:
    async with open_house(tmp_path, phone_options=PhoneOptions()) as house:
        chen, _ = await people(house)
        asked = await house.ask(chen, "POST", "/v1/phones", {"extension": "8001"} | fresh())
        assert (asked.status, asked.body["code"]) == (409, "no_registrar")
        listed = await house.ask(chen, "GET", "/v1/phones")
        assert "[registrar] realm" in listed.body["note"]
    async with open_house(tmp_path / "two", phone_options=PhoneOptions("bank")) as house:
        chen, _ = await people(house)
        body = {"extension": "8001", "md5": True} | fresh()
        asked = await house.ask(chen, "POST", "/v1/phones", body)
        assert (asked.status, asked.body["code"]) == (409, "no_md5")
