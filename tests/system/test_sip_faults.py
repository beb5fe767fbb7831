"""Media and signalling gone wrong on a running bank: that call ends in order, others go on."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.bank_process import HOST, BankProcess, Voice
from telebank import rtp
from telebank.media.keys import TelephoneEvent, build_event
from telebank.phone.phone import Phone, PhoneCall, PhoneOptions
from telebank.phone.script import parse_script
from telebank.sip import SipOptions

EVENTS = 101
PATIENCE_S = 30.0
VECTORS = sorted((Path(__file__).parents[1] / "vectors" / "sip").glob("*.txt"))

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, voice: Voice) -> Iterator[BankProcess]:
    data = tmp_path_factory.mktemp("bank")
    sip = {"t1": 0.04, "t2": 0.2, "t4": 0.2}
    with BankProcess.start(data, voice, sip=sip, media={"media_timeout_s": 5.0}) as bank:
        yield bank


async def greeted(bank: BankProcess, phone: Phone, **options: object) -> PhoneCall:
    """A call that hears the welcome."""
    call = await phone.dial(bank.uri, PhoneOptions(**options))  # type: ignore[arg-type]
    await until(lambda: call.report.heard("sys.welcome"), "the welcome")
    return call


async def until(done: Callable[[], bool], what: str) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while not done():
        assert loop.time() < deadline, f"waited {PATIENCE_S} s for {what}"
        await asyncio.sleep(0.02)


async def chooses(call: PhoneCall, key: str, language: str) -> None:
    """Press a language key and hear it confirmed in that language, then hang up."""
    call.press(key)
    await until(lambda: call.report.heard("lang.chosen"), "the language")
    assert call.report.prompts[-1].language == language
    call.hang_up()
    await call.over


async def test_a_killed_media_worker_ends_its_calls_and_is_replaced(bank: BankProcess) -> None:
    before, files = bank.wait_idle(), bank.open_files()
    (worker,) = bank.worker_pids
    async with bank.phone() as phone:
        calls = await asyncio.gather(*(greeted(bank, phone) for _ in range(3)))
        os.kill(worker, signal.SIGKILL)
        await asyncio.gather(*(call.over for call in calls))
        assert [call.report.ended_by for call in calls] == ["remote"] * 3
        await until(lambda: bool(set(bank.worker_pids) - {worker}), "another worker")
        await chooses(await taken(bank, phone), "2", "en")
    after = bank.wait_idle()
    assert after["tasks"] == before["tasks"]
    bank.wait_files(files)


async def taken(bank: BankProcess, phone: Phone) -> PhoneCall:
    """A call that is answered: the new worker is there a moment before it takes calls, with 503."""
    while True:
        call = await phone.dial(bank.uri, PhoneOptions())
        await until(lambda: call.answered.is_set() or call.over.done(), "an answer")  # noqa: B023
        if call.answered.is_set():
            return call
        assert call.report.why.startswith("503")


async def test_a_caller_who_falls_silent_is_hung_up_on(bank: BankProcess) -> None:
    async with bank.phone() as phone:
        silent, talking = await asyncio.gather(greeted(bank, phone), greeted(bank, phone))
        silent.media.muted = True
        await silent.over
        assert silent.report.ended_by == "remote"
        assert not talking.over.done()
        talking.hang_up()
        await talking.over
    bank.wait_idle()
    assert "call.media_lost" in bank.log_text()


async def test_a_strangers_packets_have_no_effect(bank: BankProcess) -> None:
    async with bank.phone() as phone:
        call = await greeted(bank, phone)
        heard = call.report.packets
        assert call.media.remote is not None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((HOST, 0))
            stranger.setblocking(False)
            for packet in forged_key("2"):
                stranger.sendto(packet, call.media.remote)
            await until(lambda: call.report.packets > heard + 20, "more of the menu")
            with pytest.raises(BlockingIOError):
                stranger.recv(2_048)  # nothing was ever sent to the stranger
        await chooses(call, "1", "zh")
    bank.wait_idle()
    assert bank.last_call().path == "1"


def forged_key(key: str) -> list[bytes]:
    """A key as RFC 4733 packets of somebody else, after audio enough to be taken for a source."""
    audio = [rtp.Packet(8, False, n, n * 160, 77, b"\xd5" * 160) for n in range(20)]
    event = [TelephoneEvent("0123456789".index(key), n > 4, 10, (n + 1) * 160) for n in range(8)]
    keys = [rtp.Packet(EVENTS, n == 0, 20 + n, 3_200, 77, build_event(event[n])) for n in range(8)]
    return [rtp.build(packet) for packet in audio + keys]


@pytest.mark.parametrize(("codec", "key", "language"), [("PCMA", "1", "zh"), ("PCMU", "2", "en")])
async def test_a_phone_with_one_codec(
    bank: BankProcess, codec: str, key: str, language: str
) -> None:
    async with bank.phone() as phone:
        call = await greeted(bank, phone, codecs=(codec,))
        assert call.report.codec == codec
        await chooses(call, key, language)


# -- hostile datagrams ----------------------------------------------------------------------------


@st.composite
def hostile_sip(draw: st.DrawFn) -> bytes:
    """A message cut off, with octets cut out, doubled or replaced."""
    seed = draw(st.sampled_from(VECTORS)).read_bytes().replace(b"\n", b"\r\n")
    data = bytearray(seed[: draw(st.integers(1, len(seed)))])
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        data[start : start + draw(st.integers(0, 30))] = draw(st.binary(max_size=12))
    return bytes(data)


hostile_rtp = st.one_of(
    st.binary(max_size=400),
    st.builds(
        lambda kind, sequence, stamp, body: (
            bytes([0x80, kind]) + sequence.to_bytes(2) + stamp.to_bytes(4) + bytes(4) + body
        ),
        st.sampled_from([0, 8, 13, 72, EVENTS, EVENTS | 0x80]),
        st.integers(0, 65_535),
        st.integers(0, (1 << 32) - 1),
        st.binary(max_size=200),
    ),
)


def flood(sip: tuple[str, int], media: tuple[str, int], from_caller: socket.socket) -> None:
    """Send broken messages to the SIP port, and broken packets to a call's media port."""

    @settings(max_examples=600, deadline=None, database=None)
    @given(hostile_sip(), hostile_rtp)
    def send(message: bytes, packet: bytes) -> None:
        from_caller.sendto(message[:60_000] or b"\r\n", sip)
        from_caller.sendto(packet, media)

    send()


