"""The kit finds what is wrong: hosts and adapters with one fault each, over real TCP."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from core_adapters.conformance import kit
from core_adapters.conformance.bench import Adapter
from core_adapters.conformance.iso8583_bench import Setup
from core_adapters.conformance.journal import Numbers, Stans
from core_adapters.conformance.rig import Pace
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.keys.change_types import KeyEvent
from core_adapters.iso8583.profile import MatchRule
from support.conformance_bench import CONTRACTS, Bench, Made, Spoiled, wrong
from transactions.contract import Kind
from transactions.money import Money
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Value
from transactions.ports import (
    Health,
    HostTotals,
    MessageLog,
    ReversalOutcome,
    Reversed,
    Unsupported,
)
from transactions.request import HostMessage, Request

# -- hosts -------------------------------------------------------------------------------------


class ApprovesEveryReversal(Spoiled):
    """0430 with 00, and nothing done."""

    def invented(self, message: Message) -> str | None:
        return "00" if message.mti[:2] == "04" else None


class ApprovesReversalItNeverGot(Spoiled):
    """00 to the reversal of an original that it never had, and no tombstone."""

    def invented(self, message: Message) -> str | None:
        original = (message.get(90) or "")[4:10]
        return "00" if message.mti[:2] == "04" and original not in self.seen else None


class NoTombstones(Spoiled):
    """25, and the original is applied when it comes."""

    def invented(self, message: Message) -> str | None:
        original = (message.get(90) or "")[4:10]
        return "25" if message.mti[:2] == "04" and original not in self.seen else None


class AnyPin(Spoiled):
    """Every PIN is right."""

    def invented(self, message: Message) -> str | None:
        return "00" if message.mti == "0600" else None


class OneIsEnough(Spoiled):
    """A payment of a company needs nobody but who approves it."""

    def invented(self, message: Message) -> str | None:
        return "00" if message.get(3) == "511000" and message.mti == "0200" else None


class StopsTwice(Spoiled):
    """A stop that comes again is another one, and is refused."""

    def invented(self, message: Message) -> str | None:
        return "05" if message.mti == "0303" and message.get(3) == "610100" else None


class AnswersWithoutPosting(Spoiled):
    """Says 00 to a transfer and moves nothing."""

    def invented(self, message: Message) -> str | None:
        return "00" if message.get(3) == "420000" and message.mti == "0200" else None


class ForgetsRepeats(Spoiled):
    """Says `no` to a loss report's repeat."""

    def invented(self, message: Message) -> str | None:
        return "27" if message.mti == "0303" else None


@pytest.mark.parametrize(
    ("spoiled", "scenario", "check"),
    [
        (ApprovesEveryReversal, "timeout.after", "money"),
        (ApprovesReversalItNeverGot, "reversal.before_original", "money"),
        (NoTombstones, "reversal.before_original", "money"),
        (AnyPin, "service.pin.verify.wrong", "outcome"),
        (AnyPin, "service.pin.change.old", "outcome"),
        (AnswersWithoutPosting, "service.transfer.card_to_card.fee", "caller told the truth"),
        (ForgetsRepeats, "timeout.state", "state"),
        (OneIsEnough, "service.corp.pay.self", "outcome"),
        (OneIsEnough, "service.corp.pay", "caller told the truth"),
        (StopsTwice, "service.cheque.stop.lost", "state"),
    ],
)
async def test_a_host_at_fault_is_found(
    tmp_path: Path, spoiled: Made, scenario: str, check: str
) -> None:
    async with Bench(tmp_path, spoiled) as bench:
        assert check in wrong(await bench.certify(scenario))[scenario]


async def test_a_host_without_tombstones_passes_with_a_profile_that_says_so(tmp_path: Path) -> None:
    only = ("timeout.", "reversal.before", "cut.request", "crash.", "wrong.garbled")
    async with Bench(tmp_path, NoTombstones) as bench:
        assert wrong(await bench.certify(*only, pace=Pace(), tombstones=False)) == {}


