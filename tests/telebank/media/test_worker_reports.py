"""A real worker's RTCP: sent, read, spoofed; and what is heard only in the sound."""

import asyncio
import random
import socket
from contextlib import suppress
from itertools import pairwise

import pytest

from support.media_peer import A_LAW, EVENTS, MU_LAW, Events, Peer, open_call
from telebank import wire
from telebank.media import rtcp
from telebank.media.client import MediaChannel, MediaWorkers
from telebank.media.filter import attach, control
from telebank.media.keys import DIGITS, KeyReceiver, TelephoneEvent, build_event
from telebank.media.rtcp import Block, Report, Sender
from telebank.rtp import Packet, build, is_rtcp, parse, timestamp_step
from voice_prompts import g711


class ControlPeer(Peer):
    """A telephone with a port for RTCP too."""

    def __init__(self, to_port: int, payload_type: int = A_LAW, *, apart: bool = False) -> None:
        """`apart`: RTCP is on any port, not on the one after RTP's."""
        while True:
            super().__init__(to_port, payload_type)
            self.control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.control.setblocking(False)
            try:
                self.control.bind(("127.0.0.1", 0 if apart else self.port + 1))
            except OSError:
                self.socket.close()
                self.control.close()
                continue
            return

    async def hear_control(self) -> rtcp.Compound:
        async with asyncio.timeout(15):
            return rtcp.parse(await asyncio.get_running_loop().sock_recv(self.control, 2_048))

    async def hear_muxed(self) -> rtcp.Compound:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(15):
            while not is_rtcp(data := await loop.sock_recv(self.socket, 2_048)):
                pass
        return rtcp.parse(data)

    def say(self, data: bytes, *, muxed: bool = False) -> None:
        if muxed:
            self.send(data)
        else:
            self.control.sendto(data, (self.to[0], self.to[1] + 1))

    def report(self, heard: Report, lost: int, delay: float = 0.0) -> bytes:
        """What a telephone answers to a report of ours: 1/256 parts lost, seconds it was kept."""
        assert heard.sender is not None
        middle = heard.sender.ntp >> 16 & 0xFFFFFFFF
        block = Block(heard.ssrc, lost, 1, 7, 80, middle, int(delay * 65_536))
        return rtcp.build_report(Report(self.ssrc, Sender(5 << 32, 0, 1, 160), (block,)))

    def close(self) -> None:
        super().close()
        self.control.close()

    @property
    def control_port(self) -> int:
        return int(self.control.getsockname()[1])


async def called(
    pool: MediaWorkers, *, apart: bool = False, **remote: object
) -> tuple[MediaChannel, ControlPeer, Events]:
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel), channel
    peer = ControlPeer(channel.port, apart=apart)
    more = {"rtcp_port": peer.control_port} if apart else {}
    channel.set_remote(peer.remote(**remote, **more))
    await peer.hear()
    peer.talk()
    return channel, peer, events


async def figures(channel: MediaChannel, events: Events) -> wire.Stats:
    """The last of all."""
    channel.close()
    await events.of(wire.Closed)
    return [event for event in events.all if isinstance(event, wire.Stats)][-1]


@pytest.mark.parametrize("muxed", [False, True])
async def test_reports_go_out_and_answers_tell_the_round_trip(
    pool: MediaWorkers, muxed: bool
) -> None:
    channel, peer, events = await called(pool, rtcp_mux=muxed)
    hear = peer.hear_muxed if muxed else peer.hear_control
    compound = await hear()
    [report] = compound.reports
    rtp = await peer.hear()
    assert report.ssrc == rtp.ssrc
    assert report.sender is not None
    assert report.sender.packets > 20
    assert report.sender.octets == 160 * report.sender.packets
    assert abs(timestamp_step(rtp.timestamp, report.sender.timestamp)) < 8 * 8_000
    assert report.blocks == ()  # only one packet in 64 is seen: nothing to report
    peer.say(peer.report(report, lost=64), muxed=muxed)
    peer.press("1")
    await events.of(wire.Key)
    await asyncio.sleep(0.05)
    stats = await figures(channel, events)
    assert stats.rtt_ms is not None
    assert 0 <= stats.rtt_ms < 5_000
    assert stats.peer_loss == 0.25
    assert stats.peer_mos is not None
    assert 1.0 < stats.peer_mos < 2.5
    assert stats.mos is not None
    assert stats.mos > 4.3
    last = await hear()
    assert last.left == (report.ssrc,)


