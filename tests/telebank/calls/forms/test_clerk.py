"""A teller does a service for his caller: read back, confirmed by the caller's PIN, once."""

import asyncio
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest

from support.calls_house import CARD, PIN
from support.form_counter import CALL, DONE, PAYEE, SEAT, TERMS, FormDesk, edition
from telebank.calls.edition import Edition
from telebank.calls.forms.clerk import RELEASES, NotNow
from telebank.calls.forms.endings import advice
from telebank.calls.forms.making import forms_of
from telebank.calls.forms.model import Form
from telebank.calls.forms.slips import EACH, SLIP_S, Result, Slip
from telebank.calls.forms.terms import terms_of
from telebank.flow.options import LANGUAGES
from transactions.card import CardNumber
from transactions.money import Money
from transactions.request import AuthLevel, Language

OTHER_CARD = "6227000001000037"


async def settled(desk: FormDesk, slip: Slip) -> Slip:
    while slip.state == "working":
        await asyncio.sleep(0)
    await asyncio.sleep(0)  # the machine has said it by then
    return desk.clerk.slip(SEAT, CALL, slip.id)


async def test_a_transfer_is_read_back_confirmed_by_the_pin_and_posted_once() -> None:
    desk = FormDesk()
    slip = await desk.transfer()
    assert isinstance(slip, Slip)
    assert [line.name for line in slip.lines] == ["payee_masked", "amount", "fee"]
    assert desk.room.caller.services() == ["transfer.quote"]
    for _ in range(3):  # a finger that trembles
        assert desk.clerk.confirm(SEAT, CALL, slip.id).state == "pin"
    assert (desk.room.entries, desk.room.caller.services()) == (1, ["transfer.quote"])
    desk.room.entered()
    assert desk.clerk.confirm(SEAT, CALL, slip.id).state == "working"
    done = await settled(desk, slip)
    assert desk.clerk.confirm(SEAT, CALL, slip.id) is done
    assert desk.room.entries == 1
    (_, posted) = desk.room.caller.asked
    assert posted[0] == SEAT
    assert posted[1].service == "transfer.card_to_card"
    assert dict(posted[1].inputs) == {"quote": "Q1"}
    assert posted[1].authenticated == CardNumber(CARD)
    assert done.result is not None
    assert (done.result.kind, done.result.reference) == ("done", DONE["ref"])
    assert done.result.words.en.startswith("The transfer is done.")
    assert [note["state"] for note in desk.room.notes] == ["asked", "pin", "confirmed", "answered"]
    assert PAYEE not in repr(desk.room.notes) + repr(slip) + repr(done.result)
    ((spoken,),) = desk.room.caller.said
    assert (spoken.prompt_id, dict(spoken.values)) == ("tr.done", dict(DONE)), "by the machine"
    assert (desk.room.telling_, done.saying) == ([True, False], False)
    desk.clerk.told(SEAT, CALL, slip.id)
    assert [told.exit for told in desk.room.caller.heard] == ["ok"]


@pytest.mark.parametrize("outcome", ["wrong", "locked", "given_up", "unavailable"])
async def test_a_pin_that_is_not_right_confirms_nothing(outcome: str) -> None:
    desk = FormDesk()
    slip = await desk.transfer()
    desk.clerk.confirm(SEAT, CALL, slip.id)
    desk.room.entered(outcome)
    await asyncio.sleep(0)
    assert (slip.state, slip.entry) == ("open", outcome)
    assert desk.room.caller.services() == ["transfer.quote"]
    desk.clerk.confirm(SEAT, CALL, slip.id)
    desk.room.entered()
    assert (await settled(desk, slip)).state == "done"


async def test_another_cards_pin_and_one_that_was_taken_back_confirm_nothing() -> None:
    desk = FormDesk()
    slip = await desk.transfer()
    desk.clerk.confirm(SEAT, CALL, slip.id)
    desk.room.entered(card=OTHER_CARD)
    assert slip.state == "open"
    desk.clerk.confirm(SEAT, CALL, slip.id)
    late = desk.room.then
    desk.room.taken_back()
    assert late is not None
    assert (desk.clerk.slip(SEAT, CALL, slip.id).state, slip.entry) == ("open", "cancelled")
    desk.room.caller.card = CardNumber(OTHER_CARD)
    with pytest.raises(NotNow, match="other_customer"):
        desk.clerk.confirm(SEAT, CALL, slip.id)
    assert desk.room.caller.services() == ["transfer.quote"]


