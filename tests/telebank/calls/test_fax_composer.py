"""Papers that callers ask for: lists page by page to their end or to the limit, or none at all."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fax.documents.compose import MAX_ROWS, Stamp
from fax.documents.paper import Paper
from telebank.calls.edition import Edition
from telebank.calls.faxes.composer import MAX_PAGES, NoPaper, composed, registered_number
from telebank.calls.faxes.values import FaxOutcome
from telebank.calls.services import FaxAsked
from telebank.flow.commands import SendFax
from telebank.flow.release import Release, read_release
from transactions.answer import Answer
from transactions.card import CardNumber
from transactions.money import Money
from transactions.outcome import Approved, Declined, Outcome, Row, Value, Values
from transactions.request import AuthLevel, Language
from voice_prompts.speaker import Speaker

CARD = CardNumber("6227000000000012")
STAMP = Stamp("zh", "锦羽银行", "F7", datetime(2026, 1, 20, 10, 30, tzinfo=UTC))
RELEASE = read_release(Path(__file__).resolve().parents[3] / "config")


def entry(number: int) -> Row:
    return {"on": date(2026, 1, 20), "what": "salary", "amount": Money.parse(f"{number}.00")}


@dataclass
class Host:
    """Answers as a bank's host does: lists of so many rows a page, a cursor while more follow."""

    lists: Mapping[str, list[Row]] = field(default_factory=dict)
    exits: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """Service and page (from 0) to an exit that it takes instead."""
    endless: bool = False
    stuck: bool = False
    per_page: int = 5
    asked: list[tuple[str, Values]] = field(default_factory=list)

    async def ask(self, service: str, inputs: Values) -> Answer:
        self.asked.append((service, inputs))
        page = int(str(inputs.get("cursor", 0)))
        contract = RELEASE.contracts[service]
        other = self.exits.get((service, page))
        if other is not None:
            return Answer(other, Declined(other), {}, "r")
        rows = self.lists.get(service, [])
        begin = 0 if self.endless or self.stuck else page * self.per_page
        data: dict[str, Value] = {"items": tuple(rows[begin : begin + self.per_page])}
        if self.endless or self.stuck or begin + self.per_page < len(rows):
            data["cursor"] = "1" if self.stuck else str(page + 1)
        outcome = Approved(data)
        return Answer(contract.exit_for(outcome), outcome, data, "r")


def asked(host: Host, document: str, **values: Value) -> FaxAsked:
    fax = SendFax("v1", document, values, auth=AuthLevel.PIN, authenticated=CARD)

    async def nothing(*_: object, **__: object) -> FaxOutcome:
        raise AssertionError("a composer sends nothing")

    edition = Edition(RELEASE, cast(Speaker, None))  # it speaks nothing
    return FaxAsked("c1", fax, "token", edition, host.ask, nothing, lambda _why: None)


async def paper_of(host: Host, document: str, **values: Value) -> Paper:
    paper = await composed(asked(host, document, **values), STAMP)
    assert isinstance(paper, Paper), paper
    return paper


async def test_a_list_is_asked_page_by_page_to_its_end() -> None:
    host = Host({"card.recent": [entry(n) for n in range(1, 13)]})
    paper = await paper_of(host, "card_recent", card=CARD)
    (table,) = paper.tables
    assert len(table.rows) == 12
    assert [inputs.get("cursor") for _, inputs in host.asked] == [None, "1", "2"]
    assert all(inputs["card"] == CARD for _, inputs in host.asked)
    assert "工资" in table.rows[0]


async def test_no_card_number_is_printed_whole() -> None:
    host = Host({"card.recent": [entry(1)]})
    paper = await paper_of(host, "card_recent", card=CARD)
    assert "6227000000000012" not in repr(paper)
    assert any("0012" in value for _, value in paper.facts)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_it_is_in_the_language_of_the_stamp(language: Language) -> None:
    stamp = Stamp(language, "", "F7", STAMP.made_at)
    paper = await composed(
        asked(Host({"card.recent": [entry(1)]}), "card_recent", card=CARD), stamp
    )
    assert isinstance(paper, Paper)
    assert ("Salary" in repr(paper) or "salary" in repr(paper)) == (language == "en")


