"""The adapter against a real TCP peer: outcomes by class, and the truth about bytes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType

import pytest

from core_adapters.iso8583.format.message import Message, reply_mti
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.host_types import Alarm, HostEvents, LateReply
from core_adapters.iso8583.options import MuxOptions
from core_adapters.iso8583.profile import Profile
from support.iso8583_kit import (
    CARD,
    MODULE,
    PIN,
    MemoryLog,
    contracts,
    quick_options,
    request,
    tb87,
)
from support.iso8583_peer import Peer, Script, approve, changed, decline
from transactions.money import Money
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown
from transactions.ports import (
    JournalUnavailable,
    ReversalImpossible,
    ReversalRefused,
    ReversalUnanswered,
    Reversed,
    Unsupported,
)
from transactions.secret import Secret

TRANSFER = "transfer.card_to_card"


class Bench:
    """A host under test, its peer, its log, and what it told its owner."""

    def __init__(self, peer: Peer, profile: Profile, **changes: object) -> None:
        self.peer = peer
        self.log = MemoryLog()
        self.alarms: list[Alarm] = []
        self.late: list[LateReply] = []
        self.host = Iso8583Host(
            profile,
            contracts(),
            MODULE,
            quick_options(peer.port, **changes),
            events=HostEvents(late=self.late.append, alarm=self.alarms.append),
        )

    async def ask(self, service: str, number: int = 1, **changes: object) -> Outcome:
        return await self.host.execute(request(service, number, **changes), self.log)

    async def ready(self) -> None:
        assert await self.host.wait_signed_on(5.0)


@asynccontextmanager
async def bench(profile: Profile | None = None, **changes: object) -> AsyncIterator[Bench]:
    peer = await Peer.start()
    made = Bench(peer, profile or tb87(), **changes)
    await made.host.start()
    try:
        await made.ready()
        yield made
    finally:
        await made.host.close()
        await peer.stop()


def hasty(profile: Profile, seconds: float = 0.05) -> Profile:
    """The profile with short time-outs."""
    services = {n: replace(s, timeout_s=seconds) for n, s in profile.services.items()}
    return replace(profile, services=MappingProxyType(services))


async def test_every_service_is_answered() -> None:
    async with bench() as one:
        assert await one.ask("pin.verify", 1) == Approved({}, "010000000001")
        balance = await one.ask("card.balance", 2)
        assert isinstance(balance, Approved)
        assert balance.data == {
            "available": Money.parse("12680.50"),
            "ledger": Money.parse("12680.50"),
        }
        quote = await one.ask("transfer.quote", 3)
        assert isinstance(quote, Approved)
        assert quote.data == {
            "fee": Money.parse("2.00"),
            "payee_masked": "陈*海",
            "quote": "Q0001",
        }
        moved = await one.ask(TRANSFER, 4)
        assert isinstance(moved, Approved)
        assert moved.data == {"ref": "010000000004", "available": Money.parse("12680.50")}
        lost = await one.ask("card.report_loss", 5)
        assert isinstance(lost, Approved)
        assert lost.data["ref"] == "010000000005"
        assert isinstance(lost.data["at"], time)
        health = await one.host.health()
        assert (health.links_up, health.links, health.in_flight) == (1, 1, 0)
        assert health.business_date is not None
        assert (health.business_date.month, health.business_date.day) == (11, 22)
        assert [row.mti for row in one.log.rows] == ["0600", "0200", "0200", "0200", "0302"]
        assert [row.reply39 for row in one.log.replies] == ["00"] * 5
    assert one.peer.network == ["0800/001", "0800/002"]


async def test_fields_of_the_transfer() -> None:
    async with bench() as one:
        await one.ask(TRANSFER)
        fields = one.peer.seen[0].fields
        assert fields[2] == CARD.digits
        assert fields[4] == "000000015000"
        assert fields[28] == "D00000200"
        assert (fields[22], fields[25], fields[49]) == ("012", "08", "156")
        assert (fields[41], fields[42]) == ("TB010001", "TELEBANK       ")
        assert fields[61] == "01005Q0001"
        assert fields[60] == "01005phone02002c103003pin04002zh"
        assert 52 not in fields
        row = one.log.rows[0]
        assert (row.stan, row.field7, row.amount) == (fields[11], fields[7], fields[4])
        assert (row.field41, row.field37, row.link) == ("TB010001", fields[37], "a")


@pytest.mark.parametrize(
    ("service", "code", "outcome"),
    [
        ("transfer.quote", "51", Declined("insufficient")),
        ("transfer.quote", "15", Declined("bad_payee")),
        ("transfer.quote", "61", Declined("over_limit")),
        ("pin.verify", "55", Declined("wrong_pin")),
        ("pin.verify", "75", Declined("locked")),
        ("pin.verify", "41", Declined("lost")),
        ("card.balance", "53", Declined("no_account")),
        ("card.report_loss", "25", Declined("not_matched")),
        (TRANSFER, "90", Declined("cut_over")),
        (TRANSFER, "63", Declined("security")),
        (TRANSFER, "91", Unknown("host_away")),
        (TRANSFER, "94", Unknown("duplicate_stan")),
        (TRANSFER, "Z9", Unknown("code_Z9")),
        ("card.balance", "Z9", Declined("unavailable")),
    ],
)
async def test_codes(service: str, code: str, outcome: Outcome) -> None:
    async with bench() as one:
        one.peer.script = Script(reply=decline(code))
        assert await one.ask(service) == outcome
        alarmed = code in ("63", "94", "Z9")
        assert [alarm.kind for alarm in one.alarms] == (["code"] if alarmed else [])
        assert all(code in alarm.text for alarm in one.alarms)


async def test_already_reported_is_as_good_as_done() -> None:
    async with bench() as one:
        one.peer.script = Script(reply=decline("26"))
        assert isinstance(await one.ask("card.report_loss"), Approved)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (changed(4, "000000014000"), "field 4 differs"),
        (changed(4, None), "field 4 is missing"),
        (changed(13, "0101"), "field 13 differs"),
    ],
)
async def test_a_disagreeing_reply_is_unknown_at_once(
    reply: Callable[[Message], Message], why: str
) -> None:
    async with bench() as one:
        one.peer.script = Script(reply=reply)
        assert await one.ask(TRANSFER) == Unknown("bad_reply")
        assert why in one.alarms[0].text
        assert "14000" not in one.alarms[0].text


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (changed(41, "TB990001"), "key field 41 differs"),
        (changed(11, "999999"), "no request with this STAN"),
        (changed(11, None), "key field 11 is missing"),
    ],
)
async def test_an_unmatched_reply_says_why_and_the_request_times_out(
    reply: Callable[[Message], Message], why: str
) -> None:
    async with bench(hasty(tb87())) as one:
        one.peer.script = Script(reply=reply)
        assert await one.ask(TRANSFER) == Unknown("time_out")
        assert why in one.alarms[0].text


async def test_bad_mac_is_unknown() -> None:
    async with bench() as one:
        one.peer.script = Script(bend=lambda data: data[:-1] + bytes([data[-1] ^ 1]))
        assert await one.ask(TRANSFER) == Unknown("bad_reply")
        assert "bad MAC" in one.alarms[0].text


async def test_undecodable_reply_is_unknown() -> None:
    async with bench(hasty(tb87())) as one:
        one.peer.script = Script(bend=lambda data: data[:2] + bytes(b ^ 0xFF for b in data[2:]))
        assert await one.ask(TRANSFER) == Unknown("time_out")
        assert one.alarms[0].kind == "undecodable"


async def test_an_oversized_frame_costs_the_link_not_the_money() -> None:
    async with bench() as one:
        one.peer.script = Script(bend=lambda _data: b"\xff\xff")
        assert await one.ask(TRANSFER) == Unknown("link_lost")
        one.peer.script = Script()
        await one.ready()
        assert isinstance(await one.ask(TRANSFER, 2), Approved)


async def test_late_answer_reaches_its_callback_once() -> None:
    async with bench(hasty(tb87())) as one:
        one.peer.script = Script(reply=lambda _message: None)
        assert await one.ask(TRANSFER) == Unknown("time_out")
        late = approve(one.peer.seen[0])
        one.peer.send(late)
        one.peer.send(late)
        while len(one.alarms) < 1:
            await asyncio.sleep(0.001)
        assert [(reply.message.request_id, type(reply.outcome)) for reply in one.late] == [
            ("r1", Approved)
        ]
        assert one.late[0].message.reply39 == "00"
        assert "duplicate" in one.alarms[0].text


async def test_a_cancelled_caller_changes_nothing() -> None:
    async with bench() as one:
        one.peer.script = Script(reply=lambda _message: None)
        task = asyncio.create_task(one.ask(TRANSFER))
        while not one.peer.seen:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (await one.host.health()).in_flight == 0
        one.peer.send(approve(one.peer.seen[0]))
        while not one.late:
            await asyncio.sleep(0.001)
        assert isinstance(one.late[0].outcome, Approved)


async def _span(service: str) -> tuple[int, int]:
    """Bytes of a request and of its reply on the wire."""
    async with bench() as one:
        await one.ask(service)
        asked = one.peer.seen[0]
        return len(one.peer.frame(asked)), len(one.peer.frame(approve(asked)))


@pytest.mark.parametrize("service", [TRANSFER, "pin.verify"])
async def test_link_cut_at_every_byte_of_the_request(service: str) -> None:
    size, _ = await _span(service)
    async with bench() as one:
        for count in range(size):
            await one.ready()
            one.peer.script = Script(cut_request_at=count)
            outcome = await one.ask(service, count + 1)
            assert outcome == Unknown("link_lost"), count
            one.peer.script = Script()
        assert len(one.log.rows) == size
        assert one.peer.seen == []


@pytest.mark.parametrize("service", [TRANSFER, "card.report_loss"])
async def test_link_cut_at_every_byte_of_the_reply(service: str) -> None:
    _, size = await _span(service)
    async with bench() as one:
        for count in range(size + 1):
            await one.ready()
            one.peer.script = Script(cut_reply_at=count)
            outcome = await one.ask(service, count + 1)
            if count < size:
                assert outcome == Unknown("link_lost"), count
            else:
                assert isinstance(outcome, Approved)
        stans = [message.fields[11] for message in one.peer.seen]
        assert len(stans) == len(set(stans)) == size + 1


async def test_not_sent_only_before_the_row() -> None:
    async with bench(mux=MuxOptions(in_flight_max=1, in_flight_urgent=0)) as one:
        assert await one.ask(TRANSFER, deadline=0.001) == NotSent("deadline")
        one.log.refuse = JournalUnavailable("full disk")
        with pytest.raises(JournalUnavailable):
            await one.ask(TRANSFER)
        one.log.refuse = None
        assert one.peer.seen == []
        one.peer.script = Script(reply=lambda _message: None)
        first = asyncio.create_task(one.ask(TRANSFER, 1))
        while not one.peer.seen:
            await asyncio.sleep(0.001)
        assert await one.ask(TRANSFER, 2) == NotSent("busy")
        assert len(one.log.rows) == 1
        one.peer.cut()
        assert await first == Unknown("link_lost")
    assert await one.ask(TRANSFER, 3) == NotSent("stopping")


async def test_no_link_is_not_sent() -> None:
    peer = await Peer.start()
    await peer.stop()
    one = Bench(peer, tb87())
    await one.host.start()
    assert await one.ask(TRANSFER) == NotSent("no_link")
    await one.host.close()
    assert one.log.rows == []


async def test_a_refused_sign_on_leaves_the_link_away() -> None:
    peer = await Peer.start()
    peer.sign_on_code = "05"
    one = Bench(peer, tb87())
    await one.host.start()
    while len(peer.network) < 3:
        await asyncio.sleep(0.001)
    assert await one.ask(TRANSFER) == NotSent("no_link")
    peer.sign_on_code = "00"
    await one.ready()
    assert isinstance(await one.ask(TRANSFER), Approved)
    await one.host.close()
    await peer.stop()


async def test_missed_echoes_close_and_reopen_the_link() -> None:
    mux = MuxOptions(echo_interval_s=0.01, echo_timeout_s=0.01, echo_missed_max=2)
    async with bench(mux=mux) as one:
        one.peer.answers_echo = False
        while one.peer.network.count("0800/001") < 2:
            await asyncio.sleep(0.001)
        one.peer.answers_echo = True
        await one.ready()
        assert one.peer.network[:3] == ["0800/001", "0800/301", "0800/301"]


async def test_the_host_may_echo_and_cut_over() -> None:
    async with bench() as one:
        one.peer.send(Message("0800", {7: "1122040000", 11: "000009", 15: "1231", 70: "201"}))
        while "0810/201" not in one.peer.network:
            await asyncio.sleep(0.001)
        date = (await one.host.health()).business_date
        assert date is not None
        assert (date.month, date.day) == (12, 31)


async def test_two_links_share_the_work_and_survive_each_other() -> None:
    async with bench(links=2) as one:
        while (await one.host.health()).links_up < 2:
            await asyncio.sleep(0.001)
        outcomes = await asyncio.gather(*(one.ask("card.balance", n) for n in range(1, 21)))
        assert all(isinstance(outcome, Approved) for outcome in outcomes)
        assert {row.link for row in one.log.rows} == {"a", "b"}


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


async def test_field_15_of_a_frame_without_a_mac_is_not_believed() -> None:
    profile = replace(tb87(), mac_exempt=frozenset({"0800", "0810"}))
    peer = await Peer.start()
    peer.speak(profile)
    one = Bench(peer, profile)
    await one.host.start()
    await one.ready()
    await one.ask("card.balance")
    known = (await one.host.health()).business_date
    fields = {7: "1122000000", 11: "000009", 15: "1201", 41: "TB010001"}
    for code in ("301", "201"):
        peer.send(Message("0800", {**fields, 70: code}))
    while "0810/201" not in peer.network:
        await asyncio.sleep(0.001)
    assert (await one.host.health()).business_date == known
    assert "not believed" in one.alarms[-1].text
    peer.speak(tb87())  # the same, with its MAC
    peer.send(Message("0800", {**fields, 70: "301"}))
    while (await one.host.health()).business_date == known:
        await asyncio.sleep(0.001)
    peer.speak(profile)
    await one.host.close()
    await peer.stop()


async def test_a_reply_in_another_currency_is_unknown() -> None:
    async with bench() as one:
        one.peer.script = Script(reply=changed(49, "840"))
        assert await one.ask(TRANSFER) == Unknown("bad_reply")
        assert "field 49 differs" in one.alarms[0].text


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


@pytest.mark.parametrize(("minutes", "hour", "day"), [(480, "01", "0302"), (-300, "12", "0301")])
async def test_terminal_time_is_the_banks_not_the_machines(
    minutes: int, hour: str, day: str
) -> None:
    async with bench(utc_offset_minutes=minutes) as one:
        taken = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)
        await one.ask("card.report_loss", created_at=taken)
        fields = one.peer.seen[0].fields
        assert (fields[12], fields[13]) == (f"{hour}3000", day)


def _dated(text: str) -> Script:
    return Script(reply=changed(15, text))


async def test_the_business_date_goes_on_by_matched_replies_and_never_back() -> None:
    async with bench() as one:

        async def day() -> str:
            date = (await one.host.health()).business_date
            return "" if date is None else date.strftime("%m%d")

        async def pushed(message: Message) -> None:
            before = len(one.alarms) + len(one.peer.network)
            one.peer.send(message)
            while len(one.alarms) + len(one.peer.network) == before:
                await asyncio.sleep(0.001)

        await one.ask("card.balance", 1)
        assert await day() == "1122"
        one.peer.script = _dated("1123")
        await one.ask("card.balance", 2)
        assert await day() == "1123"
        one.peer.script = _dated("1121")
        await one.ask("card.balance", 3)
        assert await day() == "1123"
        one.peer.script = _dated("0423")
        await one.ask("card.balance", 4)
        assert await day() == "1123"
        assert [alarm.kind for alarm in one.alarms] == ["date"]
        stray = approve(one.peer.seen[0])
        strange = stray.with_fields(stray.mti, {11: "777777", 15: "1125"})
        await pushed(strange)
        await pushed(Message("0810", {11: "777777", 15: "1125", 39: "00", 70: "301"}))
        assert await day() == "1123"
        await pushed(Message("0800", {7: "1124000000", 11: "000009", 15: "1124", 70: "201"}))
        assert await day() == "1124"


async def test_a_flood_of_bad_frames_is_a_few_alarms_and_a_number() -> None:
    async with bench(alarms_a_second=5) as one:
        await one.ask("card.balance")
        stray = approve(one.peer.seen[0])
        for number in range(500):
            one.peer.send(stray.with_fields(stray.mti, {11: f"{900_000 + number}"}))
        await one.ask("card.balance", 2)
    unmatched = [alarm.text for alarm in one.alarms if alarm.kind == "unmatched"]
    told = [text for text in unmatched if "not shown" in text]
    assert sum(int(text.split()[0]) for text in told) + len(unmatched) - len(told) == 500
    assert len(unmatched) < 250


async def test_what_the_profile_lacks_is_said() -> None:
    async with bench(replace(tb87(), totals=None)) as one:
        assert one.host.capabilities()["card.balance"] == 1
        await one.ask(TRANSFER)
        with pytest.raises(Unsupported):
            await one.host.query_status(request(TRANSFER), one.log.rows[0])
        with pytest.raises(Unsupported):
            await one.host.reconcile(datetime.now(UTC).date())


async def test_a_stop_waits_for_answers_and_for_no_dead_host() -> None:
    before = asyncio.all_tasks()
    peer = await Peer.start()
    peer.answers_sign_off = False
    mux = MuxOptions(sign_on_timeout_s=0.05, echo_interval_s=600.0)
    one = Bench(peer, tb87(), mux=mux, links=2)
    await one.host.start()
    await one.ready()
    held: list[Message] = []
    peer.script = Script(reply=held.append)
    waiting = asyncio.create_task(one.ask(TRANSFER))
    while not held:
        await asyncio.sleep(0.001)
    closing = asyncio.create_task(one.host.close())
    await asyncio.sleep(0)
    assert await one.ask(TRANSFER, 2) == NotSent("stopping")
    peer.send(approve(held[0]))
    assert isinstance(await waiting, Approved)
    await closing
    assert "0800/002" in peer.network
    await peer.stop()
    while peer.writers:
        await asyncio.sleep(0.001)
    left = {task for task in asyncio.all_tasks() - before if "iso8583" in task.get_name()}
    assert left == set()


async def test_a_hundred_callers_at_once_each_get_their_own_answer() -> None:
    async with bench(links=3) as one:

        def own(message: Message) -> Message:
            fields = {37: message.fields[37], 54: message.fields[4].join(("0002156C", ""))}
            return approve(message).with_fields(reply_mti(message.mti), fields)

        one.peer.script = Script(reply=own)
        base = dict(request(TRANSFER).inputs)
        outcomes = await asyncio.gather(
            *(
                one.ask(TRANSFER, n, inputs={**base, "amount": Money.parse(f"{n}.00")})
                for n in range(1, 101)
            )
        )
        for number, outcome in enumerate(outcomes, 1):
            assert isinstance(outcome, Approved)
            assert outcome.data["ref"] == f"01{number:010d}"
            assert outcome.data["available"] == Money.parse(f"{number}.00")


@pytest.mark.parametrize(
    "changes",
    [
        {"links": 0},
        {"links": 9},
        {"terminal": "TB0100011"},
        {"acquirer": "x"},
        {"merchant": "银行"},
    ],
)
def test_options_have_bounds(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        quick_options(1, **changes)


async def test_no_secret_in_alarms_rows_or_pictures(caplog: pytest.LogCaptureFixture) -> None:
    async with bench(hasty(tb87())) as one:
        one.peer.script = Script(reply=changed(41, "TB990001"))
        await one.ask("pin.verify", 1)
        one.peer.script = Script(bend=lambda data: data[:2] + data[30:] + data[2:30])
        await one.ask("pin.verify", 2)
        broken = request("pin.verify", 3, inputs={"card": CARD, "pin": Secret("1")})
        assert await one.host.execute(broken, one.log) == NotSent("format")
        block = one.peer.seen[0].fields[52]
        everything = repr((one.alarms, one.log.rows, one.peer.seen, one.late)) + caplog.text
        for secret in (PIN, CARD.digits, block):
            assert secret not in everything