async def test_a_slip_is_of_one_seat_one_call_and_a_short_time() -> None:
    desk = FormDesk()
    slip = await desk.transfer()
    for seat, call in (("wang", CALL), (SEAT, "01-1-8")):
        with pytest.raises(NotNow, match="no_slip"):
            desk.clerk.slip(seat, call, slip.id)
        with pytest.raises(NotNow, match="no_call"):
            desk.clerk.confirm(seat, call, slip.id)
    desk.at += SLIP_S
    with pytest.raises(NotNow, match="slip_over"):
        desk.clerk.confirm(SEAT, CALL, slip.id)
    assert desk.room.entries == 0


async def test_of_an_unknown_outcome_nobody_is_offered_a_second_try() -> None:
    desk = FormDesk()
    slip = await desk.transfer()
    desk.room.caller.exits["transfer.card_to_card"] = ("in_doubt", {})
    desk.clerk.confirm(SEAT, CALL, slip.id)
    desk.room.entered()
    done = await settled(desk, slip)
    assert done.result is not None
    assert (done.result.kind, done.result.reference) == ("in_doubt", "")
    assert "do not repeat it" in done.result.words.en
    assert "Do not do it again" in done.result.advice.en
    assert desk.clerk.confirm(SEAT, CALL, slip.id).state == "done"
    broken = await desk.transfer()
    desk.clerk.confirm(SEAT, CALL, broken.id)
    desk.room.caller.breaks = True
    desk.room.entered()
    assert (await settled(desk, broken)).result.kind == "in_doubt"  # type: ignore[union-attr]


async def test_what_only_tells_needs_no_pin_and_what_the_host_refuses_is_said() -> None:
    desk = FormDesk()
    money = Money.parse("1234.50")
    desk.room.caller.exits["card.balance"] = ("ok", {"available": money, "ledger": money})
    told = await desk.quote("card.balance")
    assert isinstance(told, Result)
    assert [line.value.en for line in told.lines] == ["1,234.50 yuan", "1,234.50 yuan"]
    assert "ending zero zero one one" in told.words.en
    row = {"what": "salary", "amount": money}
    desk.room.caller.exits["card.today"] = ("ok", {"items": (row, row), "cursor": "C2"})
    page = await desk.quote("card.today")
    assert page.table is not None
    assert (len(page.table.rows), page.cursor) == (2, "C2")
    await desk.quote("card.today", cursor="C2")
    assert desk.room.caller.asked[-1][1].inputs["cursor"] == "C2"
    desk.room.caller.exits["transfer.quote"] = ("insufficient", {})
    refused = await desk.quote("transfer.card_to_card", to=PAYEE, amount="100")
    assert (refused.kind, refused.words.en) == (
        "refused",
        "There is not enough money in the account.",
    )
    assert desk.room.entries == 0
    assert "pay in first" in refused.advice.en
    wrong = await desk.quote("transfer.card_to_card", to=CARD, amount="0")
    assert set(wrong) == {"to", "amount"}
    assert "own card" in wrong["to"].en


async def test_a_loss_is_reported_for_who_has_proved_nothing_and_is_confirmed_first() -> None:
    desk = FormDesk()
    desk.room.caller.level, desk.room.caller.card = AuthLevel.NONE, None
    desk.room.caller.exits["card.report_loss"] = ("stored", {"ref": "012345678901"})
    for service in ("card.balance", "transfer.card_to_card"):
        with pytest.raises(NotNow, match="not_proved"):
            await desk.quote(service)
    slip = await desk.quote("card.report_loss", card=CARD, identity="1234")
    assert desk.room.caller.asked == []
    desk.clerk.confirm(SEAT, CALL, slip.id)
    done = await settled(desk, slip)
    assert (done.result.kind, desk.room.entries) == ("done", 0)
    assert desk.room.caller.services() == ["card.report_loss"]


