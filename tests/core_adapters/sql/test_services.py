"""Each service on both databases: answers, refusals, twins, reversal, status, totals."""

import asyncio
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from core_adapters.sql.checks import money_input
from core_adapters.sql.profile_load import load_profile
from support.sql_banks import (
    CARDS,
    CONTRACTS,
    IDENTITY,
    OPENING,
    PROFILE_FILE,
    Gateway,
    SqlBank,
    make,
    names,
    options,
)
from transactions.contract import Contracts
from transactions.money import Money
from transactions.outcome import Approved, Declined, NotSent, Outcome, Value, Values
from transactions.ports import CurrencyTotals, Reversed, Tally
from transactions.secret import Secret

PIN = "482913570264"


async def test_a_balance(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        outcome = await gateway.ask(make("card.balance", {"card": CARDS[0]}, "b1"))
        held = Money.parse("1000000.00")
        assert outcome == Approved({"available": held, "ledger": held})
        unknown = await gateway.ask(make("card.balance", {"card": _stranger()}, "b2"))
        assert unknown == Declined("bad_card")
        assert names(gateway.books.sent) == [("request", None)] * 2
        assert names(gateway.books.replies) == [("request", "00"), ("request", "14")]


def _stranger() -> object:
    return type(CARDS[0])("6227009999999995")


async def test_a_transfer_moves_money_and_fee_once(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        outcome = await gateway.transfer("t1", 0, 1, "2000.00")
        assert isinstance(outcome, Approved)
        assert outcome.data["available"] == Money.parse("997998.00")
        assert outcome.data["ref"] == gateway.message("t1").field37
        assert gateway.message("t1").amount == "000000200000"
    assert bank.balance(0) == OPENING - 2_002_00
    assert bank.balance(1) == OPENING + 2_000_00
    assert bank.whole() == len(CARDS) * OPENING


@pytest.mark.parametrize(
    ("payee", "amount", "word"),
    [(0, "1.00", "bad_payee"), (1, "1000000.01", "insufficient"), (1, "999999.00", "insufficient")],
)
async def test_a_quote_is_refused(bank: SqlBank, payee: int, amount: str, word: str) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        inputs = {"from": CARDS[0], "to": CARDS[payee], "amount": Money.parse(amount)}
        assert await gateway.ask(make("transfer.quote", inputs, "q1")) == Declined(word)


async def test_a_quote_names_the_payee_as_the_menus_read_him_back(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        terms = await gateway.terms(0, 1, "2000.00", "t1")
        assert (terms["payee_masked"], terms["fee"]) == (CARDS[1].masked, Money.parse("2.00"))


async def test_the_same_id_again_gives_the_first_result(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        terms = await gateway.terms(0, 1, "10.00", "t1")
        request = make("transfer.card_to_card", terms, "t1")
        first = await gateway.ask(request)
        assert isinstance(first, Approved)
        assert await gateway.ask(request) == first
        assert bank.balance(1) == OPENING + 10_00


async def test_twins_at_once_post_once(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        terms = await gateway.terms(0, 1, "10.00", "t1")
        request = make("transfer.card_to_card", terms, "t1")
        outcomes = await asyncio.gather(*(gateway.ask(request) for _ in range(4)))
        assert all(isinstance(one, Approved) for one in outcomes)
        assert bank.postings("t1") == 1


async def test_the_same_id_with_other_content_is_refused_with_an_alarm(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        terms = await gateway.terms(0, 1, "10.00", "t1")
        await gateway.ask(make("transfer.card_to_card", terms, "t1"))
        other = {**terms, "to": CARDS[2]}
        again = await gateway.ask(make("transfer.card_to_card", other, "t1"))
        assert again == Declined("different_content")
        assert [alarm.kind for alarm in gateway.alarms] == ["code"]
        assert bank.balance(2) == OPENING


async def test_a_declined_result_is_kept_too(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        terms = await gateway.terms(0, 1, "10.00", "t1")
        await gateway.ask(make("transfer.card_to_card", terms, "t1"))
        request = make("transfer.card_to_card", terms, "t2")  # the quote is used up
        assert await gateway.ask(request) == Declined("bad_quote")
        assert bank.stored("t2") == "05"
        assert await gateway.ask(request) == Declined("bad_quote")
        assert bank.postings("t2") == 0


async def test_a_reversal_undoes_once(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        await gateway.transfer("t1", 0, 1, "2000.00")
        request, sent = make("transfer.card_to_card", {}, "t1"), gateway.message("t1")
        for attempt in range(2):
            outcome = await gateway.host.reverse(request, sent, "time_out", gateway.books, attempt)
            assert outcome == Reversed()
        assert await gateway.host.query_status(request, sent) == Declined("reversed")
    assert (bank.balance(0), bank.balance(1)) == (OPENING, OPENING)
    assert bank.postings("t1") == 0
    assert bank.whole() == len(CARDS) * OPENING
    reversals = [one for one in gateway.books.sent if one.role == "reversal"]
    assert {(one.stan, one.field7, one.field37) for one in reversals} == {
        (sent.stan, sent.field7, sent.field37)
    }


async def test_what_is_reversed_before_it_came_can_never_be_posted(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        terms = await gateway.terms(0, 1, "10.00", "t1")
        request = make("transfer.card_to_card", terms, "t1")
        sent = gateway.message("t1-quote")
        outcome = await gateway.host.reverse(request, sent, "time_out", gateway.books, 0)
        assert outcome == Reversed(never_had=True)
        assert await gateway.ask(request) == Declined("not_posted")
        assert bank.whole() == bank.balance(0) * len(CARDS) == OPENING * len(CARDS)


async def test_a_status_query_tells_and_bars(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        posted = await gateway.transfer("t1", 0, 1, "10.00")
        request, sent = make("transfer.card_to_card", {}, "t1"), gateway.message("t1")
        assert await gateway.host.query_status(request, sent) == posted
        terms = await gateway.terms(0, 1, "11.00", "t2")
        late = make("transfer.card_to_card", terms, "t2")
        assert await gateway.host.query_status(late, sent) == Declined("not_posted")
        assert await gateway.ask(late) == Declined("not_posted")
        assert bank.postings("t2") == 0


async def test_a_loss_report_makes_the_card_hot(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        wrong = {"card": CARDS[0], "identity": "0000"}
        assert await gateway.ask(make("card.report_loss", wrong, "l1")) == Declined("not_matched")
        right = make("card.report_loss", {"card": CARDS[0], "identity": IDENTITY}, "l2")
        outcome = await gateway.ask(right)
        assert isinstance(outcome, Approved)
        assert outcome.data["ref"] == gateway.message("l2").field37
        assert isinstance(outcome.data["at"], time)
        again = await gateway.host.execute(right, gateway.books, gateway.message("l2"))
        assert again == outcome
        balance = await gateway.ask(make("card.balance", {"card": CARDS[0]}, "b1"))
        assert balance == Declined("lost")
        assert names(gateway.books.sent)[-2] == ("repeat", None)


async def test_a_report_holds_to_its_day_and_staff_decide_on_it(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        count = iter(range(1_000))

        async def ask(service: str, **inputs: Value) -> Outcome:
            return await gateway.ask(make(service, inputs, f"n{next(count)}"))

        async def stopped() -> bool:
            return await ask("card.balance", card=CARDS[0]) == Declined("lost")

        def since_when() -> str:
            statement = "SELECT hot_at FROM {t}card WHERE number = ?"
            return str(bank.query(statement, CARDS[0].digits)[0][0])

        today = (await gateway.host.health()).business_date
        assert today is not None
        report = {"card": CARDS[0], "identity": IDENTITY}
        for days in (1, 0):  # the later of the two counts
            until = today + timedelta(days=days)
            done = await ask("card.report_loss", **report, until=until)
            assert isinstance(done, Approved)
        bank.query("UPDATE {t}day SET business_date = ?", today + timedelta(days=1))
        assert await stopped()
        bank.query("UPDATE {t}day SET business_date = ?", today + timedelta(days=2))
        assert not await stopped()
        since = since_when()
        decided = {"card": CARDS[0], "report": "010000000042"}
        confirmed = make("card.confirm_loss", decided, "c1")
        assert isinstance(await gateway.ask(confirmed), Approved)
        anew = since_when()
        assert anew > since  # the first stop was over
        await ask("card.report_loss", **report, until=today)
        assert await stopped()
        assert since_when() == anew
        assert isinstance(await ask("card.lift_loss", **decided), Approved)
        assert not await stopped()
        # The twin of the confirmation changes nothing any more.
        await gateway.host.execute(confirmed, gateway.books, gateway.message("c1"))
        assert not await stopped()


async def test_totals_of_a_day_have_reversals_beside_their_originals(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        for number in range(3):
            await gateway.transfer(f"t{number}", 0, 1, "2000.00")
        request, sent = make("transfer.card_to_card", {}, "t2"), gateway.message("t2")
        await gateway.host.reverse(request, sent, "time_out", gateway.books, 0)
        health = await gateway.host.health()
        assert health.business_date is not None
        totals = await gateway.host.reconcile(health.business_date)
        nothing = Tally(0, 0)
        assert totals.by_currency == {
            "CNY": CurrencyTotals(
                debits=Tally(3, 6000_00),
                debit_reversals=Tally(1, 2000_00),
                credits=nothing,
                credit_reversals=nothing,
                fees=4_00,
            )
        }
        assert (await gateway.host.reconcile(date(2020, 1, 1))).by_currency == {}
        settled = [one.settled_on for one in gateway.books.replies if one.role == "request"]
        assert settled[-1] == health.business_date


async def test_the_right_pin_a_wrong_one_and_a_locked_card(bank: SqlBank) -> None:
    bank.give_pin(0, PIN)
    async with Gateway(bank, options(bank)) as gateway:

        async def verify(pin: str, name: str) -> Outcome:
            inputs: Values = {"card": CARDS[0], "pin": Secret(pin)}
            return await gateway.ask(make("pin.verify", inputs, name))

        wrong = Declined("wrong_pin")
        assert await verify(PIN[::-1], "p1") == wrong
        assert isinstance(await verify(PIN, "p2"), Approved)
        assert [await verify(PIN[::-1], f"p{n}") for n in (3, 4, 5)] == [wrong] * 3
        assert await verify(PIN, "p6") == Declined("locked")


async def test_a_service_that_the_profile_has_not_is_not_sent(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        assert await gateway.ask(make("card.statement", {}, "p1")) == NotSent("not_served")
        assert gateway.books.sent == []
        assert gateway.host.capabilities() == dict.fromkeys(
            (
                "pin.verify",
                "pin.change",
                "card.balance",
                "transfer.quote",
                "transfer.card_to_card",
                "card.report_loss",
                "card.confirm_loss",
                "card.lift_loss",
            ),
            1,
        )


async def test_twenty_callers_at_once_conserve_money(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:

        async def customer(number: int) -> Outcome:
            other = (number * 7 + 3) % 20
            return await gateway.transfer(f"t{number}", number, other, f"{1000 + number}.00")

        outcomes = await asyncio.gather(*(customer(n) for n in range(20) if n != (n * 7 + 3) % 20))
        assert all(isinstance(one, Approved) for one in outcomes), outcomes
        assert bank.whole() == len(CARDS) * OPENING
        assert bank.query("SELECT count(*) FROM {t}entry WHERE minor > 0 AND account <> 'FEES'")[0][
            0
        ] == len(outcomes)


async def test_money_is_the_contracts_whatever_it_is_called(bank: SqlBank, tmp_path: Path) -> None:
    """The quote's input `sum`; nothing of the adapter knows a name."""
    text = PROFILE_FILE.read_text(encoding="utf-8")
    file = tmp_path / "named.yaml"
    file.write_text(text.replace("{amount}", "{sum}").replace("{amount.", "{sum."), "utf-8")
    quote = CONTRACTS["transfer.quote"]
    inputs = {("sum" if name == "amount" else name): kind for name, kind in quote.inputs.items()}
    contracts = Contracts({**CONTRACTS.services, "transfer.quote": replace(quote, inputs=inputs)})
    asked: Values = {"from": CARDS[0], "to": CARDS[1], "sum": Money.parse("2000.00")}
    given = Gateway(bank, options(bank), contracts, load_profile(file))
    async with given as gateway:
        terms = await gateway.ask(make("transfer.quote", asked, "q1"))
        assert isinstance(terms, Approved), terms
        paid = await gateway.ask(make("transfer.card_to_card", {**asked, **terms.data}, "t1"))
        assert isinstance(paid, Approved), paid
        assert [one.amount for one in gateway.books.sent] == ["000000200000"] * 2
        balance = await gateway.ask(make("card.balance", {"card": CARDS[0]}, "b1"))
        assert isinstance(balance, Approved)
        assert gateway.books.sent[-1].amount == ""
    assert money_input("transfer.card_to_card", contracts) == "sum"
    assert money_input("card.balance", contracts) is None
