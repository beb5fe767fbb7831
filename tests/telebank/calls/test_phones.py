"""Desk phones at a node: baresip, which is not ours, registers, is rung, and leaves."""

import asyncio
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from support.bank_process import Voice
from support.baresip import baresip
from support.calls_house import House, open_house
from support.tls_kit import Authority
from telebank import sip
from telebank.calls.connection_options import TlsOptions
from telebank.calls.endpoint import Fact
from telebank.sip.admission import AdmissionOptions
from telebank.sip.digest import Account, Algorithm
from telebank.sip.registering import PhoneOptions
from telebank.sip.trunks import TrunkOptions, Trunks

VICIOUS = os.environ.get("TELEBANK_SIPVICIOUS", "")
REALM = "bank.example"
SECRET = "Kq7wZr3mXn5tBv9cPd2hLs8f"
OPTIONS = PhoneOptions(REALM, md5_networks=("127.0.0.0/8",))  # baresip 1.0 knows no other
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 9 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)

needs_baresip = pytest.mark.skipif(
    shutil.which("baresip") is None, reason="baresip is not installed: apt-get install baresip"
)


def phones(*algorithms: Algorithm) -> dict[str, Account]:
    algorithms = algorithms or (Algorithm.SHA_256, Algorithm.MD5)
    return {"8001": Account.of_password("8001", REALM, SECRET, algorithms)}


async def rings(house: House, extension: str) -> list[Fact]:
    """Call a phone until it has answered, then hang up; what was told."""
    (way,) = house.node.phone_ways(extension)
    endpoint = house.node._endpoint  # what tellers will do through the node
    told: list[Fact] = []
    answered, over = asyncio.Event(), asyncio.Event()

    def heard(fact: Fact) -> None:
        told.append(fact)
        if isinstance(fact, sip.CallAnswered):
            answered.set()
        if isinstance(fact, sip.CallEnded | sip.CallRefused):
            answered.set()
            over.set()

    leg, commands = endpoint.agent.invite(
        *(way.uri, f"sip:bank@{REALM}", SDP.encode(), endpoint.now()),
        destination=way.hop,
        by_flow=way.by_flow,
    )
    house.node.claim(leg, heard)
    endpoint.perform(commands)
    async with asyncio.timeout(20):
        await answered.wait()
        endpoint.perform(endpoint.agent.hang_up(leg, endpoint.now()))
        await over.wait()
    return told


@needs_baresip
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_baresip_registers_is_rung_and_leaves(
    tmp_path: Path, voice: Voice, transport: str
) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("bank")
    tls = TlsOptions(certificate=str(own.certificate), key=str(own.key)).files(tmp_path)
    listen = ("127.0.0.1:0", "tls:127.0.0.1:0")
    async with open_house(tmp_path, voice, listen=listen, tls=tls, registrar=OPTIONS) as house:
        house.node.use_phones(phones())
        (place,) = [one for one in house.node.addresses if one.transport == transport]
        address = f"sip:8001@127.0.0.1:{place.port};transport={transport}"
        async with baresip(tmp_path / "phone", address, SECRET, ca=authority.path):
            there = await house.happens("phone.registered", extension="8001")
            assert str(there.detail["address"]).startswith(f"{transport}:127.0.0.1:")
            (one,) = house.node.registrations()
            assert 50 < one.left_s <= 60
            told = await rings(house, "8001")
            assert any(isinstance(fact, sip.CallAnswered) for fact in told)
        await house.happens("phone.gone", extension="8001", why="left")
        assert house.node.registrations() == []
        counts = house.node.counts()
        assert (counts["phones_phones"], counts["phones_contacts"]) == (1, 0)
        assert counts["total_register_taken"] >= 2


