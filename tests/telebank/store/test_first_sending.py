"""A request that goes well is two commits: recorded and sent, answered and concluded."""

from dataclasses import replace
from pathlib import Path

import pytest

from support.store_kit import DAY, NOON, message, money_plan, open_store, rows, transfer
from telebank.store import tables
from telebank.store.errors import MessageKeysReused
from transactions.journal import Existing, Recorded, RecordRefused
from transactions.lifecycle import State
from transactions.outcome import Approved


async def test_recorded_and_sent_are_one_commit(place: Path) -> None:
    async with open_store(place) as store:
        before = store.commits
        sent = message("r1", "000001")
        made = await store.journal.record(transfer("r1"), money_plan(), sent)
        assert isinstance(made, Recorded)
        assert store.commits == before + 1
        (open_row,) = await store.journal.open_rows()
        assert (open_row.state, open_row.sent) == (State.SENT, sent)
        with pytest.raises(Exception, match="never sent again"):
            await store.journal.sending(message("r1", "000002"))
    states = [(row.ordinal, row.state) for row in rows(place, tables.request_state)]
    assert states == [(0, "RECORDED"), (1, "SENT")]
    events = [(row.kind, row.outcome) for row in rows(place, tables.event)]
    assert events == [("request.state", "RECORDED"), ("request.state", "SENT")]


async def test_what_is_not_recorded_is_not_sent(place: Path) -> None:
    async with open_store(place) as store:
        journal = store.journal
        await journal.record(transfer("r1"), money_plan(), message("r1", "000001"))
        again = await journal.record(transfer("r1"), money_plan(), message("r1", "000002"))
        assert isinstance(again, Existing)
        twin = await journal.record(transfer("r2"), money_plan(), message("r2", "000002"))
        assert twin == RecordRefused("pending")
        other = transfer("r3", "7.00")
        with pytest.raises(MessageKeysReused):
            await journal.record(other, money_plan(guarded=False), message("r3", "000001"))
    assert [row.id for row in rows(place, tables.request)] == ["r1"]
    assert [row.stan for row in rows(place, tables.host_message)] == ["000001"]


async def test_the_reply_is_written_with_what_it_means(place: Path) -> None:
    async with open_store(place) as store:
        sent = message("r1", "000001")
        await store.journal.record(transfer("r1"), money_plan(), sent)
        before = store.commits
        reply = replace(sent, reply39="00", reply_at=NOON, settled_on=DAY)
        outcome = Approved({}, "H1")
        await store.journal.advance("r1", [State.APPROVED], outcome=outcome, answered=reply)
        assert store.commits == before + 1
    (row,) = rows(place, tables.host_message)
    assert (row.reply39, row.reply_at, row.settled_on) == ("00", NOON, DAY)
    last = rows(place, tables.event)[-1]
    assert (last.outcome, last.detail["reply39"]) == ("APPROVED", "00")
