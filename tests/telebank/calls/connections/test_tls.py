"""SIP over TLS on real sockets: who is believed, who is let in, and openssl as a peer."""

import asyncio
import gc
import os
import shutil
import socket
import ssl
import time
from dataclasses import replace
from pathlib import Path

import pytest

from support.sip_endpoint import Raw, answering, options
from support.tls_kit import Authority, Identity
from telebank.calls.connection_options import TlsFiles, TlsOptions
from telebank.calls.tls import TlsContexts, TlsFileError, names_in
from telebank.sip import CallAnswered, CallConfirmed, CallEnded, CallOffered, CallRefused, Hop

LISTEN = ("127.0.0.1:0", "tls:127.0.0.1:0")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def ours(authority: Authority) -> TlsFiles:
    """The bank's files; its certificate is for 127.0.0.1."""
    files = authority.issue("bank")
    return TlsFiles(files.certificate, files.key, authority.path)


@pytest.fixture(scope="module")
def trunk(authority: Authority) -> Identity:
    return authority.issue("trunk", host="Trunk.example")


def client(ca: Path, own: Identity | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    return context


async def asks(hop: Hop, context: ssl.SSLContext) -> str:
    """OPTIONS over TLS; the answer's first line, empty where there is none."""
    try:
        peer = await Raw.to(hop, context)
    except OSError:  # of TLS too
        return ""
    try:
        peer.send(options(transport="TLS"))
        return (await peer.head()).partition("\r\n")[0]
    except (OSError, asyncio.IncompleteReadError):
        return ""
    finally:
        await peer.close()


async def test_a_call_over_tls(ours: TlsFiles) -> None:
    async with answering(*LISTEN, tls=ours) as bank, answering(*LISTEN, tls=ours) as caller:
        hop = bank.hop("tls")
        for target in (
            f"sip:bank@127.0.0.1:{hop.port};transport=tls",
            f"sips:b@{hop.host}:{hop.port}",
        ):
            bank.facts.clear()
            caller.facts.clear()
            leg = caller.call(target, hop)
            await caller.has(CallAnswered)
            confirmed = await bank.has(CallConfirmed)
            assert (await bank.has(CallOffered)).source.transport == "tls"
            bank.hang_up(confirmed.leg)
            assert (await caller.has(CallEnded)).leg == leg
        assert not bank.troubles() + caller.troubles()


async def test_a_call_to_a_bank_that_shows_a_strange_certificate_is_503(
    ours: TlsFiles, stranger: Authority
) -> None:
    believes = TlsFiles(ca=stranger.path)
    async with answering(*LISTEN, tls=ours) as bank, answering(tls=believes) as caller:
        caller.call("sip:bank@127.0.0.1;transport=tls", bank.hop("tls"))
        assert (await caller.has(CallRefused)).status == 503
        await caller.trouble("connection failed: TLS: certificate refused")


async def test_a_call_to_a_certificate_for_another_host_is_503(
    authority: Authority, ours: TlsFiles
) -> None:
    elsewhere = authority.issue("elsewhere", host="elsewhere.example")
    shown = replace(ours, certificate=elsewhere.certificate, key=elsewhere.key)
    async with answering(*LISTEN, tls=shown) as bank, answering(tls=ours) as caller:
        hop = bank.hop("tls")
        caller.call("sip:bank@127.0.0.1;transport=tls", hop)
        assert (await caller.has(CallRefused)).status == 503
        await caller.trouble("certificate refused: IP address mismatch")
        caller.endpoint.connections.server_names[hop] = "elsewhere.example"
        caller.call("sip:bank@elsewhere.example;transport=tls", hop)
        await caller.has(CallAnswered)


async def test_a_call_by_tls_where_there_is_none_is_503() -> None:
    async with answering() as caller:
        caller.call("sips:bank@127.0.0.1", Hop("127.0.0.1", 9, "tls"))
        assert (await caller.has(CallRefused)).status == 503
        await caller.trouble("no TLS here: give [sip_tls]")


@pytest.mark.parametrize("clients", ["none", "optional", "required"])
@pytest.mark.parametrize("shown", ["nothing", "ours", "strange"])
async def test_certificates_of_clients(  # noqa: PLR0917 - fixtures
    clients: str, shown: str, authority: Authority, stranger: Authority, ours: TlsFiles,
    trunk: Identity,
) -> None:  # fmt: skip
    own = {"nothing": None, "ours": trunk, "strange": stranger.issue("trunk")}[shown]
    let_in = {"none": True, "optional": shown != "strange", "required": shown == "ours"}[clients]
    files = replace(ours, clients=clients)  # type: ignore[arg-type]
    async with answering(*LISTEN, tls=files) as bank:
        answer = await asks(bank.hop("tls"), client(authority.path, own))
        assert answer == ("SIP/2.0 200 OK" if let_in else "")
        if not let_in:
            await bank.trouble("connection failed: TLS: ")
        await bank.alone()


async def test_the_names_of_a_client_come_with_its_calls(ours: TlsFiles, trunk: Identity) -> None:
    shows = replace(ours, certificate=trunk.certificate, key=trunk.key)
    for clients, names in (("required", ("trunk.example",)), ("none", ())):
        files = replace(ours, clients=clients)  # type: ignore[arg-type]
        async with answering(*LISTEN, tls=files) as bank, answering(tls=shows) as caller:
            caller.call("sip:bank@127.0.0.1;transport=tls", bank.hop("tls"))
            assert (await bank.has(CallOffered)).peer_names == names


async def test_an_old_version_is_refused(authority: Authority, ours: TlsFiles) -> None:
    context = client(authority.path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with answering(*LISTEN, tls=replace(ours, minimum="1.3")) as bank:
        assert await asks(bank.hop("tls"), context) == ""
        await bank.trouble("connection failed: TLS: ")
    async with answering(*LISTEN, tls=ours) as bank:
        assert await asks(bank.hop("tls"), context) == "SIP/2.0 200 OK"


async def test_a_handshake_that_is_not_begun_or_not_finished(ours: TlsFiles) -> None:
    async with answering(*LISTEN, tls=ours, handshake_s=0.3) as bank:
        silent = await Raw.to(bank.hop("tls"))
        half = await Raw.to(bank.hop("tls"))
        half.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert await silent.rest() == await half.rest() == b""
        await bank.alone()
        await silent.close()
        await half.close()


async def test_connections_that_were_cut_leave_nothing(
    ours: TlsFiles, authority: Authority
) -> None:
    """TLS keeps its own in circles, which the collector opens: what is left then is kept."""

    def kept() -> int:
        gc.collect()
        names = {"Connection", "SSLProtocol", "SSLObject"}
        return sum(type(one).__name__ in names for one in gc.get_objects())

    async with answering(*LISTEN, tls=ours, first_message_s=0.2, handshake_s=0.2) as bank:
        before, context = kept(), client(authority.path)
        peers = [await Raw.to(bank.hop("tls"), context) for _ in range(20)]
        peers += [await Raw.to(bank.hop("tls")) for _ in range(20)]
        assert kept() > before
        for peer in peers:
            assert await peer.rest() == b""
            await peer.close()
        await bank.alone()
        del peers, peer
        await asyncio.sleep(0.05)
        assert kept() <= before


async def test_no_tls_on_the_port_of_tls(ours: TlsFiles) -> None:
    async with answering(*LISTEN, tls=ours) as bank:
        peer = await Raw.to(bank.hop("tls"))
        peer.send(options())
        assert b"SIP/2.0" not in await peer.rest()
        await bank.trouble("connection failed: TLS: ")
        await peer.close()


async def test_handshakes_under_way_count_as_connections(ours: TlsFiles) -> None:
    async with answering(*LISTEN, tls=ours, per_address=2) as bank:
        kept = [await Raw.to(bank.hop("tls")) for _ in range(2)]
        async with asyncio.timeout(40):
            while len(bank.endpoint.connections) < 2:
                await asyncio.sleep(0.01)
        with socket.create_connection(bank.hop("tls")[:2]):
            await bank.trouble("connection refused: too many connections from there")
        for peer in kept:
            await peer.close()


async def test_a_refusal_of_the_framing_arrives_over_tls(
    authority: Authority, ours: TlsFiles
) -> None:
    async with answering(*LISTEN, tls=ours) as bank:
        peer = await Raw.to(bank.hop("tls"), client(authority.path))
        peer.send(options().replace(b"Content-Length: 0\r\n", b""))
        assert (await peer.rest()).startswith(b"SIP/2.0 400 Bad Request - Content-Length: missing")
        await peer.close()


async def test_a_renewed_certificate_is_used_without_a_restart(
    authority: Authority, tmp_path: Path
) -> None:
    def put(name: str) -> None:
        made = authority.issue(name)
        for source, target in ((made.key, "bank.key"), (made.certificate, "bank.pem")):
            copy = tmp_path / f"{target}.new"
            shutil.copy2(source, copy)
            copy.replace(tmp_path / target)

    def shown(peer: Raw) -> str:
        return str(peer.writer.get_extra_info("peercert")["subject"])

    put("before")
    files = TlsFiles(tmp_path / "bank.pem", tmp_path / "bank.key", authority.path)
    context = client(authority.path)
    async with answering(*LISTEN, tls=files) as bank:
        old = await Raw.to(bank.hop("tls"), context)
        assert "before" in shown(old)
        put("after")
        await asyncio.sleep(1.1)
        new = await Raw.to(bank.hop("tls"), context)
        assert "after" in shown(new)
        (tmp_path / "bank.pem").write_text("half of a certificate")
        await asyncio.sleep(1.1)
        kept = await Raw.to(bank.hop("tls"), context)
        assert "after" in shown(kept)
        await bank.trouble("TLS: the old certificate stays in use")
        for peer in (old, new, kept):
            peer.send(options(transport="TLS"))
            assert "200 OK" in await peer.head()
            await peer.close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("shows", [True, False])
async def test_openssl_as_a_peer(
    shows: bool, authority: Authority, ours: TlsFiles, trunk: Identity
) -> None:
    async with answering(*LISTEN, tls=replace(ours, clients="required")) as bank:
        hop = bank.hop("tls")
        words = ["s_client", "-quiet", "-verify_return_error", "-CAfile", str(authority.path)]
        words += ["-connect", f"{hop.host}:{hop.port}", "-verify_ip", hop.host]
        words += ["-cert", str(trunk.certificate), "-key", str(trunk.key)] if shows else []
        program = await asyncio.create_subprocess_exec(
            "openssl", *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, env={**os.environ, "OPENSSL_CONF": os.devnull},
        )  # fmt: skip
        assert program.stdin is not None
        assert program.stdout is not None
        try:
            program.stdin.write(options(7, transport="TLS"))
            async with asyncio.timeout(20):
                if shows:
                    answer = await program.stdout.readuntil(b"\r\n\r\n")
                    assert answer.startswith(b"SIP/2.0 200 OK\r\n")
                    assert b"CSeq: 7 OPTIONS" in answer
                else:
                    assert await program.stdout.read() == b""
                    await bank.trouble("TLS: peer did not return a certificate")
        finally:
            program.stdin.close()
            if program.returncode is None:
                program.terminate()
            await program.wait()


def test_names_of_a_certificate() -> None:
    subject = ((("countryName", "CN"),), (("commonName", "Common.example"),))
    kinds = (
        ("URI", "sip:Carrier.example"), ("URI", "sip:user@carrier.example"), ("URI", "https://x"),
        ("DNS", "a.example"), ("DNS", "A.example"), ("IP Address", "192.0.2.1"),
        ("email", "x@y"),
    )  # fmt: skip
    found = names_in({"subject": subject, "subjectAltName": kinds})
    assert found == ("carrier.example", "a.example", "192.0.2.1")
    assert names_in({"subject": subject}) == ("common.example",)
    assert names_in({}) == ()


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="certificate and key"):
        TlsOptions(certificate="bank.pem")
    with pytest.raises(ValueError, match='clients = "required" needs ca'):
        TlsOptions(certificate="a", key="b", clients="required")
    files = TlsOptions(certificate="bank.pem", key="/k/bank.key").files(Path("/data/keys"))
    assert (files.certificate, files.key) == (Path("/data/keys/bank.pem"), Path("/k/bank.key"))


def test_files_that_cannot_be(tmp_path: Path, ours: TlsFiles, authority: Authority) -> None:
    def why(files: TlsFiles) -> str:
        with pytest.raises(TlsFileError) as raised:
            TlsContexts(files, lambda _: None)
        return str(raised.value)

    assert "no such file; give it as PEM" in why(replace(ours, ca=tmp_path / "none.pem"))
    open_key = tmp_path / "open.key"
    shutil.copy(ours.key or "", open_key)
    open_key.chmod(0o644)
    assert f"chmod 600 {open_key}" in why(replace(ours, key=open_key))
    assert "no certificate in PEM form" in why(replace(ours, key=authority.issue("other").key))
    noise = tmp_path / "noise.pem"
    noise.write_text("noise")
    assert "no certificate of an authority" in why(replace(ours, ca=noise))


def test_the_files_are_looked_at_once_a_second(tmp_path: Path, ours: TlsFiles) -> None:
    copy = tmp_path / "ca.pem"
    shutil.copy(ours.ca or "", copy)
    said: list[str] = []
    contexts = TlsContexts(replace(ours, ca=copy), said.append)
    first = contexts.server(10.0)
    os.utime(copy, (time.time(), 5))
    assert contexts.server(10.9) is first
    assert contexts.server(11.1) is not first
    assert contexts.client(11.2) is contexts.client(11.3)
    copy.unlink()
    assert contexts.server(13.0)
    assert ["changed" in one for one in said] == [True, False]
