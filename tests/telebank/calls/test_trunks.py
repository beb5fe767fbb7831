"""Trunks of a running node, over real sockets: floods, health of peers, identities."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.bank_process import Voice
from support.calls_house import open_house
from support.calls_peer import Peer, receive, udp
from telebank.phone.dialer import Dialer
from telebank.sip.admission import AdmissionOptions
from telebank.sip.trunks import TrunkOptions, Trunks
from telebank.sip.uri import Hop

FLOOD = "127.0.0.66"
LIMIT = 20.0
RATED = 10.0


async def dialer(host: str, target: tuple[str, int]) -> Dialer:
    made = Dialer(target)
    await made.start(host)
    return made


async def test_rated_calls_go_on_beside_ten_times_the_limit(tmp_path: Path, voice: Voice) -> None:
    flooding = TrunkOptions(addresses=(f"{FLOOD}/32",), setups_per_s=LIMIT)
    trunks = Trunks({"flood": flooding})
    async with open_house(tmp_path, voice, lines=500, trunks=trunks) as house:
        good = await dialer("127.0.0.1", house.node.address)
        bad = await dialer(FLOOD, house.node.address)
        peer = Peer(house.node.address, "before")
        rtp = udp()
        try:
            await peer.call(rtp)
            flood, rated = await asyncio.gather(
                bad.flood(10 * LIMIT, 5.0), good.at_rate(RATED, 5.0)
            )
            assert rated.done >= 0.95 * rated.offered
            let_in = flood.offered - flood.ended["503"] - flood.ended["silence"]
            assert let_in <= 2 * LIMIT + 5.5 * LIMIT
            assert flood.ended["503"] > 200
            assert flood.ended["silence"] > 200  # beyond the second limit
            await receive(rtp)  # who was there before is still talked to
            peer.send("BYE")
            assert (await peer.response("BYE"))[0] == 200
            await house.idle()
            counts = house.node.counts()
            assert counts["total_sip_refused"] >= flood.ended["503"]
        finally:
            peer.close()
            await good.close()
            await bad.close()


async def test_strangers_are_refused_and_their_calls_begin_nothing(
    tmp_path: Path, voice: Voice
) -> None:
    trunks = Trunks({"loopback": TrunkOptions(addresses=("127.0.0.1",))})
    async with open_house(tmp_path, voice, trunks=trunks) as house:
        stranger = await dialer(FLOOD, house.node.address)
        try:
            tally = await stranger.at_rate(4.0, 1.0)
        finally:
            await stranger.close()
        assert tally.ended == {"403": 4}
        assert house.node.counts()["total_sip_403"] == 4
        assert house.node.board()["refused"]["403"] == 4
        assert "call.started" not in house.log.kinds()


class Answering(asyncio.DatagramProtocol):
    """A peer of a trunk that answers OPTIONS, or does not."""

    def __init__(self) -> None:
        self.answers = True
        self.asked = 0
        self._send: Callable[..., None]

    def connection_made(self, transport: Any) -> None:
        self._send = transport.sendto

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert data.startswith(b"OPTIONS ")
        self.asked += 1
        lines = data.split(b"\r\n")[1:]
        kept = [one for one in lines if one.startswith((b"Via", b"From", b"To", b"Call", b"CSeq"))]
        if self.answers:
            self._send(b"\r\n".join([b"SIP/2.0 200 OK", *kept, b"Content-Length: 0\r\n\r\n"]), addr)


async def test_a_peer_goes_down_and_comes_up_in_the_log(tmp_path: Path, voice: Voice) -> None:
    loop = asyncio.get_running_loop()
    transport, peer = await loop.create_datagram_endpoint(Answering, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    carrier = TrunkOptions(
        addresses=("192.0.2.0/24",), peers=(f"127.0.0.1:{port}",), health_s=1.0, health_misses=1
    )
    try:
        async with open_house(tmp_path, voice, trunks=Trunks({"carrier": carrier})) as house:
            peer.answers = False
            down = await house.happens("trunk.down", trunk="carrier", peer=f"udp:127.0.0.1:{port}")
            assert down.detail["left"] == 0
            (row,) = [row for row in house.node.trunks() if row["trunk"] == "carrier"]
            assert row["peers"] == [{"peer": f"udp:127.0.0.1:{port}", "well": False}]
            peer.answers = True
            await house.happens("trunk.up", trunk="carrier")
    finally:
        transport.close()


class Moving(Answering):
    """A peer that sends the first call elsewhere, and then is busy."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not data.startswith(b"INVITE "):
            return
        self.asked += 1
        lines = data.split(b"\r\n")[1:]
        kept = [one for one in lines if one.startswith((b"Via", b"From", b"To", b"Call", b"CSeq"))]
        contact = b"Contact: <sip:02112345678@127.0.0.1:%d>" % self.port
        first = [b"SIP/2.0 302 Moved", contact] if self.asked == 1 else [b"SIP/2.0 486 Busy"]
        self._send(b"\r\n".join([*first, *kept, b"Content-Length: 0\r\n\r\n"]), addr)

    port = 0