async def test_a_host_that_takes_any_mac_is_found(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.codec.mac_ok = lambda *_: True  # type: ignore[method-assign]
    async with bench:
        assert "money" in wrong(await bench.certify("wrong.request_mac"))["wrong.request_mac"]


# -- adapters ----------------------------------------------------------------------------------


class _Host(Iso8583Host):
    """The gateway's adapter, to be spoiled."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(
            setup.profile,
            setup.contracts,
            setup.module,
            setup.options,
            events=setup.events,
            vault=setup.vault,
        )
        self.module = setup.module


class RetriesMoney(_Host):
    """Sends a request again when no answer came."""

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        outcome = await super().execute(request, log, repeat_of)
        if isinstance(outcome, Unknown) and CONTRACTS[request.service].effect != "read":
            return await super().execute(request, Numbers(Stans(500_000)), repeat_of)
        return outcome


class _Hasty:
    """A log that says `durable` before it is."""

    def __init__(self, log: MessageLog) -> None:
        self._log = log
        self._tasks: list[asyncio.Task[None]] = []

    async def next_stan(self) -> str:
        return await self._log.next_stan()

    async def sending(self, message: HostMessage) -> None:
        async def later() -> None:
            await asyncio.sleep(0.03)
            await self._log.sending(message)

        self._tasks.append(asyncio.create_task(later()))

    async def answered(self, message: HostMessage) -> None:
        await asyncio.gather(*self._tasks)
        await self._log.answered(message)


class SendsBeforeTheRow(_Host):
    """Sends first and writes afterwards."""

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        return await super().execute(request, _Hasty(log), repeat_of)


class CallsUnknownDeclined(_Host):
    """Tells a time-out as a refusal."""

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        outcome = await super().execute(request, log, repeat_of)
        return Declined("refused") if isinstance(outcome, Unknown) else outcome


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


class PretendsNewKeys(_Host):
    """Says that its keys are new, and has done nothing."""

    async def rotate_key(self, name: str) -> KeyEvent:
        return KeyEvent(name, "changed", "us")


class KeepsRefusedKeys(_Host):
    """Takes a key into use that the host has refused."""

    async def rotate_key(self, name: str) -> KeyEvent:
        event = await super().rotate_key(name)
        if event.outcome == "refused":
            held = next(info for info in self.module.list_keys() if info.spec.name == name)
            self.module.generate(held.spec, rotate=True)
        return event


class TakesAnyKey(_Host):
    """Says 00 to every key block."""

    def _on_network(self, message: Message) -> Mapping[int, str]:
        return {39: "00"}


class CutOverIsUnknown(_Host):
    """Takes 90 for an unknown outcome."""

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        outcome = await super().execute(request, log, repeat_of)
        return Unknown("cut_over") if outcome == Declined("cut_over") else outcome


def knows_one_address(setup: Setup) -> Adapter:
    """Never goes anywhere else."""
    first = setup.options.addresses[:1]
    return _Host(replace(setup, options=replace(setup.options, addresses=first)))


def has_room_for_all(setup: Setup) -> Adapter:
    """Never refuses one more."""
    mux = replace(setup.options.mux, in_flight_max=200)
    return _Host(replace(setup, options=replace(setup.options, mux=mux)))


def trusts_any_amount(setup: Setup) -> Adapter:
    """Matches by STAN alone."""
    lax = {key: MatchRule((11,), ()) for key in setup.profile.match}
    return _Host(replace(setup, profile=replace(setup.profile, match=MappingProxyType(lax))))


def never_echoes(setup: Setup) -> Adapter:
    """Does not notice a dead link."""
    mux = replace(setup.options.mux, echo_interval_s=900.0)
    return _Host(replace(setup, options=replace(setup.options, mux=mux)))


@pytest.mark.parametrize(
    ("factory", "scenario", "check"),
    [
        (RetriesMoney, "timeout.before", "requests sent"),
        (SendsBeforeTheRow, "service.transfer.card_to_card", "journal before wire"),
        (CallsUnknownDeclined, "timeout.after", "caller told the truth"),
        (NeverReverses, "timeout.after", "money as the journal says"),
        (trusts_any_amount, "wrong.amount", "outcome"),
        (trusts_any_amount, "wrong.terminal", "outcome"),
        (never_echoes, "frame.slow", "state"),
        (ForgetsTheDay, "totals.debit", "host totals"),
        (ForgetsTheDay, "totals.reversed", "host totals"),
        (NeverReverses, "totals.reversed", "host totals"),
        (CallsUnknownDeclined, "failover.reply", "caller told the truth"),
        (knows_one_address, "failover.request", "state"),
        (knows_one_address, "failover.reply", "state"),
        (knows_one_address, "failover.next", "state"),
        (PretendsNewKeys, "keys.ours", "before it"),
        (KeepsRefusedKeys, "keys.ours.refused", "outcome"),
        (TakesAnyKey, "keys.host", "before it"),
        (TakesAnyKey, "keys.host.bad", "as the host saw it"),
        (TakesAnyKey, "keys.in_flight", "as the host saw it"),
        (CutOverIsUnknown, "cutover.retry", "messages"),
        (has_room_for_all, "crowd.full", "outcome"),
        (RetriesMoney, "service.pin.change.lost", "requests sent"),
    ],
)
async def test_an_adapter_at_fault_is_found(
    tmp_path: Path, factory: Callable[[Setup], Adapter], scenario: str, check: str
) -> None:
    async with Bench(tmp_path) as bench:
        found = wrong(await bench.certify(scenario, factory=factory))
        assert check in found[scenario]


# -- every scenario can fail -------------------------------------------------------------------

SAMPLES: Mapping[Kind, Value] = {
    "money": Money.parse("1.00"),
    "text": "Q1",
    "digits": "000000000001",
}


class _Still:
    """An adapter that sends nothing, whatever it says."""

    def __init__(self, setup: Setup) -> None:
        self._served = {name: one.version for name, one in setup.profile.services.items()}
        self.links = 0

    async def start(self) -> None:
        """Nothing to open."""

    async def wait_signed_on(self, timeout_s: float) -> bool:
        return False

    async def close(self) -> None:
        """Nothing to close."""

    def capabilities(self) -> Mapping[str, int]:
        return self._served

    async def query_status(self, request: Request, sent: HostMessage) -> Outcome:
        raise Unsupported("nothing here")

    async def health(self) -> Health:
        return Health(self.links, 1, None, 0)

    async def reconcile(self, business_date: date) -> HostTotals:
        raise Unsupported("nothing here")

    async def reverse(self, *_: Any) -> ReversalOutcome:
        return Reversed()


class SaysYes(_Still):
    """Approves everything, having asked nobody."""

    async def execute(self, request: Request, log: MessageLog, repeat_of: Any = None) -> Outcome:
        outputs = CONTRACTS[request.service].outputs
        return Approved({name: SAMPLES[kind] for name, kind in outputs.items() if kind in SAMPLES})


class SaysNotSent(_Still):
    """Never sends anything."""

    async def execute(self, request: Request, log: MessageLog, repeat_of: Any = None) -> Outcome:
        return NotSent("no_link")


HURRIED = Pace(timeout_s=0.02, retry_s=0.01, echo_s=0.02, settle_s=0.1, sign_on_s=0.05)


async def test_every_scenario_can_fail(tmp_path: Path) -> None:
    async with Bench(tmp_path) as bench:
        yes = await bench.certify(factory=SaysYes, pace=HURRIED)
        unsent = await bench.certify(factory=SaysNotSent, pace=HURRIED)
    tried = {one.scenario.id for one in yes.results if one.verdict != kit.INAPPLICABLE}
    assert len(tried) > 100
    assert tried - wrong(yes).keys() - wrong(unsent).keys() == set()


async def test_the_same_scenarios_pass_where_nothing_is_wrong(tmp_path: Path) -> None:
    async with Bench(tmp_path) as bench:
        outcome = await bench.certify(
            *("timeout.", "reversal.before", "wrong.", "frame.", "totals."),
            *("keys.", "failover.", "cutover.", "crowd."),
            pace=Pace(),
        )
    assert wrong(outcome) == {}
    assert outcome.count(kit.SKIPPED) == 0
    assert outcome.passed
