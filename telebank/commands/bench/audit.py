"""`telebank bench audit`: entries of the audit log written, exported and verified a second."""

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import uvloop

from telebank.audit.verify import Anchors, Keys, verify_export
from telebank.commands.common import EXIT_FINDING, json_option
from telebank.commands.wiring.audit import follow_log
from telebank.store.audit_export import export_lines, whole
from telebank.store.audit_keys import current_key
from telebank.store.audit_options import AuditOptions
from telebank.store.engine import database_url, open_read_only
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.journal import JournalEvent

NODE = "01"
OFTEN_S, OFTEN = 1.0, 1_000
"""While it is measured checkpoints are made more often than a bank would: a second, entries."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured."""

    entries: int
    entries_per_s: float
    """Written durably by many at once, each with its leaf, while checkpoints are signed and copied
    and nobody reads."""
    alone_per_s: float
    """The same without checkpoints."""
    checkpoints: int
    exported_per_s: float
    verified_per_s: float
    good: bool
    """Whether the verifier found it so."""


@click.command("audit")
@click.option("--entries", default=20_000, show_default=True, type=click.IntRange(100, 1_000_000))
@click.option("--at-once", default=256, show_default=True, type=click.IntRange(1, 2_000))
@json_option
def command(*, entries: int, at_once: int, as_json: bool) -> None:
    """Measure the audit log: entries written with group commit on SQLite, exported, verified.

    The log is written twice into a temporary folder, without checkpoints and with them; a third of
    the entries speak of a person. Exit code 1 where the verifier finds a fault.

    \b
    Examples:
      telebank bench audit --json
      telebank bench audit --entries 100000 --at-once 64
    """
    with tempfile.TemporaryDirectory(prefix="bench-audit-") as name:
        figures = _measured(Path(name), entries, at_once)
    if as_json:
        click.echo(json.dumps(asdict(figures)))
    else:
        for key, value in asdict(figures).items():
            click.echo(f"{value!s:>10}  {key}")
    if not figures.good:
        raise SystemExit(EXIT_FINDING)


def _measured(folder: Path, entries: int, at_once: int) -> Figures:
    bare, data, anchors = folder / "bare", folder / "data", folder / "anchors"
    anchors.mkdir()
    alone_s = uvloop.run(_write(bare, None, entries, at_once))
    options = AuditOptions(every_s=OFTEN_S, entries=OFTEN, anchors=(str(anchors),))
    took_s = uvloop.run(_write(data, options, entries, at_once))
    file = folder / "log.jsonl"
    exported_s = _timed(lambda: _export(data, file))
    keys = Keys([current_key(data / "keys", NODE).public])
    with file.open("rb") as log:
        began = time.perf_counter()
        (report,) = verify_export(log, keys, lambda: Anchors(anchors, keys))
        verified_s = time.perf_counter() - began
    return Figures(
        entries=entries,
        entries_per_s=round(entries / took_s, 1),
        alone_per_s=round(entries / alone_s, 1),
        checkpoints=report.checkpoints,
        exported_per_s=round(report.entries / exported_s, 1),
        verified_per_s=round(report.entries / verified_s, 1),
        good=not report.faults and report.last_good_anchor == report.last,
    )


async def _write(data: Path, options: AuditOptions | None, entries: int, at_once: int) -> float:
    """Seconds that it took."""
    keys = data / "keys"
    store = await Store.open(database_url(data), NODE, Keyring.open_or_create(keys))
    numbers = iter(range(entries))

    async def caller() -> None:
        for number in numbers:
            await store.journal.append(_event(number))

    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        if options is not None:
            follow_log(options, store, keys, stack)
        began = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(at_once)))
        return time.perf_counter() - began


def _event(number: int) -> JournalEvent:
    call = f"{NODE}-1-{number // 20:06d}"
    if number % 3:
        detail: dict[str, str | int | float | bool | None] = {"digit": "1", "node": "main.menu"}
        return JournalEvent("key", call=call, leg="a", detail=detail)
    detail = {"from_masked": f"138****{number % 10_000:04d}", "trunk": "local"}
    return JournalEvent("call.started", call=call, detail=detail)


def _export(data: Path, file: Path) -> None:
    engine = open_read_only(database_url(data))
    with engine.connect() as connection, file.open("wb") as out:
        spans = [whole(connection, NODE)]
        out.writelines(export_lines(connection, spans, datetime.now(UTC), personal=True))
    engine.dispose()


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
