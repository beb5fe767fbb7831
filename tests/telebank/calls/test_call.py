"""Calls on a node of this process: what peers, hosts and bugs may do to one."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.bank_process import Voice
from support.calls_house import CARD, PIN, House, open_house
from support.calls_peer import Peer, receive, udp
from support.media_peer import Peer as Telephone
from telebank.rtp import is_rtcp
from telebank.store.sealing import Keyring
from transactions.card import CardNumber
from transactions.money import Money
from transactions.outcome import Values
from transactions.request import Request

LOGIN = f"11{CARD}#{PIN}#"


@pytest_asyncio.fixture
async def house(tmp_path: Path, voice: Voice) -> AsyncIterator[House]:
    async with open_house(tmp_path, voice) as house:
        yield house


@pytest.fixture
def peer(house: House) -> Iterator[Peer]:
    peer = Peer(house.node.address, "first")
    yield peer
    peer.close()


async def test_a_balance_is_asked_said_and_told(house: House, peer: Peer, tmp_path: Path) -> None:
    await peer.call(udp())
    await peer.press(f"{LOGIN}11")
    await house.happens("node.entered", node="after")
    peer.send("BYE")
    await house.idle()
    assert [request.service for request in house.script.asked] == [
        "pin.verify",
        "settings.get",
        "notice.next",
        "usage.top",
        "card.balance",
    ]
    customer = Keyring.open(tmp_path / "keys").token(CardNumber(CARD))
    assert [request.actor for request in house.script.asked] == ["caller", *[customer] * 4]
    assert house.script.heard[-1] == (house.script.asked[-1].id, "ok")
    assert house.log.kinds()[-1] == "call.ended"
    digits = "".join(str(e.detail["digit"]) for e in house.log.events if e.kind == "key")
    # The # behind an entry of full length ends nothing and is swallowed.
    assert digits == f"11{'•' * (len(CARD) + 1)}{'•' * len(PIN)}11"
    assert PIN not in repr(house.log.events)


async def test_a_host_text_that_cannot_be_spoken_ends_no_call_and_is_not_told(
    house: House, peer: Peer
) -> None:
    money = Money.parse("5.00")
    bad: Values = {
        "what": "deposit_place",
        "amount": money,
        "payee_masked": "张*",
        "ref": "010000000001",
        "on": "?",
    }
    house.script.exits["notice.next"] = ("open", bad)
    await peer.call(udp())
    await peer.press(LOGIN)
    await house.happens("alarm", what="unspeakable")
    await house.happens("node.entered", node="menu")
    peer.send("BYE")
    await house.idle()
    notices = [r.id for r in house.script.asked if r.service == "notice.next"]
    assert not {request for request, _ in house.script.heard} & set(notices)


async def test_a_bug_inside_one_call_ends_that_call_and_no_other(house: House, peer: Peer) -> None:
    def fail(request: Request) -> None:
        if request.service == "card.balance":
            raise RuntimeError(f"a bug that quotes {CARD}")

    house.script.before = fail
    other = Peer(house.node.address, "other")
    await other.call(udp())
    await peer.call(udp())
    await peer.press(f"{LOGIN}11")
    await peer.request("BYE")
    await other.press("1")
    assert house.node.counts()["calls"] == 1
    other.send("BYE")
    await house.idle()
    alarms = [event for event in house.log.events if event.kind == "alarm"]
    assert [alarm.detail["error"] for alarm in alarms] == ["RuntimeError"]
    assert CARD not in repr(house.log.events)


async def test_a_node_whose_lease_is_lost_says_so(house: House, peer: Peer) -> None:
    house.log.lost = True
    await peer.call(udp())
    async with asyncio.timeout(40):
        await house.node.lost.wait()


async def answered(house: House, peer: Peer, body: bytes) -> bytes:
    peer.send("INVITE", body)
    status, sdp = await peer.response("INVITE")
    assert status == 200
    return sdp


async def test_bytes_that_are_no_text_in_the_address_are_answered_and_logged_plain(
    house: House,
) -> None:
    rtp, peer = udp(), Peer(house.node.address, "odd", user=b"\xff" + b"x" * 3_000)
    await answered(house, peer, peer.sdp(rtp))
    peer.send("ACK", cseq=peer.cseq)
    await receive(rtp)
    (started,) = [event for event in house.log.events if event.kind == "call.started"]
    assert len(str(started.detail["to"])) < 200
    str(started.detail["to"]).encode("utf-8")
    peer.send("BYE")
    assert (await peer.response("BYE"))[0] == 200
    await house.idle()
    later = Peer(house.node.address, "later")
    await later.call(udp())


async def test_a_late_offer_in_a_re_invite_moves_the_sound(house: House) -> None:
    first, second, peer = udp(), udp(), Peer(house.node.address, "late")
    await answered(house, peer, peer.sdp(first))
    peer.send("ACK", cseq=peer.cseq)
    await receive(first)
    peer.send("INVITE")
    status, offer = await peer.response("INVITE")
    assert (status, b"m=audio" in offer) == (200, True)
    peer.send("ACK", peer.sdp(second, version=2), cseq=peer.cseq)
    assert len(await receive(second)) == 172
    peer.send("BYE")
    await house.idle()


async def test_a_call_cancelled_while_its_media_opens_leaves_nothing(house: House) -> None:
    rtp = udp()
    for number in range(20):
        peer = Peer(house.node.address, f"cancel{number}")
        peer.send("INVITE", peer.sdp(rtp))
        peer.send("CANCEL", cseq=peer.cseq)
        status, _ = await peer.response("INVITE")
        assert status in (200, 487)
        peer.send("ACK", cseq=peer.cseq)
        if status == 200:
            peer.send("BYE")
    await house.idle()


async def test_a_key_by_info_counts(house: House, peer: Peer) -> None:
    await peer.call(udp())
    await peer.press("2")
    assert (await house.happens("call.language")).detail["language"] == "en"
    peer.send("BYE")
    await house.idle()


async def telephone(rtp: socket.socket) -> Telephone:
    """What speaks RTP on a socket that the node has sent to."""
    _, (_, port) = await asyncio.get_running_loop().sock_recvfrom(rtp, 2_048)
    telephone = Telephone(port)
    telephone.close()
    telephone.socket = rtp
    return telephone


async def test_keys_count_by_the_way_that_the_first_one_came(house: House, peer: Peer) -> None:
    """A phone that sends each key by INFO and as an event of RTP."""
    rtp = udp()
    await peer.call(rtp)
    line = await telephone(rtp)
    line.talk()
    for _ in range(2):
        await peer.press("1")
        line.press("1")
        await asyncio.sleep(0.2)
    peer.send("BYE")
    await house.idle()
    assert [e.detail["digit"] for e in house.log.events if e.kind == "key"] == ["1", "1"]


async def test_keys_are_heard_in_the_sound_where_no_other_way_is_agreed(
    house: House, peer: Peer
) -> None:
    rtp = udp()
    offer = peer.sdp(rtp).replace(b" 101\r\n", b"\r\n").replace(b":101 telephone-event", b":9 x")
    peer.send("INVITE", offer)
    assert (await peer.response("INVITE"))[0] == 200
    peer.send("ACK", cseq=peer.cseq)
    line = await telephone(rtp)
    line.talk()
    await line.speak("2")
    assert (await house.happens("call.language")).detail["language"] == "en"
    peer.send("BYE")
    await house.idle()


async def test_reports_of_a_call_go_to_the_port_that_its_offer_names(
    house: House, peer: Peer
) -> None:
    rtp, reports = udp(), udp()
    named = f"a=rtcp:{reports.getsockname()[1]} IN IP4 127.0.0.1\r\n".encode()
    peer.send("INVITE", peer.sdp(rtp) + named)
    assert (await peer.response("INVITE"))[0] == 200
    peer.send("ACK", cseq=peer.cseq)
    assert is_rtcp(await receive(reports, 15))
    peer.send("BYE")
    await house.idle()


async def test_no_common_codec_is_488_and_still_in_the_log(house: House) -> None:
    rtp, peer = udp(), Peer(house.node.address, "codec")
    body = peer.sdp(rtp).replace(b" 8 101", b" 3").replace(b"a=rtpmap:8 PCMA/8000\r\n", b"")
    peer.send("INVITE", body)
    assert (await peer.response("INVITE"))[0] == 488
    peer.send("ACK", cseq=peer.cseq)
    await house.idle()
    assert house.log.kinds()[-2:] == ["call.started", "call.ended"]


async def test_a_caller_beyond_the_last_line_hears_busy(tmp_path: Path, voice: Voice) -> None:
    async with open_house(tmp_path, voice, lines=1) as house:
        first, second = Peer(house.node.address, "one"), Peer(house.node.address, "two")
        await first.call(udp())
        second.send("INVITE", second.sdp(udp()))
        assert (await second.response("INVITE"))[0] == 486
        second.send("ACK", cseq=second.cseq)
        first.send("BYE")
        await house.idle()
        third = Peer(house.node.address, "three")
        await third.call(udp())