async def test_calls_go_on_while_broken_datagrams_pour_in(bank: BankProcess) -> None:
    bank.wait_idle()
    lines = bank.log_text().count("\n")
    host, port = bank.sip.split(":")
    began = asyncio.get_running_loop().time()
    async with bank.phone() as phone:
        call = await greeted(bank, phone)
        others = [asyncio.create_task(_balance(bank, phone, number)) for number in range(3)]
        assert call.media.remote is not None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((HOST, 0))
            sender.settimeout(5)
            await asyncio.to_thread(flood, (host, int(port)), call.media.remote, sender)
        await asyncio.gather(*others)
        await chooses(call, "1", "zh")
    bank.wait_idle()
    seconds = asyncio.get_running_loop().time() - began
    log = bank.log_text()
    allowed = SipOptions().troubles_per_second * (seconds + 2) + 20
    assert log.count("\n") - lines <= allowed
    assert "Traceback" not in log
    assert "call.failed" not in log


async def _balance(bank: BankProcess, phone: Phone, number: int) -> None:
    card = bank.cards[number]
    keys = f"!1 !1 !{card.card}# @auth.pin !{card.pin} ~1 !1 ~1 !1 @bal.amount"
    call = await phone.dial(bank.uri, PhoneOptions(patience_s=PATIENCE_S))
    listening = asyncio.create_task(call.run(parse_script(keys)))
    await until(lambda: call.report.heard("bal.amount") or listening.done(), "the balance")
    call.hang_up()
    report = await listening
    assert report.heard("bal.amount"), report.why