@needs_baresip
@pytest.mark.parametrize(("extension", "written"), [("8001", "8001"), ("8002", "")])
async def test_baresip_with_a_wrong_secret_is_refused(
    tmp_path: Path, voice: Voice, extension: str, written: str
) -> None:
    async with open_house(tmp_path, voice, registrar=OPTIONS) as house:
        house.node.use_phones(phones())
        address = f"sip:{extension}@127.0.0.1:{house.node.address[1]}"
        async with baresip(tmp_path / "phone", address, "wrong"):
            refused = await house.happens("phone.refused")
        assert refused.detail["extension"] == written
        assert house.node.registrations() == []


STRANGERS = Trunks({"loopback": TrunkOptions(addresses=("127.0.0.99",))})
"""Trunks of a node to which a phone of this machine is as one elsewhere: it comes from none."""


@needs_baresip
async def test_baresip_calls_the_bank_from_where_no_trunk_is(tmp_path: Path, voice: Voice) -> None:
    options = replace(OPTIONS, numbers=("95588",))
    async with open_house(tmp_path, voice, trunks=STRANGERS, registrar=options) as house:
        house.node.use_phones(phones())
        at = f"127.0.0.1:{house.node.address[1]}"
        address = f"sip:8001@{at}"
        async with baresip(tmp_path / "phone", address, SECRET, dials=f"sip:95588@{at}"):
            begun = await house.happens("call.started", trunk="phone 8001")
            assert "95588" in str(begun.detail["to"])
        async with baresip(tmp_path / "other", address, SECRET, dials=f"sip:8820@{at}"):
            await house.happens("phone.registered")
        async with baresip(tmp_path / "guess", address, "wrong", dials=f"sip:95588@{at}"):
            await house.happens("phone.refused", extension="8001")
        await house.idle()
        assert house.log.kinds().count("call.started") == 1


async def test_without_a_registrar_the_node_has_no_phones(tmp_path: Path, voice: Voice) -> None:
    async with open_house(tmp_path, voice) as house:
        house.node.use_phones(phones())
        assert house.node.registrations() == house.node.phone_ways("8001") == []
        assert not any(name.startswith("phones_") for name in house.node.counts())


@pytest.mark.skipif(
    not VICIOUS, reason="TELEBANK_SIPVICIOUS names no folder with the commands of sipvicious (GPL)"
)
async def test_sipvicious_finds_no_extension_and_no_secret(tmp_path: Path, voice: Voice) -> None:
    """Its name is let in here, or it would hear nothing at all."""
    words = tmp_path / "words"
    words.write_text("\n".join((*(f"guess{n}" for n in range(30)), SECRET)))
    heard = AdmissionOptions(probes=(), stranger_setups_per_s=100.0, strangers_setups_per_s=100.0)
    async with open_house(
        *(tmp_path, voice), trunks=STRANGERS, registrar=OPTIONS, admission=heard, scanners=()
    ) as house:
        house.node.use_phones(phones())
        port = str(house.node.address[1])
        for tool, *options in (
            ("svwar", "--force", "-m", "REGISTER", "-e", "7999-8003"),
            ("svwar", "--force", "-m", "OPTIONS", "-e", "7999-8003"),
            ("svcrack", "-u", "8001", "-d", str(words)),
            ("svwar", "--force", "-m", "INVITE", "-e", "7999-8003"),
            ("svwar", "--force", "-m", "INVITE", "-e", "8001"),  # it stops at its first 401
            ("svcrack", "-m", "INVITE", "-u", "8001", "-d", str(words)),
        ):
            process = await asyncio.create_subprocess_exec(
                *(f"{VICIOUS}/sipvicious_{tool}", *options, "-p", port, "127.0.0.1"),
                cwd=tmp_path,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            out, _ = await asyncio.wait_for(process.communicate(), 60)
            assert b"found nothing" in out, out
        counts = house.node.counts()
        assert counts["total_register_challenged"] > 10
        assert counts["total_register_held"] > 0
        assert counts["total_phone_calls_challenged"] > 3
        assert house.node.registrations() == []
