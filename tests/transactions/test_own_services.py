"""Services that the node answers itself, and whose PIN is whose."""

from datetime import date, time

import pytest

from support.scripted_bank import CARDS, House, told
from transactions.money import Money
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown
from transactions.processor import Processor, ProcessorOptions
from transactions.request import AuthLevel
from transactions.secret import Secret

CODE, PIN, BOTH = AuthLevel.CODE, AuthLevel.PIN, AuthLevel.SECOND_FACTOR
CARD = {"card": CARDS[0]}


def says(house: House, service: str, outcome: Outcome) -> None:
    house.desk.says[service] = lambda _: outcome


def test_the_desk_is_asked_with_the_customer_s_token_and_its_outputs_are_the_answer() -> None:
    async def story(house: House) -> None:
        says(house, "payee.use", Approved({"payee": CARDS[3]}))
        answer = await house.ask("payee.use", **CARD, slot="1")
        assert (answer.exit, answer.data["payee"], answer.row) == ("ok", CARDS[3], "")
        ((request, customer),) = house.desk.asked
        assert (request.inputs["slot"], customer) == ("1", house.vault.token(CARDS[0]))
        assert (house.books.rows, house.host.asked) == ({}, [])
        assert house.events("service.answered") == ["ok"]

    told(story)


def test_what_is_asked_is_judged_as_of_any_service() -> None:
    async def story(house: House) -> None:
        first = await house.ask("payee.use", **CARD, slot=7)
        assert "not a usable digits" in str(first.data["why"])
        for by, level, service in ((None, PIN, "payee.use"), (0, CODE, "payee.use")):
            answer = await house.ask(service, by, level, **CARD, slot="1")
            assert answer.outcome == Declined("not_authenticated")
        other = await house.ask("payee.use", 1, **CARD, slot="1")
        assert other.outcome == Declined("other_customer")
        house.books.hot.add(house.vault.token(CARDS[0]))
        assert (await house.ask("payee.use", **CARD, slot="1")).outcome == Declined("lost")
        assert house.desk.asked == []

    told(story)


def test_a_page_and_a_list_of_nothing_take_their_exits() -> None:
    row = {"slot": "1", "payee_masked": "*三", "state": "ready"}

    async def story(house: House) -> None:
        says(house, "payee.list", Approved({"items": (row,), "cursor": "2"}))
        assert (await house.ask("payee.list", **CARD)).exit == "ok"
        says(house, "payee.list", Approved({"items": (row,)}))
        assert (await house.ask("payee.list", **CARD)).exit == "last"
        says(house, "payee.list", Approved({"items": ()}))
        assert (await house.ask("payee.list", **CARD)).exit == "none"

    told(story)


def test_an_exit_beside_ok_may_give_outputs() -> None:
    async def story(house: House) -> None:
        says(house, "hours.state", Declined("closed", {"opens": time(8), "on": date(2026, 11, 23)}))
        answer = await house.ask("hours.state", None, desk="teller")
        assert (answer.exit, answer.data["opens"]) == ("closed", time(8))
        says(house, "hours.state", Declined("open"))
        assert (await house.ask("hours.state", None, desk="teller")).exit == "open"

    told(story)


@pytest.mark.parametrize(
    ("service", "outcome", "why"),
    [
        ("payee.use", Approved({}), "lacks payee"),
        ("payee.use", Approved({"payee": "6227000000000000"}), "no usable card_no"),
        ("hours.state", Declined("open", {"opens": time(8)}), "gives no outputs"),
        ("hours.state", Declined("closed", {"opens": "08:00"}), "no usable time"),
    ],
)
def test_outputs_that_are_not_the_contract_s_are_a_bug_that_is_alarmed(
    service: str, outcome: Outcome, why: str
) -> None:
    async def story(house: House) -> None:
        says(house, service, outcome)
        asked = {"desk": "teller"} if service == "hours.state" else {**CARD, "slot": "1"}
        answer = await house.ask(service, **asked)
        assert answer.exit == "unavailable"
        assert isinstance(answer.outcome, Unknown)
        (alarm,) = (e for e in house.books.events if e.kind == "alarm.own")
        assert why in str(alarm.detail["why"])

    told(story)


