"""The business date of a running host: told to every line, kept by what was posted before."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from core_adapters.corehost.calendar import Calendar
from core_adapters.corehost.control import ControlError
from core_adapters.corehost.day import Day
from core_adapters.corehost.desk import Desk
from core_adapters.corehost.faults import FaultPlan
from core_adapters.corehost.hall import Clock, wall_clock
from core_adapters.corehost.house import open_house
from core_adapters.corehost.keydesk import KeyDesk
from core_adapters.corehost.rules import Rules, business_date
from core_adapters.corehost.server import Server, ServerOptions
from core_adapters.hsm.demo import share_demo_keys
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.format.message import Message
from support.corehost_client import Line, Terminal, tb87
from support.corehost_process import CoreHostProcess

FEN = 600_000
FEE = 600


@pytest.fixture
async def line(own_host: CoreHostProcess) -> AsyncIterator[Line]:
    opened = await Line.open(own_host.port, Terminal(own_host.keys))
    await opened.sign_on()
    yield opened
    opened.close()


async def cut_over(host: CoreHostProcess, *lines: Line) -> str:
    """Cut over by command; every line is told and answers. Gives the new date as MMDD."""
    said = await asyncio.to_thread(host.tell, "cut-over")
    month_day = date.fromisoformat(said["business_date"]).strftime("%m%d")
    for line in lines:
        told = await line.reply()
        assert (told.mti, told.fields[70], told.fields[15]) == ("0800", "201", month_day)
        await line.send(line.terminal.answer(told))
    return month_day


async def today(line: Line) -> str:
    return (await line.ask(line.terminal.network("301"))).fields[15]


async def test_every_signed_on_line_is_told_and_no_other(
    own_host: CoreHostProcess, line: Line
) -> None:
    second = await Line.open(own_host.port, Terminal(own_host.keys, "TB010002"))
    await second.sign_on()
    silent = await Line.open(own_host.port, Terminal(own_host.keys, "TB010003"))
    before = await today(silent)
    assert await cut_over(own_host, line, second) != before
    # The next thing on the third line is the answer to its echo.
    assert await today(silent) == await today(line) != before
    assert "cut_over_not_answered" not in own_host.log.read_text()


async def test_what_was_posted_keeps_its_date_and_a_reversal_has_its_own(
    own_host: CoreHostProcess, line: Line
) -> None:
    payer, payee = (one.card for one in own_host.cards[:2])
    order, reply = await line.move(payer, payee, FEN)
    old = reply.fields[15]
    new = await cut_over(own_host, line)
    again = await line.ask(order.with_fields("0201", {}))
    assert (again.fields[39], again.fields[15]) == ("00", old)
    undone = await line.ask(line.terminal.reversal(order))
    assert (undone.fields[39], undone.fields[15]) == ("00", new)
    await cut_over(own_host, line)
    repeat = await line.ask(line.terminal.reversal(order, "0421"))
    assert (repeat.fields[39], repeat.fields[15]) == ("00", new)
    first, second = await figures(line, old), await figures(line, new)
    assert (first[76], first[88], first[84]) == (1, FEN, FEE)
    assert (first[77], first[89]) == (0, 0)
    assert (second[76], second[77], second[89], second[84]) == (0, 1, FEN, 0)
    assert own_host.findings() == []


async def figures(line: Line, month_day: str) -> dict[int, int]:
    reply = await line.ask(line.terminal.totals(month_day))
    assert (reply.mti, reply.fields[39], reply.fields[66]) == ("0510", "00", "1")
    assert (reply.fields[15], reply.fields[50]) == (month_day, "156")
    return {n: int(v) for n, v in reply.fields.items() if n in (*range(74, 78), 84, 88, 89)}


@pytest.mark.parametrize(("month_day", "currency"), [("1340", "156"), ("0101", "999")])
async def test_totals_of_no_date_or_currency_are_refused(
    line: Line, month_day: str, currency: str
) -> None:
    assert await line.code(line.terminal.totals(month_day, currency)) == "30"


async def test_a_reply_in_flight_has_the_date_it_was_posted_on(
    own_host: CoreHostProcess, line: Line
) -> None:
    payer, payee = (one.card for one in own_host.cards[:2])
    old = await today(line)
    results: dict[str, Message] = {}
    for action in ("cut_over_after", "cut_over_before"):
        asked = line.terminal.quote(payer, payee, 100)
        order = line.terminal.transfer(asked, await line.ask(asked))
        own_host.plan([{"match": {"processing": "42"}, "action": action, "times": 1}])
        await line.send(order)
        for _ in range(2):
            came = await line.reply()
            results[f"{action} {came.mti}"] = came
        await line.send(line.terminal.answer(results[f"{action} 0800"]))
    dates = {name: message.fields[15] for name, message in results.items()}
    assert dates["cut_over_after 0210"] == old
    assert dates["cut_over_after 0800"] != old
    assert dates["cut_over_before 0210"] == dates["cut_over_before 0800"]


async def test_in_the_moment_of_cut_over_requests_hear_90(
    own_host: CoreHostProcess, line: Line
) -> None:
    payer, payee = (one.card for one in own_host.cards[:2])
    own_host.plan([{"match": {"mti": "0200", "after_cut_over_s": 600}, "action": "code 90"}])
    order, _ = await line.move(payer, payee, 100)
    await cut_over(own_host, line)
    moved = own_host.balances()[payee]
    assert await line.code(line.terminal.balance(payer)) == "90"
    assert await line.code(line.terminal.reversal(order)) == "00"
    assert own_host.balances()[payee] == moved - 100


async def test_the_days_tries_and_limits_begin_anew(own_host: CoreHostProcess, line: Line) -> None:
    card, other = own_host.cards[0], own_host.cards[1]
    for expected in ("55", "55", "55", "75"):
        assert await line.code(line.terminal.verify(card.card, other.pin)) == expected
    await cut_over(own_host, line)
    assert await line.code(line.terminal.verify(card.card, card.pin)) == "00"


async def test_a_date_too_far_ahead_is_refused_and_the_date_survives_a_restart(
    own_host: CoreHostProcess, line: Line
) -> None:
    days = [await cut_over(own_host, line) for _ in range(3)]
    with pytest.raises(ControlError, match="ahead of the clock"):
        own_host.tell("cut-over")
    assert own_host.kill() != 0
    own_host.run()
    again = await Line.open(own_host.port, line.terminal)
    assert await today(again) == days[-1]


@asynccontextmanager
async def in_process(
    folder: Path, options: ServerOptions, clock: Clock
) -> AsyncIterator[tuple[Server, int]]:
    """A host of this process with a clock of the test's own."""
    share_demo_keys(folder / "keys", folder / "own", "tb87")
    module, codec = open_software(folder / "own"), tb87()
    house = open_house(folder / "bank", Rules(), clock(), test_data=True)
    keys = KeyDesk(module, codec.profile)
    desk = Desk(house.db, house.bank, codec, keys)
    day = Day(house.db, house.bank.calendar, clock())
    plan = FaultPlan(None)
    server = Server(desk, codec, keys, plan, options, day=day, keys=keys, clock=clock)
    try:
        yield server, await server.start("127.0.0.1", 0)
    finally:
        await server.stop()
        house.close()
        module.close()


