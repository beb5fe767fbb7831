"""net-snmp's programs and smitools, on free ports of this machine, with no settings of their own.

Debian has no MIB modules of the IETF for reasons of licence; `mibs/` beside this file has the few
names that TELEBANK-MIB imports.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from telebank.settings import seed_dir

OWN = Path(__file__).parent / "mibs"
MIB = seed_dir() / "mibs" / "TELEBANK-MIB"
MIBS = ("-M", f"{OWN}:{MIB.parent}", "-m", "TELEBANK-MIB")
AUTH, PRIVACY, COMMUNITY, USER = "first-pass-phrase", "second-pass-phrase", "a-hidden-word", "noc"
V3 = ("-v3", "-l", "authPriv", "-u", USER, "-a", "SHA-256", "-A", AUTH, "-x", "AES", "-X", PRIVACY)
V2C = ("-v2c", "-c", COMMUNITY)
SLOW = ("-t", "20", "-r", "1")
"""A machine may be busy: seconds, and tries more."""
FAST = ("-t", "1", "-r", "0")
"""Where no answer is what is looked for."""
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Ran:
    """A program's end."""

    code: int
    out: str
    err: str


async def run(program: str, *words: str, env: dict[str, str] | None = None) -> Ran:
    """Run a program to its end."""
    process = await asyncio.create_subprocess_exec(
        *(program, *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "MIBS": "", "SNMPCONFPATH": "/nonexistent", **(env or {})},
    )
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    return Ran(process.returncode or 0, out.decode(), err.decode())


def keys_into(folder: Path) -> dict[str, str]:
    """Write the secrets below a folder of keys; the settings that name them."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"snmp.auth": AUTH, "snmp.privacy": PRIVACY, "snmp.community": COMMUNITY}
    for name, text in texts.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(f"{text}\n")
    return {
        "user": USER,
        "auth_file": "snmp.auth",
        "privacy_file": "snmp.privacy",
        "community_file": "snmp.community",
    }


def free_udp_port() -> int:
    """One that nobody has just now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Trapd:
    """A running snmptrapd; a line for each notification."""

    port: int
    log: Path
    lines: list[str] = field(default_factory=list)

    def read(self) -> list[str]:
        """What came so far, a notification each."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return [line.removeprefix("TRAP ") for line in text.splitlines() if line.startswith("TRAP")]

    async def until(self, *words: str) -> str:
        """The first notification that has all of these in it."""
        for _ in range(int(PATIENCE_S / 0.1)):
            for line in self.read():
                if all(word in line for word in words):
                    return line
            await asyncio.sleep(0.1)
        raise AssertionError(f"no notification with {words}: {self.log.read_text()[-3000:]}")


@asynccontextmanager
async def snmptrapd(folder: Path, port: int, settings: Sequence[str] = ()) -> AsyncIterator[Trapd]:
    """Start one that knows our user (of any engine, for informs) and community."""
    folder.mkdir(parents=True, exist_ok=True)
    log, file = folder / "traps.log", folder / "snmptrapd.conf"
    file.write_text(
        "\n".join(
            (
                "doNotLogTraps no",
                f"createUser {USER} SHA-256 {AUTH} AES {PRIVACY}",
                f"authUser log {USER} priv",
                f"authCommunity log {COMMUNITY}",
                "format2 TRAP %V|%v\\n",
                *settings,
            )
        )
        + "\n"
    )
    process = await asyncio.create_subprocess_exec(
        *("/usr/sbin/snmptrapd", "-f", "-n", "-C", "-c", str(file), "-Lf", str(log), *MIBS),
        *("-p", str(folder / "pid"), f"udp:127.0.0.1:{port}"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "SNMP_PERSISTENT_DIR": str(folder), "SNMPCONFPATH": str(folder)},
    )
    try:
        for _ in range(int(PATIENCE_S / 0.1)):
            assert process.returncode is None, log.read_text() if log.exists() else "it ended"
            if log.exists() and "NET-SNMP version" in log.read_text():
                break
            await asyncio.sleep(0.1)
        yield Trapd(port, log)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
