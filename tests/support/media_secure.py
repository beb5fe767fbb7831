"""A caller's end of SRTP with keys of the descriptions; its octets are made by libsrtp alone."""

import asyncio
import random

from pylibsrtp import Error, Policy, Session

from support.media_peer import Events, Peer
from telebank import wire
from telebank.media.client import MediaChannel, MediaWorkers
from telebank.rtp import Packet, is_rtcp, parse

PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
    "AES_CM_128_HMAC_SHA1_32": (Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 30),
    "AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    "AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
}
SHA1_80 = "AES_CM_128_HMAC_SHA1_80"


def sdes(suite: str = SHA1_80, seed: int = 1) -> wire.SdesKeys:
    """Keys as the node tells them: `send` is what the worker sends by."""
    draw, size = random.Random(seed), PROFILES[suite][1]
    return wire.SdesKeys(suite=suite, send=draw.randbytes(size), receive=draw.randbytes(size))


def session(suite: str, key: bytes, kind: int) -> Session:
    return Session(Policy(key=key, ssrc_type=kind, srtp_profile=PROFILES[suite][0]))


class SecurePeer(Peer):
    """What it sends is protected, what it hears must be."""

    def __init__(self, to_port: int, keys: wire.SdesKeys | None = None, port: int = 0) -> None:
        super().__init__(to_port, port=port)
        self.keys = keys
        if keys is not None:
            self.key(keys)

    def key(self, keys: wire.SdesKeys) -> None:
        """The peer's side of `keys`."""
        self.keys = keys
        self.out = session(keys.suite, keys.receive, Policy.SSRC_ANY_OUTBOUND)
        self.into = session(keys.suite, keys.send, Policy.SSRC_ANY_INBOUND)

    def sealed(self, data: bytes) -> bytes:
        return self.out.protect_rtcp(data) if is_rtcp(data) else self.out.protect(data)

    def send(self, data: bytes) -> None:
        self.raw(self.sealed(data))

    def raw(self, data: bytes) -> None:
        self.socket.sendto(data, self.to)

    async def receive(self) -> bytes:
        """The next datagram in the clear; RTCP too."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(40):
            data = await loop.sock_recv(self.socket, 2_048)
        return self.into.unprotect_rtcp(data) if is_rtcp(data) else self.into.unprotect(data)

    async def hear(self) -> Packet:
        while is_rtcp(data := await self.receive()):
            pass
        return parse(data)


def forged(peer: SecurePeer, data: bytes) -> bool:
    """Whether what the worker sent does not open with the peer's keys."""
    try:
        peer.into.unprotect(data)
    except Error:
        return True
    return False


async def secure_call(
    pool: MediaWorkers, keys: wire.SdesKeys, **remote: object
) -> tuple[MediaChannel, SecurePeer, Events]:
    """An open channel by SDES keys, whose peer has been latched."""
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel), channel
    peer = SecurePeer(channel.port, keys)
    channel.set_remote(peer.remote(security=keys, **remote))
    await peer.hear()
    peer.talk()
    return channel, peer, events
