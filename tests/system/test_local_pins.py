"""Calls with the core host away, where the node verifies telephone PINs itself (rule 17)."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from core_adapters.corehost.seed import SeedCard
from core_adapters.hsm.pkcs11 import open_token
from core_adapters.hsm.software import open_software
from core_adapters.hsm.token import TokenOptions
from support import money_secrets
from support.hsm_kit import shared_token, softhsm_library
from support.money_caller import BALANCE, fen, order, prompts, prove, said, transfer, words
from support.money_journal import MoneyJournal, assert_whole
from support.money_stage import OPENING, SETTINGS, Day, Stage
from support.pins_world import SPEC
from support.staff_commands import Desk, Ran
from support.token_keys import make_host_keys, take_host_keys
from telebank.phone.report import CallReport
from telebank.store.clock import from_us
from telebank.store.sealing import Keyring
from transactions.card import CardNumber

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]

LOCAL = {"auth": {"verifier": "local"}, "hosts.tb87": {"backoff_min_s": 0.2, "backoff_max_s": 0.5}}
BEIJING = timedelta(hours=8)


@dataclass
class Seen:
    """What was heard, by what was tried, and what the node kept."""

    calls: dict[str, CallReport] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)
    """What `bal.stale` must say."""
    forgotten: list[Ran] = field(default_factory=list)
    tries: list[dict[str, str]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    pins_kept: int = 0


def balance(who: SeedCard, language: str = "zh") -> str:
    """From ringing to the balance."""
    return f"{prove(who, language=language)} {BALANCE}"


def wrong_thrice(who: SeedCard) -> str:
    """Three PINs that are not the card's."""
    guess = "".join(reversed(who.pin))
    assert guess != who.pin
    again = f" @auth.wrong_pin !{guess}#"
    return prove(who, guess) + again + again


def as_kept(day: Day, who: SeedCard, minor: int, language: str) -> str:
    """What is to be said of a card's balance by the time in the database."""
    token = Keyring.open(day.bank.data / "keys").token(CardNumber(who.card))
    with closing(sqlite3.connect(day.bank.data / "telebank.db")) as db:
        (at,) = db.execute("SELECT at FROM known_balance WHERE token = ?", (token,)).fetchone()
    told: datetime = (from_us(at) + BEIJING).replace(microsecond=0)
    values = {"as_of": told.date(), "as_of_time": told.time(), "available": fen(minor)}
    return said(day.bank, "bal.stale", language, **values, card=CardNumber(who.card).masked)


async def host_there(day: Day, seen: Seen) -> None:
    """Everybody but the stranger calls once while the host says who is who."""
    chen, payee = day.pair(0)
    wang, guessed = day.pair(1)
    calls = {
        "zh there": (balance(chen), "bal.amount"),
        "en there": (transfer(wang, payee, "60", "en"), "tr.done"),  # tells the balance too
        "guessed there": (prove(guessed), "main.menu"),
    }
    heard = await asyncio.gather(*(day.ring(*call) for call in calls.values()))
    seen.calls |= dict(zip(calls, heard, strict=True))


async def host_away(day: Day, seen: Seen) -> None:
    chen, payee = day.pair(0)
    wang, guessed = day.pair(1)
    stranger, _ = day.pair(2)
    calls = {
        "zh away": (balance(chen), "bal.stale"),
        "en away": (balance(wang, "en"), "bal.stale"),
        "money": (f"{prove(chen)} {order(payee, '20')}", "sys.unavailable"),
        "stranger": (prove(stranger), "sys.unavailable"),
        "guessed": (wrong_thrice(guessed), "auth.locked"),
    }
    heard = await asyncio.gather(*(day.ring(*call) for call in calls.values()))
    seen.calls |= dict(zip(calls, heard, strict=True))
    seen.expected["zh"] = as_kept(day, chen, OPENING, "zh")
    seen.expected["en"] = as_kept(day, wang, OPENING - 6_000, "en")


def forget(desk: Desk, who: SeedCard) -> list[Ran]:
    """An administrator may not, a supervisor may; twice is once."""
    chen, wu = desk.person("chen"), desk.person("wu")
    desk.add(chen, "administrator")
    desk.add(wu, "supervisor")
    for one in (chen, wu):
        desk.login(one)
    said_by = ((chen, who.card), (wu, who.card[:-1]), (wu, who.card), (wu, who.card))
    ran = [
        desk.run(one, "pin", "forget", "--json", "--note", "she forgot it", typed=card + "\n")
        for one, card in said_by
    ]
    return [*ran, desk.run(None, "events", "--kind", "pin.forgotten", "--json")]