async def test_reports_go_to_the_port_that_the_peer_named_and_come_from_it(
    pool: MediaWorkers,
) -> None:
    """RFC 3605."""
    channel, peer, events = await called(pool, apart=True)
    [report] = (await peer.hear_control()).reports
    peer.say(peer.report(report, lost=64))
    peer.press("1")
    await events.of(wire.Key)
    await asyncio.sleep(0.05)
    stats = await figures(channel, events)
    assert stats.peer_loss == 0.25


async def test_a_peer_may_name_another_port_for_reports_while_its_sound_stays(
    pool: MediaWorkers,
) -> None:
    channel, peer, events = await called(pool)
    peer.press("1")
    await events.of(wire.Key)
    other = ControlPeer(channel.port, apart=True)
    channel.set_remote(peer.remote(rtcp_port=other.control_port))
    [report] = (await other.hear_control()).reports
    assert report.ssrc == (await peer.hear()).ssrc


async def test_what_is_listened_to_is_reported_with_loss_and_jitter(pool: MediaWorkers) -> None:
    channel, peer, events = await called(pool, event_type=None)
    for number in range(100):
        peer.timestamp += 160
        packet = peer.packet(A_LAW, b"\xd5" * 160)
        if number % 10 != 5:
            peer.send(build(packet))
        await asyncio.sleep(0.012)
    [report] = (await peer.hear_control()).reports
    [block] = report.blocks
    assert block.ssrc == peer.ssrc
    assert block.lost > 0
    stats = await figures(channel, events)
    assert not stats.sampled
    assert stats.lost == 10
    assert stats.loss == pytest.approx(10 / 104, abs=0.001)
    assert stats.jitter_ms is not None
    assert stats.jitter_ms > 1
    assert stats.mos is not None
    assert stats.mos < 4


async def test_what_comes_too_late_is_as_bad_as_lost(pool: MediaWorkers) -> None:
    """One packet in four is held back for 400 ms, longer than any sound waits for."""
    channel, peer, events = await called(pool, event_type=None)
    held: list[bytes] = []
    for number in range(200):
        peer.timestamp += 160
        packet = build(peer.packet(A_LAW, b"\x55" * 160))
        if number % 4 == 3:
            held.append(packet)
        else:
            peer.send(packet)
        if len(held) > 5:
            peer.send(held.pop(0))
        await asyncio.sleep(0.02)
    for packet in held:
        peer.send(packet)
    await asyncio.sleep(0.1)
    stats = await figures(channel, events)
    assert stats.lost == 0
    assert stats.discarded > 30
    assert stats.mos is not None
    assert stats.mos < 3


async def test_strangers_reports_and_goodbyes_are_not_heard(pool: MediaWorkers) -> None:
    """Into the RTP port and the RTCP port, before and after the peer is latched."""
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel)
    peer, stranger = ControlPeer(channel.port), ControlPeer(channel.port)
    bye = rtcp.build_report(Report(peer.ssrc, None, ())) + rtcp.build_goodbye(peer.ssrc)
    sent = 0

    def spoof(about: int) -> None:
        nonlocal sent
        block = Block(about, 255, 9, 9, 9_000, 1, 1)
        for data in (bye, rtcp.build_report(Report(peer.ssrc, None, (block,))), bytes(40)):
            for muxed in (False, True):
                stranger.say(data, muxed=muxed)
        stranger.talk(8)
        stranger.press("66")
        sent += 1

    spoof(1)
    channel.set_remote(peer.remote())
    ours = (await peer.hear()).ssrc
    spoof(ours)
    peer.talk(8)
    peer.press("1")
    assert (await events.of(wire.Key)).digit == "1"
    for _ in range(20):
        spoof(ours)
    peer.say(bye)
    peer.press("2")
    assert (await events.of(wire.Key)).digit == "2"
    await peer.hear_control()
    stats = await figures(channel, events)
    assert stats.keys == 2
    assert (stats.peer_loss, stats.rtt_ms) == (None, None)
    for silent in (stranger.socket, stranger.control):
        with pytest.raises(BlockingIOError):
            silent.recv(2_048)
    assert sent == 22


