"""Keeps the places of those who are to be called back in the store: numbers sealed, the rest as
boards show it."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import cast

import structlog

from telebank.agents.events import Caller
from telebank.agents.options import CentreOptions
from telebank.calls.row_book import RowBook, Run
from telebank.calls.tellers.keeping import KeptPlace
from telebank.calls.tellers.values import CallerCard
from telebank.store import kept_places
from telebank.store.kept_places import Lost, PlaceRow
from telebank.store.sealing import Keyring
from transactions.card import CardNumberError

log = structlog.get_logger("telebank.tellers")


class PlaceBook(RowBook):
    """`telebank.calls.tellers.keeping.Places` in the store of a node."""

    def __init__(self, run: Run, keyring: Keyring) -> None:
        super().__init__(run)
        self._keyring = keyring

    async def open(self, options: CentreOptions, now: datetime) -> Sequence[KeptPlace]:
        """What a former life of this node kept, who waits longest first; what is over by now is
        ended, and whose number cannot be read: nobody can call him. Raises as the store does."""
        numbers: dict[str, tuple[str, str]] = {}

        def lost(row: PlaceRow) -> Lost | None:
            how = _lost(row, options, now)
            if how is None:
                try:
                    number, calling = json.loads(self._keyring.unseal_digits(row.numbers))
                except CardNumberError as error:
                    log.error("place.unreadable", call=row.call, why=str(error))
                    return "unreachable"
                numbers[row.call] = number, calling
            return how

        rows = await self._run(partial(kept_places.open_places, lost=lost))
        return [_place(row, *numbers[row.call]) for row in rows]

    async def keep(self, place: KeptPlace) -> None:
        """See `Places`."""
        written = self._write(place.caller.call, partial(kept_places.keep, place=self._row(place)))
        if written is not None:
            await written

    async def tried(self, call: str, tries: int) -> None:
        """See `Places`."""
        written = self._write(call, partial(kept_places.tried, call=call, tries=tries))
        if written is not None:
            await written

    async def taken(self, call: str) -> None:
        """See `Places`."""
        written = self._write(call, partial(kept_places.taken, call=call))
        if written is not None:
            await written

    def over(self, call: str, how: str) -> None:
        """See `Places`."""
        self._write(call, partial(kept_places.over, call=call, how=cast(Lost, how)))

    # -- rows ---------------------------------------------------------------------------------

    def _row(self, place: KeptPlace) -> PlaceRow:
        caller, card = place.caller, place.card
        numbers = json.dumps([place.number, caller.number])
        return PlaceRow(
            call=caller.call,
            queue=place.queue,
            skill=caller.skill,
            language=caller.language,
            priority=caller.priority,
            level=caller.level,
            called=caller.called,
            business=caller.business,
            customer=caller.customer,
            last_seat=caller.last_seat,
            own_seat=caller.own_seat,
            card={
                "caller": card.caller,
                "customer": card.customer,
                "began": card.began,
                "path": [list(step) for step in card.path],
                "keys": card.keys,
            },
            since=place.since,
            kept_at=place.kept_at,
            numbers=self._keyring.seal_digits(numbers),
        )


def _place(row: PlaceRow, number: str, calling: str) -> KeptPlace:
    """`number`: to call him at; `calling`: he called from."""
    caller = Caller(
        call=row.call,
        skill=row.skill,
        language=row.language,
        priority=row.priority,
        number=calling,
        called=row.called,
        business=row.business,
        level=row.level,
        customer=row.customer,
        last_seat=row.last_seat,
        own_seat=row.own_seat,
    )
    card = CallerCard(
        caller=row.card["caller"],
        language=row.language,
        began=row.card["began"],
        level=0,
        customer=row.card["customer"],
        token="",
        business=row.business,
        path=tuple((zh, en) for zh, en in row.card["path"]),
        keys=row.card["keys"],
    )
    parts = (caller, row.queue, number, card, row.since, row.kept_at)
    return KeptPlace(*parts, tries=row.tries, tried_at=row.tried_at)


def _lost(place: PlaceRow, options: CentreOptions, now: datetime) -> Lost | None:
    """How a place came to nothing while the node was away."""
    keeps = timedelta(seconds=options.call_back_keeps_s)
    if place.queue not in {queue.name for queue in options.queues} or now - place.kept_at >= keeps:
        return "expired"
    return "unreachable" if place.tries >= options.call_back_tries else None