async def test_a_long_list_is_cut_and_says_so() -> None:
    rows = [entry(n) for n in range(1, MAX_ROWS + 20)]
    host = Host({"card.recent": rows})
    (table,) = (await paper_of(host, "card_recent", card=CARD)).tables
    assert len(table.rows) == MAX_ROWS
    assert table.totals == ()
    short = Host({"card.recent": rows[:MAX_ROWS]})
    (whole,) = (await paper_of(short, "card_recent", card=CARD)).tables
    assert whole.closing != table.closing
    assert whole.totals != ()


@pytest.mark.parametrize("per_page", [7, 30, MAX_ROWS - 1, MAX_ROWS + 5])
async def test_the_last_page_cuts_a_list_too(per_page: int) -> None:
    pages = -(-(MAX_ROWS + 1) // per_page)
    rows = [entry(n) for n in range(1, pages * per_page + 1)]
    host = Host({"card.recent": rows}, per_page=per_page)
    (table,) = (await paper_of(host, "card_recent", card=CARD)).tables
    whole = Host({"card.recent": rows[:MAX_ROWS]}, per_page=per_page)
    (full,) = (await paper_of(whole, "card_recent", card=CARD)).tables
    assert len(table.rows) == len(full.rows) == MAX_ROWS
    assert table.totals == ()
    assert full.totals != ()
    assert table.closing != full.closing


async def test_a_host_whose_list_never_ends_is_left() -> None:
    host = Host(endless=True, lists={"card.recent": [entry(1)]})
    (table,) = (await paper_of(host, "card_recent", card=CARD)).tables
    assert len(host.asked) == MAX_PAGES
    assert len(table.rows) == MAX_PAGES
    assert table.totals == ()


async def test_a_host_that_gives_one_page_again_and_again_gives_no_document() -> None:
    host = Host(stuck=True, lists={"card.recent": [entry(1)]})
    found = await composed(asked(host, "card_recent", card=CARD), STAMP)
    assert isinstance(found, NoPaper)
    assert found.exit == "not_available"
    assert len(host.asked) == 2


@pytest.mark.parametrize("exit_name", ["none", "no_account"])
async def test_nothing_to_print_is_said(exit_name: str) -> None:
    host = Host(exits={("card.recent", 0): exit_name})
    found = await composed(asked(host, "card_recent", card=CARD), STAMP)
    assert isinstance(found, NoPaper)
    assert found.exit == "none"


@pytest.mark.parametrize("page", [0, 1])
async def test_half_a_list_is_no_document(page: int) -> None:
    host = Host(
        {"card.recent": [entry(n) for n in range(1, 8)]},
        exits={("card.recent", page): "unavailable"},
    )
    found = await composed(asked(host, "card_recent", card=CARD), STAMP)
    assert isinstance(found, NoPaper)
    assert found.exit == "not_available"


async def test_a_list_that_shrank_meanwhile_ends_where_it_ends() -> None:
    host = Host(
        {"card.recent": [entry(n) for n in range(1, 8)]}, exits={("card.recent", 1): "none"}
    )
    (table,) = (await paper_of(host, "card_recent", card=CARD)).tables
    assert len(table.rows) == 5


BALANCE: Row = {
    "unit": "usd",
    "amount": Money.parse("1.00", "USD"),
    "available": Money.parse("0", "USD"),
}
DEPOSIT: Row = {
    "sub": "0031",
    "kind": "term",
    "amount": Money.parse("9.00", "USD"),
    "rate": Decimal("1.5"),
}


@pytest.mark.parametrize(
    ("without", "tables"),
    [((), [1, 1]), (("fx.deposits",), [1, 0]), (("fx.balance",), [0, 1])],
)
async def test_parts_that_are_empty_leave_the_others(
    without: Iterable[str], tables: list[int]
) -> None:
    host = Host(
        {"fx.balance": [BALANCE], "fx.deposits": [DEPOSIT]},
        exits={(service, 0): "none" for service in without},
    )
    paper = await paper_of(host, "fx_accounts", card=CARD)
    assert [len(table.rows) for table in paper.tables] == tables


async def test_all_parts_empty_is_nothing_to_print() -> None:
    host = Host(exits={("fx.balance", 0): "none", ("fx.deposits", 0): "none"})
    found = await composed(asked(host, "fx_accounts", card=CARD), STAMP)
    assert isinstance(found, NoPaper)
    assert found.exit == "none"


async def test_a_receipt_asks_nobody() -> None:
    host = Host()
    values: dict[str, Value] = {
        "card": CARD,
        "payee_masked": "622700******0020",
        "amount": Money.parse("100.50"),
        "fee": Money.parse("2.00"),
        "ref": "010000000003",
    }
    paper = await paper_of(host, "transfer_receipt", **values)
    assert host.asked == []
    assert any("100.50" in value for _, value in paper.facts)
    assert "6227000000000012" not in repr(paper)


async def test_values_that_do_not_make_the_document_give_none() -> None:
    for document, values in (("transfer_receipt", {"card": CARD}), ("telegram", {})):
        found = await composed(asked(Host(), document, **values), STAMP)
        assert isinstance(found, NoPaper)
        assert found.exit == "not_available"


@settings(max_examples=60, deadline=None)
@given(count=st.integers(0, 60), per_page=st.integers(1, 20))
async def test_every_row_is_printed_once_however_the_host_pages(count: int, per_page: int) -> None:
    host = Host({"card.recent": [entry(n) for n in range(1, count + 1)]}, per_page=per_page)
    found = await composed(asked(host, "card_recent", card=CARD), STAMP)
    if count == 0:
        assert isinstance(found, NoPaper)
        return
    assert isinstance(found, Paper)
    amounts = [row[4] for row in found.tables[0].rows]
    assert amounts == [f"{n:,}.00" for n in range(1, count + 1)]


# -- the number that the bank has -------------------------------------------------------------


def telling(exit_name: str, outcome: Outcome, **data: Value) -> Callable[..., Awaitable[Answer]]:
    async def ask(service: str, inputs: Values) -> Answer:
        assert (service, inputs) == ("customer.mobile", {"card": CARD})
        return Answer(exit_name, outcome, data, "r")

    return ask


async def number(ask: Callable[..., Awaitable[Answer]], card: CardNumber | None) -> str | NoPaper:
    plain = asked(Host(), "fx_rates")
    fax = SendFax("v1", "fx_rates", way="back", to="registered", authenticated=card)
    return await registered_number(
        FaxAsked("c1", fax, "", plain.edition, ask, plain.send, plain.stop)
    )


async def test_the_registered_number_is_the_host_s_word() -> None:
    ok = telling("ok", Approved({}), mobile="13800000001")
    assert await number(ok, CARD) == "13800000001"


@pytest.mark.parametrize(
    ("exit_name", "data", "taken"),
    [
        ("none", {}, "no_number"),
        ("unavailable", {}, "not_available"),
        ("ok", {"mobile": "138****0001"}, "not_available"),
    ],
)
async def test_without_one_the_fax_has_no_number_or_is_not_to_be_had(
    exit_name: str, data: Values, taken: str
) -> None:
    found = await number(telling(exit_name, Declined(exit_name), **data), CARD)
    assert isinstance(found, NoPaper)
    assert found.exit == taken


async def test_whoever_has_not_proved_himself_has_no_registered_number() -> None:
    found = await number(telling("ok", Approved({}), mobile="13800000001"), None)
    assert isinstance(found, NoPaper)
    assert found.exit == "refused"


def test_the_release_of_these_tests_is_the_shipped_one() -> None:
    assert isinstance(RELEASE, Release)
    assert {"card_recent", "fx_accounts", "transfer_receipt"} <= set(RELEASE.documents)
