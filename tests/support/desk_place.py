"""People with desks: staff of a house, a stand-in of the node's desks, and the console."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.console_desk import BEIJING, Desk
from support.desk_stand_in import DeskStandIn
from support.staff_house import Person, open_house
from telebank.calls.control.desk import Counter
from telebank.calls.control.playing import PlayingPart
from telebank.calls.control.server import ControlPart, ControlServer
from telebank.calls.control.staff import StaffPart
from telebank.calls.tellers.recordings import Tapes
from telebank.console.app import create_app
from telebank.console.options import ConsoleOptions
from telebank.console.parts import ConsoleParts
from telebank.settings import store_url

SOCKET = "desk.sock"


class Lines:
    """The voice node, as far as a wall asks it."""

    def board(self) -> dict[str, Any]:
        """Of `/v1/board`, what it shows."""
        trunk = {"trunk": "city", "peers": [{"peer": "192.0.2.1:5060", "well": True}]}
        down = {"trunk": "far", "peers": [{"peer": "192.0.2.2:5060", "well": False}]}
        return {"lines": [{}] * 23, "capacity": 120, "faxes": 1, "trunks": [trunk, down]}


@dataclass
class DeskPlace:
    """A browser, the stand-in, and who works there."""

    desk: Desk
    part: DeskStandIn
    people: dict[str, Person]
    parts: ConsoleParts


@asynccontextmanager
async def desk_place(
    place: Path,
    more: Callable[[DeskStandIn], Sequence[ControlPart]] = lambda _part: (),
    **options: Any,
) -> AsyncIterator[DeskPlace]:
    """chen (administrator), wu (supervisor), li (teller), sun (auditor); `more` makes further parts
    of the control socket."""
    node: Any = Lines()
    async with open_house(place, **options) as house:
        chen = await house.login(await house.found("chen", "administrator"))
        wu = await house.login(await house.found("wu", "supervisor"))
        li = await house.hire(chen, wu, "li", "teller")
        sun = await house.hire(chen, wu, "sun", "auditor")
        part = DeskStandIn(Counter(house.desk))
        tapes = Tapes(place, house.store.vault)
        playing = PlayingPart(part.counter, tapes, part, BEIJING, house.clock)
        control: list[ControlPart] = [StaffPart(part.counter), playing, *more(part), part]
        server = ControlServer(node, place / SOCKET, None, control)
        await server.start()
        web = ConsoleOptions()
        parts = ConsoleParts(
            *(store_url(place), web, place, place / SOCKET, BEIJING, "standard"),
            now=lambda: house.clock.now,
        )
        room: Any = None  # no faxes here
        desk = Desk(house, room, create_app(parts).test_client(), server)
        people = {"chen": chen, "wu": wu, "li": li, "sun": sun}
        try:
            yield DeskPlace(desk, part, people, parts)
        finally:
            await server.close()
