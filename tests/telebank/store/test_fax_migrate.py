"""What is not known of mail goes from the column it shared to its own, and back; no row is lost."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, inspect

from fax.job import State
from support.fax_jobs import draft, queued
from support.store_kit import open_store
from telebank.settings import store_url
from telebank.store import fax_arrivals, fax_mails
from telebank.store.fax_mails import MailLimits, Tried
from telebank.store.migrate import downgrade, migrate
from telebank.store.store import Store

ADDED = "mail_unknown"
LATER = {ADDED, "content"}


def kept(url: str) -> dict[str, dict[str, Any]]:
    """Rows of faxes by id, with the columns that there are."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT * FROM fax_job ORDER BY id").mappings().all()
    engine.dispose()
    return {row["id"]: dict(row) for row in found}


def indexes(url: str) -> set[str | None]:
    engine = create_engine(url)
    found = {index["name"] for index in inspect(engine).get_indexes("fax_job")}
    engine.dispose()
    return found


async def paper(store: Store, fax: str, tried: Tried) -> None:
    made = replace(draft(store, fax), way="mail")
    limits = MailLimits(9, 9, 9, timedelta(days=1))
    run = store.journal.run
    await run(partial(fax_mails.add, draft=made, limits=limits))
    await run(partial(fax_mails.begin, fax=fax, seconds=60))
    await run(partial(fax_mails.ended, fax=fax, tried=tried, retry_s=60))


async def came(store: Store, fax: str, unknown: bool) -> None:
    run = store.journal.run
    await run(partial(fax_arrivals.arriving, draft=draft(store, fax), seconds=60))
    await run(partial(fax_arrivals.arrived, fax=fax, pages=1, why="", state=State.DONE, mail=True))
    await run(partial(fax_arrivals.mailing, fax=fax))
    mailed = partial(fax_arrivals.mailed, fax=fax, became="failed", why="", unknown=unknown)
    await run(mailed)


async def test_rows_go_back_and_come_again(place: Path) -> None:
    url = store_url(place)
    async with open_store(place) as store:
        await paper(store, "01-1-F1", Tried(False, "cut", unknown=True))
        await paper(store, "01-1-F2", Tried(False, "451 later"))
        await came(store, "01-1-F3", unknown=True)
        await came(store, "01-1-F4", unknown=False)
    new, there = kept(url), indexes(url)
    assert [row["mail"] for row in new.values()] == ["", "", "unknown", "failed"]
    assert [bool(row[ADDED]) for row in new.values()] == [True, False, True, False]
    downgrade(url, "0007")
    assert indexes(url) == there - {"ix_fax_job_call", "ix_fax_job_customer", "ix_fax_job_list"}
    old = kept(url)
    assert [row["mail"] for row in old.values()] == ["unknown", "", "unknown", "failed"]
    for fax, row in old.items():
        assert row.keys() == new[fax].keys() - LATER
        assert {**new[fax], "mail": row["mail"]} == {
            **row,
            **{name: new[fax][name] for name in LATER},
        }
    migrate(url)
    assert (kept(url), indexes(url)) == (new, there)
    async with open_store(place) as store:
        await came(store, "01-1-F5", unknown=False)


async def test_a_request_from_before_there_were_digests_finds_its_fax(place: Path) -> None:
    url = store_url(place)
    async with open_store(place) as store:
        first = await queued(store, request="r1", content="a" * 64)
    downgrade(url, "0007")
    migrate(url)
    assert kept(url)["01-1-F1"]["content"] == ""
    async with open_store(place) as store:
        assert await queued(store, "01-1-F2", request="r1", content="b" * 64) == first
