"""What the store keeps of telephone PINs, and the two people who may have one forgotten."""

from functools import partial
from pathlib import Path
from typing import Any

from support.ledger_world import CARDS
from support.pins_world import Pins
from support.store_kit import rows
from telebank.staff.roles import first_people
from telebank.store import people, tables, telephone_pin
from transactions.approval import Actor
from transactions.outcome import Declined, Outcome
from transactions.ports import MessageLog
from transactions.request import Request


def kinds(place: Path, kind: str) -> int:
    return len(rows(place, tables.event, tables.event.c.kind == kind))


def kept(place: Path) -> list[Any]:
    """Rows that tell a PIN."""
    return list(rows(place, tables.telephone_pin, tables.telephone_pin.c.verifier.is_not(None)))


WU = Actor("wu", "supervisor", "control os:root")


async def hire(pins: Pins) -> None:
    """The first two people of the staff."""
    machine = Actor("os:root", "machine", "control")
    for name, role in (("chen", "administrator"), ("wu", "supervisor")):
        hidden = people.NewSecrets("hash", pins.store.vault.seal_digits("SEED"))
        person = people.NewPerson(name, name, role, hidden)
        job = partial(people.add_first, new=person, by=machine, rule=first_people)
        await pins.store.journal.run(job)


async def let_go(pins: Pins) -> Any:
    """A supervisor has the first customer's PIN forgotten."""
    token = pins.store.vault.token(CARDS[0])
    job = partial(telephone_pin.forget, token=token, masked="", note="", by=WU)
    return await pins.store.journal.run(job)


def tries(place: Path) -> int:
    return sum(row.count for row in rows(place, tables.attempt))


def answers(pins: Pins, reason: str, of: str) -> None:
    """The host does as it always does, and answers one request so."""
    really = pins.world.host.execute

    async def execute(request: Request, log: MessageLog, *more: Any) -> Outcome:
        outcome = await really(request, log, *more)
        return Declined(reason) if request.id == of else outcome

    pins.world.host.execute = execute  # type: ignore[method-assign, assignment]
