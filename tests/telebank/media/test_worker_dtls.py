"""A real worker that agrees its keys by DTLS, without ICE."""

import asyncio
import os
import random
import signal

import pytest

from support.media_dtls import SUITE_OF, DtlsPeer, identity
from support.media_peer import Events
from telebank import wire
from telebank.media.client import MediaChannel, MediaWorkers
from telebank.media.options import MediaOptions
from telebank.rtp import build

Opened = tuple[MediaChannel, DtlsPeer, Events]


@pytest.fixture
async def pool(pool: MediaWorkers) -> MediaWorkers:
    pool.identify(*identity("worker")[:2])
    return pool


async def opened(pool: MediaWorkers, **peer: object) -> Opened:
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel), channel
    return channel, DtlsPeer(channel.port, **peer), events


def set_remote(channel: MediaChannel, peer: DtlsPeer, **changed: object) -> None:
    security = peer.security(**changed)
    channel.set_remote(peer.remote(security=security, rtcp_mux=True))


async def secured(pool: MediaWorkers, **peer: object) -> Opened:
    channel, made, events = await opened(pool, **peer)
    set_remote(channel, made)
    await made.shake()
    return channel, made, events


async def speaks(peer: DtlsPeer, events: Events) -> None:
    """A prompt's packets are heard, and a key is."""
    for _ in range(3):
        await peer.hear()
    peer.talk()
    peer.press("5")
    assert (await events.of(wire.Key)).digit == "5"


async def silent(peer: DtlsPeer) -> None:
    """Nothing but DTLS comes."""
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.3
    while (left := end - loop.time()) > 0:
        data = await peer.any(left)
        assert not data or 20 <= data[0] < 64


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("profile", SUITE_OF)
async def test_keys_are_agreed_in_both_roles(
    pool: MediaWorkers, active: bool, profile: bytes
) -> None:
    channel, peer, events = await secured(pool, active=active, profiles=profile)
    assert (await events.of(wire.Secured)).suite == SUITE_OF[profile][0]
    await speaks(peer, events)
    channel.close()
    assert (await events.of(wire.Stats)).dropped_foreign == 0


@pytest.mark.parametrize("active", [True, False])
async def test_another_certificate_is_refused_and_nothing_goes(
    pool: MediaWorkers, active: bool
) -> None:
    channel, peer, events = await opened(pool, active=active)
    set_remote(channel, peer, fingerprint=identity("somebody")[2])
    shaking = asyncio.create_task(peer.shake())
    failed = await events.of(wire.SecurityFailed)
    assert "certificate" in failed.reason
    shaking.cancel()
    await asyncio.gather(shaking, return_exceptions=True)
    await silent(peer)
    assert not [each for each in events.all if isinstance(each, wire.Secured)]


@pytest.mark.parametrize("active", [True, False])
async def test_a_peer_without_a_suite_is_refused(pool: MediaWorkers, active: bool) -> None:
    channel, peer, events = await opened(pool, active=active, profiles=b"")
    set_remote(channel, peer)
    shaking = asyncio.create_task(peer.shake())
    assert "suite" in (await events.of(wire.SecurityFailed)).reason
    shaking.cancel()
    await asyncio.gather(shaking, return_exceptions=True)
    await silent(peer)


@pytest.mark.parametrize("options", [MediaOptions(handshake_s=0.5)])
@pytest.mark.parametrize("active", [True, False])
async def test_a_peer_that_says_nothing_is_given_up_and_may_be_tried_again(
    pool: MediaWorkers, active: bool
) -> None:
    channel, peer, events = await opened(pool, active=active)
    set_remote(channel, peer)
    assert "DTLS" in (await events.of(wire.SecurityFailed)).reason
    while await peer.any(0.1):
        pass
    set_remote(channel, peer)
    await peer.shake()
    await events.of(wire.Secured)


def shown_to(peer: DtlsPeer) -> str:
    """Fingerprint of the certificate that the worker showed."""
    shown = peer.end.ssl.get_peer_certificate()
    assert shown is not None
    return shown.digest("sha256").decode()


@pytest.mark.parametrize("active", [True, False])
async def test_a_leg_from_before_another_certificate_shows_its_own(
    pool: MediaWorkers, active: bool
) -> None:
    _, live, events = await secured(pool, active=active)
    begun, early, heard = await opened(pool, active=active)
    old, new = identity("worker"), identity("next")
    pool.identify(*new[:2])
    set_remote(begun, early, shown=old[2])  # its description was made before
    await early.shake()
    await heard.of(wire.Secured)
    assert shown_to(early) == shown_to(live) == old[2]
    _, late, _ = await secured(pool, active=active)
    assert shown_to(late) == new[2]
    await speaks(live, events)
    pool.identify(*identity("third")[:2])
    third, forgotten, failed = await opened(pool, active=active)
    set_remote(third, forgotten, shown=old[2])
    assert "certificate" in (await failed.of(wire.SecurityFailed)).reason
    await speaks(live, events)


