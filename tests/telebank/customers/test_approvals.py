"""Payments of companies by two people: proposed, heard, quoted again, paid once or rejected."""

import asyncio
from collections.abc import Mapping
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.ledger_world import CARDS
from support.order_house import Kill, Life, OrderHouse, doomed, settled
from support.store_kit import rows
from support.transactions_host import CNY, Host, Posting
from telebank.customers.approvals import business_days_after
from telebank.store import tables
from telebank.store.order_tables import proposal
from transactions.answer import Answer
from transactions.money import Money
from transactions.outcome import Approved, Outcome, Value
from transactions.request import HostMessage

MAKER, SECOND, THIRD = 0, 1, 2
TERMS: Mapping[str, Value] = {
    "sub": "0001",
    "kind": "transfer",
    "to": "62220000123456",
    "amount": Money.parse("5000.00"),
}
IDS = count(1)


class CompanyHost(Host):
    """Pays for companies; its fee is what the test says."""

    fee = 2_00
    told: list[tuple[str, str]]
    company, may = "8001", "both"
    """What it tells of whoever asks next."""

    def capabilities(self) -> Mapping[str, int]:
        self.told = getattr(self, "told", [])
        return {**super().capabilities(), "corp.pay_quote": 1, "corp.pay": 1, "corp.rights": 1}

    def _serve(
        self, service: str, inputs: Mapping[str, Value], pin: str, message: HostMessage
    ) -> Outcome:
        if service == "corp.pay_quote":
            self.bank.quotes += 1
            given = {"payee_masked": "****3456", "quote": f"Q{self.bank.quotes}"}
            return Approved({**given, "interest": Money(0, CNY), "fee": Money(self.fee, CNY)})
        if service == "corp.rights":
            told = {"company": self.company, "operator": "01", "may": self.may}
            return Approved({**told, "most": Money.parse("1000000.00")})
        if service == "corp.pay":
            self.told.append((str(inputs["company"]), str(inputs["maker"])))
            key = (message.stan, message.field7)
            self.bank.postings[key] = Posting(message.request_id, "company", "payee", 1)
            return Approved({"ref": message.field37, "available": Money(1, CNY)})
        return super()._serve(service, inputs, pin, message)


async def rights(life: Life, by: int, company: str = "8001", may: str = "both") -> None:
    """As every menu begins: the host tells whose person this is, and what he may."""
    assert isinstance(life.host, CompanyHost)
    life.host.company, life.host.may = company, may
    assert (await life.ask("corp.rights", f"r{next(IDS)}", {}, by=by)).exit == "ok"


async def quoted(life: Life, by: int, terms: Mapping[str, Value] = TERMS) -> Answer:
    answer = await life.ask("corp.pay_quote", f"q{next(IDS)}", terms, by=by)
    assert answer.exit in ("ok", "repeated"), answer
    return answer


async def proposed(life: Life, by: int = MAKER, terms: Mapping[str, Value] = TERMS) -> str:
    await rights(life, by)
    quote = await quoted(life, by, terms)
    heard = {name: quote.data[name] for name in ("payee_masked", "interest", "fee")}
    inputs = {**terms, **heard, "company": "8001", "operator": "01"}
    answer = await life.ask("corp.propose", f"p{next(IDS)}", inputs, by=by)
    assert answer.exit == "ok", answer
    return str(answer.data["approval"])


async def paid(
    life: Life, number: str, by: int = SECOND, terms: Any = TERMS, company: str = "8001"
) -> Answer:
    await rights(life, by, company)
    quote = await quoted(life, by, terms)
    inputs = {"quote": quote.data["quote"], "approval": number}
    return await life.ask("corp.pay", f"a{next(IDS)}", inputs, by=by, card=False)


async def recalled(life: Life, number: str, by: int, company: str = "8001") -> Answer:
    await rights(life, by, company)
    inputs = {"company": company, "approval": number}
    return await life.ask("corp.recall", f"r{next(IDS)}", inputs, by=by)


async def waiting(life: Life, company: str = "8001") -> list[str]:
    await rights(life, SECOND, company)
    answer = await life.ask("corp.waiting", f"w{next(IDS)}", {"company": company}, by=SECOND)
    return [str(row["approval"]) for row in answer.data["items"]]


