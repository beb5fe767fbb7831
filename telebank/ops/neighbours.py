"""Another node of the same store dies: who notices, and when its rows are settled from here.

`Watch` decides and does nothing; `telebank.commands.wiring` has who looks and starts the process.
Silence is measured here, by our own monotonic clock, from the moment at which a heartbeat was first
seen: the clocks of two machines need not agree. So a node that has just started waits as long.
A settler of ours moves the lease too (it takes it, beats, gives it back); that is no sign of life.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from telebank.store.holder import settles
from telebank.store.succession import Neighbour, Seen

RETRY_FIRST_S = 30.0
"""Seconds before the same node is tried again; each further failure doubles them."""
RETRY_CAP_S = 900.0
DONE = 0
"""Exit code of a settling that left nothing open."""


@dataclass(slots=True)
class _Node:
    """What is remembered of another node."""

    seen: Seen
    holder: str
    """Who ran the node last; a settler is none."""
    since: float
    """When it was first seen so."""
    settled: bool = False
    """Whether a settler of ours has had the lease since it was seen."""
    failures: int = 0
    not_before: float = 0.0


@dataclass(slots=True)
class Watch:
    """Which other node's rows are to be settled now; one at a time. Times are monotonic seconds."""

    after_s: float
    """Silence that makes a node dead; 0: none ever is."""
    busy: str = ""
    """The node that is being settled."""
    _nodes: dict[str, _Node] = field(default_factory=dict)

    def looked(self, found: Sequence[Neighbour], now: float) -> Neighbour | None:
        """The next node to be settled, which is then `busy` until `ended`; None where there is
        none. A lease that was given back counts too: a node may end with rows still open."""
        due = [one for one in found if self._silent(one, now) and one.open]
        if not self.after_s or self.busy or not due:
            return None
        first = max(due, key=lambda one: one.open)
        self.busy = first.node
        return first

    def silent_for(self, node: str, now: float) -> float:
        """Seconds for which nothing was heard of a node."""
        return now - self._nodes[node].since

    def ended(self, code: int, now: float) -> float:
        """The process that settled the busy node ended; seconds before that node is tried again."""
        node = self._nodes[self.busy]
        self.busy, node.settled = "", True
        node.failures = 0 if code == DONE else node.failures + 1
        wait = min(RETRY_FIRST_S * 2.0 ** max(node.failures - 1, 0), RETRY_CAP_S)
        node.not_before = now + wait
        return wait

    def _silent(self, one: Neighbour, now: float) -> bool:
        known = self._nodes.get(one.node)
        if known is None:
            self._nodes[one.node] = _Node(one.seen, one.holder, now)
            return False
        if one.node == self.busy:
            return False  # what moves is its settler
        if known.seen != one.seen:
            if not (known.settled and _as_settled(known, one)):
                known.since = now
            known.seen = one.seen
            _note_holder(known, one.holder)
        known.settled = False
        return now - known.since >= self.after_s and now >= known.not_before


def _as_settled(known: _Node, one: Neighbour) -> bool:
    """Whether only our settler had the lease and gave it back: the node is as silent as before."""
    return one.seen.epoch == known.seen.epoch + 1 and one.holder in ("", known.holder)


def _note_holder(known: _Node, holder: str) -> None:
    """Another process runs the node: should it die too, it is tried as if for the first time."""
    if holder and not settles(holder) and holder != known.holder:
        known.holder, known.failures, known.not_before = holder, 0, 0.0