async def test_what_the_host_knows_is_asked_before_it_is_read_back() -> None:
    desk = FormDesk()
    desk.room.caller.exits["payee.check"] = ("ok", {"payee_masked": TERMS["payee_masked"]})
    fields = {"payee": PAYEE, "amount": "10", "first": "2027-01-31", "every": "month"}
    slip = await desk.quote("order.make", **fields)
    assert desk.room.caller.services() == ["payee.check"]
    assert next(line.value.en for line in slip.lines) == TERMS["payee_masked"]
    desk.room.caller.exits["payee.check"] = ("bad_payee", {})
    refused = await desk.quote("order.make", **fields)
    assert (refused.kind, refused.exit) == ("refused", "bad_payee")
    with pytest.raises(NotNow, match="no_service"):
        await desk.quote("pin.verify", pin=PIN)


async def test_the_machine_tells_the_result_in_the_words_of_the_menus() -> None:
    desk = FormDesk()
    slip = await desk.transfer()
    with pytest.raises(NotNow, match="no_words"):
        desk.clerk.say(SEAT, CALL, slip.id)
    desk.room.caller.hears = False
    desk.clerk.confirm(SEAT, CALL, slip.id)
    desk.room.entered()
    await settled(desk, slip)
    assert not slip.told, "what was cut off"
    assert desk.room.caller.heard == []
    desk.room.caller.hears = True
    desk.clerk.say(SEAT, CALL, slip.id)
    assert slip.saying
    await asyncio.sleep(0)
    ((spoken,), (again,)) = desk.room.caller.said
    assert again == spoken
    assert (spoken.prompt_id, dict(spoken.values)) == ("tr.done", dict(DONE))
    assert [told.exit for told in desk.room.caller.heard] == ["ok"]


async def test_a_page_that_is_loaded_anew_finds_its_slip_and_old_ones_go() -> None:
    desk = FormDesk()
    first = await desk.transfer()
    offer = await desk.clerk.offer(SEAT, CALL, "bills")
    assert (offer.last, offer.business) == (first, "bill.pay")
    desk.clerk.confirm(SEAT, CALL, first.id)
    for _ in range(EACH):
        latest = await desk.transfer()
    assert (await desk.clerk.offer(SEAT, CALL)).last is latest
    assert desk.clerk.slip(SEAT, CALL, first.id).state == "pin"  # its PIN is under way
    with pytest.raises(NotNow, match="no_slip"):
        desk.clerk.slip(SEAT, CALL, "slip2")


def said(words: Any, language: Language) -> str:
    """Terms in words."""
    speaker = edition().speaker
    parts = []
    for one in words:
        known = {
            name: value.masked if isinstance(value, CardNumber) else value
            for name, value in one.values.items()
        }
        cut = one.to_last_value
        parts.append(speaker.render(one.prompt_id, known, language, to_last_value=cut).text)
    return " ".join(parts)


async def test_what_he_signs_is_read_to_him_in_the_words_of_the_menus() -> None:
    desk = FormDesk()
    slip = await desk.transfer()
    desk.clerk.confirm(SEAT, CALL, slip.id)
    assert desk.room.terms is not None
    assert not desk.room.terms.factor
    words = desk.room.terms.words
    assert [one.prompt_id for one in words] == ["tr.confirm"]
    assert said(words, "zh") == "向尾号零零二九的卡转账一百元，手续费一元"
    assert said(words, "en") == (
        "Transfer one hundred yuan to the card ending zero zero two nine, fee one yuan"
    )
    desk.room.caller.exits["transfer.quote"] = ("repeated", TERMS)
    again = await desk.quote("transfer.card_to_card", to=PAYEE, amount="100.00")
    assert again.again
    assert [one.prompt_id for one in again.terms] == ["tr.confirm_again"]


def sample(kind: str) -> Any:
    return {
        "money": Money.parse("12.34"),
        "card_no": CardNumber(PAYEE),
        "digits": "1234567890",
        "number": 7,
        "rate": Decimal("1.5"),
        "date": date(2027, 1, 31),
        "time": time(9, 30),
        "text": "622700******0029",
    }.get(kind, "other")


def signed_forms() -> list[Form]:
    forms = forms_of(edition().release)
    return [form for form in forms.values() if form.pin]


