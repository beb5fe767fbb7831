"""The running bank over TCP, TLS and IPv6: sipp and openssl, which are not ours, and our phone."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import ipv6
from support.bank_process import HOST, BankProcess, Voice
from support.tls_kit import Authority

T1 = 0.04
CALLS = 40
needs_sipp = pytest.mark.skipif(
    shutil.which("sipp") is None, reason="sipp is not installed: apt-get install sip-tester"
)

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def bank(
    tmp_path_factory: pytest.TempPathFactory, voice: Voice, authority: Authority
) -> Iterator[BankProcess]:
    own = authority.issue("bank")
    tls = {
        "certificate": str(own.certificate),
        "key": str(own.key),
        "ca": str(authority.path),
        "clients": "required",
    }
    places = (f"tls:{HOST}:0", *(["[::1]:0"] if ipv6.HERE else []))
    data = tmp_path_factory.mktemp("bank")
    sip = {"t1": T1, "t2": 0.2, "t4": 0.2}
    with BankProcess.start(data, voice, also=places, sip=sip, sip_tls=tls) as bank:
        yield bank


@pytest.fixture(autouse=True)
def _nothing_is_left(bank: BankProcess) -> Iterator[None]:
    before = bank.wait_idle(), bank.open_files()
    yield
    after = bank.wait_idle()
    assert after["tasks"] == before[0]["tasks"]
    bank.wait_files(before[1])


@needs_sipp
@pytest.mark.parametrize(
    ("way", "version"),
    [
        ("t1", 4),
        ("tn", 4),
        pytest.param("t1", 6, marks=ipv6.needs_ipv6),
        pytest.param("u1", 6, marks=ipv6.needs_ipv6),
    ],
)
def test_sipp(bank: BankProcess, tmp_path: Path, way: str, version: int) -> None:
    """Its own caller: one connection for all calls, one for each, IPv6."""
    transport, host = ("tcp" if way[0] == "t" else "udp"), (HOST if version == 4 else "[::1]")
    before = bank.counts().get("total_calls", 0)
    words = ["sipp", bank.place(transport, version), "-sn", "uac", "-t", way, "-i", host]
    words += [
        "-m",
        str(CALLS),
        "-r",
        "20",
        "-d",
        "300",
        "-max_socket",
        "1000",
        "-nostdin",
        "-timeout",
        "60s",
    ]
    words += ["-trace_err", "-error_file", str(tmp_path / "errors.log")]
    done = subprocess.run(words, check=False, cwd=tmp_path, capture_output=True, timeout=80)
    errors = tmp_path / "errors.log"
    said = errors.read_text() if errors.exists() else done.stderr.decode()
    assert done.returncode == 0, f"sipp says {done.returncode}: {said[-2000:]}"
    assert bank.counts().get("total_calls", 0) - before == CALLS


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_our_phone(bank: BankProcess, tmp_path: Path, transport: str, authority: Authority) -> None:
    trunk = authority.issue("trunk")
    words = [sys.executable, "-m", "telebank", "call", f"sip:bank@{bank.place(transport)}"]
    words += ["--transport", transport, "--keys", "!2", "--expect", "front.menu", "--json"]
    words += ["--data", str(bank.data)]
    if transport == "tls":
        words += ["--tls-ca", str(authority.path)]
        words += ["--tls-certificate", str(trunk.certificate), str(trunk.key)]
    done = subprocess.run(words, check=False, capture_output=True, timeout=80, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads(done.stdout)
    assert report["target"].endswith(f";transport={transport}")
    assert "front.menu" in [prompt["prompt"] for prompt in report["prompts"]]


def test_our_phone_without_a_certificate_gets_nowhere(
    bank: BankProcess, authority: Authority
) -> None:
    words = [sys.executable, "-m", "telebank", "call", "--keys", "!2", "--data", str(bank.data)]
    words += [f"sip:bank@{bank.place('tls')};transport=tls", "--tls-ca", str(authority.path)]
    done = subprocess.run(words, check=False, capture_output=True, timeout=80, text=True)
    assert done.returncode == 3, done.stderr + done.stdout
    assert "--tls-certificate CERTIFICATE KEY" in done.stdout


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_asks_for_options(bank: BankProcess, authority: Authority) -> None:
    trunk = authority.issue("trunk")
    words = ["openssl", "s_client", "-quiet", "-verify_return_error", "-no_ign_eof"]
    words += ["-connect", bank.place("tls"), "-CAfile", str(authority.path)]
    words += ["-cert", str(trunk.certificate), "-key", str(trunk.key)]
    asked = (
        b"OPTIONS sip:bank@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5071;branch=z9hG4bK1\r\n"
        b"From: <sip:x@127.0.0.1>;tag=1\r\nTo: <sip:bank@127.0.0.1>\r\nCall-ID: 1@x\r\n"
        b"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "OPENSSL_CONF": os.devnull},
    ) as program:  # fmt: skip
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(asked)
        program.stdin.flush()
        assert program.stdout.readline() == b"SIP/2.0 200 OK\r\n"
        program.terminate()
