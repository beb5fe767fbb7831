"""Encrypted calls to a running bank: the caller is baresip, with SRTP, ICE and DTLS of its own."""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.bank_process import HOST, BankProcess, Voice
from support.baresip import baresip_caller
from support.tls_kit import Authority

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("baresip") is None, reason="baresip is not installed: apt-get install baresip"
    ),
]
AUDIBLE = 300
"""Root mean square of 16-bit samples that no silence, and no noise of G.711, reaches."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def bank(
    tmp_path_factory: pytest.TempPathFactory, voice: Voice, authority: Authority
) -> Iterator[BankProcess]:
    own = authority.issue("bank")
    tls = {"certificate": str(own.certificate), "key": str(own.key)}
    locked = {"addresses": [f"{HOST}/32"], "transports": ["tls"], "media": "srtp"}
    data = tmp_path_factory.mktemp("bank")
    with BankProcess.start(
        data, voice, also=(f"tls:{HOST}:0",), sip_tls=tls, **{"trunks.locked": locked}
    ) as bank:
        yield bank


async def until(look: Callable[[], Any]) -> Any:
    end = time.monotonic() + 30
    while not (found := await asyncio.to_thread(look)):
        assert time.monotonic() < end
        await asyncio.sleep(0.1)
    return found


def only_line(bank: BankProcess) -> dict[str, Any]:
    """The one live call, empty before it is there."""
    lines: list[dict[str, Any]] = bank.control("/v1/lines")
    return lines[0] if lines else {}


@pytest.mark.parametrize(
    ("encryption", "ice", "transport", "locks"),
    [
        ("", False, "udp", ("", "")),
        ("srtp-mand", False, "udp", ("SRTP", "")),
        ("srtp-mand", False, "tls", ("SRTP", "TLS")),
        ("dtls_srtp", False, "udp", ("DTLS", "")),
        ("dtls_srtp", True, "tls", ("DTLS", "TLS")),
    ],
)
async def test_the_menu_is_heard_and_a_key_counts(
    bank: BankProcess,
    authority: Authority,
    tmp_path: Path,
    *,
    encryption: str,
    ice: bool,
    transport: str,
    locks: tuple[str, str],
) -> None:
    phone = tmp_path / "phone"
    more = {"encryption": encryption, "ice": ice, "transport": transport, "ca": authority.path}
    async with baresip_caller(phone, **more) as caller:  # type: ignore[arg-type]
        await caller.does("dial", f"sip:bank@{bank.place(transport)};transport={transport}")

        def locked() -> bool:
            line = only_line(bank)
            return bool(line) and (line["media_lock"], line["signalling_lock"]) == locks

        await until(locked)
        await until(lambda: only_line(bank).get("state") in ("talking", "menu"))
        await asyncio.sleep(1)  # of the greeting
        await caller.does("sndcode", "2")
        await until(lambda: only_line(bank).get("language") == "en")
        await asyncio.sleep(1)
        await caller.does("hangup")
        await until(lambda: not only_line(bank))
    heard = caller.heard().astype(float)
    assert len(heard) > 8_000  # one second
    assert np.sqrt(np.mean(heard**2)) > AUDIBLE


async def test_plain_media_is_refused_where_it_is_to_be_encrypted(
    bank: BankProcess, authority: Authority, tmp_path: Path
) -> None:
    before = bank.counts()["total_calls"]
    async with baresip_caller(tmp_path / "phone", transport="tls", ca=authority.path) as caller:
        await caller.does("dial", f"sip:bank@{bank.place('tls')};transport=tls")
        await until(lambda: bank.counts()["total_calls"] > before)
        await until(lambda: "plain RTP is offered, and media is srtp" in bank.log_text())
        assert not only_line(bank).get("codec")
