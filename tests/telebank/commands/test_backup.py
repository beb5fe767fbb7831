"""`telebank backup` and `telebank restore`, proved by restoring: a store that is written to while
it is copied, and what comes back somewhere else."""

import asyncio
import hashlib
import io
import json
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from support.audit_log import AuditLog, event
from support.store_kit import NOON, message, open_store, recorded, rows
from telebank.main import main
from telebank.ops.backup import database
from telebank.ops.backup.manifest import MANIFEST, SEAL
from telebank.store import recordings, tables
from telebank.store.recordings import NewRecording, Outcome
from telebank.store.seat_tables import recording
from telebank.store.store import Store
from transactions.lifecycle import State
from transactions.outcome import Approved

pytestmark = pytest.mark.sqlite_file  # what a server's store leaves out is tried here too
SOUND = b"sealed sound " * 5_000
PASSPHRASE = "correct horse battery"
RECORDING = "2026-03/01-000001.flac"
FILES = {
    "config/telebank.toml": b"schema = 1\n[store]\nbatch_jobs = 128\n",
    f"recordings/{RECORDING}": SOUND,
    "fax/0123456789abcdef/paper.pdf": b"%PDF-1.4 of a statement",
    "voice/notices/notice.wav": b"RIFF of a notice",
    "hostfiles/2026-03-31.csv": b"stan,amount\n",
}


@dataclass(frozen=True)
class Backed:
    """A node's folder, and a backup that was made while it wrote."""

    data: Path
    file: Path
    entries_before: int
    said: Any


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


async def work(store: Store) -> None:
    """A transfer that the host has posted, and a recording."""
    await recorded(store, "r1")
    await store.journal.sending(message("r1", "000001"))
    await store.journal.advance("r1", [State.APPROVED], outcome=Approved({}))
    new = NewRecording(RECORDING, "01-000001", "", "li", "system", NOON, "k1")
    await store.journal.run(lambda part: recordings.begin(part, new))
    sealed = hashlib.sha256(SOUND).hexdigest()
    kept = Outcome(7.0, "aa", sealed, len(SOUND))
    await store.journal.run(lambda part: recordings.finish(part, RECORDING, kept))


async def make(folder: Path) -> Backed:
    data, file = folder / "data", folder / "backup.tar"
    data.mkdir()
    await AuditLog.make(data, (6, 4))
    for name, content in FILES.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)
    (data / "logs").mkdir()
    (data / "logs" / "node.log").write_text("not taken", encoding="utf-8")
    async with open_store(data, nodes=2) as store:
        await work(store)
        before = len(rows(data, tables.event))
        ran = asyncio.create_task(
            asyncio.to_thread(run, "backup", file, "--data", data, "--json"), name="backup"
        )
        number = 0
        while not ran.done():
            number += 1
            await store.journal.append(event(number))
        result = await ran
        await store.journal.append(event(number + 1))
    assert result.exit_code == 0, result.output
    return Backed(data, file, before, json.loads(result.stdout))


@pytest.fixture(scope="module")
def backed(tmp_path_factory: pytest.TempPathFactory) -> Backed:
    return asyncio.run(make(tmp_path_factory.mktemp("backed")))


def test_what_comes_back_is_what_was_there(backed: Backed, tmp_path: Path) -> None:
    data = tmp_path / "restored"
    ran = run("restore", backed.file, "--data", data)
    assert ran.exit_code == 0, ran.output
    for table in (tables.request, tables.request_state, tables.host_message, recording):
        found = rows(data, table)
        assert found
        assert found == rows(backed.data, table)
    entries = rows(data, tables.event)
    assert len(entries) >= backed.entries_before
    for table, got in ((tables.event, entries), (tables.leaf, rows(data, tables.leaf))):
        assert len(got) == len(entries)
        assert got == rows(backed.data, table)[: len(entries)]
    for name, content in FILES.items():
        assert (data / name).read_bytes() == content
        assert (data / name).stat().st_mode & 0o777 == 0o600
    assert (data / "telebank.db").stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o777 == 0o700
    top = {"telebank.db", "config", "fax", "recordings", "voice", "hostfiles"}
    assert {path.name for path in data.iterdir()} == top
    assert run("recordings", "check", "--data", data).exit_code == 0
    # What the auditor has of the old machine proves the log of the new one.
    shutil.copytree(backed.data / "anchors", tmp_path / "anchors")
    log = tmp_path / "log.jsonl"
    assert run("audit", "export", "--all", log, "--data", data).exit_code == 0
    keys = ("--anchors", tmp_path / "anchors", "--keys", backed.data / "keys.txt")
    verified = run("audit", "verify", log, *keys, "--json")
    assert verified.exit_code == 0, verified.output