def test_a_desk_with_a_bug_is_unavailable_and_alarmed() -> None:
    def broken(_: object) -> Outcome:
        raise KeyError("6227000000000000")

    async def story(house: House) -> None:
        house.desk.says["settings.set"] = broken
        answer = await house.ask("settings.set", **CARD, what="speed", value="slow")
        assert answer.exit == "unavailable"
        (alarm,) = (e for e in house.books.events if e.kind == "alarm.own")
        assert "KeyError" in str(alarm.detail["why"])
        assert "6227" not in str(house.books.events)

    told(story)


def test_a_store_that_is_away_is_not_done() -> None:
    async def story(house: House) -> None:
        house.desk.away = True
        answer = await house.ask("settings.set", **CARD, what="speed", value="slow")
        assert (answer.exit, answer.outcome) == ("unavailable", NotSent("journal"))

    told(story)


def test_a_decline_that_the_contract_does_not_have_takes_an_exit_that_it_has() -> None:
    async def story(house: House) -> None:
        says(house, "settings.set", Declined("strange"))
        assert (await house.ask("settings.set", **CARD, what="speed", value="x")).exit == "refused"
        says(house, "payee.remove", Declined("strange"))
        assert (await house.ask("payee.remove", **CARD, slot="1")).exit == "unavailable"

    told(story)


def test_a_service_of_another_version_or_without_a_desk_is_not_served() -> None:
    async def story(house: House) -> None:
        house.desk.serves = lambda: {"factor.kind": 2}  # type: ignore[method-assign]
        assert (await house.ask("factor.kind", **CARD)).outcome == Declined("unsupported")
        alone = Processor(
            *(house.contracts, house.host, house.journal, house.vault),
            *(ProcessorOptions(limits=house.processor._options.limits), house.processor._clock),
        )
        await alone.recover()
        house.processor = alone
        assert (await house.ask("factor.kind", **CARD)).outcome == Declined("unsupported")

    told(story)


# -- tries -----------------------------------------------------------------------------------------


async def code(house: House, service: str, by: int | None = 0) -> str:
    answer = await house.ask(service, by, **CARD, code=Secret("123456"))
    return answer.exit


def test_wrong_codes_are_counted_and_a_right_one_is_given_back() -> None:
    async def story(house: House) -> None:
        says(house, "code.verify", Declined("wrong_code"))
        assert [await code(house, "code.verify") for _ in range(2)] == ["wrong_code"] * 2
        says(house, "code.verify", Approved())
        assert await code(house, "code.verify") == "ok"
        assert list(house.tries().values()) == [2]
        says(house, "code.verify", Declined("wrong_code"))
        assert [await code(house, "code.verify") for _ in range(2)] == ["wrong_code", "locked"]
        assert len(house.desk.asked) == 4

    told(story)


def test_what_can_be_guessed_in_two_ways_has_one_number_of_tries() -> None:
    async def story(house: House) -> None:
        says(house, "code.verify", Declined("wrong_code"))
        says(house, "enrol.verify", Declined("wrong_code"))
        assert [await code(house, "enrol.verify", None) for _ in range(2)] == ["wrong_code"] * 2
        exits = [await code(house, "code.verify"), await code(house, "enrol.verify", None)]
        assert exits == ["wrong_code", "locked"]

    told(story)


def test_secrets_given_to_the_desk_are_wiped() -> None:
    async def story(house: House) -> None:
        secret = Secret("123456")
        await house.ask("code.verify", **CARD, code=secret)
        assert len(secret) == 0

    told(story)


def test_one_id_is_worked_on_once_at_a_time() -> None:
    async def story(house: House) -> None:
        import asyncio

        running = 0

        class Slow:
            serves = house.desk.serves

            async def execute(self, *_: object) -> Outcome:
                nonlocal running
                running += 1
                assert running == 1
                await asyncio.sleep(1)
                running -= 1
                return Approved({"order": "1"})

        house.processor._own = type(house.processor._own)(
            Slow(),  # type: ignore[arg-type]
            house.journal,
            house.processor._own.tries,
            house.processor._own.tiers,
        )
        made = {
            "payee": CARDS[1],
            "payee_masked": "*三",
            "amount": Money.parse("1.00"),
            "first": date(2026, 12, 1),
            "every": "once",
        }
        asked = (house.ask("order.make", name="same", **CARD, **made) for _ in range(2))
        assert [answer.exit for answer in await asyncio.gather(*asked)] == ["ok", "ok"]

    told(story)