async def test_a_worker_that_is_new_knows_both_certificates(pool: MediaWorkers) -> None:
    old, new = identity("worker"), identity("next")
    pool.identify(*new[:2])
    (pid,) = pool.pids
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(20):
        while not isinstance(await pool.open("127.0.0.1", Events()), MediaChannel):
            await asyncio.sleep(0.05)
    for name in (old[2], new[2]):
        channel, peer, events = await opened(pool)
        set_remote(channel, peer, shown=name)
        await peer.shake()
        await events.of(wire.Secured)
        assert shown_to(peer) == name


async def test_without_a_certificate_of_ours_it_fails_at_once(
    bank: dict[str, bytes], tmp_path: object, options: MediaOptions
) -> None:
    bare = MediaWorkers(options, tmp_path)
    await bare.start()
    try:
        channel, peer, events = await opened(bare)
        set_remote(channel, peer)
        assert "Identify" in (await events.of(wire.SecurityFailed)).reason
        bare.identify(b"none", b"none")  # is refused, and the worker lives
        await silent(peer)
        assert bare.pids
    finally:
        await bare.close()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("active", [True, False])
async def test_a_lossy_line_delays_and_no_more(pool: MediaWorkers, seed: int, active: bool) -> None:
    """One datagram in twenty lost each way, one in ten sent twice."""
    draw = random.Random(seed)
    channel, peer, events = await opened(pool, active=active)
    set_remote(channel, peer)
    raw = peer.raw

    def twice(data: bytes) -> None:
        for _ in range(1 + (draw.random() < 0.1)):
            raw(data)

    peer.raw = twice
    await peer.shake(lose=lambda _: draw.random() < 0.05)
    await speaks(peer, events)


async def test_strangers_are_not_answered_before_nor_after(pool: MediaWorkers) -> None:
    channel, peer, events = await opened(pool)
    stranger = DtlsPeer(channel.port, name="stranger")
    hello = stranger.end.step()
    for each in hello:
        stranger.raw(each)  # before anything is agreed
    set_remote(channel, peer)
    for each in hello:
        stranger.raw(each)
    await peer.shake()
    await events.of(wire.Secured)
    for each in hello:
        stranger.raw(each)
    await speaks(peer, events)
    assert await stranger.any(0.3) == b""
    assert not [each for each in events.all if isinstance(each, wire.SecurityFailed)]


@pytest.mark.parametrize("options", [MediaOptions(learn_after_s=0.2)])
async def test_a_peer_behind_translation_is_learnt_by_its_certificate(
    pool: MediaWorkers,
) -> None:
    channel, peer, events = await opened(pool)
    named = DtlsPeer(channel.port)
    learn = {"rtcp_mux": True, "learn_from": "127.0.0.1"}
    channel.set_remote(named.remote(security=peer.security(), **learn))
    await asyncio.sleep(0.3)
    await peer.shake()
    await speaks(peer, events)


async def test_an_unchanged_answer_shakes_no_hands_again(pool: MediaWorkers) -> None:
    channel, peer, events = await secured(pool)
    await events.of(wire.Secured)
    before = await peer.hear()
    set_remote(channel, peer)
    channel.set_remote(peer.remote(security=peer.security(), rtcp_mux=True, direction="recvonly"))
    set_remote(channel, peer)
    await speaks(peer, events)
    assert (await peer.hear()).sequence > before.sequence
    assert not [each for each in events.all if isinstance(each, wire.Secured)]


async def test_another_certificate_in_a_new_answer_is_a_new_handshake(
    pool: MediaWorkers,
) -> None:
    channel, peer, events = await secured(pool)
    await events.of(wire.Secured)
    await speaks(peer, events)
    other = DtlsPeer(channel.port, name="other")
    set_remote(channel, other)
    await silent(other)
    await other.shake()
    await events.of(wire.Secured)
    await speaks(other, events)
    old = peer.sealed(build(peer.key_packets("9")[0]))
    other.raw(old)
    other.press("1")
    assert (await events.of(wire.Key)).digit == "1"


async def test_close_notify_is_tolerated(pool: MediaWorkers) -> None:
    _, peer, events = await secured(pool)
    peer.end.ssl.shutdown()
    for each in peer.end.out():
        peer.raw(each)
    await speaks(peer, events)


async def test_a_storm_of_hellos_leaves_the_others_their_time(pool: MediaWorkers) -> None:
    calls = [await opened(pool) for _ in range(20)]
    for channel, peer, _ in calls:
        set_remote(channel, peer)
    hellos = [DtlsPeer(1).end.step()[0] for _ in range(50)]
    for hello in hellos:
        for _, peer, _ in calls[1:]:
            peer.raw(hello)
    channel, peer, events = calls[0]
    await peer.shake()
    await speaks(peer, events)
    assert len(pool.pids) == 1
