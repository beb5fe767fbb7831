"""What staff hear of a fax whose files cannot be put back, of a request that comes again for
something else, and of one that is stopped while it moves."""

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.fax_jobs import LI_NA, queued, take
from support.store_kit import NOON, open_store, rows
from telebank.calls.control.faxes import NotTaken, Order, Taken
from telebank.calls.faxes.files import PAGES, PAPER, FaxFiles
from telebank.calls.faxes.options import OutboundOptions
from telebank.calls.faxes.queue import FaxJobs
from telebank.calls.faxes.tolls import Refusal, judge
from telebank.commands.wiring.faxes import FaxRoom
from telebank.settings import load_settings
from telebank.store.fax_rows import Fax
from telebank.store.fax_tables import fax_job
from transactions.approval import Actor

WU = Actor("wu", "supervisor", "here")
OUT = OutboundOptions(gateway="192.0.2.9", allow=("010*",))


async def test_files_that_cannot_be_put_back_change_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    async def refused(*_: Any) -> Refusal:
        return Refusal("full", "later")

    monkeypatch.setattr(FaxJobs, "may", lambda _jobs, to, _role: judge(OUT, to, staff=True))
    monkeypatch.setattr(FaxJobs, "add", refused)
    monkeypatch.setattr(FaxFiles, "give_back", full)
    folder = handed(tmp_path)
    async with open_store(tmp_path) as store:
        room = FaxRoom(load_settings(tmp_path), tmp_path, store, store.vault)
        taken: Taken | NotTaken = await room.take(
            Order("r1", folder, 1, "a.pdf", "01088886666", None, "zh", WU)
        )
    assert taken == NotTaken("full", "later")


def handed(place: Path, pdf: bytes = b"paper") -> Path:
    """A paper on its way."""
    folder = place / "fax" / "handed" / "0123456789abcdef"
    folder.mkdir(parents=True, exist_ok=True)
    for name in (PAPER, PAGES):
        (folder / name).write_bytes(pdf)
    return folder


@pytest.mark.parametrize(
    ("pdf", "to", "due", "language", "same"),
    [
        (b"paper", "01088886666", NOON, "zh", True),
        (b"paper", "+86 10 8888 6666", NOON, "zh", True),
        (b"other", "01088886666", NOON, "zh", False),
        (b"paper", "01088886667", NOON, "zh", False),
        (b"paper", "01088886666", None, "zh", False),
        (b"paper", "01088886666", NOON + timedelta(hours=1), "zh", False),
        (b"paper", "01088886666", NOON, "en", False),
    ],
)
async def test_a_form_that_was_changed_is_not_the_fax_that_was_sent(
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pdf: bytes,
    to: str,
    due: datetime | None,
    language: str,
    same: bool,
) -> None:
    """Its answer was lost and the node was started again, so only the store knows what it was."""
    monkeypatch.setattr(FaxRoom, "missing", "")  # its process is not started here
    config = tmp_path / "config" / "telebank.toml"
    config.parent.mkdir()
    config.write_text('schema = 1\n[outbound]\ngateway = "192.0.2.9"\nallow = ["010*"]\n')
    first = Order("r1", handed(tmp_path), 1, "a.pdf", "01088886666", NOON, "zh", WU)
    async with open_store(tmp_path) as store:
        room = FaxRoom(load_settings(tmp_path), tmp_path, store, store.vault)
        sent = await room.take(first)
        assert isinstance(sent, Taken), sent
    async with open_store(tmp_path) as store:
        room = FaxRoom(load_settings(tmp_path), tmp_path, store, store.vault)
        folder = handed(tmp_path, pdf)
        answer = await room.take(replace(first, to=to, due_at=due, language=language))
    if same:
        assert answer == sent
        assert not folder.exists()
    else:
        assert isinstance(answer, NotTaken)
        assert (answer.code, sent.id in answer.error) == ("request_id_used", True)
        assert (folder / PAPER).read_bytes() == pdf, "it can be sent with another id"
    (row,) = rows(tmp_path, fax_job)
    assert row.content
    assert "8888666" not in repr(row)


async def test_only_what_is_being_stopped_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(tmp_path) as store:
        room = FaxRoom(load_settings(tmp_path), tmp_path, store, store.vault)
        for fax in ("01-1-F1", "01-1-F2", "01-1-F3"):
            await queued(store, fax)
        await take(store)
        assert await room.cancel("01-1-F1", LI_NA) == "stopping"
        assert await room.cancel("01-1-F2", LI_NA) == "cancelled"
        ended = await room.cancel("01-1-F2", LI_NA)
        assert isinstance(ended, NotTaken)
        assert ended.code == "ended"

        async def moved(jobs: FaxJobs, fax: str, _by: Actor) -> Fax | None:
            return await jobs.one(fax)

        monkeypatch.setattr(FaxJobs, "cancel", moved)
        lost = await room.cancel("01-1-F3", LI_NA)
        assert isinstance(lost, NotTaken)
        assert lost.code == "moved"


async def test_who_asks_whether_faxes_go_hears_that_the_node_stops(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        room = FaxRoom(load_settings(tmp_path), tmp_path, store, store.vault)
        assert not room.counts()["draining"]
        room.drain()
        assert room.counts()["draining"]