async def test_one_proposes_another_pays(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life(host=CompanyHost) as life:
        number = await proposed(life)
        assert await waiting(life) == [number]
        again = await recalled(life, number, SECOND)
        assert dict(again.data) == {
            "sub": "0001",
            "kind": "transfer",
            "pay_to": "62220000123456",
            "amount": TERMS["amount"],
        }
        assert (await paid(life, number)).exit == "ok"
        assert life.host.told == [("8001", "01")]
        assert await waiting(life) == []
        (row,) = rows(place, proposal)
        assert (row.state, row.used_by) == ("used", next(iter(house.requests())))
        assert row.decided_by == life.store.vault.token(CARDS[SECOND])
        kinds = [event.kind for event in rows(place, tables.event) if "proposal" in event.kind]
        assert kinds == ["proposal.made", "proposal.used"]


@pytest.mark.parametrize("other", ["amount", "to", "kind", "sub", "bank", "fee"])
async def test_other_terms_are_not_what_was_proposed(tmp_path: Path, other: str) -> None:
    # The hash is the same everywhere.
    house = OrderHouse(tmp_path)
    values: dict[str, Value] = {"amount": Money.parse("5000.01"), "to": "62220000123457"}
    values |= {"kind": "remote", "sub": "0002", "bank": "9001"}
    async with house.life(host=CompanyHost) as life:
        number = await proposed(life)
        terms = dict(TERMS) | ({other: values[other]} if other in values else {})
        life.host.fee += other == "fee"
        refused = await paid(life, number, terms=terms)
        assert (refused.exit, refused.outcome.reason) == ("refused", "different_terms")
        assert house.posted() == []
        assert await waiting(life) == [number]


async def test_nobody_approves_his_own_nor_twice_nor_a_strangers_number(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life(host=CompanyHost) as life:
        number = await proposed(life)
        assert (await recalled(life, number, MAKER)).exit == "own"
        assert (await recalled(life, number, SECOND, company="8002")).exit == "none"
        assert (await paid(life, number, by=MAKER)).outcome.reason == "same_person"
        assert (await paid(life, "999999")).outcome.reason == "no_proposal"
        answers = await asyncio.gather(*(paid(life, number, by=who) for who in (SECOND, THIRD)))
        assert sorted(answer.exit for answer in answers) == ["ok", "refused"]
        assert len(house.posted()) == 1
        assert (await paid(life, number, by=THIRD)).outcome.reason == "no_proposal"


@pytest.mark.sqlite_file
async def test_no_account_number_is_in_any_file(tmp_path: Path) -> None:
    # A server's files are its own.
    house = OrderHouse(tmp_path)
    async with house.life(host=CompanyHost) as life:
        assert (await paid(life, await proposed(life))).exit == "ok"
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        found = b"".join(path.read_bytes() for path in files)
        assert b"proposal.used" in found
        assert b"62220000123456" not in found


async def test_rejected_and_taken_back(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life(host=CompanyHost) as life:
        first, second = await proposed(life), await proposed(life)
        for number, by in ((first, SECOND), (second, MAKER)):
            inputs = {"company": "8001", "approval": number}
            await rights(life, by)
            assert (await life.ask("corp.reject", f"x{number}", inputs, by=by)).exit == "ok"
            assert (await life.ask("corp.reject", f"y{number}", inputs, by=by)).exit == "none"
            assert (await paid(life, number, by=THIRD)).outcome.reason == "no_proposal"
        decided = [row.decided_by for row in rows(place, proposal)]
        assert decided == [life.store.vault.token(CARDS[SECOND]), None]


async def test_three_business_days_and_not_longer(place: Path) -> None:
    """Made on Tuesday 31 March, it stands to the end of Friday 3 April."""
    house = OrderHouse(place)
    async with house.life(host=CompanyHost) as life:
        number = await proposed(life)
        house.clock.forward(3 * 86_400 + 11 * 3600)
        assert await waiting(life) == [number]
        house.clock.forward(3600)  # midnight in Beijing
        assert await waiting(life) == []
        assert (await recalled(life, number, SECOND)).exit == "none"
        assert (await paid(life, number)).outcome.reason == "expired"


async def test_pages_and_no_more_than_may_wait(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life(host=CompanyHost) as life:
        numbers = [await proposed(life) for _ in range(7)]
        await rights(life, SECOND)
        page = await life.ask("corp.waiting", "w1", {"company": "8001"}, by=SECOND)
        assert page.exit == "ok"
        assert [row["approval"] for row in page.data["items"]] == numbers[:5]
        rest = {"company": "8001", "cursor": page.data["cursor"]}
        last = await life.ask("corp.waiting", "w2", rest, by=SECOND)
        assert last.exit == "last"
        assert [row["approval"] for row in last.data["items"]] == numbers[5:]
        await rights(life, SECOND, "8002")
        none = await life.ask("corp.waiting", "w3", {"company": "8002"}, by=SECOND)
        assert none.exit == "none"


@pytest.mark.parametrize("after", [False, True])
async def test_killed_at_any_commit_it_is_used_up_with_its_row_or_not_at_all(
    place: Path, after: bool
) -> None:
    house, step, killed = OrderHouse(place), 0, True
    while killed:
        step += 1
        async with house.life(host=CompanyHost) as life:
            number = await proposed(life)
        kill = Kill(step, after)
        async with house.life(host=CompanyHost, kill=kill) as life:
            await doomed(asyncio.ensure_future(paid(life, number)), kill)
        killed = kill.dead.is_set()
        async with house.life(host=CompanyHost) as life:
            await settled(life)
        used = {row.used_by for row in rows(place, proposal) if row.number == int(number)} - {None}
        assert used <= set(house.requests())
        house.later(hours=1)
    assert step > 4
    by_row = [row.used_by for row in rows(place, proposal) if row.used_by]
    assert len(by_row) == len(set(by_row))
    assert set(house.posted()) <= set(by_row)


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 30))
def test_business_days_are_counted_without_weekends(day: date, days: int) -> None:
    end = business_days_after(day, days)
    assert end.weekday() < 5
    between = [date.fromordinal(n) for n in range(day.toordinal() + 1, end.toordinal() + 1)]
    assert sum(one.weekday() < 5 for one in between) == days


async def test_another_company_uses_up_nothing(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life(host=CompanyHost) as life:
        number = await proposed(life)
        refused = await paid(life, number, by=THIRD, company="8002")
        assert (refused.exit, refused.outcome.reason) == ("refused", "other_company")
        assert house.requests() == {}
        inputs = {"company": "8001", "approval": number}
        assert (await life.ask("corp.reject", f"x{next(IDS)}", inputs, by=THIRD)).exit == (
            "unavailable"
        )
        alarms = [row for row in rows(place, tables.event) if row.kind == "alarm.told"]
        assert [row.detail["why"] for row in alarms] == ["company: other"] * 2
        assert await waiting(life) == [number]
        assert (await paid(life, number)).exit == "ok"


async def test_the_same_payment_again_is_said_to_be_the_same_to_another_person(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life(host=CompanyHost) as life:
        first, second = await proposed(life), await proposed(life)
        early = await quoted(life, THIRD)
        assert (await paid(life, first)).exit == "ok"
        await rights(life, THIRD)
        inputs = {"quote": early.data["quote"], "approval": second}
        unheard = await life.ask("corp.pay", f"a{next(IDS)}", inputs, by=THIRD, card=False)
        assert unheard.outcome.reason == "repeated"
        assert (await quoted(life, THIRD)).exit == "repeated"
        assert (await paid(life, second, by=THIRD)).exit == "ok"
        assert len(house.posted()) == 2
        other = {**TERMS, "to": "62220000993456"}  # of the same mask
        third = await proposed(life, terms=other)
        assert (await quoted(life, SECOND, other)).exit == "ok"
        assert (await paid(life, third, terms=other)).exit == "ok"


async def test_the_log_has_no_hash_of_what_was_asked(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life(host=CompanyHost) as life:
        number = await proposed(life)
        assert (await paid(life, number)).exit == "ok"
        (kept,) = rows(place, proposal)
        (row,) = rows(place, tables.request)
        said = str([event.detail for event in rows(place, tables.event)])
        assert row.content_hash.startswith("k:")
        assert kept.terms_hash.startswith(":")
        for text in (row.content_hash[2:], kept.terms_hash[1:]):
            assert text not in said


async def test_the_same_rejection_again_is_the_same(tmp_path: Path) -> None:
    house = OrderHouse(tmp_path)
    async with house.life(host=CompanyHost) as life:
        number = await proposed(life)
        await rights(life, SECOND)
        for _ in range(2):
            inputs = {"company": "8001", "approval": number}
            assert (await life.ask("corp.reject", "x1", inputs, by=SECOND)).exit == "ok"
        made = [row for row in rows(tmp_path, tables.event) if row.kind == "proposal.rejected"]
        assert len(made) == 1
