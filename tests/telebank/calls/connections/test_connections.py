"""SIP over TCP on real sockets, under both event loops: calls, and what peers may do to us."""

import asyncio
import socket
import struct

import pytest

from support.ipv6 import needs_ipv6
from support.sip_endpoint import Answering, Raw, answering, options
from telebank.calls.endpoint import Endpoint, Listening
from telebank.calls.options import CallOptions, places_in
from telebank.sip import CallAnswered, CallConfirmed, CallEnded, CallRefused, Hop

QUICK = {"first_message_s": 0.3, "message_s": 0.3}


async def refused(hop: Hop) -> bool:
    """Whether a connection is reset, at once or as soon as something is read."""
    try:
        peer = await Raw.to(hop)
    except ConnectionError:
        return True
    try:
        return await peer.rest() == b""
    finally:
        await peer.close()


async def talk(caller: Answering, bank: Answering, target: str, hop: Hop) -> str:
    """A call up to its ACK."""
    leg = caller.call(target, hop)
    await caller.has(CallAnswered)
    await bank.has(CallConfirmed)
    return leg


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("[::1]", marks=needs_ipv6)])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_call_and_who_ends_it(host: str, transport: str) -> None:
    async with answering(f"{host}:0") as bank, answering(f"{host}:0") as caller:
        hop = bank.hop(transport)
        target = f"sip:bank@{host}:{hop.port};transport={transport}"
        leg = await talk(caller, bank, target, hop)
        caller.hang_up(leg)
        assert (await bank.has(CallEnded)).by == "remote"
        await talk(caller, bank, target, hop)
        confirmed = await bank.has(CallConfirmed, 2)
        bank.hang_up(confirmed.leg)  # over the caller's connection
        assert (await caller.has(CallEnded, 2)).by == "remote"
        assert len(bank.endpoint.connections) == (1 if transport == "tcp" else 0)
        assert not bank.troubles() + caller.troubles()


async def test_udp_and_tcp_have_the_same_port() -> None:
    async with answering() as bank:
        assert bank.hop("udp").port == bank.hop("tcp").port != 0


async def test_two_messages_in_one_segment_and_a_keep_alive_between() -> None:
    async with answering() as bank:
        peer = await Raw.to(bank.hop("tcp"))
        peer.send(options(1) + b"\r\n\r\n" + options(2))
        assert "CSeq: 1 OPTIONS" in await peer.head()
        second = await peer.head()
        assert second.startswith("\r\nSIP/2.0 200 OK\r\n")  # the answer to the keep-alive
        assert "CSeq: 2 OPTIONS" in second
        await peer.close()
        await bank.alone()


async def test_a_message_byte_by_byte() -> None:
    async with answering() as bank:
        peer = await Raw.to(bank.hop("tcp"))
        for octet in options():
            peer.send(bytes([octet]))
            await asyncio.sleep(0)
        assert (await peer.head()).startswith("SIP/2.0 200 OK")
        await peer.close()


async def test_one_who_says_nothing_is_cut() -> None:
    async with answering(**QUICK) as bank:
        peer = await Raw.to(bank.hop("tcp"))
        assert await peer.rest() == b""
        await bank.trouble("connection cut: no whole message in time")
        await peer.close()


async def test_one_who_sends_a_byte_now_and_then_is_cut() -> None:
    async with answering(**QUICK) as bank:
        peer = await Raw.to(bank.hop("tcp"))

        async def slowly() -> None:
            for octet in options(more="X: y\r\n" * 1_000):
                peer.send(bytes([octet]))
                await asyncio.sleep(0.02)

        sending = asyncio.create_task(slowly())
        assert await peer.rest() == b""
        sending.cancel()
        await peer.close()


async def test_keep_alives_are_no_message() -> None:
    async with answering(**QUICK) as bank:
        peer = await Raw.to(bank.hop("tcp"))

        async def ping() -> None:
            while True:
                peer.send(b"\r\n\r\n")
                await asyncio.sleep(0.1)

        pinging = asyncio.create_task(ping())
        assert set(await peer.rest()) <= {13, 10}
        pinging.cancel()
        await bank.trouble("no whole message in time")
        await peer.close()


