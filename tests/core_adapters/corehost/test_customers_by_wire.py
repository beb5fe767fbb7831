"""Customers' own services by wire: the gateway's adapter, tb87, the real host process."""

from collections.abc import AsyncIterator
from datetime import date
from itertools import count

import pytest

from core_adapters.corehost.seed import SeedCard, trial_set
from support.bank_services import Asker, asker
from support.corehost_client import Line, Terminal
from support.corehost_process import CoreHostProcess, special_card
from support.lending_wire import approved, listed
from transactions.card import CardNumber
from transactions.money import Money, currency
from transactions.outcome import Approved, Declined, Outcome, Unknown, Value
from transactions.secret import Secret

CNY = currency("CNY")
CARDS = count(30)
CHEQUES = next(one for one in trial_set() if one.cheques)
COMPANY = next(one for one in trial_set() if one.company)
NEW_PIN = "907213645820"
PAID, RETURNED, STOPPED, FIRST_FREE = "10020001", "10020002", "10020003", "10020004"


@pytest.fixture
async def caller(shared_host: CoreHostProcess) -> AsyncIterator[Asker]:
    async with asker(shared_host) as one:
        yield one


@pytest.fixture
def card(shared_host: CoreHostProcess) -> SeedCard:
    """A card that no other test touches."""
    return shared_host.cards[next(CARDS)]


def number(one: SeedCard) -> CardNumber:
    return CardNumber(one.card)


async def verified(caller: Asker, one: SeedCard, pin: str) -> Outcome:
    return await caller.ask("pin.verify", card=number(one), pin=Secret(pin))


async def changed(caller: Asker, one: SeedCard, pin: str, new: str) -> Outcome:
    asked: dict[str, Value] = {"pin": Secret(pin), "new_pin": Secret(new)}
    return await caller.ask("pin.change", card=number(one), **asked)


async def enrolled(caller: Asker, one: SeedCard, identity: str, new: str) -> Outcome:
    asked: dict[str, Value] = {"identity": identity, "new_pin": Secret(new)}
    return await caller.ask("pin.enrol", card=number(one), **asked)


async def test_a_first_pin_is_good_for_its_change_alone(own_host: CoreHostProcess) -> None:
    one = special_card("first_use")
    async with asker(own_host) as caller:
        for _ in range(4):  # right, so that none of them counts
            assert await verified(caller, one, one.pin) == Declined("first_use")
        assert await verified(caller, one, NEW_PIN) == Declined("wrong_pin")
        assert await changed(caller, one, one.pin, "111111111111") == Declined("weak_pin")
        assert await verified(caller, one, one.pin) == Declined("first_use")
        assert isinstance(await changed(caller, one, one.pin, NEW_PIN), Approved)
        assert isinstance(await verified(caller, one, NEW_PIN), Approved)
        assert await verified(caller, one, one.pin) == Declined("wrong_pin")


@pytest.mark.parametrize("part", ["card", "identity", "falling", "same"])
async def test_a_pin_that_anybody_would_try_is_refused(
    caller: Asker, card: SeedCard, part: str
) -> None:
    weak = {
        "card": card.card[-8:],
        "identity": f"90{card.identity}",
        "falling": "876543",
        "same": "444444",
    }
    assert await changed(caller, card, card.pin, weak[part]) == Declined("weak_pin")
    assert isinstance(await verified(caller, card, card.pin), Approved)


async def test_who_has_no_pin_opens_telephone_banking_with_his_identity(
    own_host: CoreHostProcess,
) -> None:
    one = special_card("unenrolled")
    async with asker(own_host) as caller:
        for _ in range(12):  # there is nothing to guess, and so nothing to lock
            assert await verified(caller, one, one.pin) == Declined("wrong_pin")
        told = approved(
            await caller.ask("customer.identify", card=number(one), identity=one.identity)
        )
        assert told == {"mobile": f"100{one.card[7:15]}"}
        wrong = str((int(one.identity) + 1) % 10_000).zfill(4)
        assert await enrolled(caller, one, wrong, NEW_PIN) == Declined("not_matched")
        assert await enrolled(caller, one, one.identity, "123456") == Declined("weak_pin")
        assert isinstance(await enrolled(caller, one, one.identity, NEW_PIN), Approved)
        assert isinstance(await verified(caller, one, NEW_PIN), Approved)
        again = await caller.ask("customer.identify", card=number(one), identity=one.identity)
        assert again == Declined("enrolled")
        outcome = await enrolled(caller, one, one.identity, "819273645091")
        assert isinstance(outcome, Declined)
        assert outcome.reason != "not_matched"
        assert isinstance(await verified(caller, one, NEW_PIN), Approved)


