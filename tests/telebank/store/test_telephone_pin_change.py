"""A telephone PIN that is kept here, and changes of it: approved, refused, in doubt, late."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from support.ledger_world import CARDS, PIN
from support.pins_kept import answers, hire, kept, kinds, let_go
from support.pins_world import NEW_PIN, OTHER_PIN, SPEC, Gate, open_pins
from support.store_kit import rows
from support.transactions_host import Fault
from telebank.store import tables
from transactions.secret import Secret
from transactions.telephone_pin import Customer


async def test_an_approved_change_replaces_it(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        assert (await pins.change("c1", 0, PIN, NEW_PIN)).exit == "ok"
        again = await pins.change("c1", 0, PIN, OTHER_PIN)  # the same id: the first result
        assert (again.exit, again.again) == ("ok", True)
        pins.away()
        exits = [(await pins.world.verify(f"x{p}", 0, p)).exit for p in (NEW_PIN, PIN, OTHER_PIN)]
        assert exits == ["ok", "wrong_pin", "wrong_pin"]


async def test_a_change_in_doubt_removes_it_and_one_that_was_not_sent_does_not(place: Path) -> None:
    async with open_pins(place) as pins:
        for card in (0, 1):
            assert (await pins.world.verify(f"v{card}", card, PIN)).exit == "ok"
        pins.world.host.faults = lambda i, _role, _n: Fault.BUG_AFTER if i == "c1" else Fault.NONE
        assert (await pins.change("c1", 0, PIN, NEW_PIN)).exit == "unavailable"
        pins.away()
        assert (await pins.world.verify("v2", 0, PIN)).exit == "unavailable"
        assert (await pins.world.verify("v3", 1, PIN)).exit == "ok"
        assert (await pins.change("c2", 1, PIN, NEW_PIN)).exit in ("refused", "unavailable")
        assert (await pins.world.verify("v4", 1, PIN)).exit == "ok"  # nothing was sent
    assert len(kept(place)) == 1


@pytest.mark.parametrize(
    ("reason", "old", "heard"),
    [
        ("weak_pin", OTHER_PIN, "ok"),
        ("wrong_pin", OTHER_PIN, "ok"),  # a guess: nothing was said of the right one
        ("wrong_pin", PIN, "unavailable"),
        ("locked", OTHER_PIN, "unavailable"),
        ("lost", OTHER_PIN, "unavailable"),
        ("no_account", OTHER_PIN, "unavailable"),
        ("unavailable", OTHER_PIN, "unavailable"),
    ],
)
async def test_a_refused_change_leaves_only_a_pin_that_the_host_did_not_deny(
    place: Path, reason: str, old: str, heard: str
) -> None:
    async with open_pins(place) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        answers(pins, reason, "c1")
        assert (await pins.change("c1", 0, old, NEW_PIN)).exit != "ok"
        pins.away()
        assert (await pins.world.verify("v2", 0, PIN)).exit == heard
    assert kinds(place, "pin.put_back") == (heard == "ok")


async def test_a_pin_that_must_be_changed_first_is_not_kept_and_its_change_is(place: Path) -> None:
    async with open_pins(place) as pins:
        answers(pins, "first_use", "v1")
        assert (await pins.world.verify("v1", 0, PIN)).exit == "first_use"
        assert kept(place) == []
        assert (await pins.change("c1", 0, PIN, NEW_PIN)).exit == "ok"
        pins.away()
        assert (await pins.world.verify("v2", 0, NEW_PIN)).exit == "ok"


async def test_a_new_first_pin_from_the_bank_ends_the_one_that_was_kept(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        answers(pins, "first_use", "v2")
        assert (await pins.world.verify("v2", 0, OTHER_PIN)).exit == "first_use"
        pins.away()
        assert (await pins.world.verify("v3", 0, PIN)).exit == "unavailable"


async def test_a_late_right_does_not_bring_the_old_pin_back(place: Path) -> None:
    async with open_pins(place) as pins:
        gate = Gate(pins.world.host, "v1")
        late = asyncio.create_task(pins.world.verify("v1", 0, PIN))
        await gate.answered.wait()
        assert (await pins.change("c1", 0, PIN, NEW_PIN)).exit == "ok"
        gate.go.set()
        assert (await late).exit == "ok"
        assert (await pins.world.verify("v2", 0, PIN)).exit == "wrong_pin"
        pins.away()
        assert (await pins.world.verify("v3", 0, NEW_PIN)).exit == "ok"


@pytest.mark.parametrize("by", ["a supervisor", "a change in doubt"])
async def test_a_late_right_is_not_kept_where_one_was_forgotten(place: Path, by: str) -> None:
    async with open_pins(place) as pins:
        await hire(pins)
        gate = Gate(pins.world.host, "v1")
        late = asyncio.create_task(pins.world.verify("v1", 0, PIN))
        await gate.answered.wait()
        if by == "a supervisor":
            await let_go(pins)
        else:
            faults = {"c1": Fault.BUG_AFTER}
            pins.world.host.faults = lambda i, _role, _n: faults.get(i, Fault.NONE)
            assert (await pins.change("c1", 0, PIN, NEW_PIN)).exit == "unavailable"
        gate.go.set()
        assert (await late).exit == "ok"
    assert kept(place) == []


async def test_what_is_proved_during_a_change_ends_with_it(place: Path) -> None:
    async with open_pins(place) as pins:
        gate = Gate(pins.world.host, "c1", before=True)
        change = asyncio.create_task(pins.change("c1", 0, PIN, NEW_PIN))
        await gate.answered.wait()
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        assert len(kept(place)) == 1
        gate.go.set()
        assert (await change).exit == "ok"
        pins.away()
        assert (await pins.world.verify("v2", 0, PIN)).exit == "wrong_pin"
        assert (await pins.world.verify("v3", 0, NEW_PIN)).exit == "ok"


T = TypeVar("T")


class SlowModule:
    """An `AtModule` that gives its next result only when it may."""

    def __init__(self) -> None:
        self.slow = False
        self.worked, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, work: Callable[[], T]) -> T:
        result = work()
        if self.slow:
            self.slow = False
            self.worked.set()
            await self.go.wait()
        return result


async def test_what_is_made_anew_does_not_bring_the_old_pin_back(place: Path) -> None:
    module = SlowModule()
    async with open_pins(place, at_module=module) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        pins.module.generate(SPEC, rotate=True)
        module.slow = True
        late = asyncio.create_task(pins.world.verify("v2", 0, PIN))
        await module.worked.wait()
        assert (await pins.change("c1", 0, PIN, NEW_PIN)).exit == "ok"
        module.go.set()
        assert (await late).exit == "ok"
        assert (await pins.world.verify("v3", 0, PIN)).exit == "wrong_pin"


@pytest.mark.parametrize(("old", "exit_name"), [(PIN, "ok"), (OTHER_PIN, "weak_pin")])
async def test_what_a_supervisor_had_forgotten_stays_so_through_a_change(
    place: Path, old: str, exit_name: str
) -> None:
    async with open_pins(place) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        await hire(pins)
        if exit_name != "ok":
            answers(pins, exit_name, "c1")
        gate = Gate(pins.world.host, "c1")
        change = asyncio.create_task(pins.change("c1", 0, old, NEW_PIN))
        await gate.answered.wait()
        assert await let_go(pins) == "nothing"
        gate.go.set()
        assert (await change).exit == exit_name
        pins.away()
        assert (await pins.world.verify("v2", 0, PIN)).exit == "unavailable"
    assert kept(place) == []


@pytest.mark.parametrize("learnt", ["before", "meanwhile"])
async def test_a_change_where_the_host_verifies_ends_what_others_keep(
    place: Path, learnt: str
) -> None:
    async with open_pins(place, nodes=2) as pins:
        if learnt == "before":
            assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        await pins.by_host()
        gate = Gate(pins.world.host, "c1")
        change = asyncio.create_task(pins.change("c1", 0, PIN, NEW_PIN))
        await gate.answered.wait()
        assert kept(place) == []  # a crash now leaves the old one nowhere
        if learnt == "meanwhile":  # a node that does verify heard of the old one just before
            who = Customer(pins.store.vault.token(CARDS[0]))
            _, seen = await pins.local.pins.match(who, Secret(PIN))
            await pins.local.pins.remember(who, Secret(PIN), seen)
        gate.go.set()
        assert (await change).exit == "ok"
        await pins.by_node()
        assert (await pins.world.verify("v2", 0, PIN)).exit == "wrong_pin"


async def test_events_say_in_whose_request_and_tell_no_false_story(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        answers(pins, "weak_pin", "c1")
        assert (await pins.change("c1", 0, PIN, NEW_PIN)).exit == "weak_pin"
        answers(pins, "locked", "no")
        await pins.world.verify("no", 0, OTHER_PIN)
        actor = pins.world.request("x", "card.balance", {}, 0).actor
    told = [row for row in rows(place, tables.event) if row.kind.startswith("pin.")]
    assert [(row.kind, row.request, row.actor, row.role) for row in told] == [
        ("pin.kept", "v1", actor, "customer"),
        ("pin.set_aside", "c1", actor, "customer"),
        ("pin.put_back", "c1", actor, "customer"),
        ("pin.forgotten", "no", actor, "customer"),
    ]
