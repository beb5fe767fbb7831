"""The `openssl` program as a peer: a handshake that is not ours, and the keys that it prints."""

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from support.media_dtls import identity
from support.media_peer import Events
from support.media_secure import SHA1_80, SecurePeer
from telebank import wire
from telebank.media.client import MediaChannel, MediaWorkers

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl(1)")
KEY, SALT = 16, 14


async def client(folder: Path, to: int, port: int) -> asyncio.subprocess.Process:
    certificate, key, _ = identity("peer")
    (folder / "peer.pem").write_bytes(certificate + key)
    return await asyncio.create_subprocess_exec(
        *("openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{to}"),
        *("-bind", f"127.0.0.1:{port}", "-cert", str(folder / "peer.pem"), "-mtu", "1200"),
        *("-use_srtp", "SRTP_AES128_CM_SHA1_80", "-keymatexport", "EXTRACTOR-dtls_srtp"),
        *("-keymatexportlen", str(2 * (KEY + SALT))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def material(process: asyncio.subprocess.Process) -> bytes:
    """What it exports, once it is connected."""
    assert process.stdout is not None
    said = b""
    async with asyncio.timeout(20):
        while (found := re.search(rb"Keying material: ([0-9A-F]+)\n", said)) is None:
            chunk = await process.stdout.read(4_096)
            assert chunk, said.decode(errors="replace")
            said += chunk
    return bytes.fromhex(found[1].decode())


async def test_openssl_agrees_the_keys_that_the_worker_uses(
    pool: MediaWorkers, tmp_path: Path
) -> None:
    pool.identify(*identity("worker")[:2])
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel)
    peer = SecurePeer(channel.port)
    port = peer.port
    security = wire.DtlsKeys(fingerprint=identity("peer")[2], active=False)
    channel.set_remote(peer.remote(security=security, rtcp_mux=True))
    peer.close()  # the port is the program's now
    process = await client(tmp_path, channel.port, port)
    try:
        block = await material(process)
        assert (await events.of(wire.Secured)).suite == SHA1_80
    finally:
        process.kill()
        await process.wait()
    client_key, server_key, salts = block[:KEY], block[KEY : 2 * KEY], block[2 * KEY :]
    keys = wire.SdesKeys(
        suite=SHA1_80, send=server_key + salts[SALT:], receive=client_key + salts[:SALT]
    )
    again = SecurePeer(channel.port, keys, port)
    for _ in range(3):
        await again.hear()
    again.press("5")
    assert (await events.of(wire.Key)).digit == "5"
    again.close()
