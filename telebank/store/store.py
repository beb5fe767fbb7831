"""The node's storage as one thing: opened once, closed once."""

import asyncio
import os
import re
import socket

from telebank.store.clock import Clock, SystemClock
from telebank.store.engine import open_writer
from telebank.store.journal import StoreJournal
from telebank.store.migrate import migrate
from telebank.store.options import StoreOptions
from telebank.store.releases import Releases
from telebank.store.sealing import Keyring
from telebank.store.writer import Writer

_NODE = re.compile(r"[0-9]{2}")


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
        self._writer = writer

    @classmethod
    async def open(
        cls,
        url: str,
        node: str,
        keyring: Keyring,
        options: StoreOptions | None = None,
        clock: Clock | None = None,
    ) -> "Store":
        """Bring the tables up to date, take the node's lease and start the writer.

        `node` is two digits. An earlier holder of the lease can commit nothing from here on.
        Raises `StoreUnavailable` where the database does not take it.
        """
        if not _NODE.fullmatch(node):
            raise ValueError(f"node {node!r} must be two digits, such as 01")
        settings = options or StoreOptions()
        await asyncio.to_thread(migrate, url)
        holder = f"{_machine()}:{os.getpid()}"
        engine = open_writer(url, settings)
        writer = Writer(engine, node, holder, settings, clock or SystemClock())
        await asyncio.to_thread(writer.start)
        return cls(url, node, keyring, writer, settings)

    @property
    def epoch(self) -> int:
        """The epoch of the lease that commits check."""
        return self._writer.epoch

    @property
    def rival(self) -> str:
        """The process (`machine:number`) that held the lease before and may still run, for it did
        not give it back; empty where there is none. It can commit nothing, but what it had made
        durable as SENT it may yet send until that request's deadline."""
        machine, _, number = self._writer.before.rpartition(":")
        if not machine or not number.isdigit():
            return ""
        here = machine == _machine()
        gone = here and (int(number) == os.getpid() or not _runs(int(number)))
        return "" if gone else self._writer.before

    @property
    def commits(self) -> int:
        """Commits made since it was opened."""
        return self._writer.commits

    @property
    def died(self) -> "asyncio.Future[str]":
        """Done, with the reason, where the writer's thread ended unasked: nothing can be journalled
        any more, and the node must end. Cancelled by `close`."""
        return self._writer.died

    async def lease(self) -> int:
        """Raise the node's epoch and go on with it; return it."""
        return await self._writer.take_lease()

    async def close(self) -> None:
        """Finish what is queued and close the database."""
        await self._writer.close()


def _machine() -> str:
    return socket.gethostname()[:40]


def _runs(process: int) -> bool:
    """Whether there is such a process; signal 0 only asks (kill(2))."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return True