async def test_the_days_lock_is_lifted_and_one_for_branches_is_not(
    own_host: CoreHostProcess,
) -> None:
    one = own_host.cards[30]

    async def unlocks(service: str, identity: str = one.identity) -> Outcome:
        return await caller.ask(service, card=number(one), identity=identity)

    async with asker(own_host) as caller:
        for right in (Declined("wrong_pin"),) * 3 + (Declined("locked"),):
            assert await verified(caller, one, NEW_PIN) == right
        other = f"{int(one.identity) ^ 1:04d}"
        for service in ("pin.locked", "pin.unlock"):
            assert await unlocks(service, other) == Declined("not_matched")
        assert await verified(caller, one, one.pin) == Declined("locked")
        assert approved(await unlocks("pin.locked")) == {"mobile": f"100{one.card[7:15]}"}
        assert await verified(caller, one, one.pin) == Declined("locked"), "it was only asked"
        assert isinstance(await unlocks("pin.unlock"), Approved)
        for _ in range(2):
            for _ in range(3):
                assert await verified(caller, one, NEW_PIN) == Declined("wrong_pin")
            assert isinstance(await unlocks("pin.unlock"), Approved)
        assert await verified(caller, one, NEW_PIN) == Declined("wrong_pin"), "the tenth in all"
        for service in ("pin.locked", "pin.unlock"):
            assert await unlocks(service) == Declined("branch")
        assert await verified(caller, one, one.pin) == Declined("locked")


async def test_whose_pin_is_unlocked_by_no_call(own_host: CoreHostProcess) -> None:
    async with asker(own_host) as caller:
        for state, reason in (("unenrolled", "not_open"), ("no_mobile", "none"), ("hot", "lost")):
            one = special_card(state)
            asked = await caller.ask("pin.locked", card=number(one), identity=one.identity)
            assert asked == Declined(reason)


async def test_who_is_who_before_he_is_told_anything(caller: Asker, card: SeedCard) -> None:
    async def told(one: SeedCard | str, identity: str) -> Outcome:
        asked = CardNumber(one) if isinstance(one, str) else number(one)
        return await caller.ask("customer.identify", card=asked, identity=identity)

    assert await told(card, card.identity) == Declined("enrolled")
    assert await told(card, f"{int(card.identity) ^ 1:04d}") == Declined("not_matched")
    hot = special_card("hot")
    assert await told(hot, hot.identity) == Declined("lost")
    assert await told("6227000000000012", "1234") == Declined("bad_card")


async def test_the_number_that_the_bank_knows(caller: Asker, card: SeedCard) -> None:
    told = approved(await caller.ask("customer.mobile", card=number(card)))
    assert told == {"mobile": f"100{card.card[7:15]}"}
    outcome = await caller.ask("customer.mobile", card=number(special_card("no_mobile")))
    assert outcome == Declined("none")


async def test_the_mail_address_that_the_bank_knows(caller: Asker, card: SeedCard) -> None:
    told = approved(await caller.ask("customer.mail", card=number(card)))
    assert told == {"mail": f"c{card.card[6:15]}@example.com"}
    nobody = await caller.ask("customer.mail", card=number(special_card("no_mobile")))
    assert nobody == Declined("none")
    assert await caller.ask("customer.mail", card=number(special_card("hot"))) != nobody


async def test_a_payee_is_checked_before_he_is_registered(
    caller: Asker, card: SeedCard, shared_host: CoreHostProcess
) -> None:
    other = shared_host.cards[0]

    async def checked(payee: str) -> Outcome:
        return await caller.ask("payee.check", card=number(card), payee=CardNumber(payee))

    masked = approved(await checked(other.card))["payee_masked"]
    assert str(masked).endswith(other.card[-4:])
    assert other.card not in str(masked)
    assert await checked(card.card) == Declined("bad_payee")
    assert await checked("6227000000000012") == Declined("bad_payee")
    assert await checked(special_card("closed").card) == Declined("bad_payee")


