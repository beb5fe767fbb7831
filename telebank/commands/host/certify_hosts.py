"""The hosts of `telebank host certify`: the demo's, made for the run, or a bank's own test host."""

import asyncio
import contextlib
import json
import select
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from core_adapters.conformance import kit
from core_adapters.conformance.iso8583_bench import Iso8583Target
from core_adapters.conformance.people import People, load_people, people_of
from core_adapters.corehost.acts import CUT_OVER, KEY_CHANGE
from core_adapters.corehost.control import ControlError, NotRunning, ask
from core_adapters.corehost.house import findings
from core_adapters.corehost.products.bills.billers import Biller, load_billers
from core_adapters.corehost.products.bonds import holdings as bonds
from core_adapters.corehost.products.companies import accounts as companies
from core_adapters.corehost.products.companies.people import APPROVE, MAKE
from core_adapters.corehost.products.deposits.terms import PASSBOOK, TIME
from core_adapters.corehost.products.exchange import accounts as fx_accounts
from core_adapters.corehost.products.exchange.market import YUAN, load_market
from core_adapters.corehost.products.loans import accounts as loans
from core_adapters.corehost.products.plantings import exchange as fx_planting
from core_adapters.corehost.products.plantings.accounts import SMALL
from core_adapters.corehost.products.plantings.customers import FIRST_CHEQUE
from core_adapters.corehost.products.plantings.operators import ROLES
from core_adapters.corehost.rules import EVERY_DAY, Rules
from core_adapters.corehost.seed import SeedCard, card_number, trial_set
from core_adapters.iso8583.options import Iso8583Options
from telebank.commands.common import Unreachable
from telebank.commands.host.check_sql import is_sql
from telebank.commands.host.common import (
    host_options,
    only_test,
    profile_path,
    read_contracts,
    read_keys,
    read_profile,
    split_address,
)

READY_S, STOP_S = 30.0, 10.0
ORDINARY = 60
TERMINAL = "TBCERT01"
BETTER = Decimal("1.05")
"""What an order waits for, of the rate that stands."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which host was asked for."""

    data: Path
    profile: str
    address: str | None
    """host:port, or for SQL the name of a section of the settings; None is a demo host."""
    keys: Path | None
    cards: Path | None
    dialect: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A host to be certified, with its test customers."""

    target: kit.Target
    people: People
    what: str
    """What it is, for the report."""
    version: int
    """The profile's."""
    books: Callable[[], list[str]] | None = None
    """What is wrong with the demo's own books afterwards."""


@contextlib.contextmanager
def opened(where: Where) -> Iterator[Opened]:
    """The host, for as long as it is needed; what was started ends with it."""
    demo, own = _demo_host, _own_host
    if is_sql(profile_path(where.data, where.profile)):
        # Here, not above: it needs a library of the system (core_adapters/sql/odbc.py).
        from telebank.commands.host import certify_sql

        demo, own = certify_sql.demo_database, certify_sql.own_database
    with contextlib.ExitStack() as stack:
        if where.address is not None:
            yield own(where)
            return
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="certify-")))
        yield demo(where, folder, stack)


# -- ISO 8583 ------------------------------------------------------------------------------------


def _demo_host(where: Where, folder: Path, stack: contextlib.ExitStack) -> Opened:
    profile, contracts = read_profile(where.data, where.profile), read_contracts(where.data)
    only_test(profile)
    path = profile_path(where.data, where.profile)
    port = stack.enter_context(demo_host(folder, path))
    module = read_keys(where.data, folder / "keys", profile)
    options = Iso8583Options(terminal=TERMINAL)
    bank = folder / "corehost"
    acts = {"cut_over": _told(bank, {"do": CUT_OVER})}
    acts["keys_host"] = _told(bank, *({"do": KEY_CHANGE, "key": key} for key in ("mak", "zpk")))
    target = Iso8583Target("127.0.0.1", port, profile, contracts, module, options, host_acts=acts)
    what = "the demo core host"
    return Opened(target, demo_people(), what, profile.version, lambda: findings(bank))


def _told(bank: Path, *commands: dict[str, str]) -> Callable[[], Awaitable[str]]:
    """What has the demo host do these; its word for what came of it."""

    async def act() -> str:
        try:
            for words in commands:
                said = await asyncio.to_thread(ask, bank, words)
                if said.get("waits"):
                    return "waits: the gateway gave no check value"
        except (ControlError, NotRunning) as error:
            return str(error)
        return "changed"

    return act


