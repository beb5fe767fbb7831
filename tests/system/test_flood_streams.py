"""Hundreds of connections that mean no good, over TCP and TLS, while others call: each is closed in
its time, none of them has more than its share, and callers are served by every transport."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.bank_process import HOST, BankProcess, Voice
from support.flood_streams import Crowd, Held, Tally
from support.sip_endpoint import options
from support.soak_watch import sample
from support.tls_kit import Authority
from telebank.calls.connection_options import ConnectionOptions, TlsFiles
from telebank.calls.tls import TlsContexts
from telebank.phone.phone import Phone, PhoneOptions

LIMITS = ConnectionOptions()
SLACK_S = 10.0
"""A busy machine; what is cut is cut at ten seconds, or five of a handshake."""
ASK_EVERY_S, ASKED = 0.25, 60
ANSWER_S = 30.0
"""Longest that a call may take to be answered, and again to be heard."""
WAIT_S = 0.5
"""Longest an answer may take: T1, after which it is asked for again."""
GREW_KB = 16_384
"""What the node may take more the second time. TLS leaves some 20 kB of each connection in circles
that wait for the collector, which comes late where so much else is old; that nothing is kept beyond
that is shown beside the connections' own tests."""

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def place(bank: BankProcess, transport: str) -> tuple[str, int]:
    host, _, port = bank.place(transport).rpartition(":")
    return host, int(port)


async def serves(bank: BankProcess, phone: Phone, transport: str) -> str:
    """A call by this transport hears the welcome; how long its answer took."""
    target = f"sip:bank@{bank.place(transport)};transport={transport}"
    call = await phone.dial(target, PhoneOptions(answer_s=ANSWER_S))
    async with asyncio.timeout(2 * ANSWER_S):
        while not call.report.heard("sys.welcome"):
            assert not call.over.done(), f"{transport}: {call.report.why}"
            await asyncio.sleep(0.05)
    call.hang_up()
    await asyncio.wait_for(call.over, 10)
    return f"{transport} {call.report.answered_after} s"


def asks(node: tuple[str, int]) -> list[float]:
    """OPTIONS over UDP again and again; how long each answer took, in s (5 s: none came)."""
    waits = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(5)
        asker.bind((HOST, 0))
        here = str(asker.getsockname()[1]).encode()
        for _ in range(ASKED):
            began = time.monotonic()
            request = options(int(began * 1e6), transport="UDP").replace(b"5070", here)
            asker.sendto(request, node)
            with contextlib.suppress(TimeoutError):
                asker.recv(4_096)
            waits.append(time.monotonic() - began)
            time.sleep(ASK_EVERY_S)
    return waits


@dataclass
class Storm:
    """What came of all crowds at once."""

    tallies: list[Tally]
    served: list[str]
    """Calls beside them."""
    most: int
    """Connections that the node had at once, as far as was looked."""
    waits: list[float]


async def storm(bank: BankProcess, phone: Phone, crowds: Sequence[Crowd]) -> Storm:
    """Let all crowds come, and call by each transport until the last of them was sent away."""
    held = Held({crowd.place[1] for crowd in crowds})
    watching = asyncio.create_task(held.watch(), name="watch")
    coming = [asyncio.create_task(crowd.come(held), name=crowd.host) for crowd in crowds]
    asking = asyncio.create_task(asyncio.to_thread(asks, place(bank, "udp")))
    served, most = [], 0
    while not all(task.done() for task in coming):
        served += [await serves(bank, phone, way) for way in ("udp", "tcp", "tls")]
        most = max(most, (await asyncio.to_thread(bank.counts))["connections"])
    tallies = await asyncio.gather(*coming)
    watching.cancel()
    await asyncio.wait({watching})
    return Storm(tallies, served, most, sorted(await asking))


async def test_connections_that_mean_no_good(
    voice: Voice, tmp_path: Path, authority: Authority
) -> None:
    """Twice: what the first time makes the node take it keeps and uses again."""
    own, peer = authority.issue("bank"), authority.issue("peer")
    ours = {"certificate": str(own.certificate), "key": str(own.key), "ca": str(authority.path)}
    theirs = TlsFiles(peer.certificate, peer.key, authority.path)
    with BankProcess.start(tmp_path / "bank", voice, also=(f"tls:{HOST}:0",), sip_tls=ours) as bank:
        crowds = crowds_of(bank, TlsContexts(theirs, lambda *_: None).client(0.0))
        phone = Phone(voice.lexicons)
        await phone.start(HOST, theirs)
        try:
            for transport in ("udp", "tcp", "tls"):  # what is opened once and kept is open
                await serves(bank, phone, transport)
            before, files = await idle(bank), bank.open_files()
            first = await storm(bank, phone, crowds)
            await idle(bank)
            took = sample(bank, 0.0).node_pss
            second = await storm(bank, phone, crowds)
        finally:
            await phone.close()
        after = await idle(bank)
        grew = sample(bank, 0.0).node_pss - took
        for came in (first, second):
            say(crowds, came)
        print(f"the node grew by {grew} kB the second time")
        for came in (first, second):
            held(crowds, came)
        assert after["tasks"] <= before["tasks"]
        bank.wait_files(files)
        assert grew < GREW_KB
        assert "Traceback" not in bank.log_text()


def crowds_of(bank: BankProcess, client: ssl.SSLContext) -> tuple[Crowd, ...]:
    """Seven sources, with more connections than one may have or fewer."""
    tcp, tls = place(bank, "tcp"), place(bank, "tls")
    return (
        Crowd("127.0.0.101", tcp, "silent", 150),
        Crowd("127.0.0.102", tcp, "drip", 150),
        Crowd("127.0.0.103", tcp, "deaf", 10),
        Crowd("127.0.0.104", tls, "unbegun", 150),
        Crowd("127.0.0.105", tls, "silent", 120, client),
        Crowd("127.0.0.106", tls, "drip", 120, client),
        Crowd("127.0.0.107", tcp, "breaks", 10),
    )


def say(crowds: Sequence[Crowd], came: Storm) -> None:
    """The figures, for who looks."""
    for crowd, tally in zip(crowds, came.tallies, strict=True):
        print(f"\n{'tls' if crowd.tls else 'tcp'} {crowd.kind} {crowd.count}: {tally}", end="")
    print(f"\n{came.most} connections at most; {len(came.served)} calls: {came.served}")
    print(f"OPTIONS {came.waits[0]:.3f} to {came.waits[-1]:.3f} s")


def held(crowds: Sequence[Crowd], came: Storm) -> None:
    """Limits in number and time, and whether others were served."""
    for crowd, tally in zip(crowds, came.tallies, strict=True):
        assert tally.ended["never"] == 0, crowd
        assert tally.most <= LIMITS.per_address, (crowd, tally)
        assert tally.ended["refused"] >= crowd.count - LIMITS.per_address, (crowd, tally)
        assert tally.longest_s < LIMITS.first_message_s + LIMITS.unread_s + SLACK_S, crowd
    assert sum(tally.ended["held"] for tally in came.tallies) > 400
    assert len(came.served) >= 3
    assert came.waits[len(came.waits) * 95 // 100] < WAIT_S


async def idle(bank: BankProcess) -> dict[str, int]:
    """Nothing is open; connections that a phone keeps for its next call are left out."""
    async with asyncio.timeout(60):
        while True:
            counts = await asyncio.to_thread(bank.counts)
            left = {name for name, many in counts.items() if many and not name.startswith("total_")}
            if left <= {"tasks", "connections"}:
                return counts
            await asyncio.sleep(0.1)
