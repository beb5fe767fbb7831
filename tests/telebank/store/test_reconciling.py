"""What reconciliation reads of the journal, on both databases."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from support.store_kit import DAY, PAYER, message, money_plan, open_store, transfer
from telebank.settings import store_url
from telebank.store.engine import open_read_only
from telebank.store.reconciling import count_of, rows_by_reference, rows_of
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.journal import Recorded
from transactions.lifecycle import State
from transactions.reconcile import LOOKUP_ROWS
from transactions.reconcile_values import JournalRow

NEXT = DAY + timedelta(days=1)
BEFORE = DAY - timedelta(days=1)


async def put(
    store: Store,
    folder: Path,
    number: int,
    *states: State,
    on: date = DAY,
    settled: date | None = None,
    effect: str = "money",
) -> str:
    """A transfer recorded under `on`, settled by the host on `settled`; its reference."""
    name = f"r{number}"
    token = Keyring.open_or_create(folder / "keys").seal(PAYER).token
    plan = money_plan(guarded=False, customer=token, effect=effect)
    found = await store.journal.record(transfer(name, business_date=on), plan)
    assert isinstance(found, Recorded)
    sent = message(name, f"{number:06d}")
    await store.journal.sending(sent)
    await store.journal.answered(replace(sent, reply39="00", settled_on=settled))
    await store.journal.advance(name, states)
    return found.request.reference


def read(folder: Path, day: date) -> list[JournalRow]:
    engine = open_read_only(store_url(folder))
    try:
        return list(rows_of(engine, day))
    finally:
        engine.dispose()


async def test_a_row_says_what_a_person_needs(place: Path) -> None:
    async with open_store(place) as store:
        reference = await put(store, place, 1, State.APPROVED, settled=NEXT)
    (row,) = read(place, DAY)
    assert row == JournalRow(
        reference=reference,
        service="transfer.card_to_card",
        state=State.APPROVED,
        amount=10_000,
        currency="CNY",
        fee=100,
        business_date=DAY,
        settled_on=NEXT,
        card_masked="622700******7899",
        payee_masked="*三",
        node="01",
    )
    assert row.effective == NEXT


async def test_which_rows_a_date_has(place: Path) -> None:
    async with open_store(place) as store:
        today = await put(store, place, 1, State.APPROVED, settled=DAY)
        over = await put(store, place, 2, State.APPROVED, settled=NEXT)
        came = await put(store, place, 3, State.APPROVED, on=BEFORE, settled=DAY)
        still = await put(store, place, 4, State.MANUAL, on=BEFORE)
        await put(store, place, 5, State.APPROVED, on=BEFORE, settled=BEFORE)
        await put(store, place, 6, State.APPROVED, settled=DAY, effect="state")
        declined = await put(store, place, 7, State.DECLINED, settled=DAY)
    assert {row.reference for row in read(place, DAY)} == {today, over, came, still, declined}
    assert {row.reference for row in read(place, NEXT)} == {over, still}
    engine = open_read_only(store_url(place))
    assert count_of(engine, DAY) == 3
    engine.dispose()


async def test_the_date_of_a_reversal_is_not_the_date_of_the_transfer(place: Path) -> None:
    async with open_store(place) as store:
        await put(store, place, 1, State.UNKNOWN, State.REVERSING)
        undo = message("r1", "000001", role="reversal", mti="0420")
        await store.journal.sending_again(undo, None)
        await store.journal.answered(replace(undo, reply39="00", settled_on=NEXT))
        await store.journal.advance("r1", [State.REVERSED])
    (row,) = read(place, DAY)
    assert (row.state, row.settled_on, row.reversed_on) == (State.REVERSED, None, NEXT)
    assert row.undone_later
    assert read(place, NEXT) == [row]


@pytest.mark.sqlite_file
async def test_no_read_goes_through_the_whole_journal(tmp_path: Path) -> None:
    """What SQLite says of the statements as they are really run."""
    async with open_store(tmp_path) as store:
        reference = await put(store, tmp_path, 1, State.APPROVED, settled=DAY)
    engine = open_read_only(store_url(tmp_path))
    ran: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *told: ran.append(told[2:4]))
    list(rows_of(engine, DAY))
    count_of(engine, DAY)
    rows_by_reference(engine, [reference])
    with engine.connect() as connection:
        plans = [plan_of(connection, *one) for one in tuple(ran)]
    engine.dispose()
    date_, settled, open_, count, by_reference = plans
    assert date_[0] == "SEARCH request USING INDEX ix_request_money (business_date=?)"
    assert settled[0].startswith("SEARCH request USING INDEX sqlite_autoindex_request")
    assert "SEARCH host_message USING INDEX ix_host_message_settled (settled_on=?)" in settled
    assert open_[0] == "SCAN request USING INDEX ix_request_open"
    assert count == date_[:1]
    assert by_reference[0].endswith("(reference=?)")
    for one in plans:
        assert not [step for step in one[1:] if step.startswith("SCAN")]
        assert "token" not in "".join(one)


def plan_of(connection: Connection, statement: str, values: Any) -> list[str]:
    """The steps of one statement."""
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    return [row.detail for row in rows if "SUBQUERY" not in row.detail]


async def test_rows_of_any_date_by_reference(place: Path) -> None:
    async with open_store(place) as store:
        old = await put(store, place, 1, State.DECLINED, on=BEFORE)
    engine = open_read_only(store_url(place))
    (row,) = rows_by_reference(engine, [old, "019999999999"])
    assert (row.reference, row.state) == (old, State.DECLINED)
    with pytest.raises(ValueError, match="references at once"):
        rows_by_reference(engine, ["x"] * (LOOKUP_ROWS + 1))
    engine.dispose()
