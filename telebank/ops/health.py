"""Whether a node may be given calls, as a load balancer or a person asks (`/readyz`)."""

from collections.abc import Mapping
from dataclasses import dataclass

from telebank.ops.metrics_types import NodeTold, Snapshot, StoreTold

BEAT_S = 35.0
"""A running node commits every ten seconds ([store] heartbeat_s); three missed mean that its store
takes nothing."""
OK = "ok"


@dataclass(frozen=True, slots=True)
class Health:
    """What was looked at, each with `ok` or what is wrong."""

    checks: Mapping[str, str]

    @property
    def no(self) -> tuple[str, ...]:
        """What speaks against it; empty: ready."""
        return tuple(words for words in self.checks.values() if not words.startswith(OK))

    @property
    def ready(self) -> bool:
        """Whether calls are welcome."""
        return not self.no


def judge(seen: Snapshot) -> Health:
    """Of one look."""
    if seen.node is None:
        return Health({"node": f"no node: {seen.node_why}", "store": _store(seen, BEAT_S)})
    node = seen.node
    return Health(
        {
            "node": OK,
            "calls": "the node drains: new calls get 503" if node.draining else OK,
            "store": _store(seen, BEAT_S),
            "host": _host(node),
            "media": OK if any(one.up for one in node.workers) else "no media worker is up",
        }
    )


def _store(seen: Snapshot, beat_s: float) -> str:
    told: StoreTold | None = seen.store
    if told is None:
        return f"the store cannot be read: {seen.store_why}"
    if told.heartbeat_s > beat_s:
        return f"the store took no commit of the node for {told.heartbeat_s:.0f} s"
    return OK


def _host(node: NodeTold) -> str:
    if node.host.links_up:
        return OK
    if node.stand_in:
        return f"{OK}: no link is up; customers who called before are proved here"
    return f"no link to the core host {node.host.name} is up"
