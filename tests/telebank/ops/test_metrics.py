"""Metrics text, clean to promtool; health with its reasons; steps of the clock."""

import subprocess

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.watch_seen import node, snapshot, store
from telebank.ops import health, metrics
from telebank.ops.metrics_clock import ClockWatch
from telebank.ops.metrics_server import MetricsServer
from telebank.ops.metrics_types import Anchors, Host, Snapshot, Worker


def figures(seen: Snapshot) -> dict[str, float]:
    """By name and labels."""
    found = {}
    for family in text_string_to_metric_families(metrics.text(seen).decode()):
        for one in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(one.labels.items()))
            found[f"{one.name}{{{labels}}}"] = one.value
    return found


def test_promtool_finds_nothing() -> None:
    for seen in (snapshot(), snapshot(store=store(checkpoint_s=4.0)), Snapshot()):
        ran = subprocess.run(
            ["promtool", "check", "metrics"],
            input=metrics.text(seen),
            capture_output=True,
            check=False,
        )
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


def test_figures() -> None:
    seen = figures(snapshot())
    assert seen["telebank_up{}"] == 1
    assert seen["telebank_lines_busy{kind=menus}"] == 12
    assert seen["telebank_calls_total{}"] == 2**33
    assert seen["telebank_refused_total{cause=busy}"] == 4
    assert seen["telebank_queue_longest_wait_seconds{queue=general}"] == 41.6
    assert seen["telebank_trunk_blocked{trunk=other}"] == 1
    assert seen["telebank_host_link_latency_seconds{link=a}"] == pytest.approx(0.0124)
    assert seen["telebank_journal_open_requests{state=manual}"] == 4
    assert seen["telebank_alarm_raised{alarm=disk_low,severity=major}"] == 0


def test_a_checkpoint_of_the_same_database_is_no_anchor() -> None:
    point = store(checkpoint_s=4.0, checkpoint_sequence=1_230)
    seen = figures(snapshot(store=point))
    assert seen["telebank_audit_checkpoint_sequence{}"] == 1_230
    assert seen["telebank_audit_anchors{}"] == 2
    assert seen["telebank_audit_anchor_sequence{}"] == 1_200
    none = figures(snapshot(store=point, node=node(anchors=Anchors())))
    assert none["telebank_audit_anchors{}"] == 0
    assert "telebank_audit_anchor_sequence{}" not in none


def test_what_cannot_be_seen_is_absent_and_no_zero() -> None:
    seen = figures(Snapshot())
    assert seen["telebank_up{}"] == seen["telebank_store_up{}"] == 0
    assert not [name for name in seen if name.startswith(("telebank_lines", "telebank_journal"))]


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Snapshot(node_why="no node answers at x"), "no node answers at x"),
        (snapshot(node=node(draining=True)), "drains"),
        (snapshot(node=node(workers=(Worker(),))), "media worker"),
        (snapshot(node=node(host=Host(name="tb87", links=2))), "tb87"),
        (snapshot(store=store(heartbeat_s=40.0)), "took no commit of the node for 40 s"),
        (snapshot(store=None, store_why="OperationalError"), "cannot be read"),
    ],
)
def test_what_speaks_against_a_node(seen: Snapshot, words: str) -> None:
    found = health.judge(seen)
    assert not found.ready
    assert words in "; ".join(found.no)


def test_a_node_that_proves_customers_itself_is_ready_without_its_host() -> None:
    away = Host(name="tb87", links=2)
    assert health.judge(snapshot()).ready
    assert health.judge(snapshot(node=node(host=away, stand_in=True))).ready


async def test_pages() -> None:
    seen = [snapshot()]
    server = MetricsServer("127.0.0.1:0", lambda: seen[0])
    await server.start()
    async with httpx.AsyncClient(base_url=f"http://{server.listens}", timeout=30) as client:
        text = await client.get("/metrics")
        assert text.headers["content-type"] == metrics.CONTENT
        assert "telebank_up 1.0" in text.text
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (200, True)
        assert (await client.get("/livez")).status_code == 200
        seen[0] = snapshot(node=node(draining=True))
        assert (await client.get("/livez")).status_code == 200
        drained = await client.get("/readyz")
        assert drained.status_code == 503
        assert drained.json()["checks"]["calls"] == "the node drains: new calls get 503"
        seen[0] = Snapshot(node_why="gone")
        assert (await client.get("/livez")).json() == {"live": False, "node": "gone"}
        assert (await client.post("/metrics")).status_code == 405
    await server.close()


def test_a_step_of_the_clock_is_seen_once() -> None:
    watch = ClockWatch()
    assert watch.looked(1_000.0, 10.0).steps == 0
    assert watch.looked(1_002.01, 12.0).steps == 0
    back = watch.looked(404.0, 14.0)
    assert (back.steps, back.step_s, back.since_s) == (1, pytest.approx(-600.01), 0.0)
    later = watch.looked(406.0, 16.0)
    assert (later.steps, later.since_s) == (1, 2.0)