async def test_keep_alives_without_end_are_cut() -> None:
    async with answering() as bank:
        peer = await Raw.to(bank.hop("tcp"))
        peer.send(options() + b"\r\n" * 1_000)
        assert (await peer.rest()).endswith(b"\r\n\r\n" + b"\r\n" * 10)  # the answers to ten
        await bank.trouble("connection cut: keep-alives without end")
        await bank.alone()
        await peer.close()


async def test_half_a_message_then_nothing() -> None:
    async with answering(**QUICK) as bank:
        peer = await Raw.to(bank.hop("tcp"))
        peer.send(options(1) + options(2)[:100])
        assert "CSeq: 1 OPTIONS" in await peer.head()
        assert await peer.rest() == b""
        await bank.trouble("no whole message in time")
        await peer.close()


async def test_an_idle_connection_is_closed_unless_a_call_goes_over_it() -> None:
    async with answering(idle_s=0.3) as bank, answering() as caller:
        hop = bank.hop("tcp")
        peer = await Raw.to(hop)
        peer.send(options())
        leg = await talk(caller, bank, f"sip:bank@127.0.0.1:{hop.port};transport=tcp", hop)
        assert b"200 OK" in await peer.rest()  # and then it was closed
        assert len(bank.endpoint.connections) == 1
        caller.hang_up(leg)
        await bank.alone()
        await peer.close()


async def test_a_megabyte_of_garbage() -> None:
    async with answering() as bank:
        peer = await Raw.to(bank.hop("tcp"))
        peer.send(b"\x00garbage" * 125_000)
        assert await peer.rest() == b""
        await bank.trouble("malformed stream: no SIP start line")
        await bank.alone()
        await peer.close()


async def test_a_length_nobody_can_read_gets_a_400_that_arrives() -> None:
    async with answering() as bank:
        peer = await Raw.to(bank.hop("tcp"))
        peer.send(options().replace(b"Content-Length: 0\r\n", b"") + b"x" * 1_000_000)
        answer = (await peer.rest()).decode()
        assert answer.startswith("SIP/2.0 400 Bad Request - Content-Length: missing\r\n")
        await bank.alone()
        await peer.close()


async def test_a_peer_that_never_reads_is_cut() -> None:
    async with answering(max_unread=65_536, unread_s=0.5) as bank:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, bank.hop("tcp")[:2])

        async def ask() -> None:
            for number in range(1, 100_000):
                await loop.sock_sendall(sock, options(number))

        with pytest.raises(OSError, match=r"reset|pipe"):
            await asyncio.wait_for(ask(), 20)
        await bank.trouble("connection cut: ")
        await bank.alone()
        sock.close()


async def test_nothing_is_heard_after_what_closes_a_connection() -> None:
    async with answering() as bank:
        peer = await Raw.to(bank.hop("tcp"))
        scan = options(1, "User-Agent: friendly-scanner\r\n")
        peer.send(scan + options(2) * 50)
        assert await peer.rest() == b""
        await bank.trouble("scanner: dropped without an answer")
        await bank.alone()
        await peer.close()


async def test_too_many_connections_from_one_address() -> None:
    async with answering(per_address=2) as bank:
        kept = [await Raw.to(bank.hop("tcp")) for _ in range(2)]
        for peer in kept:
            peer.send(options())
            await peer.head()
        assert await refused(bank.hop("tcp"))
        await bank.trouble("connection refused: too many connections from there")
        await kept[0].close()
        async with asyncio.timeout(40):
            while len(bank.endpoint.connections) == 2:
                await asyncio.sleep(0.01)
        again = await Raw.to(bank.hop("tcp"))
        again.send(options())
        assert "200 OK" in await again.head()
        for peer in (kept[1], again):
            await peer.close()


async def test_too_many_connections_in_all() -> None:
    async with answering(max_connections=1) as bank:
        kept = await Raw.to(bank.hop("tcp"))
        kept.send(options())
        await kept.head()
        assert await refused(bank.hop("tcp"))
        await kept.close()


async def test_a_flood_of_connections_is_no_flood_of_log() -> None:
    async with answering(per_address=1) as bank:
        kept = await Raw.to(bank.hop("tcp"))
        kept.send(options())
        await kept.head()
        began = bank.endpoint.now()
        assert all([await refused(bank.hop("tcp")) for _ in range(300)])
        seconds = int(bank.endpoint.now()) - int(began) + 1
        assert 1 <= len(bank.troubles()) <= 50 * seconds
        await kept.close()


