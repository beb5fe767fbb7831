"""Rows that cannot be read at a start: a person has them, and the start goes on."""

from pathlib import Path

import pytest
from sqlalchemy import update

from support.store_kit import message, money_plan, open_store, rows, transfer
from telebank.store import tables
from telebank.store.store import Store
from transactions.journal import Recorded, RecordPlan
from transactions.lifecycle import State

S = State
IDENTITY = "110101199003078888"


async def _left_open(store: Store, name: str, state: State, recovery: str = "reverse") -> None:
    """A row with an identity number, brought to a state; its sealed number is then spoilt."""
    request = transfer(name)
    request = transfer(name, inputs={**request.inputs, "identity": IDENTITY})
    plan = money_plan(guarded=False, recovery=recovery)
    if recovery == "repeat":
        plan = RecordPlan("state", "repeat", "h")
    sent = None if state is S.RECORDED else message(name, f"{int(name[1:]):06d}")
    assert isinstance(await store.journal.record(request, plan, sent), Recorded)
    walk = {S.REVERSING: [S.UNKNOWN, S.REVERSING], S.UNKNOWN: [S.UNKNOWN]}.get(state, [])
    if walk:
        await store.journal.advance(name, walk)


async def _spoil(store: Store, *names: str) -> None:
    sealed = tables.sealed_input
    spoilt = update(sealed).where(sealed.c.request.in_(names)).values(ciphertext=b"\0" * 40)
    await store.journal.run(lambda part: part.connection.execute(spoilt) and None)


@pytest.mark.parametrize(
    ("state", "recovery", "history"),
    [
        (S.RECORDED, "reverse", [S.RECORDED, S.NOT_SENT]),
        (S.RECORDED, "repeat", [S.RECORDED, S.REPEATING, S.MANUAL]),
        (S.SENT, "reverse", [S.RECORDED, S.SENT, S.UNKNOWN, S.MANUAL]),
        (S.UNKNOWN, "reverse", [S.RECORDED, S.SENT, S.UNKNOWN, S.MANUAL]),
        (S.REVERSING, "reverse", [S.RECORDED, S.SENT, S.UNKNOWN, S.REVERSING, S.MANUAL]),
    ],
)
async def test_a_row_that_cannot_be_read_goes_to_a_person_and_the_others_on(
    place: Path, state: State, recovery: str, history: list[State]
) -> None:
    async with open_store(place) as store:
        await _left_open(store, "r1", S.SENT)
        await _left_open(store, "r2", state, recovery)
        await _left_open(store, "r3", S.SENT)
        await _spoil(store, "r2")
        # In this life it is whole in memory: left alone.
        assert [row.request.id for row in await store.journal.open_rows()] == ["r1", "r3"]
        assert rows(place, tables.request, tables.request.c.id == "r2")[0].state == state
    async with open_store(place) as store:
        for _ in range(2):
            found = await store.journal.open_rows()
            assert [row.request.id for row in found] == ["r1", "r3"]
            assert found[0].request.inputs["identity"] == IDENTITY
    steps = rows(place, tables.request_state, tables.request_state.c.request == "r2")
    assert [step.state for step in steps] == history
    assert (
        steps[-1].why == "its numbers cannot be read: a sealed number was changed, or its key was"
    )
    alarms = rows(place, tables.event, tables.event.c.kind == "alarm.manual")
    assert [event.request for event in alarms] == ["r2"] * (history[-1] is S.MANUAL)


async def test_inputs_that_are_no_inputs_are_a_persons_too(place: Path) -> None:
    async with open_store(place) as store:
        await _left_open(store, "r1", S.SENT)
        bad = update(tables.request).values(inputs={"amount": {"money": ["x"]}})
        await store.journal.run(lambda part: part.connection.execute(bad) and None)
    async with open_store(place) as store:
        assert list(await store.journal.open_rows()) == []
    (row,) = rows(place, tables.request)
    assert row.state == S.MANUAL