async def test_no_rtcp_hurts_the_worker(pool: MediaWorkers) -> None:
    _, peer, events = await called(pool, rtcp_mux=True)
    _, other, _ = await called(pool)
    [report] = (await other.hear_control()).reports
    whole = other.report(report, 3) + rtcp.build_name(other.ssrc, b"a") + rtcp.build_goodbye(1)
    draw = random.Random(1)
    for cut in range(len(whole)):
        for each, muxed in ((peer, True), (other, False)):
            each.say(whole[:cut], muxed=muxed)
            noise = bytearray(whole)
            noise[draw.randrange(len(noise))] = draw.randrange(256)
            each.say(bytes(noise), muxed=muxed)
    pids = pool.pids
    peer.press("7")
    assert (await events.of(wire.Key)).digit == "7"
    assert pool.pids == pids


async def test_a_reports_port_shuts_out_what_is_no_rtcp() -> None:
    ours, theirs = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    with ours, theirs:
        ours.bind(("127.0.0.1", 0))
        ours.setblocking(False)
        attach(ours, control())
        for kind in range(256):
            theirs.sendto(bytes([0x80, kind]), ours.getsockname())
        theirs.sendto(b"\x80", ours.getsockname())
        passed = []
        with suppress(BlockingIOError):
            while True:
                passed.append(ours.recv(100)[1])
        assert passed == list(range(200, 208))


# -- keys in the sound ----------------------------------------------------------------------------


@pytest.mark.parametrize(("law", "packet"), [("pcma", 160), ("pcmu", 240)])
async def test_keys_are_heard_in_the_sound_of_a_peer_without_events(
    pool: MediaWorkers, law: g711.Law, packet: int
) -> None:
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel)
    payload_type, codec = (A_LAW, "PCMA") if law == "pcma" else (MU_LAW, "PCMU")
    peer = Peer(channel.port, payload_type)
    channel.set_remote(peer.remote(codec, event_type=None))
    await peer.hear()
    await peer.speak("159#", law, packet)
    keys = [await events.of(wire.Key) for _ in range(4)]
    assert "".join(key.digit for key in keys) == "159#"
    assert {key.method for key in keys} == {"inband"}
    assert (await figures(channel, events)).keys == 4


async def test_a_key_in_the_sound_stops_a_prompt(pool: MediaWorkers) -> None:
    channel, peer, events = await open_call(pool, event_type=None)
    channel.play([(0, 32_000)], "5", token=3)
    await peer.speak("5")
    assert (await events.of(wire.Key)).token == 3
    assert (await events.of(wire.PlayEnded)).reason == "key"


async def test_keys_known_another_way_are_not_heard_in_the_sound(pool: MediaWorkers) -> None:
    channel, peer, events = await open_call(pool, event_type=None)
    channel.keys_by("info")
    await peer.speak("159#")
    stats = await figures(channel, events)
    assert stats.keys == 0
    assert stats.sampled  # the kernel drops what nobody listens to


async def test_a_peer_with_events_is_not_listened_to(pool: MediaWorkers) -> None:
    channel, peer, events = await open_call(pool)
    await peer.speak("159#")
    peer.press("0")
    assert (await events.of(wire.Key)).digit == "0"
    assert (await figures(channel, events)).keys == 1


