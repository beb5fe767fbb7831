"""A browser at the console of a house of staff: real pages, a real control socket and store behind
them; what the fax room of the node would do is written down."""

import asyncio
import io
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from pypdfium2 import PdfDocument
from werkzeug.test import TestResponse

from support.staff_house import House, Person, open_house
from telebank.calls.control.desk import Counter
from telebank.calls.control.faxes import FaxesPart, NotTaken, Order, Taken
from telebank.calls.control.server import ControlPart, ControlServer
from telebank.calls.control.staff import StaffPart
from telebank.console.app import create_app
from telebank.console.options import ConsoleOptions
from telebank.console.parts import ConsoleParts
from telebank.settings import store_url
from transactions.ports import JournalUnavailable

BEIJING = timezone(timedelta(hours=8))
FAX = "01-1-F1"
NUMBER = "02055550000"
COOKIE = "telebank_staff"


@dataclass
class Room:
    """Takes every order, as the node's fax room does: the folder is renamed away."""

    place: Path
    orders: list[Order] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    missing: str = ""
    refusal: NotTaken | None = None
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    """Set: nobody holds up what is being taken."""
    held: int = 0
    """Orders that are held up."""
    trouble: str = ""
    """The store's, which takes no order then."""

    def __post_init__(self) -> None:
        self.goes_on.set()

    def counts(self) -> dict[str, int]:
        return {}

    async def take(self, order: Order) -> Taken | NotTaken:
        self.held += 1
        await self.goes_on.wait()
        self.held -= 1
        if self.trouble:
            raise JournalUnavailable(self.trouble)
        if self.refusal is not None:
            return self.refusal
        self.orders.append(order)
        order.folder.rename(self.place / f"taken{len(self.orders)}")
        return Taken(FAX, "020******00", order.pages, order.due_at)

    async def cancel(self, fax: str, _by: Any) -> str | NotTaken:
        self.cancelled.append(fax)
        return "cancelled"


@dataclass
class Desk:
    """A browser at the console of a house; `at` runs what blocks beside the house's loop."""

    house: House
    room: Room
    client: FlaskClient
    server: ControlServer
    base: str = "http://localhost"

    async def get(self, path: str, **more: Any) -> TestResponse:
        return await asyncio.to_thread(self.client.get, path, base_url=self.base, **more)

    async def post(self, path: str, data: dict[str, Any], **more: Any) -> TestResponse:
        return await asyncio.to_thread(
            self.client.post, path, data=data, base_url=self.base, **more
        )

    async def token(self, path: str) -> str:
        """Of the forms of a page."""
        return hidden((await self.get(path)).text, "csrf_token")

    async def login(self, who: Person, **changes: str) -> TestResponse:
        self.house.clock.forward(30)
        code = who.code(self.house.clock.now)
        form = {"name": who.name, "password": who.password, "code": code} | changes
        return await self.post("/login", form | {"csrf_token": await self.token("/login")})

    async def form(self, path: str = "/faxes/new") -> dict[str, Any]:
        """A fresh form, to be filled in."""
        page = (await self.get(path)).text
        return {name: hidden(page, name) for name in ("csrf_token", "request")}


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


def paper(octets: bytes, name: str = "a.pdf") -> tuple[io.BytesIO, str]:
    return io.BytesIO(octets), name


@asynccontextmanager
async def open_desk(
    place: Path, console: ConsoleOptions | None = None, **options: Any
) -> AsyncIterator[Desk]:
    threads = ThreadPoolExecutor(24)  # of browsers, and the node's own
    asyncio.get_running_loop().set_default_executor(threads)
    node: Any = None  # none of these paths asks the voice node
    room, socket = Room(place), place / "console.sock"
    async with open_house(place, **options) as house:
        counter = Counter(house.desk)
        parts: list[ControlPart] = [StaffPart(counter), FaxesPart(counter, room, place)]
        server = ControlServer(node, socket, None, parts)
        await server.start()
        web = console or ConsoleOptions()
        app = create_app(ConsoleParts(store_url(place), web, place, socket, BEIJING, "standard"))
        try:
            yield Desk(house, room, app.test_client(), server)
        finally:
            await server.close()


@asynccontextmanager
async def at_work(place: Path, **options: Any) -> AsyncIterator[Desk]:
    """A supervisor is logged in."""
    async with open_desk(place, **options) as desk:
        await desk.house.found("chen", "administrator")
        entered = await desk.login(await desk.house.found("wu", "supervisor"))
        assert entered.status_code == 303, entered.text
        yield desk


def encrypted(plain: bytes) -> bytes:
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    assert plain
    out = io.BytesIO()
    canvas = Canvas(out, encrypt=StandardEncryption("secret"))
    canvas.drawString(60, 780, "words")
    canvas.save()
    return out.getvalue()


def blank(pages: int) -> bytes:
    out, document = io.BytesIO(), PdfDocument.new()
    for _ in range(pages):
        document.new_page(595, 842)
    document.save(out)
    return out.getvalue()
