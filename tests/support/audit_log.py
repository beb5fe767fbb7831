"""A log with checkpoints and anchors, hands that change it, a verifier with nothing of ours.

    log = await AuditLog.make(tmp_path, batches=(10, 7, 8))
    log.sql("UPDATE event SET kind = 'x' WHERE sequence = 12")
    log.rehash(); log.resign()
    assert log.verify()["logs"][0]["first_bad"] == 12

Each batch of entries ends with a checkpoint that is copied to `log.anchors`.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

from sqlalchemy import select, update

from support.store_kit import open_store
from telebank.audit import verify as verifier_file
from telebank.audit.merkle import CompactRange
from telebank.settings import store_url
from telebank.store import tables
from telebank.store.anchoring import Anchoring
from telebank.store.audit_export import Span, export_lines, proof_of, whole
from telebank.store.audit_keys import current_key
from telebank.store.audit_options import AuditOptions
from telebank.store.audit_tables import checkpoint
from telebank.store.checkpoints import leaves, put_checkpoint
from telebank.store.engine import is_sqlite, open_read_only, open_writer
from telebank.store.events import entry_of
from telebank.store.options import StoreOptions
from telebank.store.postgresql import is_server
from telebank.store.signing import Signer
from telebank.store.store import Store
from transactions.journal import JournalEvent

PERSONAL_EACH = 3
"""Every third entry speaks of a person."""


def event(number: int) -> JournalEvent:
    """An entry to be written."""
    detail: dict[str, Any] = {"number": number, "share": number / 7}
    if number % PERSONAL_EACH == 0:
        detail["from_masked"] = f"138****{number:04d}"
    return JournalEvent("call.started", call=f"c{number}", detail=detail)


async def sign(store: Store, signer: Signer) -> None:
    """A checkpoint of all there is, in the store."""
    signed = signer.sign()
    assert signed is not None
    note, key = signed.note, signed.key
    put = partial(put_checkpoint, tree=signed.tree, note=note, reason="time", key=key)
    await store.journal.run(put)
    signer.stands(signed)


@dataclass(frozen=True)
class AuditLog:
    """One node's log in an SQLite file or a server's database."""

    folder: Path
    node: str = "01"

    @classmethod
    async def make(cls, folder: Path, batches: Sequence[int], node: str = "01") -> Self:
        """Write entries, and a checkpoint with its copy after each batch."""
        log = cls(folder, node)
        log.anchors.mkdir(exist_ok=True)
        await log.more(*batches)
        log.keep_keys()
        return log

    async def more(self, *batches: int) -> None:
        """Go on writing; a batch of 0 copies nothing new."""
        signer = Signer(store_url(self.folder), self.node, self.folder / "keys")
        options = AuditOptions(anchors=(str(self.anchors),))
        anchoring = Anchoring(options, store_url(self.folder), self.node)
        number = 0
        async with open_store(self.folder, self.node, nodes=2) as store:
            for batch in batches:
                for _ in range(batch):
                    number += 1
                    await store.journal.append(event(number))
                await sign(store, signer)
                for place in anchoring.places:
                    anchoring.copy(place)
        signer.close()
        anchoring.close()

    async def unsigned(self, count: int) -> None:
        """Entries that no checkpoint stands for."""
        async with open_store(self.folder, self.node, nodes=2) as store:
            for number in range(count):
                await store.journal.append(event(number))

    @property
    def anchors(self) -> Path:
        """Where checkpoints are copied to."""
        return self.folder / "anchors"

    @property
    def keys(self) -> Path:
        """The public keys that an auditor noted down."""
        return self.folder / "keys.txt"

    def keep_keys(self) -> None:
        """Note down the key in use."""
        key = current_key(self.folder / "keys", self.node)
        self.keys.write_text(f"# of the first day\n{key.public.text}\n", encoding="utf-8")

    # -- hands that change it -----------------------------------------------------------------

    def sql(self, *statements: str) -> None:
        """Change the database behind the node's back, as its owner may."""
        engine = open_writer(store_url(self.folder), StoreOptions(), foreign_keys=False)
        with engine.begin() as connection:
            if is_server(connection):
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for statement in filter(None, statements):
                connection.exec_driver_sql(statement)
        engine.dispose()

    def zeros(self) -> str:
        """32 octets of zero, as the database writes them."""
        on_file = is_sqlite(store_url(self.folder))
        return "zeroblob(32)" if on_file else "decode(repeat('00', 32), 'hex')"

    def rehash(self) -> None:
        """Give every entry the leaf that its row makes now."""
        engine = open_writer(store_url(self.folder), StoreOptions())
        with engine.begin() as connection:
            connection.execute(tables.leaf.delete())
            rows = connection.execute(select(tables.event)).mappings().all()
            made = [
                {
                    "node": row["node"],
                    "sequence": row["sequence"],
                    "hash": entry_of(row).leaf(),
                }
                for row in rows
            ]
            connection.execute(tables.leaf.insert(), made)
        engine.dispose()

    def resign(self) -> None:
        """Sign all checkpoints anew with the key of the node, stolen."""
        key = current_key(self.folder / "keys", self.node)
        engine = open_writer(store_url(self.folder), StoreOptions())
        with engine.begin() as connection:
            for (size,) in connection.execute(select(checkpoint.c.size)).all():
                tree = CompactRange()
                for leaf in leaves(connection, self.node, 0, size):
                    tree.append(leaf)
                note = key.checkpoint(size, tree.root())
                peaks = b"".join(tree.peaks)
                changed = update(checkpoint).where(checkpoint.c.size == size)
                connection.execute(changed.values(note=note, peaks=peaks))
        engine.dispose()

    # -- what an auditor does -----------------------------------------------------------------

    def export(self, *spans: Span, personal: bool = True) -> Path:
        """An export in a file; of the whole log where no span is given."""
        file = self.folder / "export.jsonl"
        engine = open_read_only(store_url(self.folder))
        with engine.connect() as connection, file.open("wb") as out:
            wanted = spans or (whole(connection, self.node),)
            out.writelines(export_lines(connection, wanted, datetime.now(UTC), personal=personal))
        engine.dispose()
        return file

    def proof(self, sequence: int) -> Path:
        """The proof of an entry in a file."""
        file = self.folder / "proof.json"
        engine = open_read_only(store_url(self.folder))
        with engine.connect() as connection:
            proof = proof_of(connection, self.node, sequence)
        engine.dispose()
        file.write_text(json.dumps(proof, ensure_ascii=False) + "\n", encoding="utf-8")
        return file

    def verify(self, file: Path | None = None, *words: str) -> dict[str, Any]:
        """What the verifier says of an export (a new one where none is given) on a machine that
        has nothing else of ours: its one file, in an empty folder."""
        ran = self.run_verifier(file or self.export(), "--anchors", str(self.anchors), *words)
        said: dict[str, Any] = json.loads(ran.stdout)
        assert ran.returncode == (0 if said["good"] else 1)
        return said

    def run_verifier(self, file: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """Run it."""
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        shutil.copy(verifier_file.__file__, elsewhere / "verify.py")
        said = [str(elsewhere / "verify.py"), str(file), "--keys", str(self.keys), "--json"]
        return subprocess.run(
            [sys.executable, "-I", *said, *words],
            cwd=elsewhere,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