async def away_and_back(stage: Stage) -> Seen:
    """A morning: the host there, away, the node begun again, a PIN forgotten, the host back."""
    open_software(stage.folder / "pins" / "keys", create=True).generate(SPEC)
    seen = Seen()
    async with stage.open_bank("pins", **SETTINGS, **LOCAL) as day:
        chen, _ = day.pair(0)
        await host_there(day, seen)
        host = day.bank.host
        await asyncio.to_thread(host.stop)
        await host_away(day, seen)
        await asyncio.to_thread(day.bank.restart)
        _, guessed = day.pair(1)
        seen.calls["restarted"], seen.calls["locked"] = await asyncio.gather(
            day.ring(balance(chen), "bal.stale"), day.ring(prove(guessed), "auth.locked")
        )
        private = stage.folder / "pins-private"
        private.mkdir()
        desk = Desk(day.bank.data, private)
        seen.forgotten = await asyncio.to_thread(forget, desk, chen)
        seen.calls["forgotten"] = await day.ring(prove(chen), "sys.unavailable")
        await asyncio.to_thread(host.run, host.port)
        seen.calls["back"] = await ring_until_linked(day, chen)
        assert_whole(day.bank)
        seen.tries = MoneyJournal(day.bank.data).events("attempt.refused")
        seen.secrets = money_secrets.findings(day.bank.data)
        with closing(sqlite3.connect(day.bank.data / "telebank.db")) as db:
            (seen.pins_kept,) = db.execute("SELECT count(*) FROM telephone_pin").fetchone()
    return seen


async def ring_until_linked(day: Day, who: SeedCard) -> CallReport:
    """A balance, once a link is signed on again."""
    for _ in range(600):
        if day.journal.events("host.link")[-1]["outcome"] == "up":
            break
        await asyncio.sleep(0.1)
    return await day.ring(balance(who), "bal.amount")


def keys_in_a_token(data: Path) -> dict[str, str]:
    """Section [keys] of a node whose keys are in SoftHSM, `telephone.pin` among them."""
    soft = shared_token(softhsm_library())
    module = open_token(TokenOptions(soft.library, soft.label, soft.pin))
    take_host_keys(make_host_keys(data), module)
    there = any(info.spec.name == SPEC.name for info in module.list_keys())
    module.generate(SPEC, rotate=there)
    module.close()
    file = str(soft.pin_file)
    return {
        "module": "pkcs11",
        "library": soft.library,
        "token": soft.label,
        "token_pin_file": file,
    }


async def in_a_token(stage: Stage) -> list[CallReport]:
    keys = keys_in_a_token(stage.folder / "token-pins")
    async with stage.open_bank("token-pins", **SETTINGS, **LOCAL, keys=keys) as day:
        who, _ = day.pair(0)
        first = await day.ring(balance(who), "bal.amount")
        await asyncio.to_thread(day.bank.host.stop)
        guess = "".join(reversed(who.pin))
        away = f"{prove(who, guess)} @auth.wrong_pin !{who.pin}# {BALANCE}"
        return [first, await day.ring(away, "bal.stale")]


async def test_with_keys_in_a_token(stage: Stage) -> None:
    first, away = await stage.of(in_a_token)
    assert prompts(first)[0] == "bal.amount"
    assert [one for one in prompts(away) if one in {"auth.wrong_pin", "bal.stale"}] == [
        "auth.wrong_pin",
        "bal.stale",
    ]


@pytest_asyncio.fixture(loop_scope="session")
async def seen(stage: Stage) -> Seen:
    return await stage.of(away_and_back)


async def test_the_last_balance_is_heard_with_its_time(seen: Seen) -> None:
    for language in ("zh", "en"):
        heard = seen.calls[f"{language} away"]
        assert prompts(heard)[0] == "bal.stale"
        assert words(heard, "bal.stale") == [seen.expected[language]]
    assert words(seen.calls["restarted"], "bal.stale") == [seen.expected["zh"]]


async def test_money_is_not_moved_and_nobody_unknown_is_let_in(seen: Seen) -> None:
    menus = {"money": "tr.menu", "stranger": "front.menu", "forgotten": "front.menu"}
    for name, menu in menus.items():  # nobody unknown comes further; no read-back
        assert set(prompts(seen.calls[name])) == {"sys.unavailable", menu}, name


async def test_wrong_pins_are_counted_without_the_host(seen: Seen) -> None:
    told = [one for one in prompts(seen.calls["guessed"]) if one.startswith("auth.")]
    assert told[-3:] == ["auth.wrong_pin", "auth.wrong_pin", "auth.locked"]
    assert prompts(seen.calls["locked"])[0] == "auth.locked"
    assert len(seen.tries) == 1  # the fourth, in the call after the three


async def test_a_supervisor_has_a_pin_forgotten(seen: Seen) -> None:
    administrator, typo, first, second, events = seen.forgotten
    assert (administrator.code, "a supervisor may" in administrator.err) == (1, True)
    assert (typo.code, "card" in typo.err) == (2, True)
    assert (first.json["forgotten"], second.json["forgotten"]) == (True, False)
    assert first.json["card"].count("*") >= 6
    assert "wu" in events.out
    assert prompts(seen.calls["back"])[0] == "bal.amount"
    assert seen.pins_kept == 3  # of three customers, the forgotten one's anew


async def test_nothing_tells_a_pin(seen: Seen) -> None:
    assert seen.secrets == []


SCENES = (away_and_back, in_a_token)
