"""A house of staff with desks: a real control socket, store and board; behind it a small room of
tellers that keeps seats and calls by the rules of the real one, without phones.

async with open_desks(tmp_path) as desks:
    li = await desks.teller("li")
    await desks.post(li, "desk/enter", phone="8001")
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from support.staff_house import Asked, House, Person, fresh, open_house
from telebank.agents.board import AnyRow, CallRow, QueueRow, SeatRow
from telebank.agents.events import Wanted
from telebank.calls.contact_book import ContactBook
from telebank.calls.control.board_feed import BoardFeed
from telebank.calls.control.board_keeper import BoardKeeper
from telebank.calls.control.boards import BoardPart
from telebank.calls.control.desk import Counter
from telebank.calls.control.desk_phones import DeskPhonesPart
from telebank.calls.control.floor import FloorPart
from telebank.calls.control.history import HistoryPart
from telebank.calls.control.playing import PlayingPart
from telebank.calls.control.seats import SeatsPart
from telebank.calls.control.server import ControlPart, ControlServer
from telebank.calls.control.skills import SkillsPart
from telebank.calls.tellers.browser_phone import OfferRefused
from telebank.calls.tellers.recordings import Tapes
from telebank.settings import store_url

THEN = "2026-03-31T04:00:00.000Z"
PHONES = ("8001", "8002", "8003")
TALKING = frozenset({"talking", "held", "consulting", "three_way", "pin"})


@dataclass
class Desks:
    """Seats and calls by the rules of the real room."""

    seats: dict[str, SeatRow] = field(default_factory=dict)
    calls: dict[str, CallRow] = field(default_factory=dict)
    queues: dict[str, QueueRow] = field(
        default_factory=lambda: {"cards": QueueRow(key="cards", zh="银行卡", en="Cards")}
    )
    days: dict[str, int] = field(default_factory=dict)
    learned: dict[str, tuple[str, dict[str, int], int]] = field(default_factory=dict)
    """What those who sit there can do by now."""
    sights: list[str] = field(default_factory=list)
    done: list[tuple[Any, ...]] = field(default_factory=list)
    """What supervisors did."""
    on_change: Any = lambda _kind, _key: None
    offered: list[tuple[str, str, str]] = field(default_factory=list)
    """Seat, offer and address of pages that are telephones."""
    taken: str | OfferRefused = "v=0"
    """What comes of the next offer."""

    # -- tellers ------------------------------------------------------------------------------

    def learn(self, person: str, name: str, skills: dict[str, int], days: int = 10_000) -> None:
        self.learned[person] = (name, skills, days)

    def enter(
        self, person: str, name: str, phone: str, skills: dict[str, int], days: int = 10_000
    ) -> str | None:
        if person in self.seats:
            return "wrong_state"
        if phone not in PHONES:
            return "no_phone"
        if any(seat.phone == phone for seat in self.seats.values()):
            return "phone_busy"
        self.days[person] = days
        queues = tuple(queue for queue in self.queues if queue in skills)
        row = SeatRow(key=person, name=name, state="busy", since=THEN, phone=phone, queues=queues)
        return self.put(row)

    def leave(self, seat: str) -> str | None:
        if seat not in self.seats:
            return "no_seat"
        if self.call_of(seat):
            return "wrong_state"
        del self.seats[seat]
        self.on_change("SeatRow", seat)
        return None

    def seen(self, seat: str) -> None:
        self.sights.append(seat)

    def want(self, seat: str, state: Wanted, reason: str = "") -> str | None:
        return self.turn_seat(seat, state=state, reason=reason)

    def answer(self, seat: str) -> str | None:
        return self.turn(seat, ("ringing",), "talking")

    async def call(self, seat: str, number: str) -> str | None:
        if not number.startswith("138"):
            return "unknown_target"
        return self.turn_seat(seat, state="talking", call=number)

    def hang_up(self, seat: str) -> str | None:
        call = self.call_of(seat)
        if call is None:
            return self.none(seat)
        del self.calls[call.key]
        self.on_change("CallRow", call.key)
        return self.turn_seat(seat, state="wrap_up", call="")

    def hold(self, seat: str) -> str | None:
        return self.turn(seat, ("talking",), "held")

    def resume(self, seat: str) -> str | None:
        return self.turn(seat, ("held",), "talking")

    def consult(self, seat: str, to: str) -> str | None:
        other = self.seats.get(to.removeprefix("seat:"))
        if other is None:
            return "unknown_target"
        if other.state != "ready":
            return "taken"
        return self.turn(seat, ("talking", "held"), "consulting", others=(other.key,))

    def consult_end(self, seat: str) -> str | None:
        return self.turn(seat, ("consulting", "three_way"), "talking", others=())

    def three_way(self, seat: str) -> str | None:
        return self.turn(seat, ("consulting",), "three_way")

    def transfer(self, seat: str, to: str, *, blind: bool) -> str | None:
        call = self.call_of(seat)
        if call is None:
            return self.none(seat)
        if not blind and call.state != "consulting":
            return "wrong_state"
        kind, _, name = to.partition(":")
        if blind and not (kind == "queue" and name in self.queues):
            return "unknown_target"
        self.put(msgspec.structs.replace(call, state="waiting", seat="", others=()))
        return self.turn_seat(seat, state="wrap_up", call="")

    def pin(self, seat: str) -> str | None:
        return self.turn(seat, ("talking",), "pin", pin="0 of 6")

    def unlock(self, seat: str) -> str | None:
        return self.turn(seat, ("talking",), "pin", pin="0 of 19")

    def menu(self, seat: str) -> str | None:
        return self.hang_up(seat)

    def wrapped(self, seat: str) -> str | None:
        if seat in self.seats and self.seats[seat].state != "wrap_up":
            return "wrong_state"
        return self.turn_seat(seat, state="ready")

    async def offer(self, seat: str, sdp: str, address: str) -> str | OfferRefused:
        self.offered.append((seat, sdp, address))
        return self.taken

    # -- supervisors --------------------------------------------------------------------------

    def monitor(self, by: str, seat: str, phone: str = "") -> str | None:
        return self.watch(by, seat, phone, "monitor")

    def whisper(self, by: str, seat: str, phone: str = "") -> str | None:
        return self.watch(by, seat, phone, "whisper")

    def barge(self, by: str, seat: str, phone: str = "") -> str | None:
        return self.watch(by, seat, phone, "barge")

    def stop(self, by: str, seat: str = "") -> str | None:
        return self.watch("", seat, PHONES[0], "stop")

    def intercept(self, by: str, seat: str) -> str | None:
        return self.watch(by, seat, PHONES[0], "intercept")

    def force(self, by: str, seat: str, state: Wanted, reason: str = "") -> str | None:
        self.done.append(("force", by, seat, state))
        return self.want(seat, state, reason)

    def force_out(self, by: str, seat: str) -> str | None:
        self.done.append(("out", by, seat))
        return self.leave(seat)

    def record(self, by: str, seat: str, *, on: bool) -> str | None:
        call = self.call_of(seat)
        if call is None:
            return self.none(seat)
        self.done.append(("record", by, seat, on))
        return self.put(msgspec.structs.replace(call, recording=on))

    def watch(self, by: str, seat: str, phone: str, how: str) -> str | None:
        if self.call_of(seat) is None:
            return self.none(seat)
        if phone not in PHONES:
            return "no_phone"
        self.done.append((how, by, seat, phone))
        return self.turn_seat(seat, watched_by=by)

    # -- what tests do ------------------------------------------------------------------------

    def waits(self, call: str, **more: Any) -> None:
        """A caller comes into the queue."""
        values = {"since": THEN, "began": THEN, "caller": "138******78", "language": "zh"}
        self.put(CallRow(key=call, state="waiting", queue="cards", **(values | more)))

    def rings(self, call: str, seat: str) -> None:
        """He is offered to a seat."""
        self.put(msgspec.structs.replace(self.calls[call], state="ringing", seat=seat))
        self.turn_seat(seat, state="ringing", call=call)

    # -- inside -------------------------------------------------------------------------------

    def rows(self, *, for_supervisor: bool) -> list[AnyRow]:
        assert for_supervisor
        return [*self.seats.values(), *self.queues.values(), *self.calls.values()]

    def row(self, kind: str, key: str, *, for_supervisor: bool) -> AnyRow | None:
        kinds: dict[str, dict[str, Any]]
        kinds = {"SeatRow": self.seats, "CallRow": self.calls, "QueueRow": self.queues}
        row: AnyRow | None = kinds[kind].get(key)
        if isinstance(row, SeatRow) and not for_supervisor:
            return msgspec.structs.replace(row, watched_by="")
        return row

    def put(self, row: SeatRow | CallRow) -> None:
        if isinstance(row, SeatRow):
            self.seats[row.key] = row
        else:
            self.calls[row.key] = row
        self.on_change(type(row).__name__, row.key)

    def call_of(self, seat: str) -> CallRow | None:
        mine = (call for call in self.calls.values() if call.seat == seat)
        return next(mine, None)

    def turn(self, seat: str, before: tuple[str, ...], after: str, **more: Any) -> str | None:
        call = self.call_of(seat)
        if call is None:
            return self.none(seat)
        if call.state not in before:
            return "wrong_state"
        self.put(msgspec.structs.replace(call, state=after, **more))
        return self.turn_seat(seat, state="talking", call=call.key)

    def turn_seat(self, seat: str, **more: Any) -> str | None:
        found = self.seats.get(seat)
        if found is None:
            return "no_seat"
        return self.put(msgspec.structs.replace(found, **more))

    def none(self, seat: str) -> str:
        return "no_call" if seat in self.seats else "no_seat"


@dataclass
class DeskHouse:
    """The socket with its desks; a house of staff is behind it."""

    house: House
    room: Desks
    boards: BoardKeeper
    book: ContactBook
    client: aiohttp.ClientSession
    chen: Person
    wu: Person

    async def teller(self, name: str) -> Person:
        """Somebody who is a teller from now on."""
        return await self.house.hire(self.chen, self.wu, name, "teller")

    async def ask(self, who: Person | None, method: str, path: str, **more: Any) -> Asked:
        """One request, by that person's token."""
        headers = {"Authorization": f"Bearer {who.token}"} if who is not None else {}
        url = f"http://node/v1/{path}"
        async with self.client.request(method, url, headers=headers, **more) as answer:
            return Asked(answer.status, await answer.json())

    async def post(self, who: Person | None, path: str, **body: Any) -> Asked:
        """An act, with a fresh request id unless one is given."""
        return await self.ask(who, "POST", path, json=fresh() | body)

    async def board(self, who: Person | None, **query: Any) -> Asked:
        """What there is to see."""
        return await self.ask(who, "GET", "desk/board", params=query)

    async def phone(self, extension: str) -> None:
        """A desk phone that may register."""
        asked = await self.house.ask(
            self.chen, "POST", "/v1/phones", {"extension": extension} | fresh()
        )
        assert asked.status == 200, asked


