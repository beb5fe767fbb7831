"""A snapshot as Prometheus reads it, text format 0.0.4, names by its conventions: base units,
`_total` for what only grows, a unit last.

Where the node or the store cannot be seen their metrics are absent, and `telebank_up` or
`telebank_store_up` is 0: an absent figure is no zero.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from telebank.ops import health
from telebank.ops.metrics_types import NodeTold, Snapshot, StoreTold

CONTENT = "text/plain; version=0.0.4; charset=utf-8"


def text(seen: Snapshot) -> bytes:
    """Everything of one look."""
    registry = CollectorRegistry()
    registry.register(_Of(seen))
    return generate_latest(registry)


class _Of(Collector):
    def __init__(self, seen: Snapshot) -> None:
        self._seen = seen

    def collect(self) -> Iterable[Metric]:
        """See `Collector`."""
        seen = self._seen
        yield _gauge("up", "Whether the node answers.", seen.node is not None)
        yield _gauge("ready", "Whether calls may be given to it.", health.judge(seen).ready)
        yield _gauge("store_up", "Whether the store can be read.", seen.store is not None)
        if seen.node is not None:
            yield from _node(seen.node)
        if seen.store is not None:
            yield from _store(seen.store)
        yield _gauge("disk_size_bytes", "Size of the file system of the data.", seen.disk.total)
        yield _gauge("disk_free_bytes", "What is free of it.", seen.disk.free)
        yield _counter("clock_steps", "Steps of the wall clock.", seen.clock.steps)
        yield _gauge("clock_step_seconds", "The last of them.", seen.clock.step_s)
        alarms = GaugeMetricFamily(
            "telebank_alarm_raised", "Alarms of alarms.yaml.", labels=["alarm", "severity"]
        )
        for one in seen.alarms:
            alarms.add_metric([one.name, one.severity], one.raised)
        yield alarms


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"telebank_{name}", words, value=float(value))


def _counter(name: str, words: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"telebank_{name}", words, value=float(value))


def _each(
    name: str, words: str, label: str, values: Iterable[tuple[str, float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"telebank_{name}", words, labels=[label])
    for key, value in values:
        family.add_metric([key], float(value))
    return family


def _node(node: NodeTold) -> Iterator[Metric]:
    info = GaugeMetricFamily(
        "telebank_node_info", "Always 1.", labels=["node", "version", "release"]
    )
    info.add_metric([node.node, node.version, node.release], 1)
    yield info
    yield _gauge("node_uptime_seconds", "Since it took calls.", node.uptime_s)
    yield _gauge("node_draining", "Whether it refuses new calls.", node.draining)
    yield _counter("node_faults", "Faults of the program that ended a call.", node.faults)
    lines = node.lines
    yield _gauge("lines_limit", "Calls that it takes at once.", lines.limit)
    kinds = (("menus", lines.menus), ("faxes", lines.faxes))
    yield _each("lines_busy", "Lines in use.", "kind", kinds)
    yield _gauge("teller_legs", "Legs to tellers' phones.", lines.tellers)
    yield _counter("calls", "Calls taken.", lines.setups)
    refused = CounterMetricFamily("telebank_refused", "Refused, by cause.", labels=["cause"])
    for cause, many in sorted(lines.refused.items()):
        refused.add_metric([cause], many)
    yield refused
    yield from _trunks_and_workers(node)
    yield from _queues(node)
    yield from _host(node)
    anchors = node.anchors
    yield _gauge("audit_anchors", "Places that checkpoints are copied to.", anchors.places)
    yield _gauge("audit_anchors_late", "Those whose copies are late or wrong.", anchors.late)
    if anchors.places:
        yield _gauge("audit_anchor_sequence", "Last entry copied to all.", anchors.sequence)
    yield _gauge("fax_available", "Whether faxes can go and come.", node.fax.available)
    yield _gauge("fax_channels", "Faxes that can go at once.", node.fax.channels)
    yield _gauge("fax_channels_busy", "Those in use.", node.fax.busy)


def _trunks_and_workers(node: NodeTold) -> Iterator[Metric]:
    trunks = node.trunks
    calls = GaugeMetricFamily("telebank_trunk_calls", "Live calls.", labels=["trunk", "direction"])
    for one in trunks:
        calls.add_metric([one.name, "in"], one.calls_in)
        calls.add_metric([one.name, "out"], one.calls_out)
    yield calls
    peers = ((one.name, one.peers) for one in trunks)
    yield _each("trunk_peers", "Peers that are asked.", "trunk", peers)
    well = ((one.name, one.peers_up) for one in trunks)
    yield _each("trunk_peers_up", "Those that answer.", "trunk", well)
    blocked = ((one.name, one.blocked) for one in trunks)
    yield _each("trunk_blocked", "Whether none answers.", "trunk", blocked)
    workers = list(enumerate(node.workers))
    up = ((str(number), one.up) for number, one in workers)
    yield _each("media_worker_up", "Whether it works.", "worker", up)
    channels = ((str(number), one.channels) for number, one in workers)
    yield _each("media_worker_channels", "Channels of calls.", "worker", channels)
    late = ((str(number), one.late_ms / 1000) for number, one in workers)
    yield _each("media_tick_late_seconds", "99th percentile of ten seconds.", "worker", late)


def _queues(node: NodeTold) -> Iterator[Metric]:
    queues = node.queues
    yield _each(
        "queue_open", "Whether its hours are on.", "queue", ((one.key, one.open) for one in queues)
    )
    waiting = ((one.key, one.waiting) for one in queues)
    yield _each("queue_waiting", "Callers who wait.", "queue", waiting)
    longest = ((one.key, one.longest_s) for one in queues)
    yield _each("queue_longest_wait_seconds", "The longest wait now.", "queue", longest)
    ready = ((one.key, one.seats_ready) for one in queues)
    yield _each("queue_seats_ready", "Tellers who are ready.", "queue", ready)
    offered = ((one.key, one.offered) for one in queues)
    yield _each("queue_offered_today", "Calls that came today.", "queue", offered)
    answered = ((one.key, one.answered) for one in queues)
    yield _each("queue_answered_today", "Answered today.", "queue", answered)
    abandoned = ((one.key, one.abandoned) for one in queues)
    yield _each("queue_abandoned_today", "Given up by callers today.", "queue", abandoned)
    yield _each("seats", "People at desks by state.", "state", sorted(node.seats.items()))


def _host(node: NodeTold) -> Iterator[Metric]:
    host = node.host
    yield _gauge("host_links", "Links to the core host.", host.links)
    yield _gauge("host_links_up", "Those signed on.", host.links_up)
    yield _gauge("host_in_flight", "Messages that wait for a reply.", host.in_flight)
    up = ((one.name, one.up) for one in host.each)
    yield _each("host_link_up", "Whether it is signed on.", "link", up)
    since = ((one.name, one.since_s) for one in host.each)
    yield _each("host_link_state_seconds", "Time in its state.", "link", since)
    latency = ((one.name, one.latency_ms / 1000) for one in host.each)
    yield _each("host_link_latency_seconds", "Of the last message answered.", "link", latency)
    answers = CounterMetricFamily(
        "telebank_host_link_answers", "Messages answered.", labels=["link"]
    )
    for one in host.each:
        answers.add_metric([one.name], one.answers)
    yield answers


def _store(store: StoreTold) -> Iterator[Metric]:
    by_state = (
        ("pending", store.pending),
        ("unknown", store.unknown),
        ("manual", store.manual),
    )
    yield _each("journal_open_requests", "Requests without an end.", "state", by_state)
    yield _gauge("journal_oldest_seconds", "Age of the oldest pending.", store.oldest_s)
    yield _gauge(
        "journal_unknown_oldest_seconds", "Age of the oldest unknown.", store.unknown_oldest_s
    )
    yield _gauge("store_heartbeat_age_seconds", "Since the last beat.", store.heartbeat_s)
    yield _counter("audit_entries", "Entries of the log of events and audit.", store.sequence)
    yield _gauge("audit_entry_age_seconds", "Age of the last.", store.entry_s)
    if store.checkpoint_s is not None:
        covered = store.checkpoint_sequence
        yield _gauge("audit_checkpoint_sequence", "Last entry that a checkpoint covers.", covered)
        yield _gauge("audit_checkpoint_age_seconds", "Age of the last one.", store.checkpoint_s)
