"""The node's storage as one thing: opened once, closed once."""

import asyncio
import re
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from telebank.store.clock import Clock, SystemClock
from telebank.store.engine import open_writer
from telebank.store.holder import certainly_gone, settles, this_process
from telebank.store.joining import join
from telebank.store.journal import StoreJournal
from telebank.store.migrate import migrate
from telebank.store.options import StoreOptions
from telebank.store.reader import Reader
from telebank.store.releases import Releases
from telebank.store.sealing import Keyring
from telebank.store.succession import Entry, Neighbour, admit, look_round, own
from telebank.store.writer import Writer

_NODE = re.compile(r"[0-9]{2}")
START = Entry()
"""To run the node and take calls."""


class Store:
    """The journal, the vault and the event log of one node over one database."""

    def __init__(
        self, url: str, node: str, keyring: Keyring, writer: Writer, options: StoreOptions
    ):
        self.url = url
        self.node = node
        self.vault = keyring
        self.journal = StoreJournal(writer, node, keyring, options)
        self.releases = Releases(writer)
        self.reader = Reader(url, options)
        self._writer = writer

    @classmethod
    async def open(
        cls,
        url: str,
        node: str,
        keyring: Keyring,
        options: StoreOptions | None = None,
        clock: Clock | None = None,
        *,
        entry: Entry = START,
    ) -> "Store":
        """Bring the tables up to date, take the node's lease and start the writer.

        `node` is two digits, 01 to `options.nodes`. An earlier holder of the lease can commit
        nothing from here on. Raises `StoreUnavailable` where the database does not take it,
        `StartRefused` where the node's keys are not the store's, or its STANs are another's, or
        the lease is not to be had as `entry` says.
        """
        if not _NODE.fullmatch(node):
            raise ValueError(f"node {node!r} must be two digits, such as 01")
        settings = options or StoreOptions()
        if not 0 < int(node) <= settings.nodes:
            raise ValueError(f"node {node} is none of the {settings.nodes} that share STANs")
        await asyncio.to_thread(migrate, url)
        engine = open_writer(url, settings)
        joins = partial(_join, node=node, options=settings, keyring=keyring, entry=entry)
        clock = clock or SystemClock()
        holder = this_process(to_settle=entry.settling is not None)
        writer = Writer(engine, node, holder, settings, clock, joins)
        await asyncio.to_thread(writer.start)
        return cls(url, node, keyring, writer, settings)

    @property
    def epoch(self) -> int:
        """The epoch of the lease that commits check."""
        return self._writer.epoch

    @property
    def rival(self) -> str:
        """The process (`machine:place:number:start`) that held the lease before and may still run,
        for it did not give it back; empty where there is none. It can commit nothing, but what it
        had made durable as SENT it may yet send until that request's deadline. One that only
        settled counts though it is gone: whom it had the node from may run."""
        before = self._writer.before.holder if self._writer.before else ""
        return "" if certainly_gone(before) and not settles(before) else before

    @property
    def commits(self) -> int:
        """Commits made since it was opened."""
        return self._writer.commits

    @property
    def died(self) -> "asyncio.Future[str]":
        """Done, with the reason, where the writer's thread ended unasked: nothing can be journalled
        any more, and the node must end. Cancelled by `close`."""
        return self._writer.died

    async def look_round(self) -> list[Neighbour]:
        """Beat the lease, and see every other node; raises `LeaseLost` or `StoreUnavailable`."""
        return await self._writer.run(look_round)

    async def look_at_self(self) -> Neighbour:
        """Beat the lease, and see what of this node has no end; raises the same."""
        return await self._writer.run(own)

    async def lease(self) -> int:
        """Raise the node's epoch and go on with it; return it."""
        return await self._writer.take_lease()

    async def close(self) -> None:
        """Finish what is queued and close the database."""
        await self._writer.close()
        self.reader.close()


def _join(  # noqa: PLR0917 - the first two are the writer's, the others bound here
    connection: Connection,
    now: datetime,
    node: str,
    options: StoreOptions,
    keyring: Keyring,
    entry: Entry,
) -> None:
    join(connection, node, options.nodes, keyring, now)
    admit(connection, node, entry, now, options.heartbeat_s)
