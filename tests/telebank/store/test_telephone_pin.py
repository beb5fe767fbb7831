"""A telephone PIN verified here, and the balance that is told with the host away (rule 17)."""

import asyncio
from collections.abc import Callable
from datetime import date, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import update

from core_adapters.hsm.errors import KeyUsageError, ModuleAwayError
from core_adapters.hsm.kinds import Algorithm, KeySpec, PinFormat, Usage
from core_adapters.hsm.pkcs11 import open_token
from core_adapters.hsm.pool import ModulePool
from core_adapters.hsm.token import TokenOptions
from support.hsm_kit import shared_token, softhsm_library
from support.ledger_world import CARDS, OPENING, PIN
from support.pins_world import NEW_PIN, OTHER_PIN, SPEC, Gate, Pins, open_pins
from support.store_kit import rows
from support.transactions_host import CNY, Fault
from telebank.commands.wiring.telephone_pin import KEY
from telebank.staff.roles import first_people
from telebank.store import people, tables, telephone_pin
from telebank.store.sealing import Keyring
from telebank.store.transaction import Transaction
from transactions.approval import Actor
from transactions.contract import ContractError, load_contracts
from transactions.money import Money
from transactions.outcome import Declined, Outcome
from transactions.ports import JournalUnavailable, LeaseLost, MessageLog
from transactions.request import Request
from transactions.secret import Secret
from transactions.telephone_pin import AuthOptions, Customer


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


async def test_the_first_right_pin_is_remembered_and_the_host_is_not_asked_again(
    place: Path,
) -> None:
    async with open_pins(place) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        asked = pins.asked()
        assert await pins.verify_all(["v2", "v3"], 0, PIN) == ["ok", "ok"]
        assert pins.asked() == asked
        pins.away()
        assert (await pins.world.verify("v4", 0, PIN)).exit == "ok"
        assert (await pins.world.verify("v5", 1, PIN)).exit == "unavailable"  # never heard of
    (row,) = rows(place, tables.telephone_pin)
    assert (len(row.salt), len(row.verifier), row.token) == (
        16,
        32,
        pins.store.vault.token(CARDS[0]),
    )
    assert tries(place) == 0


