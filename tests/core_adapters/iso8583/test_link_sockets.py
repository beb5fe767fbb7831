"""Links over real sockets: several addresses, slow frames, the host's network messages, the cap."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from core_adapters.iso8583.build import Builder
from core_adapters.iso8583.clock import SystemClock
from core_adapters.iso8583.errors import EncodeError
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.host_types import Alarm, HostEvents
from core_adapters.iso8583.links.driver import Driver
from core_adapters.iso8583.links.driver_types import DriverEvents, NoReply, Refusal, take_note
from core_adapters.iso8583.options import Address, Iso8583Options, MuxOptions
from support.iso8583_kit import (
    MAC,
    MODULE,
    NAMES,
    MemoryLog,
    codec,
    contracts,
    quick_options,
    request,
    tb87,
)
from support.iso8583_peer import Peer, Script, approve
from transactions.outcome import Approved, NotSent, Outcome

TRANSFER = "transfer.card_to_card"
MUX = MuxOptions(echo_interval_s=600.0, sign_on_timeout_s=5.0)


async def until(true: Callable[[], object]) -> None:
    """Wait for it; the test's own time-out is the limit."""
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.002)


class Bench:
    """A host under test that may have several addresses."""

    def __init__(self, *peers: Peer, **changes: object) -> None:
        self.log = MemoryLog()
        self.alarms: list[Alarm] = []
        self.links: list[tuple[str, bool, str]] = []
        addresses = tuple(f"127.0.0.1:{peer.port}" for peer in peers)
        options = quick_options(1, **{"addresses": addresses, **changes})
        events = HostEvents(alarm=self.alarms.append, link=lambda *what: self.links.append(what))
        self.host = Iso8583Host(tb87(), contracts(), MODULE, options, events=events)

    async def ask(self, number: int, service: str = "card.balance") -> Outcome:
        return await self.host.execute(request(service, number), self.log)

    def told(self, word: str) -> list[str]:
        return [alarm.text for alarm in self.alarms if alarm.kind == "link" and word in alarm.text]

    async def up(self, links: int) -> None:
        async with asyncio.timeout(20):
            while (await self.host.health()).links_up != links:
                await asyncio.sleep(0.002)


@asynccontextmanager
async def bench(count: int = 1, **changes: object) -> AsyncIterator[tuple[Bench, list[Peer]]]:
    peers = [await Peer.start() for _ in range(count)]
    made = Bench(*peers, **changes)
    await made.host.start()
    try:
        await made.up(count * int(str(changes.get("links", 1))))
        yield made, peers
    finally:
        await made.host.close()
        for peer in peers:
            await peer.stop()


# -- several addresses ------------------------------------------------------------------------


async def test_fail_over_and_fail_back() -> None:
    mux = replace(MUX, fail_back_s=0.02)
    async with bench(2, links=2, mux=mux) as (one, (first, second)):
        assert (await one.host.health()).links == 4
        assert all([isinstance(await one.ask(n), Approved) for n in range(1, 5)])
        assert (len(first.seen), len(second.seen)) == (4, 0)
        await first.stop()
        await until(lambda: one.told("fail-over"))
        assert isinstance(await one.ask(5), Approved)
        assert (len(first.seen), len(second.seen)) == (4, 1)
        await first.listen()
        await one.up(4)
        await until(lambda: one.told("fail-back"))
        assert isinstance(await one.ask(6), Approved)
        assert (len(first.seen), len(second.seen)) == (5, 1)
    assert {row.link for row in one.log.rows} <= {"a1", "b1", "a2", "b2"}
    assert [row.link[1] for row in one.log.rows] == list("111121")
    a, b = (f"127.0.0.1:{peer.port}" for peer in (first, second))
    assert one.told("fail-over") == [f"fail-over: traffic goes to {b}; no link to {a} is signed on"]
    assert one.told("fail-back") == [f"fail-back: traffic goes to {a} again, from {b}"]
    for peer in (first, second):
        assert peer.network[-2:] == ["0800/002", "0800/002"]


async def test_an_address_that_refuses_sign_on_is_asked_again_and_again() -> None:
    first, second = await Peer.start(), await Peer.start()
    first.sign_on_code = "91"
    mux = replace(MUX, fail_back_s=0.05)
    one = Bench(first, second, mux=mux)
    await one.host.start()
    await one.up(1)
    assert isinstance(await one.ask(1), Approved)
    await until(lambda: first.network.count("0800/001") >= 3)
    assert second.seen
    first.sign_on_code = "00"
    await one.up(2)
    await until(lambda: one.told("fail-back") or not one.told("fail-over"))
    while not first.seen:
        assert isinstance(await one.ask(len(one.log.rows) + 1), Approved)
    assert ("a1", False, "sign-on was refused with 91") in one.links
    await one.host.close()
    for peer in (first, second):
        await peer.stop()


