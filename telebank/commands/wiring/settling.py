"""Opens the store as another node and settles what that left; what `telebank settle` does."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from telebank.commands.common import Unreachable
from telebank.commands.wiring.host import open_host
from telebank.commands.wiring.rules import older_rules, read_rules
from telebank.settings import Settings
from telebank.store.engine import open_read_only
from telebank.store.holder import certainly_gone, shown
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from telebank.store.succession import Entry, Neighbour, Seen, neighbours
from transactions.journal import JournalEvent

LOOK_S = 1.0
"""Seconds between two looks at what is still open."""


@dataclass(frozen=True, slots=True)
class Task:
    """Whose rows are settled by whom, from which lease, and how long."""

    found: Neighbour
    seen: Seen
    """Only where the lease is still so."""
    by: str
    """The node whose settings and keys these are."""
    within_s: float


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of it."""

    node: str
    epoch: int
    terminal: str
    """Field 41 under which it was linked; empty: the adapter's own."""
    settled: int
    """Rows that came to an end, or onto the list of two people."""
    left: int
    """Rows that a machine settles and that still have no end."""
    manual: int
    """Rows that wait for two people, also from before."""
    host_up: bool | None
    """None where nothing was open, so nobody asked it."""


def find_node(url: str, node: str) -> Neighbour:
    """The node's lease and rows; raises `Unreachable` naming those that there are."""
    engine = open_read_only(url)
    try:
        with engine.connect() as connection:
            every = {one.node: one for one in neighbours(connection)}
    finally:
        engine.dispose()
    if node not in every:
        raise Unreachable(f"the store knows no node {node}; it has {', '.join(every) or 'none'}")
    return every[node]


def check_silent(found: Neighbour, silent_s: float, age_s: float) -> None:
    """Raise `Unreachable` where the node may be alive: it was heard of `age_s` seconds ago."""
    if age_s < silent_s and not certainly_gone(found.holder):
        raise Unreachable(
            f"node {found.node} was heard of {max(age_s, 0):.0f} s ago ({shown(found.holder)}): end"
            f" that process, or wait until it has been silent for {silent_s:.0f} s"
        )


def watch(url: str, found: Neighbour, seconds: float) -> None:
    """Look at the lease again after so many seconds of our own; raises `Unreachable` where it
    moved. How old a heartbeat is says little, since it is by the clock of who wrote it."""
    time.sleep(seconds)
    now = find_node(url, found.node)
    if now.seen != found.seen:
        raise Unreachable(
            f"node {found.node} lives: its lease moved within {seconds:g} s ({shown(now.holder)});"
            " end that process first"
        )


def as_node(settings: Settings, found: Neighbour) -> Settings:
    """What is set here, with the number, the STANs and the terminal of another node (rule 7)."""
    node = replace(settings.node, id=found.node, of=found.nodes)
    store = replace(settings.store, nodes=found.nodes, terminal=found.terminal)
    hosts = dict(settings.hosts)
    if node.host in hosts:
        table = {key: value for key, value in hosts[node.host].items() if key != "terminal"}
        hosts[node.host] = table | ({"terminal": found.terminal} if found.terminal else {})
    return replace(settings, node=node, store=store, hosts=hosts)


@dataclass(slots=True)
class Settling:
    """One go at another node's rows. `data` is our own data folder."""

    settings: Settings
    url: str
    data: Path
    task: Task
    said: Callable[[Neighbour, bool], None]
    """Told what is open, and whether the host is there."""
    stop: asyncio.Event
    """Set to give the node back at once."""

    async def run(self) -> Settled:
        """Take the lease, link to the host, settle until nothing is open or the time is over, give
        the lease back.

        Raises `KeyFileError` where there are no keys, `StartRefused` where somebody else was first,
        `LeaseLost` where somebody came after, `StoreUnavailable` where the database went away.
        """
        found = self.task.found
        theirs = as_node(self.settings, found)
        # None are made here: the folder may be the wrong one.
        keyring = Keyring.open(self.data / "keys")
        entry = Entry(settling=self.task.seen)
        store = await Store.open(self.url, found.node, keyring, theirs.store, entry=entry)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(store.close)
            begun = await store.look_at_self()
            await self._note(store, "node.settling", open=begun.open)
            self.said(begun, False)
            up = await self._work(theirs, store, keyring) if begun.open else None
            now = await store.look_at_self()
            done = begun.open - now.open
            await self._note(store, "node.settled", settled=done, left=now.open, manual=now.manual)
            return Settled(
                node=found.node,
                epoch=store.epoch,
                terminal=found.terminal,
                settled=done,
                left=now.open,
                manual=now.manual,
                host_up=up,
            )

    async def _work(self, theirs: Settings, store: Store, keyring: Keyring) -> bool:
        """Whether the host was there when it ended."""
        deadline = asyncio.get_running_loop().time() + self.task.within_s
        # Not where the release of a node lies that runs on this folder.
        place = self.data / "run" / f"settle-{store.node}"
        folder = await store.releases.materialise(place)
        now = await store.releases.current()
        rules = read_rules(now.hash if now is not None else "", folder)
        older = await older_rules(store, rules, place)
        async with contextlib.AsyncExitStack() as stack:
            keys = self.data / "keys"
            link = await open_host(theirs, rules, keys, store, keyring, stack, older)
            while True:
                up = (await link.host.health()).links_up > 0
                self.said(await store.look_at_self(), up)
                left_s = deadline - asyncio.get_running_loop().time()
                if not link.processor.open_count() or self.stop.is_set() or left_s <= 0:
                    return up
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.stop.wait(), min(LOOK_S, left_s))

    async def _note(self, store: Store, kind: str, **counts: int) -> None:
        event = JournalEvent(kind)
        event.detail.update(by=self.task.by, epoch=store.epoch, **counts)
        await store.journal.append(event)
