"""The kit finds what is wrong with SQL hosts: databases and adapters with one fault each."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core_adapters.conformance import kit
from core_adapters.conformance.bench import Adapter
from core_adapters.conformance.journal import Numbers, Stans
from core_adapters.conformance.rig import Pace
from core_adapters.conformance.sql_bench import (
    SqlFactory,
    SqlSetup,
    SqlTarget,
    sql_adapter,
    through,
)
from core_adapters.conformance.sql_demo import DemoBank, sqlite_demo
from core_adapters.sql.host import SqlHost
from core_adapters.sql.options import SqlOptions
from core_adapters.sql.profile_load import load_profile
from support.conformance_bench import CONTRACTS, shipped, wrong
from telebank.commands.host.certify_people import demo_people
from telebank.settings import seed_dir
from transactions.outcome import Declined, Outcome, Unknown
from transactions.ports import HostTotals, MessageLog, ReversalOutcome, Reversed
from transactions.request import HostMessage, Request

PROFILE = load_profile(seed_dir() / "hosts" / "sql-demo.yaml")
QUICK = Pace(timeout_s=0.6, retry_s=0.05, echo_s=0.15, settle_s=4.0, sign_on_s=3.0)
TRANSFER = "transfer.card_to_card"


def certify(
    folder: Path,
    *only: str,
    factory: SqlFactory = sql_adapter,
    spoil: Callable[[DemoBank], None] = lambda _bank: None,
    pace: Pace = QUICK,
) -> kit.Outcome:
    """Run the shipped scenarios whose ids begin so against a SQLite file of the stubs."""
    with ExitStack() as stack:
        bank = stack.enter_context(sqlite_demo(folder, demo_people()))
        spoil(bank)
        options = SqlOptions(dialect="sqlite", connection="demo")
        target = SqlTarget(bank.database, PROFILE, CONTRACTS, options, factory)
        return asyncio.run(kit.certify(target, kit.Plan(shipped(), demo_people(), 1, pace, only)))


# -- databases ---------------------------------------------------------------------------------


def without(trigger: str, view: str) -> Callable[[DemoBank], None]:
    """The call of that trigger does nothing."""

    def spoil(bank: DemoBank) -> None:
        bank.query(f"DROP TRIGGER {trigger}")
        bank.query(f"CREATE TRIGGER {trigger} INSTEAD OF INSERT ON {view} BEGIN SELECT 1; END")

    return spoil


def bars_nothing(bank: DemoBank) -> None:
    """Says `not posted` of what it does not find, and posts it when it comes."""
    text = bank.query("SELECT sql FROM sqlite_master WHERE name = 'tb_transfer_do'")[0][0]
    bank.query("DROP TRIGGER tb_transfer_do")
    bank.query(
        text.replace("WHERE id = NEW.id)", "WHERE id = NEW.id AND service <> '')", 1).replace(
            "INSERT INTO tb_request", "INSERT OR REPLACE INTO tb_request", 1
        )
    )


def posts_twins(bank: DemoBank) -> None:
    """Keeps no ids: the same request again is another one."""
    text = bank.query("SELECT sql FROM sqlite_master WHERE name = 'tb_transfer_do'")[0][0]
    bank.query("DROP TRIGGER tb_transfer_do")
    text = text.replace("WHEN NOT EXISTS (SELECT 1 FROM tb_request WHERE id = NEW.id)", "")
    text = text.replace("INSERT INTO tb_request", "INSERT OR REPLACE INTO tb_request")
    bank.query(text.replace("AND used_by IS NULL", ""))


def knows_no_pin(bank: DemoBank) -> None:
    """Takes any PIN."""
    text = bank.query("SELECT sql FROM sqlite_master WHERE name = 'tb_pin_do'")[0][0]
    bank.query("DROP TRIGGER tb_pin_do")
    bank.query(text.replace("WHEN pin = NEW.pin THEN", "WHEN 1 THEN"))


def counts_no_reversals(bank: DemoBank) -> None:
    """Its totals leave out what was undone."""
    text = bank.query("SELECT sql FROM sqlite_master WHERE name = 'tb_totals'")[0][0]
    bank.query("DROP VIEW tb_totals")
    bank.query(text.replace("r.reversed_on IS NOT NULL", "0"))


@pytest.mark.parametrize(
    ("spoil", "scenario", "check"),
    [
        (bars_nothing, "recovery.query.early", "money"),
        (bars_nothing, "reversal.before_original", "money"),
        (without("tb_reverse_do", "tb_reverse_call"), "timeout.after", "money"),
        (posts_twins, "duplicate.request", "money"),
        (knows_no_pin, "service.pin.verify.wrong", "outcome"),
        (knows_no_pin, "service.pin.change.old", "outcome"),
        (counts_no_reversals, "totals.reversed", "host totals"),
    ],
)
def test_a_database_at_fault_is_found(
    tmp_path: Path, spoil: Callable[[DemoBank], None], scenario: str, check: str
) -> None:
    assert check in wrong(certify(tmp_path, scenario, spoil=spoil))[scenario]


# -- adapters ----------------------------------------------------------------------------------


class _Host(SqlHost):
    """The gateway's adapter, to be spoiled."""

    def __init__(self, setup: SqlSetup) -> None:
        super().__init__(
            setup.profile,
            setup.contracts,
            setup.options,
            events=setup.events,
            vault=setup.vault,
            connector=setup.driver.connect,
        )


