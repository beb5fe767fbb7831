"""`telebank pin forget` against a control socket of this process, and a node without the key."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core_adapters.hsm.errors import KeyRefusedError, UnknownKeyError
from core_adapters.hsm.kinds import Algorithm, KeySpec, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.software import open_software
from support.ledger_world import CARDS, CONTRACTS, PIN, yuan
from support.staff_house import House, Person, fresh, open_house
from telebank.commands.serve import UNUSABLE
from telebank.commands.wiring.pin_control import FORGET
from telebank.commands.wiring.telephone_pin import (
    KEY,
    ModulePins,
    at_once,
    open_host_verifier,
    open_local,
    purge_daily,
)
from telebank.main import main
from telebank.settings import Settings
from telebank.store import tables
from telebank.store.known_balances import StoredBalances
from transactions.options import AuthOptions
from transactions.secret import Secret
from transactions.telephone_pin import Customer, Known, Standing

CARD = CARDS[0]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LOCAL = Settings(auth=AuthOptions("local"))
HMAC = KeySpec(KEY, Usage.VERIFIER, Algorithm.HMAC256)


async def run(house: House, who: Person, *words: str, typed: str) -> Result:
    session = house.folder / who.name
    session.touch(mode=0o600)
    session.write_text(who.token)
    runner = CliRunner(env={"TELEBANK_DATA": str(house.folder), "TELEBANK_SESSION": str(session)})
    return await asyncio.to_thread(runner.invoke, main, ["pin", "forget", *words], input=typed)


def kept(house: House) -> list[str]:
    """Tokens of the cards whose PINs are kept."""
    return [row.token for row in house.rows(tables.telephone_pin) if row.verifier is not None]


def module_of(house: House) -> Module:
    module = open_software(house.folder / "module", create=True)
    module.generate(HMAC)
    return module


async def test_a_supervisor_alone_has_it_forgotten(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        pins = ModulePins(module_of(house), at_once, house.store.journal)
        await pins.remember(Customer(house.store.vault.token(CARD)), Secret(PIN), Standing())
        chen = await house.login(await house.found("chen", "administrator"))
        wu = await house.login(await house.found("wu", "supervisor"))
        spaced = f"{CARD.digits[:4]} {CARD.digits[4:]}\n"
        refused = await run(house, chen, typed=spaced)
        assert (refused.exit_code, kept(house)) == (1, [house.store.vault.token(CARD)])
        assert "a supervisor may" in refused.output
        done = await run(house, wu, "--note", f"card {CARD.digits} seen", typed=spaced)
        assert (done.exit_code, CARD.masked in done.output) == (0, True)
        again = await run(house, wu, "--json", typed=spaced)
        assert '"forgotten": false' in again.output
        assert kept(house) == []
        told = [("wu", "supervisor", "ok"), ("wu", "supervisor", "nothing")]
        assert house.events("pin.forgotten") == told
        assert house.events("staff.denied") == [("chen", "administrator", "not_allowed")]
        assert CARD.digits not in refused.output + done.output + again.output
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or CARD.digits.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    "typed", ["", "12345\n", f"{CARD.digits[:-1]}{9 - int(CARD.digits[-1])}\n"]
)
async def test_what_is_no_card_number_is_not_sent(tmp_path: Path, typed: str) -> None:
    async with open_house(tmp_path) as house:
        wu = await house.login(await house.found("wu", "supervisor"))
        done = await run(house, wu, typed=typed)
        assert (done.exit_code, "card" in done.output) == (2, True)
        asked = await house.ask(wu, "POST", FORGET, {"card": "77x", **fresh()})
        assert (asked.status, "77x" in str(asked.body)) == (400, False)


async def test_nobody_who_is_not_logged_in(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        asked = await house.ask(None, "POST", FORGET, {"card": CARD.digits, **fresh()})
        assert asked.status == 401


async def test_a_node_without_the_key_does_not_start(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        module = open_software(tmp_path / "module", create=True)
        there = (at_once, house.store, house.store.vault, CONTRACTS, AsyncExitStack())
        with pytest.raises(UnknownKeyError, match=f"keys generate {KEY}") as found:
            await open_local(LOCAL, module, *there)
        assert isinstance(found.value, UNUSABLE)
        module.generate(KeySpec(KEY, Usage.MAC, Algorithm.AES128))
        with pytest.raises(KeyRefusedError, match="is a mac key"):
            await open_local(LOCAL, module, *there)


async def test_balances_too_old_to_be_told_are_removed_at_a_start(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, AsyncExitStack() as stack:
        balances = StoredBalances(house.store.journal.run, house.store.vault)
        now = datetime.now(UTC)
        for name, at in (("a", LONG_AGO), ("b", now)):
            await balances.keep(name * 64, Known({"available": yuan("1")}, at))
        there = (at_once, house.store, house.store.vault, CONTRACTS, stack)
        local = await open_local(LOCAL, module_of(house), *there)
        assert local.names == {"available"}
        assert [row.token for row in house.rows(tables.known_balance)] == ["b" * 64]


class Days:
    """Sleeping takes no time; after some days nobody sleeps any more."""

    def __init__(self, days: int) -> None:
        self.wall, self._end = LONG_AGO, LONG_AGO + timedelta(days=days)

    def monotonic(self) -> float:
        return (self.wall - LONG_AGO).total_seconds()

    def now(self) -> datetime:
        return self.wall

    async def sleep(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        if self.wall > self._end:
            raise asyncio.CancelledError


@pytest.mark.parametrize(("days", "left"), [(7, 1), (8, 0)])
async def test_balances_too_old_to_be_told_are_removed_each_day(
    tmp_path: Path, days: int, left: int
) -> None:
    async with open_house(tmp_path) as house:
        balances = StoredBalances(house.store.journal.run, house.store.vault)
        await balances.keep("a" * 64, Known({"available": yuan("1")}, LONG_AGO))
        with pytest.raises(asyncio.CancelledError):
            await purge_daily(balances, timedelta(days=7), Days(days))
        assert len(house.rows(tables.known_balance)) == left


async def test_a_start_where_the_host_verifies_forgets_what_local_left(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        store, who = house.store, Customer(house.store.vault.token(CARD))
        pins = ModulePins(module_of(house), at_once, store.journal)
        for _ in range(2):
            await pins.remember(who, Secret(PIN), Standing())
        balances = StoredBalances(store.journal.run, store.vault)
        await balances.keep(who.token, Known({"available": yuan("1")}, datetime.now(UTC)))
        for _ in range(2):
            await open_host_verifier(store, store.vault)
        assert (kept(house), house.rows(tables.known_balance)) == ([], [])
        await pins.remember(who, Secret(PIN), Standing())  # asked before, answered after
        assert kept(house) == []
        assert len(house.events("pin.all_forgotten")) == 1
