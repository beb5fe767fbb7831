"""A real worker behind ICE-lite: a peer that checks, nominates, moves and restarts."""

import asyncio

import pytest

from support.media_dtls import DtlsPeer, check, identity
from support.media_peer import Events
from telebank import wire
from telebank.media.client import MediaChannel, MediaWorkers
from telebank.media.options import MediaOptions

Opened = tuple[MediaChannel, DtlsPeer, Events]


@pytest.fixture
async def pool(pool: MediaWorkers) -> MediaWorkers:
    pool.identify(*identity("worker")[:2])
    return pool


async def opened(pool: MediaWorkers, **peer: object) -> Opened:
    """The peer's description names no address, as those of browsers."""
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel), channel
    made = DtlsPeer(channel.port, **peer)
    made.ice()
    nowhere(channel, made)
    return channel, made, events


def nowhere(channel: MediaChannel, peer: DtlsPeer, **changed: object) -> None:
    remote = wire.SetRemote(
        address="0.0.0.0",
        port=9,
        codec="PCMA",
        payload_type=8,
        event_type=101,
        rtcp_mux=True,
        security=peer.security(**changed),
    )
    channel.set_remote(remote)


async def secured(pool: MediaWorkers, **peer: object) -> Opened:
    channel, made, events = await opened(pool, **peer)
    await made.nominate()
    await made.shake()
    await events.of(wire.Secured)
    return channel, made, events


async def key_heard(peer: DtlsPeer, events: Events, digit: str) -> None:
    peer.press(digit)
    assert (await events.of(wire.Key)).digit == digit


@pytest.mark.parametrize("active", [True, False])
async def test_a_nominated_peer_agrees_keys_and_speaks(pool: MediaWorkers, active: bool) -> None:
    channel, peer, events = await secured(pool, active=active)
    for _ in range(3):
        await peer.hear()
    peer.talk()
    await key_heard(peer, events, "5")
    channel.close()
    assert (await events.of(wire.Stats)).dropped_foreign == 0


async def test_nothing_is_answered_to_who_passed_no_check(pool: MediaWorkers) -> None:
    channel, peer, events = await opened(pool)
    stranger = DtlsPeer(channel.port, name="stranger")
    for each in stranger.end.step():
        stranger.raw(each)
    stranger.raw(check("worker:peer", "x" * 24))
    answer = await stranger.any(0.5)
    assert answer[:2] == b"\x01\x11"
    assert await stranger.any(0.3) == b""
    assert await peer.any(0.1) == b""
    await peer.nominate()
    await peer.shake()
    await events.of(wire.Secured)
    for each in stranger.end.step():
        stranger.raw(each)
    stranger.key(peer.keys)
    stranger.talk(8)  # the right keys from an address without a check
    stranger.press("6")
    await key_heard(peer, events, "5")
    assert await stranger.any(0.2) == b""


async def test_consent_is_answered_while_the_kernel_drops_most(pool: MediaWorkers) -> None:
    _, peer, events = await secured(pool)
    for _ in range(3):
        peer.raw(peer.check(nominate=False))
        peer.talk(70)
        await peer.hear()
    for _ in range(20):
        if len(peer.answers) == 3:
            break
        await peer.hear()
    assert [each[:2] for each in peer.answers] == [b"\x01\x01"] * 3
    await key_heard(peer, events, "1")


async def test_a_peer_that_moves_is_followed_with_its_keys(pool: MediaWorkers) -> None:
    channel, peer, events = await secured(pool)
    await peer.hear()
    peer.talk()
    await key_heard(peer, events, "1")
    moved = DtlsPeer(channel.port)
    moved.ice()
    await moved.nominate()
    moved.end, moved.out, moved.into, moved.keys = peer.end, peer.out, peer.into, peer.keys
    moved.ssrc, moved.sequence, moved.timestamp = peer.ssrc, peer.sequence, peer.timestamp
    for _ in range(3):
        await moved.hear()
    await key_heard(peer, events, "7")  # what was on its way from where it was
    moved.sequence, moved.timestamp = peer.sequence, peer.timestamp
    await key_heard(moved, events, "2")
    await peer.nominate()
    peer.sequence, peer.timestamp = moved.sequence, moved.timestamp
    await key_heard(peer, events, "3")


async def test_a_restart_takes_other_words_and_keeps_keys_and_path(pool: MediaWorkers) -> None:
    channel, peer, events = await secured(pool)
    await peer.hear()
    nowhere(channel, peer, ufrag="again", password="v" * 24, peer_ufrag="anew")
    await key_heard(peer, events, "1")
    await peer.hear()
    peer.raw(peer.check())
    while not peer.answers:
        await peer.hear()
    assert peer.answers.pop()[:2] == b"\x01\x11"
    peer.ufrag, peer.theirs, peer.password = "anew", "again", "v" * 24
    peer.raw(peer.check())
    while not peer.answers:
        await peer.hear()
    assert peer.answers.pop()[:2] == b"\x01\x01"
    await key_heard(peer, events, "2")
    assert not [each for each in events.all if isinstance(each, wire.Secured)]


@pytest.mark.parametrize("options", [MediaOptions(handshake_s=0.5)])
async def test_a_peer_that_never_checks_is_given_up(pool: MediaWorkers) -> None:
    _, peer, events = await opened(pool)
    assert "begins no DTLS" in (await events.of(wire.SecurityFailed)).reason
    peer.raw(peer.check())
    assert await peer.any(0.3) == b""


async def test_back_to_plain_and_to_ice_again(pool: MediaWorkers) -> None:
    channel, peer, events = await secured(pool)
    await peer.hear()
    await key_heard(peer, events, "1")
    plain = DtlsPeer(channel.port)
    channel.set_remote(plain.remote())
    async with asyncio.timeout(40):
        while (await plain.any(5))[1] & 0x7F != 8:
            pass
    again = DtlsPeer(channel.port)
    again.ice()
    nowhere(channel, again)
    await again.nominate()
    await again.shake()
    await events.of(wire.Secured)
    await again.hear()
    await key_heard(again, events, "2")
