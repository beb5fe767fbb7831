"""Several real nodes on one real PostgreSQL and one core host, each with its own folder, terminal
and relay to the host, which shows what was sent from where."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.bank_process import TELEBANK, BankProcess, Voice, _write_settings
from support.corehost_process import CoreHostProcess
from support.money_stage import SETTINGS
from support.sql_servers import Cluster
from support.store_kit import rows
from support.store_postgresql import StoreServer
from support.store_relay import Relay
from telebank.store import tables
from telebank.store.sealing import Keyring

SILENCE_S = 12.0
"""More than the send deadline of a request."""
WAIT_S = 90.0


@dataclass
class House:
    """`nodes["01"]` and the others; those named in `launchers` are started otherwise."""

    nodes: dict[str, BankProcess]
    relays: dict[str, Relay]
    host: CoreHostProcess
    data: Path
    """A folder whose settings name the store."""

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, folder: Path, voice: Voice, count: int, first: Sequence[str]
    ) -> AsyncIterator["House"]:
        """Start `count` nodes; 01 by `first`."""
        # Without its template: the nodes make the tables, for Alembic serves one thread only.
        server = StoreServer(await asyncio.to_thread(Cluster, "-c fsync=off"))
        try:
            host = CoreHostProcess(folder / "bank")
            await asyncio.to_thread(host.run)
            try:
                async with cls._started(folder, voice, count, first, server, host) as house:
                    yield house
            finally:
                await asyncio.to_thread(host.kill)
        finally:
            await asyncio.to_thread(server.remove)

    @classmethod
    @contextlib.asynccontextmanager
    async def _started(  # noqa: PLR0917 - what `open` has made
        cls,
        folder: Path,
        voice: Voice,
        count: int,
        first: Sequence[str],
        server: StoreServer,
        host: CoreHostProcess,
    ) -> AsyncIterator["House"]:
        url = server.url(server.empty())
        Keyring.create(host.keys)
        names = [f"{number:02d}" for number in range(1, count + 1)]
        real = host.port
        async with contextlib.AsyncExitStack() as stack:
            relays = {name: await stack.enter_async_context(Relay.open(real)) for name in names}
            nodes = {}
            for name in names:
                data = folder / name
                data.mkdir(parents=True)
                voice.lend(data)
                shutil.copytree(host.keys, data / "keys")
                settings = node_settings(name, count, url)
                _write_settings(data / "config" / "telebank.toml", settings)
                launcher = first if name == "01" else TELEBANK
                nodes[name] = BankProcess(data, voice, settings, host, launcher)
            house = cls(nodes, relays, host, folder / "01")
            try:
                for name in names:
                    await house.start(name)
                yield house
            finally:
                for node in nodes.values():
                    await asyncio.to_thread(node.kill)
                host.port = real

    async def start(self, name: str) -> None:
        """Start a node, by its own relay."""
        real, self.host.port = self.host.port, self.relays[name].port
        try:
            await asyncio.to_thread(self.nodes[name].run)
        finally:
            self.host.port = real

    def states(self) -> list[str]:
        """Of all requests that may move money."""
        return [row.state for row in rows(self.data, tables.request)]

    def lease(self, name: str) -> Any:
        """A node's lease."""
        (row,) = rows(self.data, tables.lease, tables.lease.c.node == name)
        return row

    def events(self, kind: str) -> list[Any]:
        """Events of all nodes."""
        return list(rows(self.data, tables.event, tables.event.c.kind == kind))

    async def until_settled(self, name: str) -> None:
        """Wait until somebody settled a node's rows, and gave its lease back."""
        for _ in range(int(WAIT_S * 5)):
            if self.events("node.settled") and not self.lease(name).holder:
                return
            await asyncio.sleep(0.2)
        raise AssertionError(f"not settled in {WAIT_S:g} s: {self.states()}, {self.lease(name)}")


def node_settings(name: str, count: int, url: str) -> dict[str, dict[str, Any]]:
    """Tables of telebank.toml of one of `count` nodes."""
    return {
        **SETTINGS,
        "node": {"id": name, "of": count, "settle_others_after_s": SILENCE_S},
        "store": {"url": url, "heartbeat_s": 0.5},
        "hosts.tb87": {"terminal": f"TB01000{name[1]}", "backoff_min_s": 0.2},
    }