async def test_a_call_that_is_led_elsewhere_is_in_the_log(tmp_path: Path, voice: Voice) -> None:
    loop = asyncio.get_running_loop()
    transport, peer = await loop.create_datagram_endpoint(Moving, local_addr=("127.0.0.1", 0))
    peer.port = transport.get_extra_info("sockname")[1]
    carrier = TrunkOptions(
        addresses=("192.0.2.0/24",), peers=(f"127.0.0.1:{peer.port}",), trusted=True
    )
    try:
        async with open_house(tmp_path, voice, trunks=Trunks({"carrier": carrier})) as house:
            endpoint = house.node._endpoint
            endpoint.agent.restrict(lambda _trunk, _called, _target: True)
            _, commands = endpoint.agent.invite(
                *(f"sip:01012345678@127.0.0.1:{peer.port}", "sip:bank@127.0.0.1", None),
                endpoint.now(),
                destination=Hop("127.0.0.1", peer.port),
                trunk="carrier",
            )
            endpoint.perform(commands)
            event = await house.happens("trunk.redirected", trunk="carrier")
            assert event.detail["number"] == "021******78"
            await house.idle()
    finally:
        transport.close()


async def test_who_calls_is_logged_as_far_as_the_trunk_is_believed(
    tmp_path: Path, voice: Voice
) -> None:
    trusted = TrunkOptions(addresses=("127.0.0.1",), trusted=True)
    trunks = Trunks({"loopback": trusted})
    async with open_house(tmp_path, voice, trunks=trunks, admission=AdmissionOptions()) as house:
        peer = Peer(house.node.address, "who")
        try:
            peer.extra = (
                "P-Asserted-Identity: <sip:13812345678@carrier>\r\n"
                "Diversion: <sip:02155550000@carrier>;reason=user-busy\r\n"
            )
            await peer.call(udp())
            started = await house.happens("call.started")
            assert started.detail["from_masked"] == "138******78"
            assert started.detail["diverted"] is True
            assert started.detail["trunk"] == "loopback"
            peer.send("BYE")
            await house.idle()
        finally:
            peer.close()


async def test_codecs_are_those_of_the_trunk_in_its_order(tmp_path: Path, voice: Voice) -> None:
    only = TrunkOptions(addresses=("127.0.0.1",), codecs=("PCMU",), ptime_ms=40)
    async with open_house(tmp_path, voice, trunks=Trunks({"loopback": only})) as house:
        peer = Peer(house.node.address, "late")
        try:
            peer.send("INVITE")  # without SDP: the node offers
            status, sdp = await peer.response("INVITE")
            assert status == 200
            assert b" RTP/AVP 0 " in sdp
            assert b"a=ptime:40\r\n" in sdp
            peer.send("ACK", peer.sdp(udp()), cseq=peer.cseq)  # G.711 A-law alone
            await house.idle()
        finally:
            peer.close()
