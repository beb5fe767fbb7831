"""Connections of strangers: few, short, and gone where a trunk or a phone needs the room."""

import asyncio

import pytest

from support.sip_endpoint import Answering, Raw, answering, options
from telebank.calls.connection_options import ConnectionOptions
from telebank.sip import Hop
from telebank.sip.admission import AdmissionOptions
from telebank.sip.registering import PhoneOptions
from telebank.sip.trunks import LOOPBACK, TrunkOptions, Trunks

CARRIER, GUEST, OTHER = "127.0.0.1", "127.0.0.2", "127.0.0.3"
TRUNKS = Trunks({LOOPBACK: TrunkOptions(addresses=(CARRIER,))})
PHONES = PhoneOptions("bank", ("127.0.0.2/32",))


async def spoken(hop: Hop, by: str, number: int = 1) -> Raw:
    """A connection that had the answer to one request."""
    peer = await Raw.to(hop, by=by)
    peer.send(options(number))
    await peer.head()
    return peer


async def has(bank: Answering, connections: int) -> None:
    """Wait until there are so many connections."""
    async with asyncio.timeout(40):
        while len(bank.endpoint.connections) != connections:
            await asyncio.sleep(0.01)


async def shut(*peers: Raw) -> None:
    for peer in peers:
        await peer.close()


def test_a_tenth_is_for_strangers() -> None:
    assert ConnectionOptions().max_strangers == 200
    assert ConnectionOptions(max_connections=5).max_strangers == 1
    with pytest.raises(ValueError, match="above 0"):
        ConnectionOptions(stranger_idle_s=0)


async def test_strangers_have_a_tenth_and_the_one_idle_longest_goes_for_a_new_one() -> None:
    async with answering(trunks=TRUNKS, max_connections=20) as bank:
        first, second = [await spoken(bank.hop("tcp"), by) for by in (GUEST, OTHER)]
        first.send(options(2))
        await first.head()
        third = await spoken(bank.hop("tcp"), GUEST)
        assert await second.rest() == b""
        await bank.trouble("connection cut: others need its place")
        await has(bank, 2)
        ours = [await spoken(bank.hop("tcp"), CARRIER) for _ in range(18)]
        await has(bank, 20)
        for peer in (first, third):
            peer.send(options(3))
            assert "403" in await peer.head()
        await shut(first, second, third, *ours)


async def test_a_trunk_comes_in_where_guests_have_all_there_is() -> None:
    async with answering(trunks=TRUNKS, phones=PHONES, max_connections=4) as bank:
        guests = [await spoken(bank.hop("tcp"), GUEST) for _ in range(4)]
        ours = [await spoken(bank.hop("tcp"), CARRIER) for _ in range(2)]
        assert [await peer.rest() for peer in guests[:2]] == [b"", b""]
        for peer in guests[2:]:
            peer.send(options(2))
            assert "403" in await peer.head()
        with pytest.raises(ConnectionError):  # a guest comes in for nobody
            await spoken(bank.hop("tcp"), GUEST)
        await shut(*guests, *ours)


async def test_one_that_has_not_spoken_goes_too() -> None:
    async with answering(trunks=TRUNKS, max_connections=10) as bank:
        loop = asyncio.get_running_loop()
        silent = await Raw.to(bank.hop("tcp"), by=GUEST)
        began = loop.time()
        last = await spoken(bank.hop("tcp"), OTHER)
        assert await silent.rest() == b""
        assert loop.time() - began < ConnectionOptions().first_message_s
        await shut(silent, last)


async def test_many_strangers_at_once_leave_nothing_behind() -> None:
    async with answering(trunks=TRUNKS, max_connections=20) as bank:
        peers = await asyncio.gather(
            *(Raw.to(bank.hop("tcp"), by=GUEST) for _ in range(60)), return_exceptions=True
        )
        ours = await spoken(bank.hop("tcp"), CARRIER)
        await has(bank, 3)
        await shut(ours, *(peer for peer in peers if isinstance(peer, Raw)))
        await bank.alone()
        connections = bank.endpoint.connections
        assert (connections._total, connections._accepted, connections._guests.strangers) == (
            *(0, {}, 0),
        )


async def test_a_stranger_is_not_kept_by_keep_alives_and_a_trunk_is() -> None:
    async with answering(trunks=TRUNKS, stranger_idle_s=0.5) as bank:
        guest, ours = [await spoken(bank.hop("tcp"), by) for by in (GUEST, CARRIER)]

        async def ping() -> None:
            while True:
                guest.send(b"\r\n\r\n")
                await asyncio.sleep(0.25)

        pinging = asyncio.create_task(ping())
        assert set(await guest.rest()) <= {13, 10}
        pinging.cancel()
        await has(bank, 1)
        ours.send(options(2))
        assert "200 OK" in await ours.head()
        await shut(guest, ours)


async def test_who_is_dropped_is_told_nothing_over_a_stream() -> None:
    drop = AdmissionOptions(strangers="drop")
    async with answering(trunks=TRUNKS, admission=drop) as bank:
        for data in (
            b"\r\n\r\n" + options(),
            options().replace(b"Content-Length: 0\r\n", b""),
        ):
            for by, length in ((GUEST, 0), (CARRIER, 1)):
                peer = await Raw.to(bank.hop("tcp"), by=by)
                peer.send(data)
                said = await peer.reader.read(1) if length else await peer.rest()
                assert len(said) == length
                await peer.close()