async def test_what_became_of_a_cheque(caller: Asker) -> None:
    async def told(one: SeedCard, cheque: str) -> Outcome:
        return await caller.ask("cheque.status", card=number(one), cheque=cheque)

    states = {n: approved(await told(CHEQUES, n)) for n in (PAID, RETURNED, STOPPED)}
    assert {n: one["state"] for n, one in states.items()} == {
        PAID: "paid",
        RETURNED: "returned",
        STOPPED: "stopped",
    }
    assert states[PAID]["amount"] == Money(120_000, CNY)
    assert states[PAID]["on"] < states[RETURNED]["on"] < states[STOPPED]["on"]
    free = approved(await told(CHEQUES, "10020025"))
    assert (free["state"], free["amount"]) == ("unused", Money(0, CNY))
    assert await told(CHEQUES, "10020026") == Declined("no_cheque")
    assert await told(special_card("empty"), PAID) == Declined("no_account")
    assert approved(await told(COMPANY, STOPPED))["state"] == "stopped"


async def test_cheques_are_stopped_all_or_none(own_host: CoreHostProcess) -> None:
    async with asker(own_host) as caller:

        async def stop(first: str, last: str, one: SeedCard = CHEQUES) -> Outcome:
            return await caller.ask("cheque.stop", card=number(one), first=first, last=last)

        async def state(cheque: str) -> str:
            told = await caller.ask("cheque.status", card=number(CHEQUES), cheque=cheque)
            return str(approved(told)["state"])

        before = own_host.balances()
        assert await stop(PAID, FIRST_FREE) == Declined("paid")
        assert await stop("10020024", "10020026") == Declined("no_cheque")
        assert await stop("10020006", "10020005") == Declined("no_cheque")
        assert await state(FIRST_FREE) == "unused"
        assert approved(await stop(FIRST_FREE, FIRST_FREE))["count"] == 1
        assert await state(FIRST_FREE) == "stopped"
        assert await stop(RETURNED, "10020006") == Declined("refused")
        assert approved(await stop("10020003", "10020006"))["count"] == 4
        states = [await state(f"1002000{n}") for n in range(2, 8)]
        assert states == ["returned", *["stopped"] * 4, "unused"]
        nobody = await stop(FIRST_FREE, FIRST_FREE, special_card("empty"))
        assert nobody == Declined("no_cheque")
        assert own_host.balances() == before
        assert own_host.findings() == []


async def test_one_cheque_book_at_a_time_is_ordered(own_host: CoreHostProcess) -> None:
    async with asker(own_host) as caller:

        async def order(one: SeedCard, leaves: str = "l25") -> Outcome:
            return await caller.ask("cheque.order", card=number(one), leaves=leaves)

        ready = approved(await order(CHEQUES))["ready"]
        assert isinstance(ready, date)
        assert await order(CHEQUES, "l50") == Declined("too_many")
        assert approved(await order(COMPANY, "l50"))["ready"] == ready
        assert await order(special_card("empty")) == Declined("no_account")
        assert isinstance(await order(CHEQUES, "l99"), Declined)
        assert own_host.findings() == []


async def moved(caller: Asker, one: SeedCard, to: SeedCard) -> Outcome:
    """A transfer of 1.00, quoted and posted."""
    inputs: dict[str, Value] = {"from": number(one), "to": number(to), "amount": Money(100, CNY)}
    terms = approved(await caller.ask("transfer.quote", **inputs))
    order = caller.request("transfer.card_to_card", {**inputs, **terms})
    return await caller.host.execute(order, caller.journal)


async def test_a_card_not_yet_active_asks_but_does_not_pay(own_host: CoreHostProcess) -> None:
    one, other = special_card("inactive"), own_host.cards[0]
    async with asker(own_host) as caller:

        async def activate(identity: str) -> Outcome:
            return await caller.ask("card.activate", card=number(one), identity=identity)

        assert isinstance(await verified(caller, one, one.pin), Approved)
        assert approved(await caller.ask("card.balance", card=number(one)))
        before = own_host.balances()
        assert await moved(caller, one, other) == Declined("restricted")
        assert await deposited(caller, one) == Declined("restricted")
        assert own_host.balances() == before
        assert isinstance(await moved(caller, other, one), Approved)
        assert await activate(f"{int(one.identity) ^ 1:04d}") == Declined("not_matched")
        assert isinstance(await activate(one.identity), Approved)
        assert await activate(one.identity) == Declined("already")
        assert isinstance(await moved(caller, one, other), Approved)
        assert own_host.findings() == []


