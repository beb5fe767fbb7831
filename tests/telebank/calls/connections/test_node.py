"""Whole calls with sound: our own phone over each transport and both IP versions."""

import asyncio
from pathlib import Path

import pytest

from support.bank_process import Voice
from support.calls_house import open_house
from support.ipv6 import needs_ipv6
from support.sip_endpoint import answering
from support.tls_kit import Authority
from telebank.calls.connection_options import TlsFiles
from telebank.calls.endpoint import reachable_address
from telebank.phone.phone import Phone, PhoneCall, PhoneOptions
from telebank.sip import CallAnswered, CallOffered
from telebank.sip.trunks import TrunkOptions, Trunks
from telebank.sip.uri import host_port

EVERYWHERE = "0.0.0.0"
CHOSEN = ("lang.chosen", "front.menu")
"""What is said in the language that was chosen."""


async def heard(call: PhoneCall) -> None:
    """Sound comes."""
    async with asyncio.timeout(40):
        while call.report.packets <= 5:
            await asyncio.sleep(0.02)


async def chooses_english(phone: Phone, target: str) -> PhoneCall:
    """A call whose key is taken: what follows is said in English. It is not heard to its end."""
    call = await phone.dial(target, PhoneOptions())
    await heard(call)
    call.press("2")
    async with asyncio.timeout(60):
        while not any(one.prompt in CHOSEN and one.language == "en" for one in call.report.prompts):
            assert not call.over.done(), call.report
            await asyncio.sleep(0.02)
    return call


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_call_is_answered_and_heard(
    transport: str, host: str, tmp_path: Path, voice: Voice
) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("bank", host=host)
    tls = TlsFiles(own.certificate, own.key, authority.path)
    shown = f"[{host}]" if ":" in host else host
    async with open_house(
        tmp_path, voice, listen=(f"{shown}:0", f"tls:{shown}:0"), tls=tls
    ) as house:
        place = next(each for each in house.node.addresses if each.transport == transport)
        phone = Phone(voice.lexicons)
        await phone.start(host, TlsFiles(ca=authority.path))
        target = f"sip:bank@{host_port(place)};transport={transport}"
        call = await phone.dial(target, PhoneOptions())
        await heard(call)
        media = call.media.remote
        await phone.close()
        assert call.report.status == "ended"
        assert media is not None
        assert media[0] == host
        await house.idle()


@needs_ipv6
async def test_one_node_on_both_versions(tmp_path: Path, voice: Voice) -> None:
    async with open_house(tmp_path, voice, listen=("127.0.0.1:0", "[::1]:0")) as house:
        assert [str(each).partition(":")[0] for each in house.node.addresses] == [
            "udp", "tcp", "udp", "tcp",
        ]  # fmt: skip
        for host in ("127.0.0.1", "::1"):
            place = next(each for each in house.node.addresses if each.host == host)
            phone = Phone(voice.lexicons)
            await phone.start(host)
            call = await phone.dial(f"sip:bank@{host_port(place)}", PhoneOptions())
            await heard(call)
            await phone.close()
            assert call.media.remote is not None
            assert call.media.remote[0] == host
            await house.idle()


@needs_ipv6
async def test_keys_by_rtp_over_ipv6(tmp_path: Path, voice: Voice) -> None:
    async with open_house(tmp_path, voice, listen=("[::1]:0",)) as house:
        phone = Phone(voice.lexicons)
        await phone.start("::1")
        await chooses_english(phone, f"sip:bank@{host_port(house.node.address)}")
        await phone.close()
        await house.idle()


@pytest.mark.parametrize("own", sorted({"127.0.0.1", reachable_address(EVERYWHERE)}))
async def test_keys_come_in_at_each_address_of_a_machine_that_listens_on_all(
    own: str, tmp_path: Path, voice: Voice
) -> None:
    """The media of a call has the address that leads to its caller: a socket of all addresses is
    bound to one by connecting it, and hears no other."""
    trunks = Trunks({"loopback": TrunkOptions(addresses=("127.0.0.1", own))})
    async with open_house(tmp_path, voice, listen=(f"{EVERYWHERE}:0",), trunks=trunks) as house:
        phone = Phone(voice.lexicons)
        await phone.start(own)
        call = await chooses_english(phone, f"sip:bank@{own}:{house.node.address[1]}")
        media = call.media.remote
        await phone.close()
        assert media is not None
        assert media[0] == own
        await house.idle()


async def test_a_trunk_is_known_by_its_certificate_both_ways(tmp_path: Path, voice: Voice) -> None:
    """Its calls are let in by name, and ours to it go where the certificate has that name."""
    authority = Authority(tmp_path)
    own, carrier = authority.issue("bank"), authority.issue("carrier", host="carrier.example")
    bank_tls = TlsFiles(own.certificate, own.key, authority.path, "required")
    theirs = TlsFiles(carrier.certificate, carrier.key, authority.path)
    async with answering("127.0.0.1:0", "tls:127.0.0.1:0", tls=theirs) as trunk:
        peer = trunk.hop("tls")
        options = TrunkOptions(certificates=("carrier.example",), peers=(str(peer),), calls_out=1)
        async with open_house(
            tmp_path, voice, listen=("127.0.0.1:0", "tls:127.0.0.1:0"), tls=bank_tls,
            trunks=Trunks({"carrier": options}),
        ) as house:  # fmt: skip
            place = next(each for each in house.node.addresses if each.transport == "tls")
            trunk.call(f"sip:95588@{host_port(place)};transport=tls", place)
            await trunk.has(CallAnswered)
            event = await house.happens("call.started")
            assert event.detail["trunk"] == "carrier"
            endpoint = house.node._endpoint
            _, commands = endpoint.agent.invite(
                f"sip:1@{host_port(peer)};transport=tls", "sip:bank@127.0.0.1", b"",
                endpoint.now(), destination=peer, trunk="carrier",
            )  # fmt: skip
            endpoint.perform(commands)
            offered = await trunk.has(CallOffered)
            assert offered.source.transport == "tls"
