"""A desk phone in a running bank, from the administrator's command to the phone's end: the phone is
baresip, which is not ours."""

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.bank_process import HOST, BankProcess, Voice
from support.baresip import baresip
from support.staff_commands import Desk, Person

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("baresip") is None, reason="baresip is not installed: apt-get install baresip"
    ),
]
REGISTRAR = {"realm": "bank.example", "md5_networks": ["127.0.0.0/8"]}


def added(desk: Desk, chen: Person, extension: str) -> str:
    made = desk.run(chen, "phones", "add", extension, "--name", "Counter", "--md5", "--json")
    assert made.code == 0, made
    secret: str = made.json["secret"]
    return secret


def contacts(desk: Desk, chen: Person) -> list[dict[str, str]]:
    ran = desk.run(chen, "phones", "show", "8001", "--json")
    assert ran.code == 0, ran
    found: list[dict[str, str]] = ran.json["registered"]
    return found


async def until(look: Callable[[], Any], true: Callable[[Any], bool] = bool) -> Any:
    end = time.monotonic() + 20
    while not true(found := await asyncio.to_thread(look)):
        assert time.monotonic() < end, found
        await asyncio.sleep(0.2)
    return found


async def test_phones_are_added_register_and_are_removed(tmp_path: Path, voice: Voice) -> None:
    data, private = tmp_path / "bank", tmp_path / "private"
    private.mkdir()
    with BankProcess.start(data, voice, registrar=REGISTRAR) as bank:
        desk = Desk(bank.data, private)
        chen = desk.person("chen")
        assert desk.add(chen, "administrator").code == 0
        desk.login(chen)
        secrets = {extension: added(desk, chen, extension) for extension in ("8001", "8002")}
        async with baresip(tmp_path / "one", f"sip:8001@{bank.sip}", secrets["8001"]):
            (one,) = await until(lambda: contacts(desk, chen))
            assert one["from"].startswith(f"udp:{HOST}:")
        await until(lambda: contacts(desk, chen), lambda found: not found)
        assert desk.run(chen, "phones", "remove", "8002").code == 0
        async with baresip(tmp_path / "two", f"sip:8002@{bank.sip}", secrets["8002"]):
            await until(lambda: bank.counts().get("total_register_wrong"))
            assert bank.counts()["phones_contacts"] == 0
        bank.restart()  # what was added is there at the next start
        async with baresip(tmp_path / "one", f"sip:8001@{bank.sip}", secrets["8001"]):
            await until(lambda: bank.counts()["phones_contacts"])
    files = [path.read_bytes() for path in data.rglob("*") if path.is_file()]
    assert not any(secret.encode() in file for secret in secrets.values() for file in files)
