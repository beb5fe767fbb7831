"""A running bank, watched: SNMP by net-snmp's programs, notifications by its snmptrapd, metrics by
promtool; the core host and the node go away and come back."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from support import net_snmp
from support.bank_process import TELEBANK, BankProcess, Voice
from support.net_snmp import MIBS, SLOW, V2C, V3, Trapd, run
from support.watch_process import Watcher, watcher

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]
PATIENCE_S = 60.0
ALARMS = """
- {name: disk_low, metric: disk_free_mb, above: 0, for: 0, severity: major, zh: 磁盘, en: "a disk"}
- {name: node_away, metric: node_up, below: 1, for: 0, severity: critical, zh: 节点, en: "no node"}
"""
"""One that is raised at once, one for when the node goes."""


@dataclass
class Watched:
    """A bank and who watches it."""

    bank: BankProcess
    watch: Watcher
    trapd: Trapd

    async def figure(self, name: str) -> str:
        ran = await run("snmpget", *V3, *SLOW, *MIBS, "-Oqv", self.watch.snmp, name)
        return ran.out.strip()

    async def until(self, name: str, value: str) -> None:
        """Wait until a figure is so."""
        for _ in range(int(PATIENCE_S)):
            if (seen := await self.figure(name)) == value:
                return
            await asyncio.sleep(1)
        raise AssertionError(f"{name} is {seen}, not {value}: {self.watch.log.read_text()[-2000:]}")

    async def page(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.watch.base, timeout=30) as client:
            return await client.get(path)

    async def ready(self, *, yes: bool) -> httpx.Response:
        """Wait until /readyz says so."""
        return await self.says("/readyz", yes=yes)

    async def says(self, path: str, *, yes: bool) -> httpx.Response:
        """Wait until a page says so."""
        for _ in range(int(PATIENCE_S)):
            answer = await self.page(path)
            if (answer.status_code == 200) is yes:
                return answer
            await asyncio.sleep(1)
        raise AssertionError(answer.text)


@pytest.fixture
async def banked(tmp_path: Path, voice: Voice) -> AsyncIterator[tuple[BankProcess, Trapd]]:
    """A bank, and a manager that its notifications go to."""
    port = net_snmp.free_udp_port()
    snmp = {**net_snmp.keys_into(tmp_path / "keys"), "sinks": [f"127.0.0.1:{port}"]}
    own = tmp_path / "config" / "alarms.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(ALARMS, encoding="utf-8")
    async with net_snmp.snmptrapd(tmp_path / "trapd", port) as trapd:
        with BankProcess.start(tmp_path, voice, snmp=snmp, metrics={"every_s": 0.5}) as bank:
            yield bank, trapd


async def table(watched: Watched, name: str) -> list[list[str]]:
    """Rows of a table, cells as text."""
    words = (*V3, *SLOW, *MIBS, "-CH", "-Cf", "|", watched.watch.snmp, name)
    ran = await run("snmptable", *words)
    return [line.split("|") for line in ran.out.splitlines() if "|" in line]


async def test_a_bank_is_watched(banked: tuple[BankProcess, Trapd], tmp_path: Path) -> None:
    bank, trapd = banked
    with watcher(tmp_path) as watch:
        watched = Watched(bank, watch, trapd)
        await watched.until("tbNodeReady.0", "true")
        await figures(watched)
        await pages(watched)
        await alarms(watched)
        host = bank.host.port
        bank.host.stop()
        await trapd.until("tbHostLinkDown", "tbEventSubject.0 = STRING: a")
        away = await watched.ready(yes=False)
        assert "no link to the core host tb87 is up" in away.json()["checks"]["host"]
        await watched.until("tbHostLinksUp.0", "0")
        assert (await table(watched, "tbLinkTable"))[0][:2] == ["a", "down"]
    # nobody watches; the link comes back meanwhile
    before = ups(trapd)
    bank.host.run(host)
    with watcher(tmp_path) as watch:
        watched = Watched(bank, watch, trapd)
        await told_again(trapd, before)
        await watched.ready(yes=True)
        # the node goes away and comes back: the watcher stays
        bank.stop()
        assert (await watched.ready(yes=False)).json()["checks"]["node"].startswith("no node")
        await watched.says("/livez", yes=False)  # once it has missed several looks
        await watched.until("tbNodeUp.0", "false")
        # of which no log could be written
        away = await trapd.until("tbAlarmRaised", "tbEventSubject.0 = STRING: node_away")
        assert "tbEventSequence.0 = Counter64: 0" in away
        bank.run()
        await trapd.until("tbAlarmCleared", "tbEventSubject.0 = STRING: node_away")
        await watched.ready(yes=True)
    secrets = (net_snmp.AUTH, net_snmp.PRIVACY, net_snmp.COMMUNITY)
    told = watch.log.read_text() + bank.log_text()
    assert not [one for one in secrets if one in told]


def ups(trapd: Trapd) -> int:
    """Times that a link was said to be up."""
    return sum("tbHostLinkUp" in line for line in trapd.read())


async def told_again(trapd: Trapd, before: int) -> None:
    """Wait until it is said once more."""
    for _ in range(int(PATIENCE_S)):
        if ups(trapd) > before:
            return
        await asyncio.sleep(1)
    raise AssertionError(trapd.read())


async def figures(watched: Watched) -> None:
    """What the node tells is what managers see."""
    for who in (V2C, V3):
        ran = await run("snmpbulkwalk", *who, *SLOW, "-On", watched.watch.snmp, "1.3.6.1")
        assert ran.out.count("\n") > 60, ran
    assert (await table(watched, "tbLinkTable"))[0][:2] == ["a", "up"]
    lines = str(watched.bank.control("/v1/board")["capacity"])
    assert await watched.figure("tbLinesLimit.0") == lines
    assert "General" in {row[0] for row in await table(watched, "tbQueueTable")}
    assert ["offline", "0"] in await table(watched, "tbSeatTable")
    assert await watched.figure("tbFaxChannels.0") == "4"
    assert int(await watched.figure("tbAuditSequence.0")) > 0


async def alarms(watched: Watched) -> None:
    """An alarm is an event, a notification, a row of the table and of `telebank alarms`."""
    told = await watched.trapd.until("tbDiskLow", "tbEventSubject.0 = STRING: disk_low")
    assert "tbEventSequence.0 = Counter64: 0|" not in told
    rows = await table(watched, "tbAlarmTable")
    assert [row[:3] for row in rows] == [
        ["disk_low", "major", "raised"],
        ["node_away", "critical", "clear"],
    ]
    data = ("--data", str(watched.bank.data))
    ran = await run(*TELEBANK, "alarms", *data, "--language", "zh")
    assert ran.code == 1
    assert "disk_low" in ran.out
    assert "告警中" in ran.out
    assert "node_away" not in ran.out
    ran = await run(*TELEBANK, "events", *data, "--kind", "alarm.threshold", "--json")
    assert json.loads(ran.out)["detail"]["alarm"] == "disk_low"


async def pages(watched: Watched) -> None:
    """Metrics are clean and have the same figures; the node lives and is ready."""
    text = await watched.page("/metrics")
    ran = subprocess.run(
        ["promtool", "check", "metrics"], input=text.content, capture_output=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")
    assert 'telebank_host_link_up{link="a"} 1.0' in text.text
    assert "telebank_audit_entries_total" in text.text
    assert (await watched.page("/livez")).status_code == 200
    assert (await watched.ready(yes=True)).json()["checks"]["store"] == "ok"