async def test_another_pin_is_a_wrong_one_with_the_host_away_and_three_lock(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        pins.away()
        exits = await pins.verify_all(["w1", "w2", "w3", "w4"], 0, OTHER_PIN)
        assert exits == ["wrong_pin", "wrong_pin", "wrong_pin", "locked"]
        assert (await pins.world.verify("v2", 0, PIN)).outcome == Declined("locked")
        assert (await pins.world.verify("short", 1, "12")).exit == "unavailable"
    assert tries(place) == 3


async def test_tries_at_once_are_three_whoever_verifies(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        pins.away()
        answers = await asyncio.gather(
            *(pins.world.verify(f"w{n}", 0, OTHER_PIN) for n in range(12))
        )
        assert sorted(a.exit for a in answers) == ["locked"] * 9 + ["wrong_pin"] * 3


async def test_what_was_changed_at_a_branch_is_put_to_the_host(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        pins.at_branch(0, NEW_PIN)
        pins.away()
        assert (await pins.world.verify("v2", 0, NEW_PIN)).exit == "wrong_pin"
        pins.away(back=True)
        assert (await pins.world.verify("v3", 0, NEW_PIN)).exit == "ok"
        pins.away()
        assert (await pins.world.verify("v4", 0, NEW_PIN)).exit == "ok"
        assert (await pins.world.verify("v5", 0, PIN)).exit == "wrong_pin"
        pins.away(back=True)
        assert (await pins.world.verify("v6", 0, PIN)).exit == "wrong_pin"  # the host says so too
    assert len(kept(place)) == 1


async def test_a_card_that_the_host_refuses_is_proved_here_no_more(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        pins.world.host.faults = lambda i, _role, _n: Fault.DECLINED if i == "no" else Fault.NONE
        await pins.world.verify("no", 0, OTHER_PIN)
        pins.away()
        assert (await pins.world.verify("v2", 0, PIN)).exit == "unavailable"
    assert kept(place) == []


async def test_a_restart_and_a_second_node_know_it_too(place: Path) -> None:
    async with open_pins(place, of_two := "01", nodes=2) as first:
        assert (await first.world.verify("v1", 0, PIN)).exit == "ok"
        assert (await first.balance("b1", 0)).exit == "ok"
    for node in (of_two, "02"):
        async with open_pins(place, node, nodes=2) as later:
            later.away()
            assert (await later.world.verify(f"v{node}", 0, PIN)).exit == "ok"
            assert (await later.balance(f"b{node}", 0)).exit == "stale"


# -- a change of the PIN -------------------------------------------------------------------------


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


def answers(pins: Pins, reason: str, of: str) -> None:
    """The host does as it always does, and answers one request so."""
    really = pins.world.host.execute

    async def execute(request: Request, log: MessageLog, *more: Any) -> Outcome:
        outcome = await really(request, log, *more)
        return Declined(reason) if request.id == of else outcome

    pins.world.host.execute = execute  # type: ignore[method-assign, assignment]


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


# -- a guess that was compared here ---------------------------------------------------------------


@pytest.mark.parametrize("error", [JournalUnavailable, LeaseLost])
async def test_a_guess_that_was_compared_stays_counted(
    place: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    async with open_pins(place) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"

        async def gone() -> str:
            raise error("stan")

        monkeypatch.setattr(pins.store.journal, "next_stan", gone)
        exits = await pins.verify_all([f"w{n}" for n in range(4)], 0, OTHER_PIN)
        assert exits == ["wrong_pin", "wrong_pin", "wrong_pin", "locked"]
        assert (await pins.world.verify("r", 0, PIN)).exit == "locked"
    assert tries(place) == 3


# -- the last known balance ----------------------------------------------------------------------


async def test_the_last_balance_is_told_with_its_time(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.balance("b1", 0)).exit == "ok"
        pins.clock.forward(minutes=5)
        assert (await pins.world.transfer("t1", 0, 1, "20.00")).exit == "ok"  # tells it too
        pins.away()
        pins.clock.forward(days=2)
        told = await pins.balance("b2", 0)
        assert told.exit == "stale"
        left = Money(OPENING - 20_00, CNY)
        expected = {"available": left, "as_of": date(2026, 11, 22), "as_of_time": time(10, 50)}
        assert dict(told.data) == expected
        assert (await pins.balance("b3", 1)).exit == "unavailable"  # nothing was told of it
        assert (await pins.world.quote("q1", 0, 1, "5.00")).exit == "unavailable"
        pins.clock.forward(days=5)
        assert (await pins.balance("b4", 0)).exit == "unavailable"  # a week old
    assert str(left.minor).encode() not in rows(place, tables.known_balance)[0].ciphertext


async def test_a_result_told_again_is_no_newer_balance(place: Path) -> None:
    async with open_pins(place) as pins:
        quote = await pins.world.quote("q", 0, 1, "20.00")
        assert (await pins.world.post("p", 0, quote)).exit == "ok"
        pins.clock.forward(minutes=90)
        again = await pins.world.post("p", 0, quote)
        assert (again.exit, again.again) == ("ok", True)
        pins.away()
        assert (await pins.balance("b", 0)).data["as_of_time"] == time(10, 45)


async def test_an_older_answer_does_not_replace_a_newer_one(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.balance("b1", 0)).exit == "ok"
        pins.clock.forward(minutes=-30)
        pins.world.bank.balances[pins.store.vault.token(CARDS[0])] = 1
        assert (await pins.balance("b2", 0)).exit == "ok"
        pins.clock.forward(minutes=60)
        pins.away()
        assert (await pins.balance("b3", 0)).data["available"] == Money(OPENING, CNY)


async def test_nothing_is_told_where_days_are_none(place: Path) -> None:
    async with open_pins(place, balance_days=0) as pins:
        assert (await pins.balance("b1", 0)).exit == "ok"
        pins.away()
        assert (await pins.balance("b2", 0)).exit == "unavailable"
    assert rows(place, tables.known_balance) == []


async def _move(pins: Pins, table: object) -> None:
    """Somebody with the database gives one customer's row to another card."""
    token = pins.store.vault.token(CARDS[1])
    statement = update(table).values(token=token)  # type: ignore[arg-type]
    await pins.store.journal.run(lambda part: part.execute(statement))


async def test_a_row_moved_to_another_card_proves_and_tells_nothing(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        assert (await pins.balance("b1", 0)).exit == "ok"
        for table in (tables.telephone_pin, tables.known_balance):
            await _move(pins, table)
        pins.away()
        assert (await pins.world.verify("v2", 1, PIN)).exit == "wrong_pin"
        assert (await pins.balance("b2", 1)).exit == "unavailable"


async def test_a_balance_whose_sealing_key_is_gone_is_told_no_more(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.balance("b1", 0)).exit == "ok"
        gone = update(tables.known_balance).values(key_id="k9")
        await pins.store.journal.run(lambda part: part.execute(gone))
        pins.away()
        assert (await pins.balance("b2", 0)).exit == "unavailable"
    assert Keyring.open(place / "keys").current == "k1"


async def test_an_old_balance_is_not_made_fresh_by_its_row(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.balance("b1", 0)).exit == "ok"
        pins.away()
        fresh = update(tables.known_balance).values(at=pins.clock.now() + timedelta(days=5))
        await pins.store.journal.run(lambda part: part.execute(fresh))
        assert (await pins.balance("b2", 0)).exit == "unavailable"


# -- the key --------------------------------------------------------------------------------------


async def test_a_rotated_key_goes_on_and_a_retired_one_tells_nothing(place: Path) -> None:
    async with open_pins(place) as pins:
        for card in (0, 1):
            assert (await pins.world.verify(f"v{card}", card, PIN)).exit == "ok"
        pins.module.generate(SPEC, rotate=True)
        pins.away()
        assert (await pins.world.verify("x0", 0, PIN)).exit == "ok"  # and is made anew
        pins.module.retire(KEY, 1)
        assert (await pins.world.verify("y0", 0, PIN)).exit == "ok"
        assert (await pins.world.verify("y1", 1, PIN)).exit == "unavailable"
        pins.away(back=True)
        assert (await pins.world.verify("z1", 1, PIN)).exit == "ok"
    assert len({row.key_check for row in kept(place)}) == 1


async def test_a_module_that_does_not_answer_is_an_alarm_and_the_host_is_asked(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_pins(place) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"

        def gone(*_: object) -> bool:
            raise ModuleAwayError("the token failed to make an HMAC: DeviceRemoved")

        monkeypatch.setattr(pins.module, "verify_pin", gone)
        asked = pins.asked()
        assert (await pins.world.verify("v2", 0, PIN)).exit == "ok"
        assert pins.asked() == asked + 1
        pins.away()
        assert (await pins.world.verify("v3", 0, PIN)).exit == "unavailable"
        assert kinds(place, "alarm") == 1
        pins.clock.forward(seconds=61)
        assert await pins.verify_all(["v4", "v5"], 0, PIN) == ["unavailable"] * 2
    assert kinds(place, "alarm") == 2  # at most one a minute
    assert tries(place) == 0


async def test_in_a_token(tmp_path: Path) -> None:
    """PKCS#11: the same, with the key in SoftHSM, off the event loop."""
    soft = shared_token(softhsm_library())
    module = open_token(TokenOptions(soft.library, soft.label, soft.pin))
    pool = ModulePool()
    try:
        module.generate(card_key := KeySpec("card.zpk", Usage.PIN, Algorithm.TDES2))
        async with open_pins(tmp_path, module=module, at_module=pool.run) as pins:
            assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
            pins.away()
            assert (await pins.world.verify("v2", 0, PIN)).exit == "ok"
            assert (await pins.world.verify("v3", 0, OTHER_PIN)).exit == "wrong_pin"
            module.generate(SPEC, rotate=True)
            assert (await pins.world.verify("v4", 0, PIN)).exit == "ok"
        with pytest.raises(KeyUsageError):
            module.pin_verifier(card_key.name, Secret(PIN), b"0" * 16)
        with pytest.raises(KeyUsageError):
            module.pin_block(KEY, Secret(PIN), CARDS[0], PinFormat.ISO_0)
    finally:
        pool.close()
        module.close()


# -- side by side, people -------------------------------------------------------------------------


async def test_somebody_who_left_forgets_nothing(place: Path) -> None:
    async with open_pins(place) as pins:
        token = pins.store.vault.token(CARDS[0])
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"

        def job(part: Transaction) -> str | None:
            return telephone_pin.forget(part, token, CARDS[0].masked, "", WU)

        assert await pins.store.journal.run(job) is None
    assert len(kept(place)) == 1


# -- what may be written in the files --------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("use]\n    telephone_pin: pin", "use]\n    telephone_pin: card", "secret input"),
        ("    attempts: 3\n    right_on: [first", "    right_on: [first", "needs `attempts`"),
        ("outcomes: [ok, stale, no", "outcomes: [ok, no", "last_known"),
        ("{available: money, as_of: date, as", "{available: money, as", "as_of: date"),
        ("last_known: {available", "last_known: {fee", "money outputs"),
    ],
)
def test_a_contract_that_cannot_stand(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (Path(__file__).parents[3] / "config" / "services.yaml").read_text("utf-8")
    assert text.count(old) == 1
    path = tmp_path / "services.yaml"
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(ContractError, match=says):
        load_contracts(path)


def test_days_have_bounds() -> None:
    with pytest.raises(ValueError, match="balance_days"):
        AuthOptions(balance_days=-1)