async def test_the_node_goes_on_with_what_came_back(backed: Backed, tmp_path: Path) -> None:
    data = tmp_path / "restored"
    assert run("restore", backed.file, "--data", data).exit_code == 0
    shutil.copytree(backed.data / "keys", data / "keys")
    before = len(rows(data, tables.event))
    async with open_store(data, nodes=2) as store:
        await store.journal.append(event(1))
    numbers = [row.sequence for row in rows(data, tables.event)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > before


def test_the_archive_is_its_owners_and_names_the_keys(backed: Backed) -> None:
    assert backed.file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in sorted(backed.file.parent.iterdir())] == ["backup.tar", "data"]
    keys = backed.said["keys"]
    assert len(keys["token.key"]) == 32
    assert keys["audit01k1.key"] == ""
    assert not backed.said["with_keys"]
    material = [path.read_bytes().strip() for path in (backed.data / "keys").glob("*.key")]
    content = backed.file.read_bytes()
    assert material
    assert not [one for one in material if one in content]
    words = run("backup", "--check", backed.file)
    assert words.exit_code == 0, words.output
    assert keys["token.key"] in words.output


@pytest.mark.parametrize("where", ["telebank.db", f"recordings/{RECORDING}", MANIFEST, SEAL])
def test_a_flipped_byte_is_found(backed: Backed, tmp_path: Path, where: str) -> None:
    with tarfile.open(backed.file) as tar:
        member = tar.getmember(where)
    content = bytearray(backed.file.read_bytes())
    content[member.offset_data + member.size // 2] ^= 1
    file = tmp_path / "flipped.tar"
    file.write_bytes(content)
    checked = run("backup", "--check", file)
    assert checked.exit_code == 1, checked.output
    said = "manifest.json" if where in (MANIFEST, SEAL) else where
    assert f"{said} is not what was written" in checked.output
    ran = run("restore", file, "--data", tmp_path / "restored")
    assert ran.exit_code == 1
    assert "nothing was put back" in ran.output
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize("kept", [0, 1_000, 60_000, -12_000])
def test_an_archive_that_is_cut_off_is_found(backed: Backed, tmp_path: Path, kept: int) -> None:
    file = tmp_path / "cut.tar"
    file.write_bytes(backed.file.read_bytes()[:kept])
    assert run("backup", "--check", file).exit_code == 1
    assert run("restore", file, "--data", tmp_path / "restored").exit_code == 1
    assert not (tmp_path / "restored").exists()


def forged(source: Path, file: Path, change: Callable[[dict[str, Any]], bytes | None]) -> None:
    """A copy of an archive with another manifest, its digest right, and one member more where
    `change` gives what it holds; its name is that of the last of the manifest's files."""
    with tarfile.open(source) as old, tarfile.open(file, "w") as new:
        read = {one.name: old.extractfile(one) for one in old}
        bodies = {name: body.read() for name, body in read.items() if body is not None}
        manifest = json.loads(bodies.pop(MANIFEST))
        del bodies[SEAL]
        more = change(manifest)
        if more is not None:
            last = manifest["files"][-1]
            last["size"], last["sha256"] = len(more), hashlib.sha256(more).hexdigest()
            bodies[last["name"]] = more
        text = json.dumps(manifest).encode()
        bodies |= {MANIFEST: text, SEAL: hashlib.sha256(text).hexdigest().encode()}
        for name, body in bodies.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            new.addfile(member, io.BytesIO(body))


@pytest.mark.parametrize(
    "name",
    [
        *("../outside", "config/../../outside", "/tmp/outside", "config//x", "config\\..\\x"),
        *("keys/seal-k9.key", "run/node.json", "outside"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(backed: Backed, tmp_path: Path, name: str) -> None:
    def change(manifest: dict[str, Any]) -> bytes:
        manifest["files"].append({"name": name})
        return b"evil"

    file = tmp_path / "evil.tar"
    forged(backed.file, file, change)
    ran = run("restore", file, "--data", tmp_path / "deep" / "restored")
    assert ran.exit_code == 1, ran.output
    assert "leads elsewhere" in ran.output or "no backup takes" in ran.output
    assert [path.name for path in tmp_path.iterdir()] == ["evil.tar"]


def test_a_link_is_refused(backed: Backed, tmp_path: Path) -> None:
    file = tmp_path / "link.tar"
    shutil.copy(backed.file, file)
    with tarfile.open(file, "a") as tar:
        member = tarfile.TarInfo("config/link")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    ran = run("restore", file, "--data", tmp_path / "restored")
    assert ran.exit_code == 1
    assert "'config/link' of the archive is no plain file" in ran.output


def test_tables_of_a_newer_program_are_refused(backed: Backed, tmp_path: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["revision"] = "9999"

    file = tmp_path / "newer.tar"
    forged(backed.file, file, change)
    ran = run("restore", file, "--data", tmp_path / "restored")
    assert ran.exit_code == 2
    assert "its tables are of revision 9999" in ran.output
    assert not (tmp_path / "restored").exists()


def test_only_an_empty_folder_is_filled(backed: Backed, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "telebank.db").touch()
    ran = run("restore", backed.file, "--data", tmp_path / "full")
    assert ran.exit_code == 2
    assert "is not empty" in ran.output
    (tmp_path / "empty").mkdir()
    assert run("restore", backed.file, "--data", tmp_path / "empty").exit_code == 0


def test_keys_go_under_a_passphrase_and_come_back(backed: Backed, tmp_path: Path) -> None:
    file, word = tmp_path / "keyed.tar", tmp_path / "word.txt"
    word.write_text(PASSPHRASE, encoding="utf-8")
    word.chmod(0o600)
    given = ("--passphrase-file", word)
    ran = run("backup", file, "--with-keys", *given, "--data", backed.data)
    assert ran.exit_code == 0, ran.output
    keys = {path.name: path.read_bytes() for path in (backed.data / "keys").iterdir()}
    content = file.read_bytes()
    assert not [name for name, key in keys.items() if len(key) > 16 and key.strip() in content]
    assert run("backup", "--check", file, *given).exit_code == 0
    data = tmp_path / "restored"
    ran = run("restore", file, *given, "--data", data)
    assert ran.exit_code == 0, ran.output
    assert {path.name: path.read_bytes() for path in (data / "keys").iterdir()} == keys
    assert {path.stat().st_mode & 0o777 for path in (data / "keys").iterdir()} == {0o600}
    bare = tmp_path / "bare"
    assert run("restore", file, "--without-keys", "--data", bare).exit_code == 0
    assert not (bare / "keys").exists()
    word.write_text("another passphrase", encoding="utf-8")
    wrong = run("restore", file, *given, "--data", tmp_path / "wrong")
    assert wrong.exit_code == 2
    assert "another passphrase" in wrong.output
    assert not (tmp_path / "wrong").exists()


def test_what_is_refused(backed: Backed, tmp_path: Path) -> None:
    word = tmp_path / "word.txt"
    word.write_text("short", encoding="utf-8")
    word.chmod(0o600)
    new = tmp_path / "new.tar"
    data = ("--data", backed.data)
    cases: list[tuple[tuple[str | Path, ...], str]] = [
        ((backed.file, *data), "is there already"),
        ((backed.data / "x.tar", *data), "keep backups elsewhere"),
        ((new, "--with-keys", "--passphrase-file", word, *data), "too short"),
        ((new, "--passphrase-file", word, *data), "--with-keys too"),
        ((new, "--data", tmp_path / "nowhere"), "there is no database"),
    ]
    for words, why in cases:
        ran = run("backup", *words)
        assert ran.exit_code in {2, 3}, ran.output
        assert why in " ".join(ran.output.split())
    assert [path.name for path in tmp_path.iterdir()] == ["word.txt"]


def test_of_a_server_s_store_the_rest_is_taken(backed: Backed, tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "rest.tar"
    shutil.copytree(backed.data / "config", data / "config")
    url = 'schema = 1\n[store]\nurl = "postgresql+psycopg://bank@127.0.0.1:1/bank"\n'
    (data / "config" / "telebank.toml").write_text(url, encoding="utf-8")
    ran = run("backup", file, "--data", data)
    assert ran.exit_code == 0, ran.output
    assert "pg_dump -Fc" in ran.output
    ran = run("restore", file, "--data", tmp_path / "restored")
    assert ran.exit_code == 0, ran.output
    assert "pg_restore" in ran.output
    assert [path.name for path in (tmp_path / "restored").iterdir()] == ["config"]


def test_the_copy_is_of_one_moment_however_much_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PAGES", 5)
    live = sqlite3.connect(tmp_path / "live.db", isolation_level=None)
    live.execute("PRAGMA journal_mode=WAL")
    live.execute("CREATE TABLE page (number INTEGER PRIMARY KEY, said INTEGER, filler BLOB)")
    for number in range(60):
        live.execute("INSERT INTO page VALUES (?, 0, zeroblob(3000))", (number,))
    written = 0

    def write(size: int) -> None:
        nonlocal written
        written += 1
        if written < 200:  # a copy that began anew each time would never end
            live.execute("UPDATE page SET said = ?", (written,))

    database.copy(tmp_path / "live.db", tmp_path / "copy.db", write)
    live.close()
    assert written > 5
    assert not list(tmp_path.glob("copy.db-*"))
    copied = sqlite3.connect(tmp_path / "copy.db")
    assert copied.execute("SELECT DISTINCT said FROM page").fetchall() == [(0,)]
    copied.close()
