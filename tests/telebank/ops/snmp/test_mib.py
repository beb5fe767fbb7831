"""The MIB file: clean to smilint, and the same as what the agent answers with."""

import re
from pathlib import Path

from support import net_snmp
from telebank.ops.snmp.notices import Notice
from telebank.ops.snmp.objects import MODULE, NOTIFICATIONS, OBJECTS, SCALARS, TABLES, Oid

LIBSMI = {"SMIPATH": str(net_snmp.OWN)}
_SYNTAX = re.compile(r"^(\w+) OBJECT-TYPE\s+SYNTAX (\w+)", re.MULTILINE)
BASE = {"TruthValue": "Integer32", "INTEGER": "Integer32"}


def dotted(oid: Oid) -> str:
    return ".".join(map(str, oid))


async def test_smilint_finds_nothing() -> None:
    ran = await net_snmp.run(
        *("smilint", "-l", "6", "-c", "/dev/null", str(net_snmp.MIB)), env=LIBSMI
    )
    assert (ran.code, ran.out, ran.err) == (0, "", "")


async def test_smilint_would_find_something(tmp_path: Path) -> None:
    broken = net_snmp.MIB.read_text().replace("::= { tbEvent 2 }", "::= { tbEvent 1 }")
    file = tmp_path / "TELEBANK-MIB"
    file.write_text(broken, encoding="ascii")
    ran = await net_snmp.run("smilint", "-l", "6", "-c", "/dev/null", str(file), env=LIBSMI)
    assert ran.out or ran.err


async def numbers() -> dict[str, str]:
    """Identifiers of the file by name, as libsmi reads it."""
    words = ("smidump", "-c", "/dev/null", "-f", "identifiers", str(net_snmp.MIB))
    ran = await net_snmp.run(*words, env=LIBSMI)
    rows = [line.split() for line in ran.out.splitlines() if line.startswith("TELEBANK-MIB")]
    return {name: oid for _, name, _kind, oid in rows}


async def test_the_file_and_the_agent_agree_on_every_number() -> None:
    file = await numbers()
    own = {"telebankMIB": dotted(MODULE)}
    for scalar in SCALARS:
        own[scalar.name] = dotted((*OBJECTS, scalar.group, scalar.number))
    for table in TABLES:
        root = (*OBJECTS, table.group, table.number)
        own[f"{table.name}Table"] = dotted(root)
        own |= {column.name: dotted((*root, 1, column.number)) for column in table.columns}
    assert {name: file.get(name) for name in own} == own
    columns = {column.name for table in TABLES for column in table.columns}
    figures = re.findall(r"^(\w+) OBJECT-TYPE\s+SYNTAX .*\n(?:.*UNITS.*\n)?\s+MAX-ACCESS read-only",
                         net_snmp.MIB.read_text(), re.MULTILINE)  # fmt: skip
    assert set(figures) == columns | {scalar.name for scalar in SCALARS}


async def test_the_file_and_the_agent_agree_on_every_syntax() -> None:
    file = {name: BASE.get(kind, kind) for name, kind in _SYNTAX.findall(net_snmp.MIB.read_text())}
    own = {one.name: one.syntax for one in SCALARS}
    own |= {column.name: column.syntax for table in TABLES for column in table.columns}
    assert {name: file[name] for name in own} == own


async def test_the_file_and_the_code_agree_on_every_notification() -> None:
    file = await numbers()
    prefix = dotted(NOTIFICATIONS)
    named = {
        int(oid.removeprefix(f"{prefix}.")): name
        for name, oid in file.items()
        if oid.startswith(f"{prefix}.")
    }
    told = {one.value: "tb" + one.name.title().replace("_", "") for one in Notice}
    assert named == told
