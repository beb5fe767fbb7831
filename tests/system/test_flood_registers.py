"""Ten thousand wrong passwords at a live node, from many addresses, for names that are phones and
names that are none: nobody learns which, a call does not hear it, and phones go on registering."""

import asyncio
import os
from pathlib import Path
from statistics import median

import pytest

from support.bank_process import BankProcess, Voice
from support.flood_ears import ears, worst
from support.flood_guesses import Guessers, Telephone
from support.soak_watch import sample
from support.staff_commands import Desk

GUESSES = int(os.environ.get("FLOOD_GUESSES", "10000"))
RATE = 150.0
"""In a second: three quarters of what all may try who are not proved (`registers_per_s`), so that
each is looked at or held, and answered."""
HOSTS = [f"127.0.0.{last}" for last in range(100, 200)]
REALM = "bank.example"
KNOWN, UNKNOWN = ("8001", "8002", "8003"), ("9001", "9002", "9003")
LIVE = 2
LATE_MS = 20.0
"""How late a packet of a live call may be, 99 of 100: its own length."""
GREW_KB = 4_096
"""What the node may keep of ten thousand guesses: less than half a kB of each."""
REFRESH_S = 3.0

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(600)]


async def refreshes(phone: Telephone, secret: str) -> list[int]:
    """Register a phone now and then, until it is cancelled; what it was told."""
    found: list[int] = []
    try:
        while True:
            found.append(await phone.registers("8001", secret))
            await asyncio.sleep(REFRESH_S)
    except asyncio.CancelledError:
        return found


async def settled(bank: BankProcess) -> dict[str, int]:
    """Wait until no call and no transaction is open: phones stay, and what is counted of them."""
    async with asyncio.timeout(40):
        while True:
            counts = await asyncio.to_thread(bank.counts)
            if not (counts["calls"] or counts["sip_legs"] or counts["sip_transactions"]):
                return counts
            await asyncio.sleep(0.2)


async def test_ten_thousand_wrong_passwords(tmp_path: Path, voice: Voice) -> None:
    private = tmp_path / "private"
    private.mkdir()
    settings = {
        "sip": {"t1": 0.1, "t2": 0.4, "t4": 0.4},  # what is over is forgotten after 6.4 s
        "registrar": {"realm": REALM, "networks": ["127.0.0.0/8"]},
        "trunks.loopback": {"addresses": ["127.0.0.1"]},
    }
    with BankProcess.start(tmp_path / "bank", voice, **settings) as bank:
        desk = Desk(bank.data, private)
        chen = desk.person("chen")
        assert desk.add(chen, "administrator").code == 0
        desk.login(chen)
        secrets = {}
        for name in KNOWN:
            made = desk.run(chen, "phones", "add", name, "--json")
            assert made.code == 0, made
            secrets[name] = made.json["secret"]
        host, _, port = bank.sip.rpartition(":")
        node = host, int(port)
        early, late = [await Telephone.at(f"127.0.0.{n}", node, REALM) for n in (8, 9)]
        crowd = Guessers(node, REALM, HOSTS, KNOWN + UNKNOWN)
        try:
            assert await early.registers("8001", secrets["8001"]) == 200
            await crowd.guess(len(HOSTS) * 2, RATE)  # what is made once is there
            before = await settled(bank)
            took, files = sample(bank, 0.0), bank.open_files()
            async with ears(node, LIVE) as live:
                await asyncio.sleep(5.0)
                calm = [ear.count for ear in live]
                quiet = worst([ear.sound() for ear in live])
                there = asyncio.create_task(refreshes(early, secrets["8001"]))
                await crowd.guess(GUESSES, RATE)
                there.cancel()
                refreshed = await there
                assert await late.registers("8002", secrets["8002"]) == 200
                heard = worst([ear.sound(at) for ear, at in zip(live, calm, strict=True)])
            after = await settled(bank)
            grew = sample(bank, 0.0).node_pss - took.node_pss
        finally:
            early.close()
            late.close()
        totals = {name: many for name, many in after.items() if name.startswith("total_register")}
        waits = [
            median(wait for name in names for wait in crowd.waits[name])
            for names in (KNOWN, UNKNOWN)
        ]
        print(f"\n{totals}; refreshed {refreshed}; node grew by {grew} kB")
        print(f"answered after {waits[0] * 1e3:.2f} ms, unknown names {waits[1] * 1e3:.2f} ms")
        print(f"live before: {quiet}\nlive during: {heard}")
        assert set(refreshed) == {200}
        assert len(refreshed) > 0.5 * GUESSES / RATE / REFRESH_S
        assert {status for each in crowd.statuses.values() for status in each} == {401}
        assert sum(sum(each.values()) for each in crowd.statuses.values()) >= GUESSES
        (told,) = {answer for each in crowd.said.values() for answer in each}  # the same to all
        assert told.startswith(b"SIP/2.0 401 ")
        assert {name for name, each in crowd.said.items() if each} == {*KNOWN, *UNKNOWN}
        assert totals["total_register_wrong"] + totals["total_register_held"] >= GUESSES
        assert totals["total_register_wrong"] < GUESSES / 2  # most were not even looked at
        assert after["phones_contacts"] == 2
        assert after["phones_sources"] <= len(HOSTS) + 2
        assert after["phones_digest_accounts"] <= len(KNOWN) + 1
        assert heard.gaps == 0
        assert heard.late_p99 < LATE_MS
        assert grew < GREW_KB
        assert after["tasks"] == before["tasks"]
        bank.wait_files(files)
        assert "Traceback" not in bank.log_text()
        assert not any(secret in bank.log_text() for secret in secrets.values())