@pytest.mark.parametrize("form", signed_forms(), ids=lambda form: form.service)
@pytest.mark.parametrize("again", [False, True])
def test_every_form_that_is_signed_has_its_terms(form: Form, again: bool) -> None:
    """And they say no key; what the form does not have a list or its menu tells."""
    contracts = edition().release.contracts
    asked = contracts[form.asks]
    must = {name: kind for name, kind in asked.inputs.items() if name not in asked.optional}
    given = {name: sample(kind) for name, kind in must.items()}
    told = {name: sample(kind) for name, kind in asked.outputs.items()}
    rows = {
        name: sample(contracts[by.service].rows[by.rows].columns[name])
        for name, by in form.rows.items()
    }
    words = terms_of(form.backs, given, {**rows, **given, **told}, again=again)
    assert words
    for language in LANGUAGES:
        text = said(words, language)
        assert "请按" not in text
        assert "Press" not in text
        if again and form.asks != form.service:
            assert "十分钟" in text or "ten minutes" in text


def test_the_read_back_is_that_of_the_menu_which_asks_for_the_same() -> None:
    forms = forms_of(edition().release)
    money = Money.parse("12.34")
    told = {"fee": money, "rate": Decimal("1.5"), "interest": money, "matures": date(2027, 1, 31)}
    for service, given, prompt in (
        ("deposit.place", {"kind": "savings", "amount": money}, "place.confirm"),
        ("deposit.place", {"kind": "time", "term": "y1", "amount": money}, "place.confirm_term"),
        ("loan.open", {"amount": money, "term": "y1"}, "loan.confirm"),
        ("loan.open", {"amount": money, "term": "y1", "sub": "1234"}, "loan.confirm_pledged"),
    ):
        values = {**told, **given}
        words = terms_of(forms[service].backs, {"card": 0, **given}, values, again=False)
        assert words[0].prompt_id == prompt, service


async def test_a_payee_is_found_in_the_customers_list_before_he_signs_for_him() -> None:
    desk = FormDesk()
    row = {"slot": "2", "payee_masked": TERMS["payee_masked"], "state": "ready"}
    desk.room.caller.exits["payee.list"] = ("ok", {"items": ({**row, "slot": "1"}, row)})
    slip = await desk.quote("payee.remove", slot="2")
    assert isinstance(slip, Slip)
    assert said(slip.terms, "en") == ("Remove the payee with the card ending zero zero two nine.")
    assert TERMS["payee_masked"] in [line.value.en for line in slip.lines]
    missing = await desk.quote("payee.remove", slot="7")
    assert (missing.kind, missing.exit) == ("refused", "none")


async def test_what_wants_a_second_factor_is_signed_by_one() -> None:
    desk = FormDesk()
    desk.room.caller.exits |= {
        "transfer.quote": ("prove", TERMS),
        "transfer.card_to_card": ("ok", DONE),
        "payee.check": ("ok", {"payee_masked": TERMS["payee_masked"]}),
    }
    slip = await desk.quote("transfer.card_to_card", to=PAYEE, amount="40000")
    desk.clerk.confirm(SEAT, CALL, slip.id)
    assert desk.room.terms is not None
    assert desk.room.terms.factor
    desk.room.entered()  # by his PIN alone
    assert (slip.state, slip.entry) == ("open", "no_factor")
    desk.clerk.confirm(SEAT, CALL, slip.id)
    desk.room.entered(level=AuthLevel.SECOND_FACTOR)
    await settled(desk, slip)
    assert desk.room.caller.asked[-1][1].auth is AuthLevel.SECOND_FACTOR
    payee = await desk.quote("payee.add", payee=PAYEE)
    assert (payee.factor, payee.form.level) == (True, AuthLevel.SECOND_FACTOR)
    desk.room.caller.level = AuthLevel.SECOND_FACTOR
    assert (await desk.quote("payee.add", payee=PAYEE)).factor, "as the menus do, each time"


async def test_what_turns_out_to_want_a_second_factor_is_signed_anew() -> None:
    desk = FormDesk()
    desk.room.caller.exits["ceiling.set"] = ("prove", {})
    slip = await desk.quote("ceiling.set", amount="5000000")
    desk.clerk.confirm(SEAT, CALL, slip.id)
    desk.room.entered()
    await settled(desk, slip)
    assert (slip.state, slip.entry, slip.factor) == ("open", "prove", True)
    desk.room.caller.exits["ceiling.set"] = ("ok", {"since": date(2027, 1, 31)})
    desk.clerk.confirm(SEAT, CALL, slip.id)
    desk.room.entered(level=AuthLevel.SECOND_FACTOR)
    done = await settled(desk, slip)
    first, second = (submit for _, submit in desk.room.caller.asked)
    assert first.visit != second.visit
    assert (done.result.kind, second.auth) == ("done", AuthLevel.SECOND_FACTOR)