class AsksAgain(_Host):
    """Runs a transfer again when no answer came."""

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        outcome = await super().execute(request, log, repeat_of)
        if isinstance(outcome, Unknown) and request.service == TRANSFER:
            await self.wait_signed_on(2)
            return await super().execute(request, Numbers(Stans(500_000)), repeat_of)
        return outcome


class _Hasty:
    """A log that says `durable` before it is."""

    def __init__(self, log: MessageLog) -> None:
        self._log = log
        self._later: list[asyncio.Task[None]] = []

    async def next_stan(self) -> str:
        return await self._log.next_stan()

    async def sending(self, message: HostMessage) -> None:
        async def later() -> None:
            await asyncio.sleep(0.05)
            await self._log.sending(message)

        self._later.append(asyncio.create_task(later()))

    async def answered(self, message: HostMessage) -> None:
        await asyncio.gather(*self._later)
        await self._log.answered(message)


class RunsBeforeTheRow(_Host):
    """Runs first and writes afterwards."""

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        return await super().execute(request, _Hasty(log), repeat_of)


class BelievesEveryError(_Host):
    """Takes a lost answer, or an error of COMMIT, for a refusal."""

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        outcome = await super().execute(request, log, repeat_of)
        return Declined("refused") if isinstance(outcome, Unknown) else outcome


class NeverAsks(_Host):
    """Knows without asking that it was not posted."""

    async def query_status(self, request: Request, sent: HostMessage) -> Outcome:
        return Declined("not_posted")


class NeverReverses(_Host):
    """Says reversed, and never asked."""

    async def reverse(self, *_: Any) -> ReversalOutcome:
        return Reversed()


class ForgetsTheDay(_Host):
    """Tells the first totals that it ever had."""

    _first: HostTotals | None = None

    async def reconcile(self, business_date: date) -> HostTotals:
        self._first = self._first or await super().reconcile(business_date)
        return self._first


@pytest.mark.parametrize(
    ("factory", "scenario", "check"),
    [
        (AsksAgain, "sql.error.lost", "requests sent"),
        (RunsBeforeTheRow, "service.transfer.card_to_card", "journal before wire"),
        (BelievesEveryError, "timeout.after", "caller told the truth"),
        (BelievesEveryError, "cut.request", "caller told the truth"),
        (BelievesEveryError, "sql.error.commit", "outcome"),
        (BelievesEveryError, "sql.error.unlisted", "outcome"),
        (BelievesEveryError, "sql.no_code", "outcome"),
        (NeverAsks, "recovery.query", "money as the journal says"),
        (NeverAsks, "recovery.query.lost", "state"),
        (NeverReverses, "timeout.after", "money as the journal says"),
        (ForgetsTheDay, "totals.debit", "host totals"),
    ],
)
def test_an_adapter_at_fault_is_found(
    tmp_path: Path, factory: Callable[[SqlSetup], Adapter], scenario: str, check: str
) -> None:
    found = wrong(certify(tmp_path, scenario, factory=factory))
    assert check in found[scenario]


def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path) -> None:
    outcome = certify(tmp_path, "service.", "sql.", "recovery.", "totals.", "crowd.", "wrong.")
    assert wrong(outcome) == {}
    assert outcome.passed
    whys = {one.scenario.id: one.why for one in outcome.results if one.why}
    assert "no MAC" in whys["wrong.mac"]
    assert outcome.count(kit.INAPPLICABLE) == len(whys)


def test_what_could_be_tried_and_was_not_is_no_pass(tmp_path: Path) -> None:
    """Every other customer of the file is missing: nothing failed, and yet it has not passed."""
    outcome = certify(tmp_path, "service.card.balance")
    left = [kit.Result(one.scenario, kit.SKIPPED, why="no card") for one in outcome.results]
    assert outcome.passed
    assert not kit.Outcome([*outcome.results, *left], outcome.began, 1.0, 1).passed


@pytest.mark.parametrize(
    ("connection", "wire", "through_it"),
    [
        ("DRIVER={X};Server=db1;Port=5432;UID=u", ("db1", 5432), "Server={host};Port={port}"),
        (
            "DRIVER={X};SERVER=/run/pg;PORT=1;UID=u",
            "/run/pg/.s.PGSQL.1",
            "SERVER={host};PORT={port}",
        ),
        ("DSN=BANK;UID=u", None, "DSN=BANK;UID=u"),
    ],
)
def test_the_wire_of_a_connection(connection: str, wire: object, through_it: str) -> None:
    text, found = through(connection)
    assert found == wire
    assert through_it in text
