"""A fax to the number of another one: the node reads it, and asks its rules about it."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from support.fax_jobs import NUMBER, draft, queued, sealed
from support.store_kit import open_store, rows
from telebank.calls.control.faxes import NotTaken, Order, Taken
from telebank.calls.faxes.files import PAGES, PAPER
from telebank.commands.wiring.faxes import FaxRoom
from telebank.settings import load_settings
from telebank.store import fax_arrivals
from telebank.store.fax_tables import fax_job
from telebank.store.store import Store
from transactions.approval import Actor

WU = Actor("wu", "supervisor", "here")


def handed(place: Path) -> Path:
    folder = place / "fax" / "handed" / "0123456789abcdef"
    folder.mkdir(parents=True, exist_ok=True)
    for name in (PAPER, PAGES):
        (folder / name).write_bytes(b"paper")
    return folder


async def asked(
    store: Store, place: Path, monkeypatch: pytest.MonkeyPatch, like: str, allow: str = "010*"
) -> Taken | NotTaken:
    monkeypatch.setattr(FaxRoom, "missing", "")  # its process is not started here
    config = place / "config" / "telebank.toml"
    config.parent.mkdir(exist_ok=True)
    config.write_text(f'schema = 1\n[outbound]\ngateway = "192.0.2.9"\nallow = ["{allow}"]\n')
    room = FaxRoom(load_settings(place), place, store, store.vault)
    order = Order("request-1", handed(place), 1, "a.pdf", "", None, "zh", WU, like)
    return await room.take(order)


async def arrived(store: Store, number: str) -> None:
    came = replace(draft(store, "01-1-F7"), number=sealed(store, number), role="system")
    await store.journal.run(partial(fax_arrivals.arriving, draft=came, seconds=60))


async def test_a_fax_goes_where_another_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(tmp_path) as store:
        await queued(store, "01-1-F7")
        taken = await asked(store, tmp_path, monkeypatch, "01-1-F7")
        assert isinstance(taken, Taken), taken
        assert NUMBER not in repr(taken)
        (new,) = [row for row in rows(tmp_path, fax_job) if row.id == taken.id]
        (old,) = [row for row in rows(tmp_path, fax_job) if row.id == "01-1-F7"]
        assert new.number_token == old.number_token
        assert (new.by, new.role) == ("wu", "supervisor")


async def test_an_answer_goes_to_who_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_store(tmp_path) as store:
        await arrived(store, NUMBER)
        taken = await asked(store, tmp_path, monkeypatch, "01-1-F7")
        assert isinstance(taken, Taken), taken
        (new,) = [row for row in rows(tmp_path, fax_job) if row.id == taken.id]
        assert (new.direction, new.way) == ("out", "number")


@pytest.mark.parametrize(
    ("number", "allow", "code"),
    [
        (NUMBER, "020*", "not_allowed"),
        ("anonymous", "010*", "no_number"),
        ("", "010*", "no_number"),
    ],
)
async def test_the_rules_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: str, allow: str, code: str
) -> None:
    async with open_store(tmp_path) as store:
        await arrived(store, number)
        answer = await asked(store, tmp_path, monkeypatch, "01-1-F7", allow)
        assert isinstance(answer, NotTaken), answer
        assert answer.code == code
        assert NUMBER not in answer.error
        assert handed(tmp_path).exists()


@pytest.mark.parametrize("way", ["mail", "call"])
async def test_some_have_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    async with open_store(tmp_path) as store:
        await queued(store, "01-1-F7", way=way)
        answer = await asked(store, tmp_path, monkeypatch, "01-1-F7")
        assert isinstance(answer, NotTaken)
        assert answer.code == "no_number"
        unknown = await asked(store, tmp_path, monkeypatch, "01-1-F9")
        assert isinstance(unknown, NotTaken)
        assert unknown.code == "none"