async def test_the_hosts_sign_off_moves_traffic_until_it_signs_on() -> None:
    mux = replace(MUX, fail_back_s=0.0)
    async with bench(2, mux=mux) as (one, (first, second)):
        first.send(Message("0800", {7: "1122040000", 11: "000009", 70: "002"}))
        await until(lambda: one.told("fail-over"))
        assert ("a1", False, "the host signed off") in one.links
        assert isinstance(await one.ask(1), Approved)
        first.send(Message("0800", {7: "1122040001", 11: "000010", 70: "001"}))
        await until(lambda: one.told("fail-back"))
        assert isinstance(await one.ask(2), Approved)
        assert (len(first.seen), len(second.seen)) == (1, 1)
        assert first.network == ["0800/001", "0810/002", "0810/001"]


# -- frames that never end --------------------------------------------------------------------


@pytest.mark.parametrize("start", [b"\x0f", b"\x0f\xa0", b"\x0f\xa00210"])
async def test_a_frame_that_never_ends_costs_its_link(start: bytes) -> None:
    """A byte now and then does not help it: the time is the frame's, not the byte's."""
    async with bench(frame_timeout_s=0.15) as (one, (peer,)):
        (writer,) = peer.writers
        writer.write(start)
        while writer in peer.writers:
            writer.write(b"0" if len(start) > 1 else b"")
            await asyncio.sleep(0.01)
        await until(lambda: peer.network.count("0800/001") == 2)
        assert one.told("not whole") == ["link a: a frame was not whole after 0.15 s; closing"]
        await one.up(1)
        assert isinstance(await one.ask(1), Approved)


async def test_whole_frames_in_pieces_are_no_slow_frames() -> None:
    """Each frame has its own time, however long one follows upon another in pieces."""
    async with bench(frame_timeout_s=0.4) as (one, (peer,)):
        peer.script = Script(reply=lambda _message: None)
        (writer,) = peer.writers
        asked = [asyncio.create_task(one.ask(n)) for n in range(1, 13)]
        await until(lambda: len(peer.seen) == 12)
        data = b"".join(peer.frame(approve(message)) for message in peer.seen)
        began = asyncio.get_running_loop().time()
        size = len(data) // 60
        for at in range(0, len(data), size):
            writer.write(data[at : at + size])
            await asyncio.sleep(0.01)
        assert all(isinstance(outcome, Approved) for outcome in await asyncio.gather(*asked))
        assert asyncio.get_running_loop().time() - began > 0.4
        assert peer.network == ["0800/001"]
        assert not one.alarms


# -- the cap ----------------------------------------------------------------------------------


async def test_the_cap_is_the_hosts_and_refuses_before_a_row_is_written() -> None:
    mux = replace(MUX, in_flight_max=3)
    async with bench(2, links=2, mux=mux) as (one, (first, second)):
        held: list[Message] = []
        first.script = Script(reply=held.append)
        asked = [asyncio.create_task(one.ask(n)) for n in range(1, 4)]
        await until(lambda: len(held) == 3)
        assert await one.ask(4) == NotSent("busy")
        assert await one.ask(5, TRANSFER) == NotSent("busy")
        assert [row.request_id for row in one.log.rows] == ["r1", "r2", "r3"]
        lost = asyncio.create_task(one.ask(6, "card.report_loss"))
        await until(lambda: len(held) == 4)
        for message in held:
            first.send(approve(message))
        assert all(isinstance(outcome, Approved) for outcome in await asyncio.gather(*asked, lost))
        first.script = Script()
        assert isinstance(await one.ask(7), Approved)
        assert not second.seen


# -- network messages -------------------------------------------------------------------------


async def test_cut_over_in_flight_is_answered_and_touches_no_request() -> None:
    async with bench(2) as (one, (peer, _)):
        held: list[Message] = []
        peer.script = Script(reply=held.append)
        asked = [asyncio.create_task(one.ask(n, TRANSFER)) for n in range(1, 5)]
        await until(lambda: len(held) == 4)
        peer.send(Message("0800", {7: "1122160000", 11: "000009", 15: "1123", 70: "201"}))
        await until(lambda: "0810/201" in peer.network)
        day = (await one.host.health()).business_date
        assert day is not None
        assert (day.month, day.day) == (11, 23)
        assert (await one.host.health()).in_flight == 4
        assert not any(task.done() for task in asked)
        for message in held:
            peer.send(approve(message))
        assert all(isinstance(outcome, Approved) for outcome in await asyncio.gather(*asked))
        assert not one.alarms


