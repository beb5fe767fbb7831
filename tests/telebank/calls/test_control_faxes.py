"""Faxes that staff ask for at the socket: titles hold no card numbers, refusals no titles."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.fax_bank import write_pdf
from support.staff_house import fresh, open_house
from telebank.calls.control.desk import Counter
from telebank.calls.control.faxes import FaxesPart, NotTaken, Order, Taken, harmless
from telebank.calls.control.server import ControlServer
from telebank.commands.fax_paper import hand_over
from telebank.store import tables
from transactions.approval import Actor

CARD = "6227001234567894"


@dataclass
class Room:
    """Takes every order."""

    orders: list[Order] = field(default_factory=list)
    missing: str = ""

    def counts(self) -> dict[str, int]:
        return {}

    async def take(self, order: Order) -> Taken | NotTaken:
        self.orders.append(order)
        return Taken("01-1-F1", "020*****000", order.pages, order.due_at)

    async def cancel(self, fax: str, by: Actor) -> str | NotTaken:
        return "cancelled"


@pytest.mark.parametrize(
    ("title", "told"),
    [
        (f"{CARD}.pdf", "****7894.pdf"),
        ("card 6227 0012 3456 7894.pdf", "card ****7894.pdf"),
        ("6227_0012-3456.7894_a.pdf", "****7894_a.pdf"),
        ("1234567890123", "****0123"),
        ("123456789012", "123456789012"),
        ("statement-2026-11.pdf", "statement-2026-11.pdf"),
    ],
)
def test_long_numbers_are_not_shown(title: str, told: str) -> None:
    assert harmless(title) == told


async def test_a_title_with_a_card_number_is_in_no_order_and_no_event(tmp_path: Path) -> None:
    node: Any = None  # none of these paths asks the voice node
    room, socket = Room(), tmp_path / "fax.sock"
    async with open_house(tmp_path) as house:
        chen = await house.login(await house.found("chen", "administrator"))
        wu = await house.login(await house.found("wu", "supervisor"))
        sun = await house.hire(chen, wu, "sun", "auditor")
        server = ControlServer(node, socket, None, [FaxesPart(Counter(house.desk), room, tmp_path)])
        await server.start()
        connector = aiohttp.UnixConnector(path=str(socket))
        async with aiohttp.ClientSession(connector=connector) as client:
            house.client = client
            for who, status in ((wu, 200), (sun, 403)):
                handed = await asyncio.to_thread(
                    hand_over, tmp_path, write_pdf(tmp_path / "a.pdf", 1)
                )
                body = {"paper": handed.name, "sha256": handed.sha256, "pages": handed.pages}
                named = {"title": f"{CARD}.pdf", "to": "02055550000", **fresh()}
                asked = await house.ask(who, "POST", "/v1/faxes", {**body, **named})
                assert asked.status == status, asked
        await server.close()
        denied = [row.detail for row in house.rows(tables.event) if row.kind == "staff.denied"]
    assert [order.title for order in room.orders] == ["****7894.pdf"]
    assert len(denied) == 1
    assert "/v1/faxes" in json.dumps(denied[0])
    assert CARD not in json.dumps(denied[0])


@pytest.mark.parametrize(
    ("where", "status"),
    [
        ({"like": "01-1-F1"}, 200),
        ({"to": "02055550000"}, 200),
        ({}, 400),
        ({"to": "02055550000", "like": "01-1-F1"}, 400),
        ({"like": "../01-1-F1"}, 400),
    ],
)
async def test_a_fax_has_one_destination(
    tmp_path: Path, where: dict[str, str], status: int
) -> None:
    node: Any = None  # none of these paths asks the voice node
    room, socket = Room(), tmp_path / "fax.sock"
    async with open_house(tmp_path) as house:
        chen = await house.login(await house.found("chen", "administrator"))
        server = ControlServer(node, socket, None, [FaxesPart(Counter(house.desk), room, tmp_path)])
        await server.start()
        connector = aiohttp.UnixConnector(path=str(socket))
        async with aiohttp.ClientSession(connector=connector) as client:
            house.client = client
            handed = await asyncio.to_thread(hand_over, tmp_path, write_pdf(tmp_path / "a.pdf", 1))
            body = {"paper": handed.name, "sha256": handed.sha256, "pages": handed.pages}
            asked = await house.ask(
                chen, "POST", "/v1/faxes", {**body, "title": "a.pdf", **where, **fresh()}
            )
        await server.close()
    assert asked.status == status, asked
    told = [(order.to, order.like) for order in room.orders]
    assert told == ([(where.get("to", ""), where.get("like", ""))] if status == 200 else [])
