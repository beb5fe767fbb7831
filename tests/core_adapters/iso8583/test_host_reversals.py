"""Reversals and advices against a real TCP peer: repeats, refusals, late approvals."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from core_adapters.iso8583.format.message import Message, reply_mti
from core_adapters.iso8583.profile import Profile
from support.iso8583_bench import TRANSFER, Bench, bench, hasty
from support.iso8583_kit import (
    request,
    tb87,
)
from support.iso8583_peer import Peer, Script, approve, changed, decline
from transactions.outcome import Approved, Unknown
from transactions.ports import (
    ReversalImpossible,
    ReversalRefused,
    ReversalUnanswered,
    Reversed,
)


async def test_reversal_then_repeat_are_identical_but_for_mti() -> None:
    async with bench(hasty(tb87())) as one:
        one.peer.script = Script(reply=lambda _message: None)
        original = request(TRANSFER)
        assert await one.host.execute(original, one.log) == Unknown("time_out")
        sent = one.log.rows[0]
        for attempt in range(3):
            outcome = await one.host.reverse(original, sent, "time_out", one.log, attempt)
            assert outcome == ReversalUnanswered(True, "time_out")
        first, *repeats = one.peer.seen[1:]
        assert (first.mti, [m.mti for m in repeats]) == ("0420", ["0421", "0421"])
        assert all(dict(m.fields) == dict(first.fields) for m in repeats)
        asked = one.peer.seen[0].fields
        assert first.fields[90] == f"0200{asked[11]}{asked[7]}{asked[32].zfill(11)}{'0' * 11}"
        assert (first.fields[39], first.fields[4], first.fields[11]) == ("68", asked[4], asked[11])
        assert not {22, 52, 53, 61} & set(first.fields)
        one.peer.script = Script()
        assert await one.host.reverse(original, sent, "time_out", one.log, 3) == Reversed()
        assert [row.attempt for row in one.log.rows[1:]] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("code", "attempt", "outcome"),
    [
        ("00", 0, Reversed()),
        ("25", 0, Reversed(never_had=True)),
        ("94", 0, ReversalRefused("code_94")),
        ("94", 1, Reversed(never_had=True, duplicate=True)),
        ("96", 1, ReversalUnanswered(True, "code_96")),
        ("Z9", 1, ReversalUnanswered(True, "code_Z9")),
        ("13", 0, ReversalRefused("code_13")),
    ],
)
async def test_answers_to_a_reversal(code: str, attempt: int, outcome: object) -> None:
    async with bench() as one:
        original = request(TRANSFER)
        await one.host.execute(original, one.log)
        one.peer.script = Script(reply=decline(code))
        sent = one.log.rows[0]
        assert await one.host.reverse(original, sent, "time_out", one.log, attempt) == outcome


async def test_not_found_waits_where_the_host_keeps_no_tombstones() -> None:
    profile = tb87()
    profile = replace(profile, reversal=replace(profile.reversal, tombstones=False))
    async with bench(profile) as one:
        original = request(TRANSFER)
        await one.host.execute(original, one.log)
        one.peer.script = Script(reply=decline("25"))
        sent = one.log.rows[0]
        outcome = await one.host.reverse(original, sent, "time_out", one.log, 1)
        assert outcome == ReversalUnanswered(True, "not_found_yet")
        old = replace(sent, sent_at=datetime.now(UTC) - timedelta(seconds=61))
        outcome = await one.host.reverse(original, old, "time_out", one.log, 2)
        assert outcome == ReversalRefused("not_found")


def with_new_stans(profile: Profile) -> Profile:
    """Reversals that have a STAN of their own."""
    return replace(profile, reversal=replace(profile.reversal, stan="new"))


async def test_a_repeated_reversal_has_the_first_ones_own_stan() -> None:
    async with bench(with_new_stans(hasty(tb87()))) as one:
        one.peer.script = Script(reply=lambda _message: None)
        original = request(TRANSFER)
        await one.host.execute(original, one.log)
        sent, before = one.log.rows[0], None
        for attempt in range(3):
            await one.host.reverse(original, sent, "time_out", one.log, attempt, before)
            before = one.log.rows[-1]
        first, *repeats = one.peer.seen[1:]
        assert first.fields[11] != sent.stan
        assert [m.mti for m in repeats] == ["0421", "0421"]
        assert all(dict(m.fields) == dict(first.fields) for m in repeats)


async def test_a_reversal_of_what_is_not_served_any_more_is_impossible() -> None:
    profile = tb87()
    services = {name: one for name, one in profile.services.items() if name != TRANSFER}
    async with bench() as before:
        original = request(TRANSFER)
        await before.host.execute(original, before.log)
        (sent,) = before.log.rows
    async with bench(replace(profile, services=MappingProxyType(services))) as one:
        outcome = await one.host.reverse(original, sent, "time_out", one.log, 0)
        assert outcome == ReversalImpossible("not_served")


async def test_a_reversal_that_cannot_be_built_is_impossible_and_its_alarms_are_few() -> None:
    async with bench(alarms_a_second=3) as one:
        original = request(TRANSFER)
        await one.host.execute(original, one.log)
        (sent,) = one.log.rows
        bare = replace(original, inputs={})
        for _ in range(20):
            outcome = await one.host.reverse(bare, sent, "time_out", one.log, 0)
            assert outcome == ReversalImpossible("format")
        assert [(a.kind, a.request_id) for a in one.alarms] == [("profile", "r1")] * 3
        assert len(one.peer.seen) == 1


@pytest.mark.parametrize("together", [False, True], ids=["two segments", "one segment"])
async def test_an_approval_behind_a_reply_that_is_no_use_is_told(together: bool) -> None:
    async with bench() as one:

        def reply(message: Message) -> None:
            bad = one.peer.frame(changed(4, "000000000001")(message))
            good = one.peer.frame(approve(message))
            (writer,) = one.peer.writers
            writer.write(bad + good if together else bad)
            if not together:
                asyncio.get_running_loop().call_later(0.02, writer.write, good)

        one.peer.script = Script(reply=reply)
        assert await one.ask(TRANSFER) == Unknown("bad_reply")
        while not one.late:
            await asyncio.sleep(0.001)
        (late,) = one.late
        assert isinstance(late.outcome, Approved)


async def test_reversal_without_a_link_is_not_counted() -> None:
    peer = await Peer.start()
    one = Bench(peer, tb87())
    await one.host.start()
    await one.ready()
    original = request(TRANSFER)
    await one.host.execute(original, one.log)
    await peer.stop()
    while (await one.host.health()).links_up:
        await asyncio.sleep(0.001)
    outcome = await one.host.reverse(original, one.log.rows[0], "time_out", one.log, 0)
    assert outcome == ReversalUnanswered(False, "no_link")
    assert len(one.log.rows) == 1
    await one.host.close()


async def test_a_loss_report_repeats_as_itself() -> None:
    async with bench(hasty(tb87())) as one:
        one.peer.script = Script(reply=lambda _message: None)
        report = request("card.report_loss")
        assert await one.host.execute(report, one.log) == Unknown("time_out")
        one.peer.script = Script()
        again = await one.host.execute(report, one.log, repeat_of=one.log.rows[0])
        assert isinstance(again, Approved)
        first, repeat = one.peer.seen
        assert (first.mti, repeat.mti, reply_mti(repeat.mti)) == ("0302", "0303", "0312")
        assert dict(first.fields) == dict(repeat.fields)
        assert first.fields[48] == "010044021" + "02004lost"


async def test_a_stored_loss_report_goes_as_advice_with_its_own_time() -> None:
    async with bench(hasty(tb87())) as one:
        one.peer.script = Script(reply=lambda _message: None)
        taken = datetime.now(UTC) - timedelta(hours=2)
        report = request("card.report_loss", created_at=taken, deadline=0.001)
        assert await one.host.execute(report, one.log) == Unknown("time_out")
        await one.host.execute(report, one.log, repeat_of=one.log.rows[0])
        first, repeat = one.peer.seen
        assert (first.mti, repeat.mti) == ("0322", "0323")
        assert first.fields[12] == (taken + timedelta(hours=8)).strftime("%H%M%S")
        assert dict(first.fields) == dict(repeat.fields)


async def test_each_repeat_is_one_more_than_the_last() -> None:
    async with bench(hasty(tb87())) as one:
        one.peer.script = Script(reply=lambda _message: None)
        report = request("card.report_loss")
        await one.host.execute(report, one.log)
        for attempt in range(3):
            last = replace(one.log.rows[0], attempt=attempt)
            await one.host.execute(report, one.log, repeat_of=last)
        assert [(row.role, row.attempt) for row in one.log.rows] == [
            ("request", 0),
            ("repeat", 1),
            ("repeat", 2),
            ("repeat", 3),
        ]
        assert [message.mti for message in one.peer.seen] == ["0302", "0303", "0303", "0303"]
