"""Calls with encrypted media at a node with a media worker: what ends them, and faxes there."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from fax.terminal import Transmit
from support.bank_process import Voice
from support.calls_house import House, open_house
from support.fax_peer import NUMBER, Desk
from support.fax_process import SENDER
from telebank import sip
from telebank.calls.endpoint import Endpoint, Fact, Listening
from telebank.calls.faxes.leg import SECURE_ONLY, FaxLeg
from telebank.calls.faxes.values import FaxTask
from telebank.calls.options import places_in
from telebank.faxing.client import FaxProcess
from telebank.sip import Hop, SipOptions, UserAgent
from telebank.sip.trunks import DEFAULT, LOOPBACK, TrunkOptions, Trunks

PRINT = ":".join(["AB"] * 32)
HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
DTLS = (
    f"{HEAD}m=audio 9 UDP/TLS/RTP/SAVPF 8\r\na=setup:actpass\r\na=rtcp-mux\r\n"
    f"a=fingerprint:sha-256 {PRINT}\r\n"
)
T38 = f"{HEAD}m=image 40000 udptl t38\r\n"
PLAIN = f"{HEAD}m=audio 40000 RTP/AVP 8\r\n"


@dataclass
class Caller:
    """A caller by hand, and what its user agent tells it."""

    house: House
    endpoint: Endpoint = field(init=False)
    facts: "asyncio.Queue[Fact]" = field(default_factory=asyncio.Queue)

    def call(self, user: str, sdp: str) -> None:
        host, port = self.house.node.address
        uri, us, endpoint = f"sip:{user}@{host}:{port}", "sip:us@127.0.0.1", self.endpoint
        _, commands = endpoint.agent.invite(
            uri, us, sdp.encode(), endpoint.now(), destination=Hop(host, port)
        )
        endpoint.perform(commands)

    async def has(self, kind: type[Any]) -> Any:
        """The next fact of a kind; those before it are passed over."""
        async with asyncio.timeout(20):
            while not isinstance(fact := await self.facts.get(), kind):
                pass
        return fact


@asynccontextmanager
async def calling(house: House) -> AsyncIterator[Caller]:
    caller = Caller(house)
    caller.endpoint = Endpoint.bind(
        Listening(tuple(places_in("udp:127.0.0.1:0"))),
        lambda local: UserAgent(local, SipOptions(), lambda: secrets.token_hex(8)),
        caller.facts.put_nowait,
    )
    await caller.endpoint.start()
    try:
        yield caller
    finally:
        await caller.endpoint.close()


async def test_a_call_whose_handshake_never_comes_is_ended_and_says_why(
    tmp_path: Path, voice: Voice
) -> None:
    async with open_house(tmp_path, voice, handshake_s=0.5) as house, calling(house) as caller:
        caller.call("bank", DTLS)
        await caller.has(sip.CallAnswered)
        (line,) = house.node.lines()
        assert (line["media_lock"], line["signalling_lock"]) == ("", "")
        ended = await caller.has(sip.CallEnded)
        assert ended.by == "remote"
        failed = await house.happens("call.security_failed")
        assert failed.detail["why"]
        await house.idle()


async def test_where_media_is_srtp_there_is_no_plain_call_and_no_fax_either_way(
    tmp_path: Path, voice: Voice
) -> None:
    addresses = DEFAULT[LOOPBACK].addresses
    trunks = Trunks({LOOPBACK: TrunkOptions(addresses=addresses, media="srtp")})
    nobody = cast(FaxProcess, None)  # no line is opened
    desk = Desk(nobody, tmp_path / "paper.tiff", tmp_path / "came.tiff")
    async with open_house(tmp_path, voice, trunks=trunks, faxes=desk) as house:
        async with calling(house) as caller:
            for user, sdp in (("bank", PLAIN), ("bank", T38), (NUMBER, PLAIN), (NUMBER, T38)):
                caller.call(user, sdp)
                assert (await caller.has(sip.CallRefused)).status == 488
        assert [one.reason for one in desk.outcomes] == [SECURE_ONLY] * 2
        assert desk.shell is not None
        task = FaxTask(Transmit(tmp_path / "paper.tiff"), SENDER, 1, "auto", 60.0)
        leg = FaxLeg(desk.shell, nobody, task)
        host, port = house.node.address
        outcome = await leg.place(f"sip:1@{host}", "sip:us@{host}", Hop(host, port), LOOPBACK)
        assert (outcome.reason, leg.called) == (SECURE_ONLY, False)
