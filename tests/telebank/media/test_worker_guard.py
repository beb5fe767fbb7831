"""What one peer, or one order, does to its own channel leaves all other calls of a worker well."""

import socket

import pytest

from support.media_peer import Events, Peer, open_call
from telebank import wire
from telebank.media.client import MediaChannel, MediaWorkers, WorkerLost


async def opened(pool: MediaWorkers) -> tuple[MediaChannel, Events]:
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel)
    return channel, events


async def well(pool: MediaWorkers, pids: list[int], peer: Peer, events: Events) -> None:
    """The same worker serves the other call, and new ones."""
    for _ in range(20):
        await peer.hear()
    peer.press("5")
    assert (await events.of(wire.Key)).digit == "5"
    await open_call(pool)
    assert pool.pids == pids


@pytest.mark.parametrize("ptime_ms", [10, 20, 60])
async def test_a_peer_that_no_packet_reaches_costs_no_other_call(
    pool: MediaWorkers, ptime_ms: int
) -> None:
    """Broadcast is refused to us by the system, a closed port by the peer's machine."""
    _, peer, events = await open_call(pool)
    pids = pool.pids
    broadcast, told = await opened(pool)
    remote = peer.remote(ptime_ms=ptime_ms)
    broadcast.set_remote(
        wire.SetRemote(
            address="255.255.255.255",
            port=4_000,
            codec="PCMA",
            payload_type=8,
            event_type=None,
            ptime_ms=ptime_ms,
        )
    )
    gone, _ = await opened(pool)
    closed = Peer(gone.port)
    gone.set_remote(closed.remote(ptime_ms=remote.ptime_ms))
    closed.talk()
    await closed.hear()
    closed.close()
    await well(pool, pids, peer, events)
    assert told.all == []
    broadcast.close()
    await told.of(wire.Closed)


WRONG = {
    "send": wire.SetRemote(
        address="127.0.0.1", port=70_000, codec="PCMA", payload_type=8, event_type=101
    ),
    "flush": wire.SetRemote(
        address="127.0.0.1", port=70_000, codec="PCMA", payload_type=8, event_type=101, ptime_ms=10
    ),
    "order": wire.SetRemote(
        address="127.0.0.1", port=4_000, codec="PCMA", payload_type=300, event_type=101
    ),
}
"""Orders that the node never gives, by where the worker stumbles over them."""


@pytest.mark.parametrize("where", WRONG)
async def test_a_channel_that_fails_is_closed_and_told_of(pool: MediaWorkers, where: str) -> None:
    _, peer, events = await open_call(pool)
    pids = pool.pids
    channel, told = await opened(pool)
    channel.set_remote(WRONG[where])
    assert await told.of(WorkerLost) == WorkerLost(channel.number)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", channel.port))  # nobody has it any more
    await well(pool, pids, peer, events)


async def test_a_channel_that_fails_at_a_packet_is_closed_and_told_of(pool: MediaWorkers) -> None:
    _, peer, events = await open_call(pool)
    pids = pool.pids
    channel, told = await opened(pool)
    other = Peer(channel.port)
    channel.set_remote(other.remote(event_type=-5))  # no filter of the kernel can say this
    await other.hear()
    other.talk()
    assert await told.of(WorkerLost) == WorkerLost(channel.number)
    await well(pool, pids, peer, events)
