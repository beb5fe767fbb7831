"""A caller's call with encrypted media, in a node with a media worker: what ends it."""

import asyncio
import secrets
from pathlib import Path

from support.bank_process import Voice
from support.calls_house import open_house
from telebank import sip
from telebank.calls.endpoint import Endpoint, Fact, Listening
from telebank.calls.options import places_in
from telebank.sip import Hop, SipOptions, UserAgent

PRINT = ":".join(["AB"] * 32)
DTLS = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 8\r\na=setup:actpass\r\na=rtcp-mux\r\n"
    f"a=fingerprint:sha-256 {PRINT}\r\n"
).encode()


async def test_a_call_whose_handshake_never_comes_is_ended_and_says_why(
    tmp_path: Path, voice: Voice
) -> None:
    async with open_house(tmp_path, voice, handshake_s=0.5) as house:
        ended: asyncio.Queue[Fact] = asyncio.Queue()
        listening = Listening(tuple(places_in("udp:127.0.0.1:0")))
        caller = Endpoint.bind(
            listening,
            lambda local: UserAgent(local, SipOptions(), lambda: secrets.token_hex(8)),
            ended.put_nowait,
        )
        await caller.start()
        host, port = house.node.address
        leg, commands = caller.agent.invite(
            f"sip:bank@{host}:{port}", "sip:us@127.0.0.1", DTLS, caller.now(),
            destination=Hop(host, port),
        )  # fmt: skip
        caller.perform(commands)
        async with asyncio.timeout(20):
            while not isinstance(fact := await ended.get(), sip.CallEnded):
                if isinstance(fact, sip.CallAnswered):
                    (line,) = house.node.lines()
                    assert (line["media_lock"], line["signalling_lock"]) == ("", "")
        assert (fact.leg, fact.by) == (leg, "remote")
        failed = await house.happens("call.security_failed")
        assert failed.detail["why"]
        await house.idle()
        await caller.close()