async def test_a_result_is_told_to_nobody_who_has_not_signed_it() -> None:
    desk = FormDesk()
    slip = await desk.transfer()
    desk.clerk.confirm(SEAT, CALL, slip.id)
    desk.room.caller.card = None  # his PIN is locked since
    desk.room.entered()
    await settled(desk, slip)
    assert desk.room.caller.said == []
    with pytest.raises(NotNow, match="not_proved"):
        desk.clerk.say(SEAT, CALL, slip.id)


async def test_a_result_is_told_by_nobody_to_another_customer() -> None:
    desk = FormDesk()
    desk.room.caller.hears = False
    slip = await desk.transfer()
    desk.clerk.confirm(SEAT, CALL, slip.id)
    desk.room.entered()
    await settled(desk, slip)
    for card, why in ((CardNumber(OTHER_CARD), "other_customer"), (None, "not_proved")):
        desk.room.caller.card = card
        with pytest.raises(NotNow, match=why):
            desk.clerk.told(SEAT, CALL, slip.id)
    assert (slip.told, desk.room.caller.heard) == (False, [])
    desk.room.caller.card = CardNumber(CARD)
    assert desk.clerk.told(SEAT, CALL, slip.id).told
    assert [told.exit for told in desk.room.caller.heard] == ["ok"]


async def test_of_a_call_that_ends_while_the_host_is_asked_nothing_is_kept_or_told() -> None:
    desk = FormDesk()
    money = Money.parse("1234.50")
    desk.room.caller.exits["card.balance"] = ("ok", {"available": money, "ledger": money})
    for asked in (desk.transfer, lambda: desk.quote("card.balance")):
        desk.room.caller.asked.clear()
        desk.room.caller.answers.clear()
        asking = asyncio.create_task(asked())
        while not desk.room.caller.asked:
            await asyncio.sleep(0)
        desk.room.gone = True
        desk.clerk.over(CALL)
        desk.room.caller.answers.set()
        with pytest.raises(NotNow, match="no_call"):
            await asking
        desk.room.gone = False
        assert (await desk.clerk.offer(SEAT, CALL)).last is None


async def test_a_seat_asks_the_host_of_one_form_at_a_time() -> None:
    desk = FormDesk()
    desk.room.caller.answers.clear()
    asking = asyncio.create_task(desk.transfer())
    while not desk.room.caller.asked:
        await asyncio.sleep(0)
    with pytest.raises(NotNow, match="asking"):
        await desk.transfer()
    assert desk.room.caller.services() == ["transfer.quote"]
    desk.room.caller.answers.set()
    assert isinstance(await asking, Slip)
    assert isinstance(await desk.transfer(), Slip)


async def test_forms_that_are_in_use_are_not_made_again() -> None:
    """Those of an old call too, whatever menus others are in since."""
    desk = FormDesk()
    old = edition()
    first = (await desk.clerk.offer(SEAT, CALL)).forms
    for number in range(RELEASES):
        newer = replace(old.release, hash=str(number))
        desk.room.caller.edition = Edition(newer, old.speaker)
        await desk.clerk.offer(SEAT, CALL)
        desk.room.caller.edition = old
        again = (await desk.clerk.offer(SEAT, CALL)).forms
        assert again[0] is first[0]


@pytest.mark.parametrize(
    ("service", "exit_name", "words"),
    [
        ("ceiling.set", "unavailable", "look how it stands"),
        ("transfer.card_to_card", "refused", "a branch"),
        ("transfer.quote", "unavailable", "Nothing was done"),
        ("card.balance", "ok", ""),
    ],
)
def test_the_teller_is_told_what_to_do_next(service: str, exit_name: str, words: str) -> None:
    said = advice(edition().contracts[service].effect, exit_name)
    assert words in said.en
    assert bool(said.zh) == bool(words)