async def test_a_gateway_that_does_not_answer_is_served_all_the_same(tmp_path: Path) -> None:
    options = ServerOptions(network_s=0.05)
    async with in_process(tmp_path, options, wall_clock) as (server, port):
        line = await Line.open(port, Terminal(tmp_path / "keys"))
        await line.sign_on()
        server.hall.cut_over()
        told = await line.reply()
        await asyncio.sleep(0.1)
        late = line.terminal.answer(told)
        await line.send(late)
        assert await line.code(line.terminal.network("301")) == "00"


async def test_the_clock_cuts_over_while_no_message_comes(tmp_path: Path) -> None:
    ahead = Calendar(sqlite3.connect(":memory:"), Rules()).next_at(wall_clock()) - wall_clock()
    begun = wall_clock()

    def clock() -> datetime:
        """A second before midnight when the test begins."""
        return wall_clock() + ahead - timedelta(seconds=1)

    async with in_process(tmp_path, ServerOptions(), clock) as (_, port):
        line = await Line.open(port, Terminal(tmp_path / "keys"))
        await line.sign_on()
        told = await line.reply()
        tomorrow = business_date(begun + ahead)
        assert (told.fields[70], told.fields[15]) == ("201", f"{tomorrow:%m%d}")
        assert await today(line) == f"{tomorrow:%m%d}"
