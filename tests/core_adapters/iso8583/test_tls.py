"""TLS with client certificates: real handshakes, and what is said when they fail."""

import asyncio
import contextlib
import shutil
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvloop
from cryptography.hazmat.primitives.asymmetric import ec

from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.host_types import Alarm, HostEvents
from core_adapters.iso8583.links.tls import TlsError, client_context, expiring
from core_adapters.iso8583.links.tls_watch import DAY_S, CertificateWatch
from core_adapters.iso8583.options import Address, TlsOptions
from support.iso8583_kit import MODULE, MemoryLog, contracts, quick_options, request, tb87
from support.iso8583_peer import Peer
from support.simulation_loop import simulate
from support.tls_kit import Authority, StrictServer, server_context, write_key
from transactions.outcome import Approved


class Pki:
    """The bank's CA, the CA of the hosts, and what they issued."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hosts, self.clients = Authority(folder, "hosts"), Authority(folder, "clients")
        self.host = self.hosts.issue("host")
        self.own = self.clients.issue("own")

    def server(self) -> ssl.SSLContext:
        return server_context(self.host, self.clients.path)

    def options(self, **changes: object) -> TlsOptions:
        own = self.own
        made = TlsOptions(str(self.hosts.path), str(own.certificate), str(own.key))
        return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


class Bench:
    def __init__(self, port: int, tls: TlsOptions | None, **changes: object) -> None:
        self.alarms: list[Alarm] = []
        self.log = MemoryLog()
        events = HostEvents(alarm=self.alarms.append)
        options = quick_options(port, tls=tls, **changes)
        self.host = Iso8583Host(tb87(), contracts(), MODULE, options, events=events)

    async def told(self) -> str:
        """The first alarm."""
        async with asyncio.timeout(20):
            while not self.alarms:
                await asyncio.sleep(0.002)
        return self.alarms[0].text


@asynccontextmanager
async def bench(
    server: ssl.SSLContext | None, tls: TlsOptions | None, **changes: object
) -> AsyncIterator[tuple[Bench, Peer]]:
    peer = await Peer.start(server)
    one = Bench(peer.port, tls, **changes)
    await one.host.start()
    try:
        yield one, peer
    finally:
        await one.host.close()
        await peer.stop()


async def _money_passes(one: Bench, peer: Peer) -> None:
    assert await one.host.wait_signed_on(10.0)
    for number in range(1, 4):
        done = await one.host.execute(request("transfer.card_to_card", number), one.log)
        assert isinstance(done, Approved)
    assert len(peer.seen) == 3
    (writer,) = peer.writers
    tls = writer.get_extra_info("ssl_object")
    assert tls.version() in ("TLSv1.2", "TLSv1.3")
    assert tls.getpeercert()["subject"] == ((("commonName", "own"),),)
    assert not one.alarms


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_money_over_tls(pki: Pki, version: ssl.TLSVersion) -> None:
    server = pki.server()
    server.maximum_version = version
    async with bench(server, pki.options()) as (one, peer):
        await _money_passes(one, peer)
        peer.cut()
        await asyncio.sleep(0)
        assert await one.host.wait_signed_on(10.0)


def test_money_over_tls_on_the_loop_of_the_node(pki: Pki) -> None:
    async def run() -> None:
        async with bench(pki.server(), pki.options()) as (one, peer):
            await _money_passes(one, peer)

    uvloop.run(run())


async def test_a_name_instead_of_the_address(pki: Pki) -> None:
    pki.host = pki.hosts.issue("named", host="core.bank.example")
    tls = pki.options(server_name="core.bank.example")
    async with bench(pki.server(), tls) as (one, peer):
        await _money_passes(one, peer)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("host_ca", "the host's certificate is not from tls.ca"),
        ("host_name", "the host's certificate is for another name; see tls.server_name"),
        ("host_expired", "the host's certificate has expired"),
        ("our_ca", "the host does not know the CA of our certificate"),
        ("our_expired", "the host says that our certificate has expired"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    pki: Pki, wrong: str, words: str, loop: str, version: ssl.TLSVersion
) -> None:
    match wrong:
        case "host_ca":
            pki.host = pki.clients.issue("strange")
        case "host_name":
            pki.host = pki.hosts.issue("other", host="10.9.9.9")
        case "host_expired":
            pki.host = pki.hosts.issue("old", days=-1)
        case "our_ca":
            pki.own = pki.hosts.issue("ours")
        case "our_expired":
            pki.own = pki.clients.issue("ours", days=-1)

    async def run(port: int) -> None:
        one = Bench(port, pki.options(warn_days=0))
        await one.host.start()
        try:
            async with asyncio.timeout(20):
                while not any(words in alarm.text for alarm in one.alarms):
                    await asyncio.sleep(0.01)
            # Told once, however often it is tried again.
            before = [alarm.text for alarm in one.alarms]
            await asyncio.sleep(0.1)
            assert [alarm.text for alarm in one.alarms] == before
            assert len(before) == (2 if wrong == "our_expired" else 1)
        finally:
            await one.host.close()

    server = pki.server()
    server.maximum_version = version
    with StrictServer(server) as strict:
        asyncio.run(run(strict.port)) if loop == "asyncio" else uvloop.run(run(strict.port))


async def test_a_host_that_only_hangs_up(pki: Pki) -> None:
    """A server that sends no alert: the words are a question then."""
    pki.own = pki.hosts.issue("ours")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        server = pki.server()
        server.maximum_version = version
        async with bench(server, pki.options()) as (one, peer):
            assert "does it take our certificate?" in await one.told()
            assert not await one.host.wait_signed_on(0.01)
            assert not peer.network


async def test_a_host_without_tls_and_a_gateway_without(pki: Pki) -> None:
    async with bench(None, pki.options(handshake_timeout_s=0.3)) as (one, _):
        assert "the TLS handshake did not end in 0.3 s" in await one.told()
    async with bench(pki.server(), None) as (one, _):
        assert "before it signed us on" in await one.told()


async def test_a_host_that_never_shakes_hands(pki: Pki) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    one = Bench(port, pki.options(handshake_timeout_s=0.1))
    await one.host.start()
    assert "the TLS handshake did not end in 0.1 s" in await one.told()
    await one.host.close()
    server.close()
    await server.wait_closed()


async def test_a_port_that_speaks_something_else(pki: Pki) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    one = Bench(server.sockets[0].getsockname()[1], pki.options())
    await one.host.start()
    assert "the host does not speak TLS on this port" in await one.told()
    await one.host.close()
    server.close()
    await server.wait_closed()


async def test_an_old_host_is_refused(pki: Pki) -> None:
    server = pki.server()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        server.minimum_version = ssl.TLSVersion.TLSv1
        server.maximum_version = ssl.TLSVersion.TLSv1_1
    server.set_ciphers("ALL:@SECLEVEL=0")
    with StrictServer(server) as strict:
        one = Bench(strict.port, pki.options())
        await one.host.start()
        assert "speaks no TLS 1.2 or later" in await one.told()
        await one.host.close()


async def test_a_renewed_certificate_is_taken_at_the_next_connection(pki: Pki) -> None:
    """No restart: the first certificate is refused, the right one put in its place."""
    right = pki.own
    wrong = pki.hosts.issue("wrong")
    folder = pki.folder
    for kind in ("pem", "key"):
        shutil.copy2(folder / f"wrong.{kind}", folder / f"now.{kind}")
    tls = pki.options(certificate=str(folder / "now.pem"), key=str(folder / "now.key"))
    assert wrong.certificate.exists()
    async with bench(pki.server(), tls) as (one, _):
        await one.told()
        shutil.copy2(right.key, folder / "now.key")
        shutil.copy2(right.certificate, folder / "now.pem")
        assert await one.host.wait_signed_on(10.0)


# -- files ------------------------------------------------------------------------------------


def test_files_that_cannot_be_used(pki: Pki, tmp_path: Path) -> None:
    client_context(pki.options())
    open_key = tmp_path / "open.key"
    shutil.copy(pki.own.key, open_key)
    open_key.chmod(0o640)
    sealed = tmp_path / "sealed.key"
    write_key(sealed, ec.generate_private_key(ec.SECP256R1()), b"secret")
    cases = {
        f"chmod 600 {open_key}": pki.options(key=str(open_key)),
        "not the unencrypted private key": pki.options(key=str(sealed)),
        "not the unencrypted private key of": pki.options(key=str(pki.host.key)),
        "No such file or directory": pki.options(ca=str(tmp_path / "none.pem")),
        "no certificate in PEM form": pki.options(certificate=str(pki.own.key)),
        "Is a directory": pki.options(ca=str(tmp_path)),
    }
    for words, options in cases.items():
        with pytest.raises(TlsError) as told:
            client_context(options)
        assert words in str(told.value)


async def test_a_node_does_not_start_with_files_it_cannot_use(pki: Pki) -> None:
    one = Bench(1, pki.options(ca="none.pem"))
    with pytest.raises(TlsError, match=r"none\.pem"):
        await one.host.start()
    await one.host.close()


def test_relative_names_are_of_the_folder_of_keys(pki: Pki) -> None:
    tls = TlsOptions("hosts.pem", "own.pem", str(pki.own.key))
    client_context(tls.under(pki.folder))
    options = quick_options(1, tls=tls).under(pki.folder)
    assert options.tls == tls.under(pki.folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"ca": ""},
        {"certificate": ""},
        {"key": ""},
        {"server_name": "x" * 254},
        {"handshake_timeout_s": 0.0},
        {"handshake_timeout_s": 61.0},
        {"warn_days": -1},
    ],
)
def test_options_have_bounds(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        replace(TlsOptions("a", "b", "c"), **changes)  # type: ignore[arg-type]


def test_expiry_is_told_thirty_days_before(pki: Pki) -> None:
    pki.own = pki.clients.issue("short", days=100)
    ends = datetime.now(UTC) + timedelta(days=100)
    assert expiring(pki.options(), ends - timedelta(days=31)) == []
    (line,) = expiring(pki.options(), ends - timedelta(days=29, hours=1))
    assert line == f"certificate short.pem expires on {ends.date()}, in 29 days; renew it"
    (line,) = expiring(pki.options(), ends + timedelta(days=1))
    assert line == f"certificate short.pem expired on {ends.date()}; renew it"
    assert expiring(pki.options(warn_days=0), ends - timedelta(days=1)) == []


async def test_expiry_of_ours_and_of_the_hosts_is_an_alarm_and_money_passes(pki: Pki) -> None:
    pki.own = pki.clients.issue("own", days=20)
    pki.host = pki.hosts.issue("host", days=10)
    async with bench(pki.server(), pki.options(), links=3) as (one, peer):
        assert await one.host.wait_signed_on(10.0)
        done = await one.host.execute(request("card.balance"), one.log)
        assert isinstance(done, Approved)
        while (await one.host.health()).links_up < 3:
            await asyncio.sleep(0.002)
    assert {alarm.kind for alarm in one.alarms} == {"link"}
    second, first = sorted(alarm.text for alarm in one.alarms)
    assert first.startswith("certificate own.pem expires on")
    assert second.startswith(f"certificate of 127.0.0.1:{peer.port} expires on")


class Days:
    """A clock of which only the date matters."""

    def __init__(self, now: datetime) -> None:
        self.today = now

    def now(self) -> datetime:
        return self.today

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


def test_expiry_is_told_once_a_day(pki: Pki) -> None:
    """In virtual time: no alarm for three days, then one a day for each certificate."""
    pki.own = pki.clients.issue("own", days=32.5)
    told: list[str] = []
    days = Days(datetime.now(UTC))

    async def live() -> None:
        def tell(kind: str, text: str) -> None:
            assert kind == "link"
            told.append(text)

        watch = CertificateWatch(pki.options(), days, tell)
        watch.start()
        for _ in range(3):
            watch.shown(Address("10.0.0.1", 8583), days.today + timedelta(days=32.5))
        for _ in range(5):
            await asyncio.sleep(DAY_S / 2)
            days.today += timedelta(days=1)
            await asyncio.sleep(DAY_S / 2)
        await asyncio.sleep(1)
        watch.close()

    simulate(live())
    assert len(told) == 2 * 3
    assert told[0].startswith("certificate own.pem expires on")
    assert told[1].startswith("certificate of 10.0.0.1:8583 expires on")


# -- OpenSSL's own server ---------------------------------------------------------------------


async def test_handshake_with_openssl(pki: Pki) -> None:
    """The other end is OpenSSL's program: it says who we are and what we sent, 0800 and all."""
    program = shutil.which("openssl")
    assert program is not None, "openssl belongs to the machine that runs the tests"
    words = ["s_server", "-accept", "127.0.0.1:0", "-Verify", "2", "-verify_return_error"]
    words += ["-cert", str(pki.host.certificate), "-key", str(pki.host.key)]
    words += ["-CAfile", str(pki.clients.path), "-ign_eof"]
    process = await asyncio.create_subprocess_exec(
        program,
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = ""
    try:
        async with asyncio.timeout(20):
            while "ACCEPT" not in said:
                said += (await process.stdout.readline()).decode("latin-1")
            port = int(said.split("ACCEPT")[1].split()[0].rpartition(":")[2])
            one = Bench(port, pki.options())
            await one.host.start()
            while "0800" not in said.partition("subject")[2]:
                said += (await process.stdout.read(4096)).decode("latin-1")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    assert "CN = own" in said or "CN=own" in said
    await one.host.close()