async def test_a_stranger_s_sound_is_not_heard(pool: MediaWorkers) -> None:
    """Before the peer is latched, and after; nothing goes back either."""
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel)
    peer, stranger = Peer(channel.port), Peer(channel.port)
    channel.set_remote(peer.remote(event_type=None))
    await peer.hear()
    peer.talk(1)  # the agreed address speaks: no other is learnt
    await stranger.speak("6")
    peer.talk(4)
    await stranger.speak("6")
    await peer.speak("3")
    assert (await events.of(wire.Key)).digit == "3"
    stats = await figures(channel, events)
    assert stats.keys == 1
    assert stats.dropped_foreign > 20
    with pytest.raises(BlockingIOError):
        stranger.socket.recv(2_048)


async def test_comfort_noise_is_no_key_and_no_sound(pool: MediaWorkers) -> None:
    channel, peer, events = await open_call(pool, event_type=None)
    for _ in range(50):
        peer.timestamp += 160
        peer.send(build(peer.packet(13, bytes([30, 1, 2, 3]))))
        await asyncio.sleep(0.005)
    await peer.speak("3")
    assert (await events.of(wire.Key)).digit == "3"
    stats = await figures(channel, events)
    assert (stats.keys, stats.dropped_foreign) == (1, 0)


# -- packets of other lengths ---------------------------------------------------------------------


@pytest.mark.parametrize("ptime_ms", [10, 30, 40, 50, 60])
async def test_packets_are_as_long_as_the_peer_asks(
    pool: MediaWorkers, bank: dict[str, bytes], ptime_ms: int
) -> None:
    channel, peer, events = await called(pool, ptime_ms=ptime_ms)
    channel.play([(0, 4_800)], "", token=1)
    first = await peer.hear_play()
    heard = [first]
    while sum(len(each.payload) for each in heard) < 6_000:
        heard.append(await peer.hear())
    sizes = {len(each.payload) for each in heard}
    assert sizes == {ptime_ms * 8}
    octets = b"".join(each.payload for each in heard)
    assert bank["PCMA"][:4_800] in octets
    steps = {(b.sequence - a.sequence) & 0xFFFF for a, b in pairwise(heard)}
    assert steps == {1}
    [report] = (await peer.hear_control()).reports
    assert report.sender is not None
    assert report.sender.octets == ptime_ms * 8 * report.sender.packets
    await figures(channel, events)


# -- events on a bad line -------------------------------------------------------------------------


def event_packets(digit: int, number: int, sequence: int) -> list[tuple[float, Packet]]:
    """A press of 100 ms each 200 ms: a packet each 20 ms, the end three times."""
    begin, made = number * 0.2, []
    for index in range(7):
        event = TelephoneEvent(digit, index >= 4, 10, 160 * (min(index, 4) + 1))
        packet = Packet(
            EVENTS, index == 0, (sequence + index) & 0xFFFF,
            (number * 1_600) & 0xFFFFFFFF, 9, build_event(event),
        )  # fmt: skip
        made.append((begin + index * 0.02, packet))
    return made


def test_ten_thousand_keys_of_a_bad_line_are_all_right() -> None:
    """5 % lost, 2 % twice, and up to 80 ms late, which puts packets into another order."""
    draw = random.Random(4733)
    pressed = [draw.randrange(16) for _ in range(10_000)]
    arrivals = []
    for number, digit in enumerate(pressed):
        for at, packet in event_packets(digit, number, number * 7):
            if draw.random() >= 0.05:
                copies = 1 + (draw.random() < 0.02)
                arrivals += [(at + draw.uniform(0, 0.08), packet) for _ in range(copies)]
    receiver, typed = KeyReceiver(), ""
    for _, packet in sorted(arrivals, key=lambda each: each[0]):
        typed += receiver.receive(parse(build(packet))) or ""
    assert typed == "".join(DIGITS[digit] for digit in pressed)
    assert receiver.overtaken == 0