async def test_a_call_to_a_closed_port_is_503_at_once() -> None:
    async with answering() as caller:
        with socket.socket() as taken:  # bound, and not listening
            taken.bind(("127.0.0.1", 0))
            hop = Hop("127.0.0.1", taken.getsockname()[1], "tcp")
            caller.call("sip:x@127.0.0.1;transport=tcp", hop)
            assert (await caller.has(CallRefused)).status == 503
        await caller.trouble("connection failed: ")
        assert caller.endpoint.agent.counts()["legs"] == 0


async def test_a_peer_that_does_not_take_the_connection_is_503_in_time() -> None:
    async with answering(connect_s=0.3) as caller:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            fillers = [socket.socket() for _ in range(3)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            caller.call("sip:x@127.0.0.1", Hop("127.0.0.1", full.getsockname()[1], "tcp"))
            assert (await caller.has(CallRefused)).status == 503
            for filler in fillers:
                filler.close()


async def test_a_reset_in_a_call_ends_no_leg_and_its_bye_finds_another_way() -> None:
    async with answering() as bank, answering() as caller:
        hop = bank.hop("tcp")
        leg = await talk(caller, bank, f"sip:bank@127.0.0.1:{hop.port};transport=tcp", hop)
        caller.endpoint.connections._open[hop].abort()
        await bank.alone()
        assert bank.endpoint.agent.counts()["legs"] == 1
        confirmed = await bank.has(CallConfirmed)
        bank.hang_up(confirmed.leg)  # to the caller's Contact, where it listens too
        ended = await caller.has(CallEnded)
        assert (ended.leg, ended.by) == (leg, "remote")


async def test_closing_says_bye_first() -> None:
    async with answering() as bank:
        async with answering() as caller:
            hop = bank.hop("tcp")
            leg = await talk(caller, bank, f"sip:bank@127.0.0.1:{hop.port};transport=tcp", hop)
            caller.hang_up(leg)
        assert (await bank.has(CallEnded)).by == "remote"
        await bank.alone()


async def test_a_reset_right_after_connecting_is_nothing() -> None:
    async with answering() as bank:
        for _ in range(20):
            sock = socket.create_connection(bank.hop("tcp")[:2])
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        peer = await Raw.to(bank.hop("tcp"))
        peer.send(options())
        assert "200 OK" in await peer.head()
        await peer.close()
        await bank.alone()


async def test_a_taken_port_is_named() -> None:
    async with answering() as bank:
        place = bank.hop("tcp")
        with pytest.raises(OSError, match="in use") as raised:
            Endpoint.bind(Listening((place,)), lambda _: None, lambda _: None)  # type: ignore[arg-type,return-value]
        assert raised.value.filename == str(place)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0.0.0.0:5060", ["udp:0.0.0.0:5060", "tcp:0.0.0.0:5060"]),
        ("[::]:0", ["udp:[::]:0", "tcp:[::]:0"]),
        ("tls:[0::1]:5061", ["tls:[::1]:5061"]),
        ("udp:127.0.0.1:5060", ["udp:127.0.0.1:5060"]),
    ],
)
def test_what_is_listened_on(text: str, found: list[str]) -> None:
    assert [str(place) for place in places_in(text)] == found


@pytest.mark.parametrize(
    "text",
    ["", "5060", "::1:5060", "localhost:5060", "sctp:127.0.0.1:5060", "[127.0.0.1]:5060",
     "127.0.0.1:70000", "127.0.0.1:", "tls:", "[::1]", "127.0.0.1:٥"],
)  # fmt: skip
def test_what_cannot_be_listened_on(text: str) -> None:
    with pytest.raises(ValueError, match=r"calls\.listen"):
        CallOptions(listen=text)


def test_one_address_for_each_way() -> None:
    options = CallOptions(listen=("127.0.0.1:1", "[::1]:1", "tls:[::1]:2"))
    assert len(options.places) == 5
    with pytest.raises(ValueError, match="one for each transport and IP version"):
        CallOptions(listen=("127.0.0.1:1", "tcp:127.0.0.2:1"))
    assert CallOptions(advertise=("192.0.2.1", "[2001:db8::1]")).advertised == {
        4: "192.0.2.1",
        6: "2001:db8::1",
    }
    with pytest.raises(ValueError, match=r"calls\.advertise"):
        CallOptions(advertise="bank.example")
