"""The adapter's links to a real TCP peer: cut at every byte, closed, flooded, stopped."""

import asyncio

import pytest

from core_adapters.iso8583.format.message import Message, reply_mti
from core_adapters.iso8583.options import MuxOptions
from support.iso8583_bench import TRANSFER, Bench, bench
from support.iso8583_kit import (
    quick_options,
    request,
    tb87,
)
from support.iso8583_peer import Peer, Script, approve
from transactions.money import Money
from transactions.outcome import Approved, NotSent, Unknown
from transactions.ports import (
    JournalUnavailable,
)


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