@asynccontextmanager
async def open_desks(
    place: Path,
    most: int = 400,
    more: Callable[[Counter, Desks], Sequence[ControlPart]] = lambda _counter, _room: (),
    **options: Any,
) -> AsyncIterator[DeskHouse]:
    """A house with an administrator (chen) and a supervisor (wu) who are logged in; `more` makes
    further parts of its socket."""
    node: Any = None  # none of these paths asks the voice node
    room, boards, socket = Desks(), BoardKeeper("boot-1", most=most), place / "desks.sock"
    async with open_house(place, **options) as house:
        counter, zone, keys = Counter(house.desk), house.store.journal.zone, house.store.vault
        feed, book = BoardFeed(room, boards), ContactBook(house.store.journal.run)
        parts: list[ControlPart] = [
            BoardPart(counter, boards, room),
            SeatsPart(counter, room, zone, house.clock),
            DeskPhonesPart(counter, room),
            FloorPart(counter, room),
            HistoryPart(counter, keys, zone, house.clock),
            PlayingPart(counter, Tapes(place, keys), room, zone, house.clock),
            SkillsPart(counter),
            *more(counter, room),
        ]
        room.on_change = feed.changed
        feed.start()
        server = ControlServer(node, socket, None, parts)
        await server.start()
        chen = await house.login(await house.found("chen", "administrator"))
        wu = await house.login(await house.found("wu", "supervisor"))
        connector = aiohttp.UnixConnector(path=str(socket), limit=0)
        try:
            async with aiohttp.ClientSession(connector=connector) as client:
                yield DeskHouse(house, room, boards, book, client, chen, wu)
        finally:
            feed.close()
            await server.close()
            await book.close()
            await asyncio.sleep(0)


def url_of(place: Path) -> str:
    """The store's, to read beside the node."""
    return store_url(place)
