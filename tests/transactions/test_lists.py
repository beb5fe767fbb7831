"""Lists, words and optional values in contracts, requests and answers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from support.ledger_world import CARDS, CONTRACTS, PIN, World
from support.transactions_time import run
from transactions.contract import ContractError, Contracts, RowShape, Service, load_contracts
from transactions.inputs import answer_complaint, complaint
from transactions.kinds import KindError, declared
from transactions.money import Money
from transactions.outcome import Approved, Outcome, Values
from transactions.ports import MessageLog
from transactions.request import AuthLevel, Request
from transactions.secret import Secret

HEAD = "schema: 1\nservices:\n  list:\n    "
LIST = (
    "version: 1, in: {card: card_no, kind: word, cursor: text?}, "
    "out: {items: {rows: {on: date, amount: money, note: text?}, most: 3}, cursor: text?}, "
    "effect: read, recovery: none, last_without: cursor, out_on: [ok, last], "
    "outcomes: [ok, last, none, unavailable]"
)


def written(folder: Path, contract: str) -> Service:
    path = folder / "services.yaml"
    path.write_text(f"{HEAD}{{{contract}}}\n", encoding="utf-8")
    return load_contracts(path)["list"]


def row(**change: Any) -> Any:
    whole = {"on": date(2026, 1, 2), "amount": Money.parse("-1.50")}
    return MappingProxyType({k: v for k, v in {**whole, **change}.items() if v is not None})


def test_a_list_is_read_with_its_columns(tmp_path: Path) -> None:
    service = written(tmp_path, LIST)
    assert service.inputs == {"card": "card_no", "kind": "word", "cursor": "text"}
    assert service.outputs == {"items": "rows", "cursor": "text"}
    assert (service.optional, service.optional_out) == ({"cursor"}, {"cursor"})
    columns = {"on": "date", "amount": "money", "note": "text"}
    assert service.rows == {"items": RowShape(columns, frozenset({"note"}), 3)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("most: 3", "most: 21", "from 1 to 20"),
        ("rows: {on: date, amount: money, note: text?}", "rows: {}", "1 to 12 columns"),
        ("on: date,", "n: date,", "row's own number"),
        ("on: date,", "on: secret,", "not one of"),
        ("on: date,", "on: card_no,", "not one of"),
        ("on: date,", "on: rows,", "not one of"),
        ("most: 3", "much: 3", "a list is written"),
        ("kind: word,", "kind: {rows: {on: date}},", "not one of"),
        ("kind: word,", "kind: wordy,", "not one of"),
        ("last_without: cursor", "last_without: items", "optional output"),
        ("outcomes: [ok, last,", "outcomes: [ok,", "`out_on` names"),
        ("last_without: cursor, ", "", "go together"),
        ("out_on: [ok, last]", "out_on: [ok]", "both give the rows"),
        ("effect: read, recovery: none", "effect: state, recovery: person", "only a read"),
        ("out: {items", "customer: cursor, out: {items", "may be left out"),
        ("out: {items", "out: {more: {rows: {a: text}}, items", "more than one list"),
    ],
)
def test_a_list_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert LIST.count(old) == 1
    with pytest.raises(ContractError, match=r"services.yaml:3: list: .*") as caught:
        written(tmp_path, LIST.replace(old, new))
    assert words in str(caught.value)


@pytest.mark.parametrize("raw", [None, [], "money"])
def test_what_is_no_mapping_declares_nothing(raw: object) -> None:
    with pytest.raises(KindError, match="must map names"):
        declared(raw, lists=True)


@pytest.mark.parametrize(
    ("data", "exit_name"),
    [
        ({"items": (), "cursor": "c"}, "none"),
        ({"items": ()}, "none"),
        ({"items": (row(),), "cursor": "c"}, "ok"),
        ({"items": (row(),)}, "last"),
    ],
)
def test_the_exit_says_whether_there_is_more(tmp_path: Path, data: Any, exit_name: str) -> None:
    service = written(tmp_path, LIST)
    assert service.exit_for(Approved(data)) == exit_name


def test_without_such_exits_every_approval_is_ok(tmp_path: Path) -> None:
    plain = LIST.replace("outcomes: [ok, last, none,", "outcomes: [ok,")
    plain = plain.replace("last_without: cursor, out_on: [ok, last], ", "")
    assert written(tmp_path, plain).exit_for(Approved({"items": ()})) == "ok"


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([row()], "no list"),
        ((row(),) * 4, "at most 3"),
        ((row(), row(on=None)), "lacks on in row 2"),
        ((row(amount="1.50"),), "no usable money as amount in row 1"),
        ((row(note="a\x00b"),), "no usable text as note in row 1"),
    ],
)
def test_rows_that_are_not_as_declared_are_no_answer(
    tmp_path: Path, items: Any, words: str
) -> None:
    wrong = answer_complaint(written(tmp_path, LIST), {"items": items})
    assert wrong is not None
    assert words in wrong


def test_rows_may_lack_what_is_optional(tmp_path: Path) -> None:
    service = written(tmp_path, LIST)
    assert answer_complaint(service, {"items": (row(), row(note="x", other=1))}) is None
    assert answer_complaint(service, {"cursor": "c"}) == "the answer lacks items"


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"kind": "time"}, None),
        ({"kind": "time", "cursor": "c"}, None),
        ({"kind": "Time"}, "not a usable word"),
        ({"kind": "x" * 25}, "not a usable word"),
        ({"kind": "time", "cursor": ""}, "not a usable text"),
        ({"cursor": "c"}, "'kind' is missing"),
        ({"kind": (row(),)}, "not a usable word"),
    ],
)
def test_an_optional_input_may_be_left_out(tmp_path: Path, inputs: Values, words: str) -> None:
    service = written(tmp_path, LIST)
    said = complaint(service, Request("r1", "list", 1, {"card": CARDS[0], **inputs}, "caller"))
    assert said is None if words is None else words in (said or "")


# -- through the processor ----------------------------------------------------------------------

QUOTE = replace(
    CONTRACTS["transfer.quote"],
    outputs={**CONTRACTS["transfer.quote"].outputs, "items": "rows"},
    rows={"items": RowShape({"on": "date", "amount": "money"}, most=3)},
)


def asked(items: Any, story: Callable[[World], Awaitable[None]]) -> None:
    """A world whose quotes come with `items`."""

    async def whole() -> None:
        world = World(contracts=Contracts({**CONTRACTS.services, QUOTE.name: QUOTE}))
        await world.start()
        plain = world.host.execute

        async def execute(request: Request, log: MessageLog) -> Outcome:
            outcome = await plain(request, log)
            if request.service == QUOTE.name and isinstance(outcome, Approved):
                return Approved({**outcome.data, "items": items})
            return outcome

        world.host.execute = execute  # type: ignore[method-assign, assignment]
        await story(world)
        await asyncio.sleep(0)

    run(whole())


async def quoted(world: World) -> Any:
    pin: Values = {"card": CARDS[0], "pin": Secret(PIN)}
    assert (await world.processor.submit(Request("p", "pin.verify", 1, pin, "a"))).exit == "ok"
    inputs: Values = {"from": CARDS[0], "to": CARDS[1], "amount": Money.parse("5")}
    token = world.vault.token(CARDS[0])
    proved: Any = {"auth": AuthLevel.PIN, "authenticated_token": token}
    return await world.processor.submit(Request("q", QUOTE.name, 1, inputs, "a", **proved))


def test_rows_reach_the_caller_but_are_no_terms_of_a_quote() -> None:
    async def story(world: World) -> None:
        answer = await quoted(world)
        assert (answer.exit, answer.data["items"]) == ("ok", (row(),))
        handle = str(answer.data["quote"])
        kept = world.processor._quotes.find(handle, CONTRACTS["transfer.card_to_card"], 0.0)
        assert kept is not None
        assert "items" not in kept.terms
        assert kept.terms["fee"] == answer.data["fee"]

    asked((row(),), story)


def test_an_answer_with_rows_that_cannot_be_is_unavailable() -> None:
    async def story(world: World) -> None:
        assert (await quoted(world)).exit == "unavailable"

    asked((row(on="2026-01-02"),), story)
