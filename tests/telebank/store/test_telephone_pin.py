"""A telephone PIN verified here: tries, nodes, keys, people, settings (rule 17)."""

import asyncio
from pathlib import Path

import pytest

from core_adapters.hsm.errors import KeyUsageError, ModuleAwayError
from core_adapters.hsm.kinds import Algorithm, KeySpec, PinFormat, Usage
from core_adapters.hsm.pkcs11 import open_token
from core_adapters.hsm.pool import ModulePool
from core_adapters.hsm.token import TokenOptions
from support.hsm_kit import shared_token, softhsm_library
from support.ledger_world import CARDS, PIN
from support.pins_kept import WU, kept, kinds, tries
from support.pins_world import NEW_PIN, OTHER_PIN, SPEC, open_pins
from support.store_kit import rows
from support.transactions_host import Fault
from telebank.commands.wiring.telephone_pin import KEY
from telebank.store import tables, telephone_pin
from telebank.store.transaction import Transaction
from transactions.contract import ContractError, load_contracts
from transactions.options import AuthOptions
from transactions.outcome import Declined
from transactions.ports import JournalUnavailable, LeaseLost
from transactions.secret import Secret


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
