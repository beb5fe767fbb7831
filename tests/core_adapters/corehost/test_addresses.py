"""Several addresses over one ledger, TLS, the control socket, and clients that mean no good."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core_adapters.corehost.control import SOCKET, ControlError, NotRunning, ask
from core_adapters.corehost.tls import TlsFileError, TlsFiles, server_context
from support.corehost_client import Line, Terminal
from support.corehost_process import CoreHostProcess
from support.corehost_tls import Authority, client

SECOND = ("--listen", "127.0.0.1:0")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[CoreHostProcess]:
    with CoreHostProcess.start(tmp_path, *SECOND) as host:
        yield host


@pytest.fixture
async def lines(two: CoreHostProcess) -> AsyncIterator[tuple[Line, Line]]:
    terminal = Terminal(two.keys)
    first, second = [await Line.open(port, terminal) for port in two.ports]
    yield first, second
    first.close()
    second.close()


async def test_a_reversal_comes_by_the_other_address(
    two: CoreHostProcess, lines: tuple[Line, Line]
) -> None:
    first, second = lines
    before = two.balances()
    order, reply = await first.move(two.cards[0].card, two.cards[1].card, 100)
    assert reply.fields[39] == "00"
    assert await second.code(order) == "94"
    assert await second.code(second.terminal.reversal(order)) == "00"
    assert two.balances() == before
    assert len(set(two.ports)) == 2


async def test_one_address_goes_out_of_service_and_comes_back(
    two: CoreHostProcess, lines: tuple[Line, Line]
) -> None:
    first, second = lines
    await first.sign_on()
    await second.sign_on()
    at_first = {"port": two.ports[0]}
    two.plan(
        [
            {"match": at_first, "action": "sign_off", "times": 1},
            {"match": at_first, "action": "refuse_sign_on"},
        ]
    )
    assert await first.code(first.terminal.network("301")) == "00"
    told = await first.reply()
    assert (told.mti, told.fields[70]) == ("0800", "002")
    await first.send(first.terminal.answer(told))
    assert await first.code(first.terminal.network("001")) == "91"
    assert await second.code(second.terminal.network("001")) == "00"
    assert await asyncio.to_thread(two.tell, "cut-over") != {}
    assert (await second.reply()).fields[70] == "201"
    two.plan([])
    # No 0800/201 came here: the line was not signed on.
    assert await first.code(first.terminal.network("001")) == "00"


@pytest.fixture
def papers(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path, "bank")


@pytest.fixture
def secret_host(tmp_path: Path, papers: Authority) -> Iterator[CoreHostProcess]:
    certificate, key = papers.issue("host")
    words = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    with CoreHostProcess.start(tmp_path / "data", *words, "--tls-ca", str(papers.ca)) as host:
        yield host


async def sign_on_at(port: int, terminal: Terminal, tls: ssl.SSLContext) -> None:
    await (await Line.open(port, terminal, tls)).sign_on()


async def test_tls_lets_in_whom_its_ca_knows(
    secret_host: CoreHostProcess, papers: Authority, tmp_path: Path
) -> None:
    terminal = Terminal(secret_host.keys)
    known = client(papers.ca, papers.issue("gateway"))
    line = await Line.open(secret_host.port, terminal, known)
    await line.sign_on()
    stranger = Authority.make(tmp_path, "stranger")
    for context in (client(papers.ca), client(papers.ca, stranger.issue("other"))):
        with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
            await sign_on_at(secret_host.port, terminal, context)
    with pytest.raises(ssl.SSLCertVerificationError):
        await Line.open(secret_host.port, terminal, client(stranger.ca))
    plain = await Line.open(secret_host.port, terminal)
    await plain.send(terminal.network("301"))
    assert await plain.body() is None or plain.reader.at_eof()
    assert await line.code(terminal.network("301")) == "00"


def test_tls_files_that_cannot_be_used_are_named(papers: Authority, tmp_path: Path) -> None:
    certificate, key = papers.issue("host")
    _, other = papers.issue("other")
    with pytest.raises(TlsFileError, match="no such file"):
        server_context(TlsFiles(tmp_path / "none.pem", key))
    with pytest.raises(TlsFileError, match="its unencrypted key"):
        server_context(TlsFiles(certificate, other))
    key.chmod(0o644)
    with pytest.raises(TlsFileError, match="chmod 600"):
        server_context(TlsFiles(certificate, key))


def test_a_command_without_a_host_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="no core host runs"):
        ask(tmp_path, {"do": "cut-over"})


def test_the_socket_is_its_owners_and_goes_with_the_host(own_host: CoreHostProcess) -> None:
    path = own_host.folder / SOCKET
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ControlError, match="do = cut-over"):
        own_host.tell("explode")
    assert own_host.kill() != 0
    assert path.exists()
    own_host.run()
    assert "business_date" in own_host.tell("cut-over")
    own_host.stop()
    assert not path.exists()


def test_broken_commands_do_not_stop_the_host(own_host: CoreHostProcess) -> None:
    for sent in (b"\n", b"[]\n", b'{"do": ["x"]}\n', b"\xff\xfe\n", b"x" * 10_000, b""):
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            line.connect(str(own_host.folder / SOCKET))
            line.sendall(sent)
            line.shutdown(socket.SHUT_WR)
            try:
                said = line.recv(65536)
            except ConnectionError:
                continue
            assert not said or "error" in json.loads(said)
    assert "business_date" in own_host.tell("cut-over")


async def test_a_host_without_a_ledger_changes_keys_but_no_date(tmp_path: Path) -> None:
    with CoreHostProcess.start(tmp_path, "--no-ledger") as host:
        with pytest.raises(ControlError, match="no ledger"):
            host.tell("cut-over")
        line = await Line.open(host.port, Terminal(host.keys))
        assert await line.code(line.terminal.balance(host.cards[0].card)) == "00"


async def test_a_crowd_of_silent_clients_leaves_room_for_none_and_then_for_all(
    own_host: CoreHostProcess,
) -> None:
    crowd = [await asyncio.open_connection("127.0.0.1", own_host.port) for _ in range(512)]
    for number, (_, writer) in enumerate(crowd):
        writer.write(b"\x00" if number % 2 else b"\x00\x80junk")
    late = await Line.open(own_host.port, Terminal(own_host.keys))
    assert await late.body() is None
    for _, writer in crowd:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in crowd), return_exceptions=True)
    line = await Line.open(own_host.port, Terminal(own_host.keys))
    assert await line.code(line.terminal.network("301")) == "00"
    assert "too_many_connections" in own_host.log.read_text()
