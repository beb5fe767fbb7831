"""The agent, asked by net-snmp's own programs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pysnmp.proto import rfc1902
from pysnmp.smi import error

from support import net_snmp
from support.net_snmp import FAST, MIBS, SLOW, V2C, V3, run
from support.watch_seen import snapshot
from telebank.ops.metrics_types import Snapshot
from telebank.ops.snmp.agent import MAX_REQUEST, Gate, SnmpAgent, Tree, know_people, start_engine
from telebank.ops.snmp.identity import next_start
from telebank.ops.snmp.instances import SYSTEM, Agent, fitting, view
from telebank.ops.snmp.objects import MODULE
from telebank.ops.snmp.options import SnmpOptions, read_secrets

OWN = ".".join(map(str, MODULE))
UNUSED = "1.3.6.1.2.1.2.1.0"


@pytest.fixture
async def agent(tmp_path: Path) -> Iterator[SnmpAgent]:
    options = SnmpOptions(listen="127.0.0.1:0", **net_snmp.keys_into(tmp_path / "keys"))
    engine = start_engine(next_start(tmp_path / "engine.json"))
    know_people(engine, options, read_secrets(options, tmp_path / "keys"))
    tree = view(snapshot(), Agent("a telephone bank", "node 01"))
    made = SnmpAgent(engine, options, lambda: tree)
    made.open()
    yield made
    made.close()


async def ask(
    program: str, agent: SnmpAgent, *words: str, who: tuple[str, ...] = V3
) -> net_snmp.Ran:
    return await run(program, *who, *SLOW, *MIBS, agent.listens, *words)


async def test_a_walk_with_each_version_sees_everything_in_order(agent: SnmpAgent) -> None:
    tree = len(view(snapshot(), Agent("", "")))
    seen = []
    for who in (V3, V2C):
        for program in ("snmpwalk", "snmpbulkwalk"):
            ran = await ask(program, agent, "-On", "1.3.6.1", who=who)
            rows = [
                line
                for line in ran.out.splitlines()
                if line.startswith(".1.3") and "No more" not in line
            ]
            assert len(rows) == tree, ran
            seen.append([row.partition(" = ")[0] for row in rows])
    assert seen[0] == seen[1] == seen[2] == seen[3]


async def test_figures_by_name(agent: SnmpAgent) -> None:
    names = ("tbLinesBusy.0", "tbLinesSetups.0", "tbJournalManual.0", "tbClockStep.0")
    ran = await ask("snmpget", agent, "-OQUs", *names, "tbNodeReady.0", "tbAuditCheckpointAge.0")
    assert ran.out.splitlines() == [
        "tbLinesBusy.0 = 14",
        f"tbLinesSetups.0 = {2**33}",
        "tbJournalManual.0 = 4",
        "tbClockStep.0 = -2500",
        "tbNodeReady.0 = true",
        "tbAuditCheckpointAge.0 = -1",
    ], ran


async def test_tables_as_tables(agent: SnmpAgent) -> None:
    queues = await ask("snmptable", agent, "-Cf", "|", "-Ci", "-OU", "tbQueueTable")
    head, *rows = [line.split("|") for line in queues.out.splitlines() if "|" in line]
    found = [dict(zip(head, row, strict=True)) for row in rows]
    assert [(row["tbQueueName"], row["tbQueueWaiting"]) for row in found] == [
        ("General", "3"),
        ("Loans", "0"),
    ]
    assert found[0]["tbQueueLongest"] == "42"
    links = await ask("snmptable", agent, "-Cf", "|", "-CH", "-OU", "tbLinkTable")
    assert [line for line in links.out.splitlines() if "|" in line] == [
        "a|up|60|12|9|4711",
        "b|down|0|0|0|0",
    ]
    trunks = await ask("snmptable", agent, "-Cf", "|", "-CH", "-OU", "tbTrunkTable")
    assert [line.split("|")[1] for line in trunks.out.splitlines() if "|" in line] == [
        "up",
        "blocked",
        "unwatched",
    ]


@pytest.mark.parametrize(
    "who",
    [
        ("-v2c", "-c", "public"),
        ("-v1", "-c", net_snmp.COMMUNITY),
        (*V3[:8], "wrong-pass-phrase", *V3[9:]),
        (*V3[:-1], "wrong-pass-phrase"),
        ("-v3", "-l", "authNoPriv", "-u", "noc", "-a", "SHA-256", "-A", net_snmp.AUTH),
        ("-v3", "-l", "noAuthNoPriv", "-u", "noc"),
        ("-v3", "-l", "authPriv", "-u", "nobody", *V3[5:]),
    ],
)
async def test_others_learn_nothing(agent: SnmpAgent, who: tuple[str, ...]) -> None:
    ran = await run("snmpget", *who, *FAST, agent.listens, ".".join(map(str, (*SYSTEM, 1, 0))))
    assert ran.code != 0
    assert "telephone" not in ran.out + ran.err
    well = await ask("snmpget", agent, "tbLinesLimit.0")
    assert "500" in well.out, well


def test_who_may_not_read_is_refused_by_the_tree_too() -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error.AuthorizationError(idx=0)

    tree = Tree(lambda: view(snapshot(), Agent("", "")))
    binding = (rfc1902.ObjectName((*MODULE, 1, 2, 1, 0)), None)
    for read in (tree.read_variables, tree.read_next_variables):
        assert len(read(binding, acFun=lambda *_, **__: None)) == 1
        with pytest.raises(error.AuthorizationError):
            read(binding, acFun=refuse)


async def test_nothing_can_be_set(agent: SnmpAgent) -> None:
    for who in (V3, V2C):
        ran = await ask("snmpset", agent, "tbLinesLimit.0", "u", "1", who=who)
        assert ran.code != 0
        assert "notWritable" in ran.err, ran
    assert "500" in (await ask("snmpget", agent, "tbLinesLimit.0")).out


async def test_what_is_not_there_is_said_to_be_not_there(agent: SnmpAgent) -> None:
    ran = await ask("snmpget", agent, "-On", UNUSED, f"{OWN}.1.3.20.1.4.99")
    assert ran.out.count("No Such Instance") == 2, ran


async def test_too_many_variables_are_too_big(agent: SnmpAgent) -> None:
    ran = await ask("snmpget", agent, *(["tbLinesLimit.0"] * 33))
    assert "tooBig" in ran.err, ran


async def test_a_bulk_request_has_an_end(agent: SnmpAgent) -> None:
    ran = await ask("snmpbulkget", agent, "-Cr1000", "-On", OWN)
    assert 1 < len(ran.out.splitlines()) <= 32, ran


async def test_noise_is_no_trouble(agent: SnmpAgent, caplog: pytest.LogCaptureFixture) -> None:
    import socket

    host, _, port = agent.listens.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for noise in (b"", b"\x30", b"\x30\x84\xff\xff\xff\xff", b"A" * 400, b"\x30" * 5_000):
            out.sendto(noise, (host, int(port)))
    assert "500" in (await ask("snmpget", agent, "tbLinesLimit.0")).out
    assert not caplog.records, caplog.text


def test_the_gate_lets_so_many_through_in_a_second() -> None:
    gate = Gate(5)
    assert [gate.passes(10.0, 100) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [gate.passes(10.4, 100) for _ in range(3)] == [True, True, False]
    assert gate.passes(1_000.0, MAX_REQUEST)
    assert not gate.passes(1_001.0, MAX_REQUEST + 1)
    assert gate.dropped == 4


def test_values_fit_their_syntax() -> None:
    assert fitting("Gauge32", 2**40) == 2**32 - 1
    assert fitting("Gauge32", -3) == 0
    assert fitting("Counter32", 2**32 + 7) == 7
    assert fitting("Integer32", -3.4) == -3
    assert fitting("DisplayString", "a" * 300 + "中") == "a" * 255
    assert fitting("DisplayString", "中文") == "??"


def test_a_bank_that_is_away_has_figures_too() -> None:
    tree = view(Snapshot(), Agent("", ""))
    up = tree.get((*MODULE, 1, 1, 4, 0))
    assert up is not None
    assert up.value == 2
    assert tree.get((*MODULE, 1, 2, 2, 0)) is not None


def test_an_engine_keeps_its_id_and_counts_its_starts(tmp_path: Path) -> None:
    file = tmp_path / "snmp" / "engine.json"
    first, second = next_start(file), next_start(file)
    assert (first.engine, first.boots, second.boots) == (second.engine, 1, 2)
    file.write_text("{")
    third = next_start(file)
    assert third.boots == 1
    assert third.engine != first.engine