def _own_host(where: Where) -> Opened:
    profile, contracts = read_profile(where.data, where.profile), read_contracts(where.data)
    only_test(profile)
    assert where.address is not None
    assert where.cards is not None
    host, port = split_address(where.address)
    people = load_people(where.cards)
    module = read_keys(where.data, where.keys, profile)
    options = host_options(where.data, profile, where.address)
    target = Iso8583Target(host, port, profile, contracts, module, options)
    return Opened(target, people, where.address, profile.version)


@contextlib.contextmanager
def demo_host(folder: Path, profile: Path) -> Iterator[int]:
    """A demo core host with test cards on a free port, in a process of its own; gives the port."""
    words = [sys.executable, "-m", "telebank", "corehost", "run", "--test-data"]
    words += ["--listen", "127.0.0.1:0", "--profile", str(profile.resolve())]
    words += ["--data", str(folder / "corehost"), "--keys", str(folder / "keys")]
    with (
        (folder / "corehost.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(  # noqa: S603 - our own program
            words, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            ready, _, _ = select.select([process.stdout], [], [], READY_S)
            line = process.stdout.readline() if ready else ""
            if not line:
                raise Unreachable("the demo core host did not start")
            yield int(json.loads(line)["port"])
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


# -- customers -----------------------------------------------------------------------------------


def demo_people() -> People:
    """The test customers of a demo host started with --test-data."""
    cards, billers = trial_set(), load_billers()[0]
    special = cards[ORDINARY:]
    rows: dict[str, Any] = {
        "payers": [(*_row(one), _details(one, billers)) for one in cards[: ORDINARY - 10]],
        "payee": _row(cards[ORDINARY - 1]),
        "poor": _row(special[0]),
        "unknown": (card_number(999_999_999), "", ""),
    }
    rows |= {one.state: _row(one) for one in special if one.state in ("hot", "locked")}
    company = next(one for one in special if one.company)
    cheques = [f"{FIRST_CHEQUE + place}" for place in (5, 6)]
    rows["company"] = (
        *_row(company),
        {"account": companies.FIRST_SUB, "cheque": cheques[0], "cheque_too": cheques[1]},
    )
    rows["approver"] = _approver(company, special, cards[ORDINARY - 1])
    return people_of(rows)


def _approver(company: SeedCard, special: Sequence[SeedCard], payee: SeedCard) -> tuple[Any, ...]:
    """The first of the company's people who may approve, with the one who may propose."""
    people = [one for one in special if one.state == "operator"]
    maker, approver = (
        next(place for place, role in enumerate(ROLES) if role.may == may)
        for may in (MAKE, APPROVE)
    )
    details = {
        "account": companies.FIRST_SUB,
        "company": company.account,
        "maker": ROLES[maker].number,
        "operator": ROLES[approver].number,
        "payee": payee.card,
    }
    return (*_row(people[approver]), details)


def _details(one: SeedCard, billers: Mapping[str, Biller]) -> dict[str, str]:
    """The customer's numbers at the demo's billers, and of what the seed gave him: a time deposit
    that has matured, also of dollars, a loan, a bond; and a rate that the market may come to."""
    place = next(n for n, held in enumerate(SMALL.holdings, 1) if held.kind == TIME)
    named = next(n for n, held in enumerate(SMALL.holdings, 1) if held.kind == PASSBOOK)
    numbers = {name: biller.number(one.card) for name, biller in billers.items()}
    terms = [one for one in fx_planting.SMALL if one.term]
    return {
        **numbers,
        "deposit": f"{place:04d}",
        "deposit_named": f"{named:04d}",
        "loan": f"{loans.FIRST_SUB}",
        "bond": f"{bonds.FIRST_SUB}",
        "fx_deposit": f"{fx_accounts.FIRST_SUB + fx_planting.SMALL.index(terms[0])}",
        "fx_limit": _better_rate(),
    }


def _better_rate() -> str:
    """Dollars for a hundred yuan, a little more than the demo's market gives now."""
    market = load_market(Rules(market_days=EVERY_DAY))
    now = market.last(datetime.now(UTC))
    return f"{market.rate(YUAN, 'usd', now).buy * BETTER:.2f}"


def _row(one: SeedCard) -> tuple[str, str, str]:
    return one.card, one.pin, one.identity
