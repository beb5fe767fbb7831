"""`telebank customer` against a control socket of this process: who may look, and tokens."""

import json
from datetime import timedelta
from pathlib import Path

import pyotp

from support.ledger_world import CARDS
from support.staff_house import fresh, open_house
from support.staff_words import run, three_people
from support.store_kit import DAY
from telebank.commands.wiring.customer_control import SHOW, TOKEN
from telebank.store import ceilings, habits, payees, second_factors, tables
from telebank.store.customer_tables import code_token
from telebank.store.transaction import Transaction
from transactions.money import Money
from transactions.telephone_pin import Customer

PAYER, PAYEE = CARDS[:2]
NOTE = ("--note", "identity seen, token handed over")


async def test_two_people_give_a_token_and_take_it_away(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        _, wu, li = await three_people(house)
        proposed = await run(house, li, "token", "add", *NOTE)
        assert (proposed.exit_code, "a supervisor approves" in proposed.output) == (0, True)
        assert house.rows(code_token) == []
        again = await run(house, li, "token", "add", *NOTE)
        assert (again.exit_code, "you proposed it yourself" in again.output) == (1, True)
        other = await run(house, wu, "token", "add", *NOTE, card=PAYEE.digits)
        assert (other.exit_code, "nobody has proposed it" in other.output) == (1, True)
        added = await run(house, wu, "token", "add", *NOTE, "--json")
        answer = json.loads(added.output)
        assert (answer["state"], answer["token"]) == ("approved", "added")
        seed = pyotp.parse_uri(answer["otpauth"]).secret
        customer = house.store.vault.token(PAYER)
        job = lambda part: second_factors.token(part, customer)  # noqa: E731
        token = await house.store.journal.run(job)
        assert token is not None
        vault = house.store.vault
        assert vault.unseal_digits(token.seed) == seed
        twice = await run(house, li, "token", "add", *NOTE)
        assert (twice.exit_code, "has a token already" in twice.output) == (1, True)
        assert (await run(house, li, "token", "remove", *NOTE)).exit_code == 0
        removed = await run(house, wu, "token", "remove", *NOTE)
        assert (removed.exit_code, "token removed" in removed.output) == (0, True)
        assert house.rows(code_token) == []
        none = await run(house, li, "token", "remove", *NOTE)
        assert (none.exit_code, "has no token" in none.output) == (1, True)
        assert house.events("token.added") == [("wu", "supervisor", "ok")]
        assert house.events("token.removed") == [("wu", "supervisor", "ok")]
    for path in tmp_path.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert PAYER.digits.encode() not in content, path
        assert seed.encode() not in content, path


async def test_the_seed_is_shown_once_and_as_a_picture(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        _, wu, li = await three_people(house)
        body = {"card": PAYER.digits, "what": "add", "note": "identity seen"}
        await house.ask(li, "POST", TOKEN, body | fresh())
        once = body | fresh()
        first = await house.ask(wu, "POST", TOKEN, once)
        second = await house.ask(wu, "POST", TOKEN, once)
        assert first.body.pop("otpauth").startswith("otpauth://totp/")
        assert (second.status, second.body) == (200, first.body)
        await run(house, li, "token", "add", *NOTE, card=PAYEE.digits)
        shown = await run(house, wu, "token", "add", *NOTE, card=PAYEE.digits)
        assert "otpauth://totp/" in shown.output
        assert "█" in shown.output
        assert PAYEE.digits not in shown.output


async def test_a_token_needs_a_note_a_card_and_the_right_role(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, _, li = await three_people(house)
        assert (await run(house, li, "token", "add", "--note", "1")).exit_code == 2
        assert (await run(house, li, "token", "add", *NOTE, card="6227001234567890")).exit_code == 2
        denied = await run(house, chen, "token", "add", *NOTE)
        assert (denied.exit_code, "a teller may" in denied.output) == (1, True)
        body = {"card": PAYER.digits, "what": "add", "note": PAYER.digits, **fresh()}
        assert (await house.ask(li, "POST", TOKEN, body)).status == 400
        foreign = {"act": "token.add", "object": "x", "detail": {}, "note": "seen", **fresh()}
        assert (await house.ask(li, "POST", "/v1/acts", foreign)).status == 400


async def test_what_is_kept_is_shown_masked_and_that_somebody_looked(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu, li = await three_people(house)
        customer = Customer(house.store.vault.token(PAYER))
        bank = Money.parse("50000.00")
        seal = house.store.vault.seal(PAYEE)

        def fill(part: Transaction) -> None:
            habits.put(part, customer, "speed", "slow")
            habits.used(part, customer.token, ["transfer"], part.now.date())
            payees.add(part, customer, seal, PAYEE.masked, cooling=timedelta(hours=24))
            payees.cap(part, customer, 1, Money.parse("10.00"), bank, may_raise=False)
            later = DAY + timedelta(days=1)
            for amount in ("100.00", "200.00"):
                wanted = ceilings.Wanted("transfer_daily", Money.parse(amount), bank, DAY, later)
                ceilings.put(part, customer, wanted, may_raise=True)

        empty = json.loads((await run(house, li, "show", "--json")).output)
        assert empty["payees"] == empty["ceilings"] == []
        await house.store.journal.run(fill)
        shown = await run(house, wu, "show")
        assert shown.exit_code == 0
        for line in (
            "setting: speed slow",
            f"payee 1: {PAYEE.masked} cooling",
            "at most 10.00 CNY a day",
            "ceiling: transfer_daily 100.00 CNY, from 2026-04-01 200.00 CNY",
            "used: transfer 1 times",
            "token: none",
        ):
            assert line in shown.output
        assert PAYEE.digits not in shown.output
        denied = await run(house, chen, "show")
        assert denied.exit_code == 1
        looked = [("li", "teller", "ok"), ("wu", "supervisor", "ok")]
        assert house.events("customer.shown") == looked
        bad = await house.ask(li, "POST", SHOW, {"card": "123"})
        assert bad.status == 400
        events = [str(row) for row in house.rows(tables.event)]
        assert not any(PAYER.digits in event for event in events)