async def deposited(caller: Asker, one: SeedCard) -> Outcome:
    asked: dict[str, Value] = {"kind": "savings", "amount": Money(5_000, CNY)}
    terms = approved(await caller.ask("deposit.place_quote", card=number(one), **asked))
    order = caller.request("deposit.place", {"card": number(one), **asked, **terms})
    return await caller.host.execute(order, caller.journal)


async def test_a_block_is_lifted_before_its_time(
    caller: Asker, card: SeedCard, shared_host: CoreHostProcess
) -> None:
    async def block(days: int) -> Outcome:
        return await caller.ask("card.block", card=number(card), days=days)

    other = shared_host.cards[0]
    assert isinstance(await moved(caller, card, other), Approved)
    assert await caller.ask("card.unblock", card=number(card)) == Declined("not_blocked")
    for days in (0, 91):
        assert isinstance(await block(days), Declined)
    assert isinstance(approved(await block(7))["until"], date)
    assert await block(3) == Declined("already")
    assert await moved(caller, card, other) == Declined("restricted")
    assert approved(await caller.ask("card.balance", card=number(card)))
    assert isinstance(await caller.ask("card.unblock", card=number(card)), Approved)
    assert isinstance(await moved(caller, card, other), Approved)


async def test_deposits_are_known_by_the_names_that_they_were_given(
    caller: Asker, card: SeedCard
) -> None:
    async def called(sub: str, name: str) -> Outcome:
        return await caller.ask("account.name", card=number(card), sub=sub, name=name)

    before = await listed(caller, "deposit.list", card=number(card))
    assert [row["name"] for row in before] == [
        "savings_account" if row["kind"] == "savings" else row["kind"] for row in before
    ]
    assert isinstance(await called("0003", "travel"), Approved)
    assert isinstance(await called("0003", "home"), Approved)
    assert isinstance(await called("0001", "wages"), Approved)
    after = await listed(caller, "deposit.list", card=number(card))
    given = {"0001": "wages", "0003": "home"}
    assert after == [{**row, "name": given.get(row["sub"], row["name"])} for row in before]
    assert await called("0099", "home") == Declined("no_account")
    assert isinstance(await called("0001", "castle"), Declined)
    nobody = await caller.ask(
        "account.name", card=number(special_card("empty")), sub="0001", name="home"
    )
    assert nobody == Declined("no_account")


@pytest.mark.parametrize(
    ("service", "inputs"),
    [
        ("cheque.stop", {"first": "10020010", "last": "10020012"}),
        ("cheque.order", {"leaves": "l50"}),
        ("card.block", {"days": 3}),
        ("account.name", {"sub": "0001", "name": "home"}),
    ],
)
async def test_a_repeat_hears_the_same_and_does_nothing_twice(
    own_host: CoreHostProcess, service: str, inputs: dict[str, Value]
) -> None:
    own_host.plan([{"match": {"mti": "0302"}, "action": "cut_after", "times": 1}])
    async with asker(own_host) as caller:
        request = caller.request(service, {"card": number(CHEQUES), **inputs})
        lost = await caller.host.execute(request, caller.journal)
        first = caller.journal.sent[-1]
        assert (isinstance(lost, Unknown), first.mti) == (True, "0302")
        assert await caller.host.wait_signed_on(20.0)
        repeated = await caller.host.execute(request, caller.journal, repeat_of=first)
        assert isinstance(repeated, Approved), repeated
        assert caller.journal.sent[-1].mti == "0303"
        again = await caller.host.execute(request, caller.journal, repeat_of=first)
        assert again == repeated
    assert own_host.findings() == []


async def test_what_no_menu_asks_for_is_answered_all_the_same(
    shared_host: CoreHostProcess, card: SeedCard
) -> None:
    line = await Line.open(shared_host.port, Terminal(shared_host.keys))
    join, subfields = line.terminal.codec.join, line.terminal.codec.subfields
    try:
        price = await line.ask(line.terminal.message("0200", {3: "349800"}))
        assert price.fields[39] == "00"
        assert subfields(price, 48) | {"at": ""} == {"buy": "276820", "sell": "277260", "at": ""}
        asked = {"biller": "gas", "customer_number": f"77{card.card[7:15]}"}
        owed = await line.ask(
            line.terminal.message(
                "0200", {2: card.card, 3: "360000", 48: join(48, asked), 49: "156"}
            )
        )
        assert owed.fields[39] == "00"
        assert int(subfields(owed, 48)["owed"]) > 0
    finally:
        line.close()
