"""The adapter against a real TCP peer: outcomes by class, dates and times, and no secret told."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from core_adapters.iso8583.format.message import Message
from support.iso8583_bench import TRANSFER, Bench, bench, hasty
from support.iso8583_kit import (
    CARD,
    PIN,
    request,
    tb87,
)
from support.iso8583_peer import Peer, Script, approve, changed, decline
from transactions.money import Money
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown
from transactions.ports import (
    Unsupported,
)
from transactions.secret import Secret


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
        assert [(link, stan) for link, stan, _ in one.answered] == [
            (row.link, row.stan) for row in one.log.rows
        ]
        assert all(seconds >= 0 for *_, seconds in one.answered)
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


async def test_what_the_profile_lacks_is_said() -> None:
    async with bench(replace(tb87(), totals=None)) as one:
        assert one.host.capabilities()["card.balance"] == 1
        await one.ask(TRANSFER)
        with pytest.raises(Unsupported):
            await one.host.query_status(request(TRANSFER), one.log.rows[0])
        with pytest.raises(Unsupported):
            await one.host.reconcile(datetime.now(UTC).date())


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
