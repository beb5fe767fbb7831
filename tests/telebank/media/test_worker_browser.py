"""Chromium calls a worker: ICE, DTLS-SRTP, sound both ways and keys, as a browser has them."""

import re
from pathlib import Path

import pytest

from support.media_browser import browser, of, program
from support.media_dtls import identity
from support.media_peer import Events
from telebank import wire
from telebank.media.client import MediaChannel, MediaWorkers

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(program() is None, reason="needs chromium (Debian)"),
]

ANSWER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=ice-lite
a=group:BUNDLE {mid}
m=audio {port} UDP/TLS/RTP/SAVPF 8 {events}
c=IN IP4 127.0.0.1
a=mid:{mid}
a=sendrecv
a=rtcp-mux
a=rtpmap:8 PCMA/8000
a=rtpmap:{events} telephone-event/8000
a=ptime:20
a=setup:{setup}
a=fingerprint:sha-256 {fingerprint}
a=ice-ufrag:{ufrag}
a=ice-pwd:{password}
a=candidate:1 1 UDP 2130706431 127.0.0.1 {port} typ host
a=end-of-candidates
"""
UFRAG, PASSWORD = "workers", "0123456789abcdef01234567"


@pytest.mark.parametrize("active", [False, True])
async def test_a_browser_calls_hears_a_prompt_and_presses_keys(
    pool: MediaWorkers, tmp_path: Path, active: bool
) -> None:
    pool.identify(*identity("worker")[:2])
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel)

    async def answer(offer: str) -> str:
        found = re.search(r"a=rtpmap:(\d+) telephone-event/8000", offer)
        assert found is not None
        security = wire.DtlsKeys(
            fingerprint=of(offer, "fingerprint").removeprefix("sha-256 "),
            active=active,
            ufrag=UFRAG,
            password=PASSWORD,
            peer_ufrag=of(offer, "ice-ufrag"),
        )
        remote = wire.SetRemote(
            address="0.0.0.0",
            port=9,
            codec="PCMA",
            payload_type=8,
            event_type=int(found[1]),
            rtcp_mux=True,
            security=security,
        )
        channel.set_remote(remote)
        said = ANSWER.format(
            mid=of(offer, "mid"),
            port=channel.port,
            events=found[1],
            setup="active" if active else "passive",
            fingerprint=identity("worker")[2],
            ufrag=UFRAG,
            password=PASSWORD,
        )
        return said.replace("\n", "\r\n")

    async with browser(tmp_path / "profile", answer) as caller:
        suite = (await events.of(wire.Secured)).suite
        channel.play([(0, 32_000)] * 5, stop_keys="", token=1)
        typed = [(await events.of(wire.Key)).digit for _ in range(2)]
        heard = await caller.done()
    assert typed == ["5", "#"]
    assert heard.get("error") is None, heard
    assert suite
    assert heard["dtls"] == "connected"
    assert heard["role"] == ("server" if active else "client")
    assert heard["packets"] > 100, heard
    assert heard["energy"] > 0, heard
    channel.close()
    stats = await events.of(wire.Stats)
    assert stats.dropped_foreign == 0
    assert (stats.keys, stats.peer_loss) == (2, 0)