# -- whose PIN it is -------------------------------------------------------------------------------


async def change(house: House, by: int | None, card: int = 0) -> Outcome:
    inputs = {"card": CARDS[card], "pin": Secret("135790"), "new_pin": Secret("246801")}
    return (await house.ask("pin.change", by, **inputs)).outcome


async def verify(house: House) -> str:
    return (await house.ask("pin.verify", None, **CARD, pin=Secret("135790"))).exit


def test_the_old_pin_proves_who_changes_it_and_who_is_known_changes_his_own() -> None:
    async def story(house: House) -> None:
        assert await change(house, None) == Approved()
        assert await change(house, 0) == Approved()
        assert await change(house, 1) == Declined("other_customer")
        assert len(house.host.asked) == 2

    told(story)


def test_the_old_pin_is_guessed_no_more_often_by_changing_it() -> None:
    async def story(house: House) -> None:
        for service in ("pin.verify", "pin.change"):
            house.host.says[service] = lambda _: Declined("wrong_pin")
        assert await verify(house) == "wrong_pin"
        assert [await change(house, None) for _ in range(2)] == [Declined("wrong_pin")] * 2
        assert await change(house, None) == Declined("locked")
        assert await verify(house) == "locked"
        assert len(house.host.asked) == 3

    told(story)


def test_a_right_pin_that_must_be_changed_costs_no_try_and_nor_does_a_weak_new_one() -> None:
    async def story(house: House) -> None:
        house.host.says["pin.verify"] = lambda _: Declined("first_use")
        house.host.says["pin.change"] = lambda _: Declined("weak_pin")
        for _ in range(4):
            assert await verify(house) == "first_use"
            assert await change(house, None) == Declined("weak_pin")
        assert house.tries() == {}

    told(story)


def test_a_one_time_code_opens_enrolment_and_nothing_else() -> None:
    async def enrol(house: House, level: AuthLevel, by: int | None = 0) -> Outcome:
        secret = Secret("246801")
        inputs = {"card": CARDS[0], "identity": "1234", "new_pin": secret}
        return (await house.ask("pin.enrol", by, level, **inputs)).outcome

    async def story(house: House) -> None:
        assert await enrol(house, CODE) == Approved()
        assert await enrol(house, BOTH) == Approved()
        assert await enrol(house, PIN) == Declined("not_authenticated")
        assert await enrol(house, CODE, None) == Declined("not_authenticated")
        assert await enrol(house, CODE, 1) == Declined("other_customer")
        balance = await house.ask("card.balance", 0, CODE, **CARD)
        assert balance.outcome == Declined("not_authenticated")

    told(story)


def test_identity_digits_are_guessed_in_one_number_of_tries() -> None:
    async def story(house: House) -> None:
        for service in ("customer.identify", "pin.enrol"):
            house.host.says[service] = lambda _: Declined("not_matched")
        for _ in range(4):
            asked = await house.ask("customer.identify", None, **CARD, identity="1")
            assert asked.exit == "not_matched"
        inputs = {"card": CARDS[0], "identity": "2", "new_pin": Secret("1")}
        assert (await house.ask("pin.enrol", 0, CODE, **inputs)).exit == "not_matched"
        last = await house.ask("customer.identify", None, **CARD, identity="3")
        assert last.exit == "locked"

    told(story)


def test_a_code_that_is_over_costs_no_try() -> None:
    async def story(house: House) -> None:
        for service in ("code.verify", "enrol.verify"):
            says(house, service, Declined("expired"))
        exits = [await code(house, "code.verify") for _ in range(4)]
        assert exits == ["expired"] * 4
        assert await code(house, "enrol.verify", None) == "expired"
        assert house.tries() == {}

    told(story)
