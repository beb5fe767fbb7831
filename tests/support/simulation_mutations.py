"""Mistakes that a gateway could make. The simulation must catch every one of them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from core_adapters.iso8583 import dialects as dialects_module
from core_adapters.iso8583 import host as host_module
from core_adapters.iso8583.build import Builder
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.links import mux as mux_module
from core_adapters.iso8583.links.driver import Driver, NoReply
from core_adapters.iso8583.links.matching import disagreement, key_of
from core_adapters.iso8583.links.mux import Mux
from core_adapters.iso8583.replies import Judged
from support import transactions_journal as journal_module
from support.simulation_journal import KillJournal
from support.simulation_net import Hit
from support.transactions_journal import Journal
from transactions import processor as processor_module
from transactions import settle as settle_module
from transactions import writes as writes_module
from transactions.closing import Closed, Closing
from transactions.journal import Recorded
from transactions.lifecycle import State
from transactions.outcome import Approved, Unknown
from transactions.ports import Reversed
from transactions.sending import FirstLog
from transactions.settling import Verdict, to_person
from transactions.stepping import Stepper
from transactions.writes import Writer

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Mutation:
    """A mistake, and the words with which it must be caught."""

    name: str
    patch: Patch
    caught: tuple[str, ...]
    first: Hit | None = None
    """The fault that shows it, where most do not."""
    kill: str = ""
    """The step at which a kill shows it, where it is none that every run has."""


def resend(patch: pytest.MonkeyPatch) -> None:
    """A 0200 goes again when its line is lost."""
    real = Driver.send

    async def send(self: Driver, place: Any) -> Any:
        data, link = place.data, place.link
        end = await real(self, place)
        if isinstance(end, NoReply):
            await asyncio.sleep(2)
            self._links[link].send(data)
        return end

    patch.setattr(Driver, "send", send)


def reverse_another_amount(patch: pytest.MonkeyPatch) -> None:
    """The reversal has another field 4."""
    real = Builder.reversal

    def reversal(self: Builder, *args: Any) -> Any:
        message = real(self, *args)
        return message.with_fields(message.mti, {4: "000000000001"})

    patch.setattr(Builder, "reversal", reversal)


def sent_after_the_bytes(patch: pytest.MonkeyPatch) -> None:
    """SENT becomes durable while the bytes are on their way."""
    tasks: set[Any] = set()

    async def sending(self: FirstLog, message: Any) -> None:
        work = self._journal.record(self.request, self._plan, message)
        tasks.add(asyncio.ensure_future(work))
        self.recorded, self.sent = Recorded(self.request), message

    patch.setattr(FirstLog, "sending", sending)


def restart_forgets_sent(patch: pytest.MonkeyPatch) -> None:
    """After a restart SENT counts as not done."""
    real = settle_module.steps_on
    wrong = lambda row: [State.DECLINED] if row.state is State.SENT else real(row)  # noqa: E731
    patch.setattr(settle_module, "steps_on", wrong)


def restart_forgets_recorded(patch: pytest.MonkeyPatch) -> None:
    """After a restart RECORDED is left alone."""
    real = settle_module.steps_on
    wrong = lambda row: [] if row.state is State.RECORDED else real(row)  # noqa: E731
    patch.setattr(settle_module, "steps_on", wrong)


def unknown_is_declined(patch: pytest.MonkeyPatch) -> None:
    """No answer is taken for a no."""
    real = writes_module._next

    def wrong(service: Any, outcome: Any, sent: bool) -> Any:
        if isinstance(outcome, Unknown) and sent:
            return (State.DECLINED,), outcome.reason
        return real(service, outcome, sent)

    patch.setattr(writes_module, "_next", wrong)


def silence_is_reversed(patch: pytest.MonkeyPatch) -> None:
    """No answer to a reversal is taken for its success."""
    wrong = lambda self, row, reason: Verdict([State.REVERSED], reason)  # noqa: E731
    patch.setattr(Stepper, "_again", wrong)


def never_repeated(patch: pytest.MonkeyPatch) -> None:
    """A reversal without an answer goes to a person at once."""
    wrong = lambda self, row, reason: to_person(reason)  # noqa: E731
    patch.setattr(Stepper, "_again", wrong)


def always_0420(patch: pytest.MonkeyPatch) -> None:
    """The repeat is not marked as one."""
    real = Iso8583Host.reverse

    async def reverse(  # noqa: PLR0917 - the order of the port
        self: Any, original: Any, sent: Any, reason: Any, log: Any, _attempt: int, before: Any
    ) -> Any:
        return await real(self, original, sent, reason, log, 0, before)

    patch.setattr(Iso8583Host, "reverse", reverse)


def no_mac(patch: pytest.MonkeyPatch) -> None:
    """MACs are not looked at."""
    wrong = lambda self, event, expected: disagreement(expected, event.message)  # noqa: E731
    patch.setattr(Mux, "_distrust", wrong)


def any_amount(patch: pytest.MonkeyPatch) -> None:
    """What must agree is not looked at."""
    patch.setattr(mux_module, "disagreement", lambda expected, reply: "")


def key_of_stan_alone(patch: pytest.MonkeyPatch) -> None:
    """Replies match by STAN alone."""

    def wrong(rule: Any, message: Any) -> Any:
        return key_of(replace(rule, key=(11,)), message)

    patch.setattr(mux_module, "key_of", wrong)
    patch.setattr(
        mux_module,
        "expected_of",
        lambda profile, message: replace(
            _expected(profile, message), key=wrong(mux_module.rule_of(profile, message), message)
        ),
    )


_expected = mux_module.expected_of


def told_before_durable(patch: pytest.MonkeyPatch) -> None:
    """The caller hears "done" before the journal has it."""
    real = Writer._conclude
    tasks: set[Any] = set()

    async def conclude(self: Writer, service: Any, row: Any, outcome: Any, reply: Any) -> Any:
        work = real(self, service, row, outcome, reply)
        if not isinstance(outcome, Approved):
            return await work
        tasks.add(asyncio.ensure_future(work))
        return outcome

    patch.setattr(Writer, "_conclude", conclude)


def collision_reversed(patch: pytest.MonkeyPatch) -> None:
    """94 to a request sent once is taken for a silence."""
    real = dialects_module.judge

    def wrong(*args: Any) -> Any:
        judged = real(*args)
        collided = judged.outcome == Unknown("duplicate_stan")
        return Judged(Unknown("malfunction")) if collided else judged

    patch.setattr(dialects_module, "judge", wrong)


def stan_begins_again(patch: pytest.MonkeyPatch) -> None:
    """STANs do not outlive the process."""

    async def next_stan(self: Any) -> str:
        self.mine = getattr(self, "mine", 0) + 1
        return f"{self.mine:06d}"

    patch.setattr(KillJournal, "next_stan", next_stan)


def card_in_the_row(patch: pytest.MonkeyPatch) -> None:
    """A message row has the card."""
    real = host_module.message_row

    def wrong(request: Any, role: Any, attempt: int, message: Any, stamp: Any) -> Any:
        return replace(real(request, role, attempt, message, stamp), link=message.get(2) or "")

    patch.setattr(host_module, "message_row", wrong)
    patch.setattr(host_module, "replace", lambda row, **ch: replace(row, **_without_link(ch)))


def _without_link(changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in changes.items() if name != "link"}


def pin_stays(patch: pytest.MonkeyPatch) -> None:
    """Secrets are not wiped."""
    patch.setattr(processor_module, "wipe", lambda inputs: None)


def refused_is_reversed(patch: pytest.MonkeyPatch) -> None:
    """Any answer to a reversal is taken for its success."""
    patch.setattr(host_module, "judge_reversal", lambda *args: Reversed())


def close_releases_all(patch: pytest.MonkeyPatch) -> None:
    """A close gives the limits back, also of what was posted."""
    real = Journal._close

    def wrong(self: Journal, closing: Closing) -> Any:
        done = real(self, closing)
        if isinstance(done, Closed) and done.state is State.CLOSED_POSTED:
            self._release(self.books.rows[done.request_id])
        return done

    patch.setattr(Journal, "_close", wrong)


def closed_the_other_way(patch: pytest.MonkeyPatch) -> None:
    """What people found posted is closed as not posted."""
    patch.setattr(Closing, "state", property(lambda _: State.CLOSED_NOT_POSTED))


def closed_by_one(patch: pytest.MonkeyPatch) -> None:
    """Who proposed may approve."""
    patch.setattr(journal_module, "refusal", lambda *args: None)


def approval_is_undone(patch: pytest.MonkeyPatch) -> None:
    """A row goes to be reversed although its answer was yes, and the caller hears it."""
    real = writes_module._next

    def wrong(service: Any, outcome: Any, sent: bool) -> Any:
        if isinstance(outcome, Approved):
            return (State.UNKNOWN, State.REVERSING), "approved"
        return real(service, outcome, sent)

    told = Writer._conclude

    async def conclude(self: Writer, service: Any, row: Any, outcome: Any, reply: Any) -> Any:
        heard = await told(self, service, row, outcome, reply)
        return outcome if isinstance(outcome, Approved) else heard

    patch.setattr(writes_module, "_next", wrong)
    patch.setattr(Writer, "_conclude", conclude)


MUTATIONS: Sequence[Mutation] = (
    Mutation("resend of a 0200", resend, ("was sent twice",)),
    Mutation("reversal of another amount", reverse_another_amount, ("another amount",)),
    Mutation("SENT after the bytes", sent_after_the_bytes, ("before its row is durable",)),
    Mutation("SENT is not done after a restart", restart_forgets_sent, ("posted is not as",)),
    Mutation(
        "RECORDED stays after a restart",
        restart_forgets_recorded,
        ("left RECORDED",),
        kill="after record",  # only what is not sent is recorded by itself
    ),
    Mutation("no answer is a no", unknown_is_declined, ("posted is not as", "and is posted")),
    Mutation("silence is a reversal", silence_is_reversed, ("posted is not as",)),
    Mutation("reversals are not repeated", never_repeated, ("went to a person",)),
    Mutation("0420 in the place of 0421", always_0420, ("a 0420 was sent twice",)),
    Mutation("no MAC", no_mac, ("posted is not as",)),
    Mutation("any amount agrees", any_amount, ("posted is not as",), Hit.WRONG_AMOUNT),
    Mutation("matched by STAN alone", key_of_stan_alone, ("posted is not as",)),
    Mutation("told before it is durable", told_before_durable, ("told done and is not posted",)),
    Mutation(
        "a collision is reversed", collision_reversed, ("a collision was reversed",), Hit.COLLISION
    ),
    Mutation(
        "STANs begin again",
        stan_begins_again,
        ("sent twice", "another amount", "nothing we sent", "went to a person"),
    ),
    Mutation("a card in a row", card_in_the_row, ("a card or PIN stands",)),
    Mutation("a PIN stays", pin_stays, ("a PIN is left",)),
    Mutation("any 0430 is a yes", refused_is_reversed, ("posted is not as",)),
    Mutation("a close releases what was posted", close_releases_all, ("limits",), Hit.LATE),
    Mutation("closed the other way", closed_the_other_way, ("posted is not as",), Hit.LATE),
    Mutation("closed by one person", closed_by_one, ("CLOSED",), Hit.LATE),
    Mutation("an approval is undone", approval_is_undone, ("told done and is not posted",)),
)
