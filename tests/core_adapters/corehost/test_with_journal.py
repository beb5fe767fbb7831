"""The processor on the real journal, the gateway's own adapter and the real host process: a lifting
whose message is lost, and the card reported lost once more before it is repeated."""

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from core_adapters.corehost.house import DATABASE
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile_load import load_profile
from support.corehost_process import CoreHostProcess
from support.limited import LIMITED
from support.store_kit import open_store, rows
from telebank.ops.clock import SystemClock
from telebank.staff.roles import first_people
from telebank.store import approvals, hot_list, people, tables
from telebank.store.clock import SystemClock as StoreClock
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.answer import Answer
from transactions.approval import Actor, Approving, Proposal, content_hash
from transactions.card import CardNumber
from transactions.contract import load_contracts
from transactions.hot_list import LIFT, HotDecision
from transactions.money import Money
from transactions.options import ProcessorOptions
from transactions.outcome import Value
from transactions.processor import Processor
from transactions.request import Request

CONFIG = Path(__file__).resolve().parents[3] / "config"
CONTRACTS = load_contracts(CONFIG / "services.yaml")
LIMITS = dict.fromkeys(LIMITED, Money.parse("50000"))
OPTIONS = ProcessorOptions(retry_first_s=0.2, retry_factor=1.0, away_poll_s=0.05, limits=LIMITS)
CHEN = Actor("chen", "administrator", "control")
WU = Actor("wu", "supervisor", "control")


@dataclass
class Node:
    """What the customer of one card, and the staff, ask of a node."""

    store: Store
    processor: Processor
    bank: CoreHostProcess

    @property
    def card(self) -> CardNumber:
        return CardNumber(self.bank.cards[1].card)

    def _request(self, service: str, actor: str, **inputs: str) -> Request:
        version = CONTRACTS[service].version
        given: dict[str, Value] = {"card": self.card, **inputs}
        return Request(secrets.token_hex(8), service, version, given, actor)

    async def report(self) -> Answer:
        """By telephone."""
        identity = self.bank.cards[1].identity
        return await self.processor.submit(
            self._request("card.report_loss", "caller", identity=identity)
        )

    async def lift(self, reference: str) -> Answer:
        """By two people."""
        zone, run = self.store.journal.zone, self.store.journal.run
        seen = await run(partial(hot_list.standing, reference=reference, zone=zone))
        said = content_hash(LIFT, reference, seen)
        words = (LIFT, reference, seen, said, "found", CHEN, timedelta(days=1))
        draft = approvals.Draft(secrets.token_hex(8), *words)
        assert isinstance(await run(partial(approvals.propose, draft=draft)), Proposal)
        approving = Approving(LIFT, reference, said, WU)
        deciding = HotDecision(reference, "lifted", WU, "found", approving)
        request = self._request("card.lift_loss", WU.id, report=reference)
        return await self.processor.submit(replace(request, channel="staff", deciding=deciding))

    async def settled(self) -> None:
        async with asyncio.timeout(30):
            while self.processor.open_count():
                await asyncio.sleep(0.05)

    def stopped_at_host(self) -> bool:
        file = self.bank.folder / DATABASE
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as db:
            found = db.execute("SELECT number FROM stopped_card").fetchall()
        return (self.card.digits,) in found


async def founders(store: Store) -> None:
    by = Actor("os:bank", "machine", "control")
    for one in (CHEN, WU):
        hidden = people.NewSecrets("hash", store.vault.seal_digits("SEED"))
        new = people.NewPerson(one.id, one.id.title(), one.role, hidden)
        await store.journal.run(partial(people.add_first, new=new, by=by, rule=first_people))


def adapter(bank: CoreHostProcess, folder: Path, vault: Keyring) -> Iso8583Host:
    """By the shipped profile, that waits a second for the answer to a file update."""
    text = (CONFIG / "hosts" / "tb87.yaml").read_text(encoding="utf-8")
    assert "timeout_s: 15" in text
    profile = folder / "tb87.yaml"
    profile.write_text(text.replace("timeout_s: 15", "timeout_s: 1"), encoding="utf-8")
    options = Iso8583Options(addresses=tuple(f"127.0.0.1:{port}" for port in bank.ports))
    keys = open_software(bank.keys)
    return Iso8583Host(load_profile(profile), CONTRACTS, keys, options, vault=vault)


@asynccontextmanager
async def open_node(bank: CoreHostProcess, folder: Path) -> AsyncIterator[Node]:
    folder.mkdir()
    async with open_store(folder, clock=StoreClock()) as store:
        await founders(store)
        host = adapter(bank, folder, store.vault)
        processor = Processor(CONTRACTS, host, store.journal, store.vault, OPTIONS, SystemClock())
        await host.start()
        try:
            assert await host.wait_signed_on(20.0)
            await processor.recover()
            yield Node(store, processor, bank)
        finally:
            await processor.close()
            await host.close()


async def test_a_lifting_that_is_repeated_late_undoes_no_later_report(
    own_host: CoreHostProcess, tmp_path: Path
) -> None:
    folder = tmp_path / "node"
    async with open_node(own_host, folder) as node:
        first = await node.report()
        assert first.exit == "ok"
        assert node.stopped_at_host()
        lost = {"match": {"mti": "0302"}, "action": "drop_before", "times": 1}
        own_host.plan([lost, {"match": {"mti": "0303"}, "action": "drop_before"}])
        assert (await node.lift(first.reference)).exit == "stored"
        second = await node.report()
        assert second.exit == "stored"  # taken, and told to the host after the lifting
        token = node.store.vault.token(node.card)
        assert await node.store.journal.hot_listed(token)
        own_host.plan([])
        await node.settled()
        assert node.stopped_at_host()
        assert await node.store.journal.hot_listed(token)
    found = rows(folder, tables.request)
    assert [row.state for row in found] == ["APPROVED"] * 3
    lifted, again = found[1:]
    assert again.reference == second.reference
    sent = {row.request: row for row in rows(folder, tables.host_message) if row.reply39 == "00"}
    assert sent[lifted.id].reply_at <= sent[again.id].sent_at
