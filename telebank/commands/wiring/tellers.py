"""Wiring of tellers into a node: queues, the room, the board that screens see, what is kept."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from telebank.agents.centre import Centre, Wall
from telebank.calls.contact_book import ContactBook
from telebank.calls.control.board_feed import BoardFeed
from telebank.calls.control.board_keeper import BoardKeeper
from telebank.calls.control.boards import BoardPart
from telebank.calls.control.customers import CustomerPart, Standing
from telebank.calls.control.desk import Counter
from telebank.calls.control.desk_phones import DeskPhonesPart
from telebank.calls.control.floor import FloorPart
from telebank.calls.control.matters import MattersPart
from telebank.calls.control.playing import PlayingPart
from telebank.calls.control.reviews import ReviewPart
from telebank.calls.control.seats import SeatsPart
from telebank.calls.control.server import ControlPart
from telebank.calls.control.services import ServicesPart
from telebank.calls.control.titles import TitlesPart
from telebank.calls.customer_book import CustomerBook
from telebank.calls.dialling import Dialling
from telebank.calls.forms.clerk import Clerk
from telebank.calls.place_book import PlaceBook
from telebank.calls.tellers.keeping import KeptPlace
from telebank.calls.tellers.recordings import Tapes
from telebank.calls.tellers.room import TellerRoom
from telebank.commands.wiring.customer_records import CustomerRecordsPart
from telebank.flow.release import Release
from telebank.ops.clock import SystemClock
from telebank.settings import Settings
from telebank.store.sealing import Keyring
from telebank.store.store import Store

RUN_BITS = 32
"""Changes of the board in one run of a node, beneath the number of the run."""


class Desks:
    """Tellers of one node. `open` before it takes calls, `start` once it does, `close` after it."""

    def __init__(self, settings: Settings, data: Path, store: Store, keyring: Keyring) -> None:
        queues = settings.queues
        self._options = queues
        centre = Centre(queues, wall_of(settings.node.utc_offset_minutes))
        self.room = TellerRoom(centre, queues, SystemClock(), Tapes(data, keyring))
        self._zone = store.journal.zone
        self._dialling = self.room.dialling = Dialling(
            *(settings.outbound, store.journal.run, keyring.digest, self._zone, SystemClock())
        )
        boot = f"{settings.node.id}-{store.epoch}"
        self._boards = BoardKeeper(boot, first=store.epoch << RUN_BITS)
        self._feed = BoardFeed(self.room, self._boards)
        self._clerk = Clerk(self.room, SystemClock().monotonic)
        self._book = ContactBook(store.journal.run)
        self._places = self.room.places = PlaceBook(store.journal.run, keyring)
        self._kept: Sequence[KeptPlace] = ()
        self._plan = settings.outbound.plan
        self.customers = CustomerBook(store.journal.run, keyring.digest, self._plan)
        self.room.records = self.customers
        messages = settings.sms.sender != "none"
        self._standing = Standing(settings.transactions.limits, messages, self._zone)
        self._data, self._keyring = data, keyring
        self.room.on_change = self._changed
        self.room.keeper = self._book

    def _changed(self, kind: str, key: str) -> None:
        self._feed.changed(kind, key)
        if kind == "CallRow" and self.room.row(kind, key, for_supervisor=True) is None:
            self._clerk.over(key)

    async def open(self) -> None:
        """Close what a former run left open; learn who talked with whom last, and who is to be
        called back."""
        self.room.remember(await self._book.open())
        await self._dialling.open()
        self._kept = await self._places.open(self._options, SystemClock().now())
        await self.customers.open()

    def start(self) -> None:
        """Keep the board as the room is, with the places that a former run kept."""
        self._feed.start()
        self.room.take_up(self._kept)

    async def close(self) -> None:
        """Write what waits."""
        self._feed.close()
        await self._clerk.close()
        await self.customers.close()
        await self._book.close()
        await self._places.close()

    def parts(self, counter: Counter, release: Callable[[], Release]) -> Sequence[ControlPart]:
        """Of the control socket; `release`: that of new calls."""
        return [
            BoardPart(counter, self._boards, self.room),
            TitlesPart(counter, release, self._options),
            SeatsPart(counter, self.room, self._zone),
            ServicesPart(counter, self._clerk, self.room),
            DeskPhonesPart(counter, self.room),
            FloorPart(counter, self.room),
            CustomerPart(counter, self.room, self._standing),
            MattersPart(counter, self._keyring, self._zone),
            ReviewPart(counter, self._keyring, self._plan),
            CustomerRecordsPart(counter, self._keyring, self._plan, self.customers.refresh),
            PlayingPart(counter, Tapes(self._data, self._keyring), self.room, self._zone),
        ]


def wall_of(utc_offset_minutes: int) -> Wall:
    """The bank's wall clock at a second of the running loop's clock."""
    zone = timezone(timedelta(minutes=utc_offset_minutes))

    def wall(at: float) -> datetime:
        return datetime.now(zone) + timedelta(seconds=at - asyncio.get_running_loop().time())

    return wall
