"""Nodes of one store in this process, with all that releases touch: store, adapter (not linked),
processor, media worker, SIP endpoint. Two people propose and approve at the store."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from core_adapters.iso8583.host import Iso8583Host
from support.bank_process import Voice
from support.iso8583_kit import MODULE, quick_options, tb87
from support.transactions_time import LoopClock
from telebank.calls.edition import Edition
from telebank.calls.node import NodeParts, VoiceNode
from telebank.calls.options import CallOptions
from telebank.commands.wiring.editions import load
from telebank.commands.wiring.releases import Place, Publisher
from telebank.commands.wiring.rules import Iso8583Speaks, Taught
from telebank.flow.options import FlowOptions
from telebank.flow.release import hash_of, release_files
from telebank.media.client import MediaWorkers
from telebank.media.options import MediaOptions
from telebank.settings import load_settings, seed_dir
from telebank.sip import SipOptions
from telebank.staff.roles import first_people
from telebank.store import approvals, people, releases
from telebank.store.options import StoreOptions
from telebank.store.releases import ACT
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.approval import Actor, Approving, Proposal, content_hash
from transactions.own import OwnDesk
from transactions.processor import Processor

CHEN = Actor("chen", "administrator", "control")
WU = Actor("wu", "supervisor", "control")
LOOK_S = 0.2
"""How often a node looks for what the other published, in seconds."""


@dataclass
class ReleaseNode:
    """One node."""

    store: Store
    node: VoiceNode
    publisher: Publisher
    place: Place
    processor: Processor
    taught: Taught

    @property
    def new_calls(self) -> str:
        """The release that the next call gets."""
        return self.node.edition.hash


async def founders(store: Store) -> None:
    """The two people."""
    for by in (CHEN, WU):
        secrets = people.NewSecrets("hash", store.vault.seal_digits("SEED"))
        new = people.NewPerson(by.id, by.id, by.role, secrets)
        job = partial(people.add_first, new=new, by=WU, rule=first_people)
        assert await store.journal.run(job) is None


async def proposed(store: Store, files: Mapping[str, bytes]) -> Approving:
    """Propose a release, unchecked, and give what the second person says."""
    now = await store.releases.current()
    assert now is not None
    of, detail = hash_of(files), {"before": now.hash}
    content = content_hash(ACT, of, detail)
    lives = timedelta(hours=1)
    draft = approvals.Draft(f"p-{now.number}-{of[:16]}", ACT, of, detail, content, "n", CHEN, lives)
    check = partial(releases.propose, files=files, detail=detail, by=CHEN, note="n")
    made = await store.journal.run(partial(approvals.propose, draft=draft, check=check))
    assert isinstance(made, Proposal), made
    return Approving(ACT, of, content, WU)


@asynccontextmanager
async def open_node(
    shared: Path,
    name: str,
    voice: Voice,
    desk: OwnDesk | None = None,
    wrapped: Callable[[Taught], Taught] | None = None,
) -> AsyncIterator[ReleaseNode]:
    """Node `name` of the store in `shared`, on the shipped release; its publisher teaches what
    `wrapped` makes of processor and adapter."""
    data = shared / f"node-{name}"
    place = Place(data, data / "run", data / "voice")
    _lend(voice, place.voice)
    keys = Keyring.open_or_create(shared / "keys")
    settings = load_settings(data)
    settings = replace(settings, store=replace(settings.store, heartbeat_s=LOOK_S))
    async with AsyncExitStack() as stack:
        url = f"sqlite:///{shared / 'telebank.db'}"
        store = await Store.open(url, name, keys, StoreOptions(nodes=2))
        stack.push_async_callback(store.close)
        now = await store.releases.begin(release_files(seed_dir()))
        folder = await store.releases.materialise(place.run)
        loaded = load(folder, place.voice, settings, check=False)
        host = Iso8583Host(tb87(), loaded.release.contracts, MODULE, quick_options(1))
        processor = Processor(
            *(loaded.release.contracts, host, store.journal, keys),
            *(settings.transactions, LoopClock()),
            desk=desk,
        )
        taught = Taught(processor, Iso8583Speaks(host, "tb87"))
        assert await taught.learn(loaded.rules) == ""
        await taught.use(now.hash)
        media = MediaWorkers(MediaOptions(), place.voice)
        stack.push_async_callback(media.close)
        await media.start()
        parts = NodeParts(
            node_id=name,
            epoch=store.epoch,
            calls=CallOptions(listen="127.0.0.1:0"),
            sip=SipOptions(t1=0.05),
            flow=FlowOptions(),
            edition=Edition(loaded.release, loaded.speaker),
            processor=processor,
            journal=store.journal,
            vault=keys,
            media=media,
        )
        node = VoiceNode(parts)
        await node.start()
        stack.push_async_callback(node.close)
        publisher = Publisher(
            store=store,
            settings=settings,
            place=place,
            media=media,
            taught=wrapped(taught) if wrapped is not None else taught,
            node=node,
            now=now,
            loaded=loaded,
        )
        publisher.start()
        stack.push_async_callback(publisher.close)
        yield ReleaseNode(store, node, publisher, place, processor, taught)


def _lend(voice: Voice, folder: Path) -> None:
    folder.mkdir(parents=True)
    for file in voice.folder.iterdir():
        os.link(file, folder / file.name)