class Line:
    """A driver alone, and what it told."""

    def __init__(
        self, peer: Peer, judge: Callable[[Message], Mapping[int, str]] = take_note
    ) -> None:
        self.alarms: list[str] = []
        self.cut_overs: list[Message] = []
        self.heard: list[Message] = []
        options = quick_options(peer.port)
        events = DriverEvents(
            late=lambda _ticket, _message: None,
            heard=self.heard.append,
            alarm=lambda _kind, text: self.alarms.append(text),
            link=lambda _link, _up, _why: None,
            network=judge,
            cut_over=self.cut_overs.append,
        )
        self.driver = Driver(
            codec(),
            Builder(codec(), options, MODULE, NAMES.pin, None),
            (MAC,),
            options,
            events,
            clock=SystemClock(),
            chance=random.Random(1),
        )


@asynccontextmanager
async def line(
    judge: Callable[[Message], Mapping[int, str]] = take_note,
) -> AsyncIterator[tuple[Line, Peer]]:
    peer = await Peer.start()
    made = Line(peer, judge)
    made.driver.start()
    try:
        assert await made.driver.wait_signed_on(5.0)
        yield made, peer
    finally:
        await made.driver.close()
        await peer.stop()


async def test_the_owner_judges_what_the_host_asks() -> None:
    asked: list[Message] = []

    def judge(message: Message) -> Mapping[int, str]:
        asked.append(message)
        return {39: "91", 60: codec().join(60, {"channel": "phone"})}

    async with line(judge) as (one, peer):
        peer.send(Message("0800", {7: "1122040000", 11: "000009", 41: "HOST0001", 70: "101"}))
        await until(lambda: "0810/101" in peer.network)
        reply = peer.told[-1]
        assert (reply.mti, reply.fields[39], reply.fields[11]) == ("0810", "91", "000009")
        assert reply.fields[60] == "01005phone"
        assert [message.fields[70] for message in asked] == ["101"]
        assert not one.cut_overs
        peer.send(Message("0800", {7: "1122040000", 11: "000010", 15: "1123", 70: "201"}))
        await until(lambda: "0810/201" in peer.network)
        assert [message.fields[15] for message in one.cut_overs] == ["1123"]
        assert one.heard[-1].fields[70] == "201"


async def test_we_ask_and_hear_the_answer() -> None:
    async with line() as (one, peer):
        extra = {48: codec().join(48, {"fee": "1"})}
        reply = await one.driver.ask_network("101", extra, 5.0)
        assert isinstance(reply, Message)
        assert (reply.mti, reply.fields[39], reply.fields[70]) == ("0810", "00", "101")
        assert peer.told[-1].fields[48] == extra[48]
        assert one.heard[-1] == reply
        peer.answers_echo = False
        assert await one.driver.ask_network("301", {}, 0.05) == NoReply("time_out")
        with pytest.raises(EncodeError):
            await one.driver.ask_network("101", {41: "nine characters and more"}, 5.0)
        await peer.stop()
        await until(lambda: not one.driver.links_ready)
        assert await one.driver.ask_network("101", {}, 5.0) == Refusal("no_link")
    assert await one.driver.ask_network("101", {}, 5.0) == Refusal("stopping")


async def test_a_network_request_goes_with_its_link() -> None:
    async with line() as (one, peer):
        peer.answers_echo = False
        asking = asyncio.create_task(one.driver.ask_network("301", {}, 30.0))
        await until(lambda: peer.network[-1] == "0800/301")
        peer.cut()
        assert await asking == NoReply("link_lost")


# -- options ----------------------------------------------------------------------------------


def test_links_have_short_names() -> None:
    one = Iso8583Options(addresses=("10.0.0.1:1",), links=3)
    assert list(one.link_addresses) == ["a", "b", "c"]
    two = Iso8583Options(addresses=("10.0.0.1:1", "[::1]:2"), links=2)
    assert list(two.link_addresses) == ["a1", "b1", "a2", "b2"]
    assert two.link_addresses["b2"] == Address("::1", 2, 1)
    assert [str(address) for address in two.ranked] == ["10.0.0.1:1", "[::1]:2"]


@pytest.mark.parametrize(
    "changes",
    [
        {"fail_back_s": -1.0},
        {"fail_back_s": 86_401.0},
        {"sign_on_again_s": 0.0},
        {"in_flight_max": 0},
        {"in_flight_urgent": -1},
    ],
)
def test_times_and_places_have_bounds(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=rf"mux\.{next(iter(changes))}"):
        replace(MUX, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [0.0, 601.0])
def test_a_frame_has_some_time(seconds: float) -> None:
    with pytest.raises(ValueError, match="frame_timeout_s"):
        Iso8583Options(frame_timeout_s=seconds)


@pytest.mark.parametrize(
    "addresses",
    [
        (),
        ("10.0.0.1:1",) * 2,
        tuple(f"10.0.0.{n}:1" for n in range(5)),
        ("10.0.0.1",),
        (":8583",),
        ("host:0",),
        ("host:65536",),
        ("host:²",),
        ("host:-1",),
        ("::1:8583",),
        ("[host]:8583",),
    ],
)
def test_addresses_that_cannot_be(addresses: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="address"):
        Iso8583Options(addresses=addresses)
