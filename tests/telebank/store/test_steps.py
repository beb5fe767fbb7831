"""How a recorded request goes on: states, messages, attempts, what was told, who must be told."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from support.store_kit import (
    DAY,
    NOON,
    check_log,
    message,
    open_store,
    recorded,
    rows,
)
from telebank.settings import store_url
from telebank.store import tables
from telebank.store.engine import open_read_only
from telebank.store.errors import MessageKeysReused, UnknownRequest
from transactions.journal import JournalEvent, Notice
from transactions.lifecycle import TRANSITIONS, IllegalTransition, State
from transactions.money import Money
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown


async def test_history_keeps_every_state_in_one_commit(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "r1")
        await store.journal.sending(message("r1", "000001"))
        before = store.commits
        due = NOON + timedelta(seconds=5)
        await store.journal.advance(
            "r1", [State.UNKNOWN, State.REVERSING], why="no reply", next_attempt_at=due
        )
        assert store.commits == before + 1
        (row,) = await store.journal.open_rows()
        assert (row.state, row.next_attempt_at) == (State.REVERSING, due)
        assert row.sent == message("r1", "000001")
    history = [(r.ordinal, r.state, r.why) for r in rows(place, tables.request_state)]
    assert history == [
        (0, "RECORDED", ""),
        (1, "SENT", ""),
        (2, "UNKNOWN", "no reply"),
        (3, "REVERSING", "no reply"),
    ]
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        assert check_log(connection) == 4
    engine.dispose()


_WAYS: dict[State, tuple[State, ...]] = {
    State.RECORDED: (),
    State.SENT: (State.SENT,),
    State.NOT_SENT: (State.NOT_SENT,),
    State.APPROVED: (State.SENT, State.APPROVED),
    State.DECLINED: (State.SENT, State.DECLINED),
    State.UNKNOWN: (State.SENT, State.UNKNOWN),
    State.REVERSING: (State.SENT, State.UNKNOWN, State.REVERSING),
    State.REVERSED: (State.SENT, State.UNKNOWN, State.REVERSING, State.REVERSED),
    State.REPEATING: (State.REPEATING,),
    State.QUERYING: (State.SENT, State.UNKNOWN, State.QUERYING),
    State.MANUAL: (State.SENT, State.MANUAL),
    State.CLOSED_POSTED: (State.SENT, State.MANUAL, State.CLOSED_POSTED),
    State.CLOSED_NOT_POSTED: (State.SENT, State.MANUAL, State.CLOSED_NOT_POSTED),
}


@pytest.mark.parametrize("start", list(State))
async def test_only_the_table_s_edges_are_taken(place: Path, start: State) -> None:
    async with open_store(place) as store:
        for number, target in enumerate(State):
            name = f"r{number}"
            await recorded(store, name)
            await store.journal.advance(name, _WAYS[start])
            if target in TRANSITIONS[start]:
                await store.journal.advance(name, [target])
            else:
                with pytest.raises(IllegalTransition):
                    await store.journal.advance(name, [target])
        states = {row.id: row.state for row in rows(place, tables.request)}
    for number, target in enumerate(State):
        expected = target if target in TRANSITIONS[start] else start
        assert states[f"r{number}"] == expected.value


async def test_an_illegal_walk_writes_none_of_its_steps(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "r1")
        with pytest.raises(IllegalTransition):
            await store.journal.advance("r1", [State.SENT, State.REVERSED])
        with pytest.raises(UnknownRequest):
            await store.journal.advance("nobody", [State.SENT])
    (row,) = rows(place, tables.request)
    assert row.state == "RECORDED"
    assert len(rows(place, tables.request_state)) == 1
    assert len(rows(place, tables.event)) == 1


async def test_sent_is_durable_with_the_message_and_never_twice(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "r1")
        await store.journal.sending(message("r1", "000001"))
        (row,) = rows(place, tables.request)
        assert (row.state, row.terminal, row.messages) == ("SENT", "TEL00001", 1)
        with pytest.raises(IllegalTransition):
            await store.journal.sending(message("r1", "000002"))
        with pytest.raises(IllegalTransition):
            await store.journal.sending(message("r1", "000002", "reversal"))
        with pytest.raises(UnknownRequest):
            await store.journal.sending(message("r9", "000002"))
    assert len(rows(place, tables.host_message)) == 1


async def test_nothing_is_sent_for_a_row_past_its_deadline(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "r1")
        await store.journal.advance("r1", [State.NOT_SENT], outcome=NotSent("deadline"))
        with pytest.raises(IllegalTransition):
            await store.journal.sending(message("r1", "000001"))


async def test_message_keys_are_used_once(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "r1")
        await recorded(store, "r2")
        await store.journal.sending(message("r1", "000001"))
        with pytest.raises(MessageKeysReused):
            await store.journal.sending(message("r2", "000001"))
        rows_now = {row.id: row.state for row in rows(place, tables.request)}
        assert rows_now == {"r1": "SENT", "r2": "RECORDED"}
        await store.journal.sending(message("r2", "000001", field7="0331040001"))


async def test_reversal_and_its_repeat_are_rows_of_their_own(place: Path) -> None:
    async with open_store(place) as store:
        journal = store.journal
        await recorded(store, "r1")
        await journal.sending(message("r1", "000001"))
        await journal.advance("r1", [State.UNKNOWN, State.REVERSING])
        first = message("r1", "000001", "reversal", mti="0420")
        assert await journal.sending_again(first, NOON + timedelta(seconds=10)) == 1
        repeat = message("r1", "000001", "reversal", mti="0421", attempt=1)
        assert await journal.sending_again(repeat, None) == 2
        await journal.answered(replace(repeat, reply39="00", reply_at=NOON))
        await journal.answered(replace(repeat, reply39="25", reply_at=NOON))
        await journal.advance("r1", [State.REVERSED])
        with pytest.raises(IllegalTransition):
            await journal.attempt("r1", None)
        with pytest.raises(IllegalTransition):
            await journal.sending_again(repeat, None)
    replies = [(row.mti, row.reply39) for row in rows(place, tables.host_message)]
    assert replies == [("0200", None), ("0420", None), ("0421", "00")]
    kinds = [row.kind for row in rows(place, tables.event)]
    assert kinds.count("host.answered") == 1
    assert kinds.count("host.answered_again") == 1


async def test_an_open_row_has_its_last_reversal_and_why_it_became_unknown(place: Path) -> None:
    async with open_store(place) as store:
        journal = store.journal
        await recorded(store, "r1")
        await journal.sending(message("r1", "000001"))
        await journal.advance("r1", [State.UNKNOWN, State.REVERSING], why="bad_reply")
        (row,) = await journal.open_rows()
        assert (row.undoing, row.why) == (None, "bad_reply")
        for attempt in range(2):
            undo = message("r1", "000002", "reversal", mti="0420", attempt=attempt)
            await journal.sending_again(undo, None)
    async with open_store(place) as store:
        (row,) = await store.journal.open_rows()
        assert row.undoing is not None
        assert (row.undoing.stan, row.undoing.attempt) == ("000002", 1)
        assert row.sent is not None
        assert row.sent.stan == "000001"


async def test_a_reply_says_which_link_its_message_really_went_on(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "r1")
        sent = message("r1", "000001")
        await store.journal.sending(replace(sent, link="a"))
        await store.journal.answered(replace(sent, link="b", reply39="00", reply_at=NOON))
    (row,) = rows(place, tables.host_message)
    assert (row.link, row.reply39) == ("b", "00")


async def test_a_message_that_may_not_go_is_not_counted(place: Path) -> None:
    async with open_store(place) as store:
        journal = store.journal
        await recorded(store, "r1")
        await journal.sending(message("r1", "000001"))
        await journal.advance("r1", [State.UNKNOWN, State.REVERSING])
        before = store.commits
        with pytest.raises(IllegalTransition):
            await journal.sending_again(message("r1", "000001", "repeat", mti="0201"), None)
        first = message("r1", "000001", "reversal", mti="0420")
        assert await journal.sending_again(first, None) == 1
        assert store.commits <= before + 2
    (row,) = rows(place, tables.request)
    assert (row.attempts, row.messages) == (1, 2)


async def test_an_open_rows_reversal_is_one_that_was_answered_if_any_was(place: Path) -> None:
    """Only a reply proves that one of them left."""
    async with open_store(place) as store:
        journal = store.journal
        await recorded(store, "r1")
        await journal.sending(message("r1", "000001"))
        await journal.advance("r1", [State.UNKNOWN, State.REVERSING], why="silence")
        for attempt, mti in enumerate(("0420", "0421", "0421")):
            sent = message("r1", "000001", "reversal", mti=mti, attempt=attempt)
            await journal.sending_again(sent, None)
            (row,) = await journal.open_rows()
            assert row.undoing is not None
            assert (row.undoing.attempt, row.undoing.reply39) == (
                (0, None) if attempt == 0 else (1, "91" if attempt == 2 else None)
            )
            if attempt == 1:
                await journal.answered(replace(sent, reply39="91", reply_at=NOON))
        assert row.why == "silence"


async def test_one_reply_stamps_one_row(place: Path) -> None:
    async with open_store(place) as store:
        journal = store.journal
        await recorded(store, "r1")
        await journal.advance("r1", [State.REPEATING])
        repeat = message("r1", "000001", "repeat", mti="0303", attempt=1)
        for _ in range(3):
            await journal.sending_again(repeat, None)
        await journal.answered(replace(repeat, reply39="00", reply_at=NOON))
    replies = [row.reply39 for row in rows(place, tables.host_message)]
    assert replies == [None, None, "00"]


async def test_a_stored_loss_report_stays_repeating_while_it_is_sent(place: Path) -> None:
    async with open_store(place) as store:
        journal = store.journal
        await recorded(store, "r1", effect="state", recovery="repeat")
        await journal.advance("r1", [State.REPEATING], outcome=Unknown("no link"))
        await journal.sending(message("r1", "000001", mti="0322"))
        await journal.sending(message("r1", "000001", "repeat", mti="0323", attempt=1))
        (row,) = await journal.open_rows()
        assert row.state is State.REPEATING
        assert row.sent is not None
        assert row.sent.mti == "0322"


async def test_numbers_survive_restarts(place: Path) -> None:
    seen: list[str] = []
    references: list[str] = []
    for run in range(3):
        async with open_store(place, number_block=5) as store:
            seen += [await store.journal.next_stan() for _ in range(7)]
            references.append((await recorded(store, f"r{run}")).reference)
    assert len(set(seen)) == len(seen)
    assert seen == sorted(seen)
    assert len(set(references)) == 3


async def test_stans_wrap_and_skip_zero(place: Path) -> None:
    async with open_store(place, number_block=999_998) as store:
        first = await store.journal.next_stan()
        for _ in range(999_997):
            last = await store.journal.next_stan()
        assert (first, last) == ("000001", "999998")
        assert [await store.journal.next_stan() for _ in range(3)] == ["999999", "000001", "000002"]


async def test_tries_are_counted_by_one_statement(place: Path) -> None:
    async with open_store(place) as store:
        journal = store.journal
        assert [await journal.count_attempt("k", 3, DAY) for _ in range(4)] == [1, 2, 3, 0]
        await journal.give_back_attempt("k", DAY)
        assert await journal.count_attempt("k", 3, DAY) == 3
        assert not await journal.count_attempt("k", 3, DAY)
        assert await journal.count_attempt("k", 3, DAY + timedelta(days=1))
        assert await journal.count_attempt("other", 3, DAY)
        assert not await journal.count_attempt("none", 0, DAY)
        await journal.give_back_attempt("never", DAY)
    counts = {(row.key, row.day): row.count for row in rows(place, tables.attempt)}
    assert counts[("k", DAY)] == 3
    assert ("none", DAY) not in counts
    assert ("never", DAY) not in counts


_ENDS: list[tuple[tuple[State, ...], Outcome, str | None, str | None]] = [
    ((State.SENT, State.APPROVED), Approved(), "ok", None),
    ((State.SENT, State.APPROVED), Approved(), None, "posted"),
    ((State.SENT, State.DECLINED), Declined("insufficient"), "refused", None),
    ((State.SENT, State.DECLINED), Declined("insufficient"), None, "not_posted"),
    ((State.NOT_SENT,), NotSent("deadline"), "not_done", None),
    ((State.NOT_SENT,), NotSent("deadline"), None, "not_posted"),
    ((State.SENT, State.UNKNOWN, State.REVERSING), Unknown("no reply"), None, "open"),
    ((State.SENT, State.UNKNOWN, State.REVERSING), Unknown("no reply"), "in_doubt", None),
    ((State.SENT, State.MANUAL, State.CLOSED_POSTED), Unknown("x"), "in_doubt", "posted"),
    ((State.SENT, State.MANUAL, State.CLOSED_NOT_POSTED), Unknown("x"), "in_doubt", "not_posted"),
    ((State.SENT, State.MANUAL, State.CLOSED_NOT_POSTED), Unknown("x"), "ok", "not_posted"),
]


@pytest.mark.parametrize(("walk", "outcome", "told", "expected"), _ENDS)
async def test_the_customer_hears_what_he_has_not_heard(
    place: Path,
    walk: tuple[State, ...],
    outcome: Outcome,
    told: str | None,
    expected: str | None,
) -> None:
    async with open_store(place) as store:
        journal = store.journal
        await recorded(store, "r1")
        await journal.advance("r1", walk, outcome=outcome)
        if told is not None:
            await journal.told("r1", told)
        notice = await journal.next_notice("token-of-payer")
        assert await journal.next_notice("somebody-else") is None
        if expected is None:
            assert notice is None
            return
        amount, service = Money.parse("100"), "transfer.card_to_card"
        assert notice == Notice("r1", expected, amount, "*三", "010000000001", DAY, service)  # type: ignore[arg-type]
        await journal.told("r1", expected)
        assert await journal.next_notice("token-of-payer") is None


async def test_an_open_result_is_told_again_when_it_is_settled(place: Path) -> None:
    async with open_store(place) as store:
        journal = store.journal
        await recorded(store, "r1")
        await recorded(store, "r2")
        for name in ("r1", "r2"):
            await journal.advance(name, [State.SENT, State.UNKNOWN, State.REVERSING])
            await journal.told(name, "in_doubt")
        await journal.advance("r2", [State.REVERSED])
        notice = await journal.next_notice("token-of-payer")
        assert notice is not None
        assert (notice.request_id, notice.result) == ("r2", "not_posted")


async def test_personal_detail_is_beside_the_event_and_only_hashed_in_its_leaf(
    place: Path,
) -> None:
    started = JournalEvent(
        "call.started", call="c1", detail={"from_masked": "138****5678", "codec": "PCMA"}
    )
    async with open_store(place) as store:
        await store.journal.append(started)
    (row,) = rows(place, tables.event)
    assert row.detail == {"codec": "PCMA"}
    assert row.personal == {"from_masked": "138****5678"}
    assert len(row.salt) == 16
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        assert check_log(connection) == 1
    engine.dispose()
