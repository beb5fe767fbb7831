"""The host's totals over a real control socket; the host is a stand-in of its port."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from telebank.commands.wiring.host_totals import PATH, HostTotalsPart, read_totals
from transactions.ports import (
    CurrencyTotals,
    HostAdapter,
    HostTotals,
    Tally,
    TotalsUnavailable,
    Unsupported,
)

DAY = date(2026, 11, 22)
NONE = Tally(0, 0)
TOTALS = HostTotals(
    DAY,
    {
        "CNY": CurrencyTotals(
            debits=Tally(99, 10**16 - 1),
            debit_reversals=Tally(1, 1_00),
            credits=NONE,
            credit_reversals=NONE,
            fees=-2_00,
        )
    },
)


class Bank:
    """Answers what it is told to."""

    def __init__(self, answer: Callable[[], HostTotals]) -> None:
        self.answer = answer
        self.asked: list[date] = []
        self.hold: asyncio.Event | None = None

    async def reconcile(self, business_date: date) -> HostTotals:
        """One answer."""
        self.asked.append(business_date)
        if self.hold is not None:
            await self.hold.wait()
        return self.answer()


def refuse(error: Exception) -> Callable[[], HostTotals]:
    def answer() -> HostTotals:
        raise error

    return answer


@asynccontextmanager
async def socket_of(bank: Bank, folder: Path) -> AsyncIterator[aiohttp.ClientSession]:
    app = web.Application()
    app.add_routes(HostTotalsPart(cast("HostAdapter", bank)).routes())
    runner = web.AppRunner(app)
    await runner.setup()
    path = str(folder / "c.sock")
    await web.UnixSite(runner, path).start()
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as session:
        yield session
    await runner.cleanup()


async def ask(session: aiohttp.ClientSession, query: str) -> tuple[int, Any]:
    async with session.get(f"http://node{PATH}{query}") as response:
        return response.status, await response.json()


async def test_totals_come_whole(tmp_path: Path) -> None:
    bank = Bank(lambda: TOTALS)
    async with socket_of(bank, tmp_path) as session:
        status, body = await ask(session, "?date=2026-11-22")
    assert status == 200
    assert read_totals(body) == TOTALS
    assert bank.asked == [DAY]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unsupported("no section `totals`"), 501, "unsupported"),
        (TotalsUnavailable("no link"), 503, "unavailable"),
    ],
)
async def test_no_totals(tmp_path: Path, error: Exception, status: int, code: str) -> None:
    async with socket_of(Bank(refuse(error)), tmp_path) as session:
        assert await ask(session, "?date=2026-11-22") == (
            status,
            {"code": code, "error": str(error)},
        )


@pytest.mark.parametrize("query", ["", "?date=", "?date=22.11.2026", "?date=2026-02-30"])
async def test_no_date(tmp_path: Path, query: str) -> None:
    bank = Bank(lambda: TOTALS)
    async with socket_of(bank, tmp_path) as session:
        status, body = await ask(session, query)
    assert (status, body["code"], bank.asked) == (400, "bad_request", [])


async def test_the_host_is_asked_once_at_a_time(tmp_path: Path) -> None:
    bank = Bank(lambda: TOTALS)
    bank.hold = asyncio.Event()
    async with socket_of(bank, tmp_path) as session:
        first = asyncio.ensure_future(ask(session, "?date=2026-11-22"))
        while not bank.asked:
            await asyncio.sleep(0)
        status, body = await ask(session, "?date=2026-11-22")
        bank.hold.set()
        assert (await first)[0] == 200
    assert (status, body["code"], len(bank.asked)) == (503, "busy", 1)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"business_date": "2026-11-22", "currencies": []},
        {"business_date": "x", "currencies": {}},
        {"business_date": "2026-11-22", "currencies": {"RMB": {}}},
        {"business_date": "2026-11-22", "currencies": {"CNY": {"debits": [1]}}},
    ],
)
def test_what_are_no_totals(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_totals(body)
