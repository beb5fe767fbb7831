"""What the commit that records a request takes with it: another person's proposal, own ceilings."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.store_kit import DAY, NOON, PAYEE, money_plan, open_store, rows, transfer
from telebank.store import ceilings, payees, proposals, tables
from telebank.store.order_tables import proposal
from telebank.store.store import Store
from telebank.store.transaction import Transaction
from transactions.journal import Hold, Recorded, RecordRefused
from transactions.lifecycle import State
from transactions.money import Money
from transactions.outcome import NotSent
from transactions.proposals import ApprovalClaim, Proposed
from transactions.telephone_pin import Customer

MAKER, CHECKER, OWNER = "token-of-maker", "token-of-checker", "token-of-payer"
HASH = f"f00d:{'5' * 48}"
BANK = Money.parse("50000.00")


def claim(number: str, **changes: str) -> ApprovalClaim:
    values = {"service": "corp.pay", "terms_hash": HASH, "by": CHECKER, "company": "7001"}
    return ApprovalClaim(number, **{**values, **changes})


async def proposed(store: Store, name: str = "made", days: int = 1) -> str:
    draft = proposals.ProposalDraft(
        by=Customer(MAKER, name),
        company="7001",
        operator="02",
        kind="remote",
        payee_name="北*司",
        amount=Money.parse("100.00"),
        sealed=b"{}",
        key_id="k",
        terms_hash=HASH,
        expires_at=NOON + timedelta(days=days),
    )
    return str(await store.journal.run(lambda part: proposals.propose(part, draft, 10)))


async def record(store: Store, name: str, **plan: Any) -> str:
    """What came of it in a word."""
    made = await store.journal.record(transfer(name), money_plan(**{"guarded": False, **plan}))
    return made.reason if isinstance(made, RecordRefused) else type(made).__name__


async def test_a_proposal_is_used_up_in_the_commit_that_records(place: Path) -> None:
    async with open_store(place) as store:
        number = await proposed(store)
        assert await store.journal.proposed(number) == Proposed("7001", "02")
        assert await store.journal.proposed("999999") is None
        assert await record(store, "r1", approval=claim(number)) == "Recorded"
        assert await store.journal.proposed(number) == Proposed("7001", "02")
        assert await record(store, "r1", approval=claim(number)) == "Existing"
        assert await record(store, "r2", approval=claim(number)) == "no_proposal"
    (row,) = rows(place, proposal)
    assert (row.state, row.used_by, row.decided_by) == ("used", "r1", CHECKER)
    assert [request.id for request in rows(place, tables.request)] == ["r1"]
    refused = rows(place, tables.event, tables.event.c.kind == "request.refused")
    assert [(event.request, event.outcome) for event in refused] == [("r2", "no_proposal")]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"by": MAKER}, "same_person"),
        ({"terms_hash": f"f00d:{'6' * 48}"}, "different_terms"),
        ({"terms_hash": f"beef:{'6' * 48}"}, "older_rules"),
        ({"company": "7002"}, "other_company"),
        ({"company": ""}, "other_company"),
        ({"number": "100999"}, "no_proposal"),
        ({"number": "٣"}, "no_proposal"),
    ],
)
async def test_what_approves_nothing_writes_nothing(
    place: Path, change: dict[str, str], why: str
) -> None:
    async with open_store(place) as store:
        number = await proposed(store)
        wrong = replace(claim(number), **change)
        assert await record(store, "r1", approval=wrong) == why
        assert rows(place, tables.request) == []
        assert rows(place, tables.limit_use) == []
        assert await record(store, "r2", approval=claim(number)) == "Recorded"


async def test_an_expired_proposal_approves_nothing(place: Path) -> None:
    async with open_store(place) as store:
        number = await proposed(store, days=0)
        assert await record(store, "r1", approval=claim(number)) == "expired"


async def test_where_the_limit_refuses_the_proposal_stays_open(place: Path) -> None:
    async with open_store(place) as store:
        number = await proposed(store)
        assert await record(store, "r1", approval=claim(number), ceiling="99.99") == "over_limit"
        assert await record(store, "r2", approval=claim(number)) == "Recorded"


async def test_a_payment_that_was_not_sent_leaves_its_proposal_used_and_its_limit_free(
    place: Path,
) -> None:
    async with open_store(place) as store:
        number = await proposed(store)
        await record(store, "r1", approval=claim(number))
        away = NotSent("no link")
        await store.journal.advance("r1", [State.NOT_SENT], why="no link", outcome=away)
        assert await record(store, "r2", approval=claim(number)) == "no_proposal"
    assert [use.state for use in rows(place, tables.limit_use)] == ["released"]


async def test_of_many_at_once_on_two_nodes_one_uses_a_proposal(remote: Path) -> None:
    async with open_store(remote, nodes=2) as one, open_store(remote, "02", nodes=2) as two:
        numbers = [await proposed(one, f"made{n}") for n in range(5)]
        tried = [
            record(store, f"r{n}{at}", approval=claim(number))
            for n, number in enumerate(numbers)
            for at, store in enumerate((one, two, one, two))
        ]
        told = await asyncio.gather(*tried)
        assert sorted(told) == ["Recorded"] * 5 + ["no_proposal"] * 15
    assert len({row.used_by for row in rows(remote, proposal)}) == 5


# -- ceilings that customers set -------------------------------------------------------------------


def hold(amount: str, *, payee: str = "", limit: str = "transfer_daily") -> Hold:
    counted = "one-hash" if payee else OWNER
    return Hold(limit, counted, Money.parse(amount), BANK, OWNER, payee)


async def ceiling(store: Store, amount: str, *, on: date = DAY, raises: bool = False) -> None:
    def job(part: Transaction) -> object:
        wanted = ceilings.Wanted(
            "transfer_daily", Money.parse(amount), BANK, on, on + timedelta(days=1)
        )
        return ceilings.put(part, Customer(OWNER), wanted, may_raise=raises)

    assert await store.journal.run(job, ceilings.judged(OWNER)) is not None


async def test_a_customer_s_own_ceiling_lowers_the_bank_s(place: Path) -> None:
    async with open_store(place) as store:
        assert await record(store, "r1", holds=(hold("300.00"),)) == "Recorded"
        await ceiling(store, "400.00")
        assert await record(store, "r2", holds=(hold("100.01"),)) == "over_limit"
        assert await record(store, "r3", holds=(hold("100.00"),)) == "Recorded"
        other = replace(hold("500.00"), customer="another", owner="another")
        assert await record(store, "r4", holds=(other,)) == "Recorded"
        bills = hold("500.00", limit="bill_daily")
        assert await record(store, "r5", holds=(bills,)) == "Recorded"


async def test_a_raised_ceiling_holds_from_the_day_that_it_says(place: Path) -> None:
    async with open_store(place) as store:
        await ceiling(store, "100.00")
        await ceiling(store, "200.00", raises=True)
        assert await record(store, "r1", holds=(hold("100.01"),)) == "over_limit"
        plan = money_plan(guarded=False, holds=(hold("100.01"),))
        later = transfer("r2", business_date=DAY + timedelta(days=1))
        assert isinstance(await store.journal.record(later, plan), Recorded)


async def test_nobody_lowers_a_limit_that_has_no_owner(place: Path) -> None:
    async with open_store(place) as store:
        await ceiling(store, "100.00")
        company = replace(hold("400.00"), owner="")
        assert await record(store, "r1", holds=(company,)) == "Recorded"


async def test_a_registered_payee_has_a_cap_of_his_own(place: Path) -> None:
    async with open_store(place) as store:
        card = store.vault.seal(PAYEE)
        by = Customer(OWNER)

        def register(part: Transaction) -> object:
            payees.add(part, by, card, "*三", cooling=timedelta())
            return payees.cap(part, by, 1, Money.parse("150.00"), BANK, may_raise=False)

        def paying(amount: str, token: str = card.token) -> Hold:
            return hold(amount, payee=token, limit="payee_daily")

        assert await record(store, "r1", holds=(paying("100.00"),)) == "Recorded"
        assert await store.journal.run(register) == "ok"
        assert await record(store, "r2", holds=(paying("50.01"),)) == "over_limit"
        assert await record(store, "r3", holds=(paying("50.00"),)) == "Recorded"
        unknown = replace(paying("400.00", "t" * 64), customer="another-hash")
        assert await record(store, "r4", holds=(unknown,)) == "Recorded"
        above = replace(paying("50000.01", "t" * 64), customer="a-third-hash")
        assert await record(store, "r5", holds=(above,)) == "over_limit"
