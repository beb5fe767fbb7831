"""Calls that tellers place: which numbers may be called (`[outbound]`), and what each call costs.

They are counted with those of faxes, in the store: all nodes agree, and no restart forgets. A call
has a piece of the day's seconds at a time, so that those who talk leave room for others."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import partial
from typing import Protocol, TypeVar

import structlog

from telebank.calls.endpoint import Endpoint
from telebank.calls.faxes.options import OutboundOptions
from telebank.calls.faxes.outgoing import SIP_USER
from telebank.calls.faxes.tolls import Refusal, Target, judge, limits
from telebank.sip import Hop
from telebank.store import fax_tolls
from telebank.store.fax_tolls import CALL, TOLLS, Allowed, Limits, OverLimit
from telebank.store.transaction import Transaction
from transactions.clock import Clock
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.tellers")
T = TypeVar("T")

LONGEST_S = 3_600
"""Seconds of one call, at most."""
PIECE_S = 300
"""Seconds that are set aside when it is placed, and each time that they are about to be used up;
whole minutes, as trunks count."""
FIRST = 1
"""Attempts are a fax's: a call has one."""


class Run(Protocol):
    """Runs a job of the store in the node's next commit."""

    def __call__(
        self, work: Callable[[Transaction], T], locks: Sequence[str] = ...
    ) -> Awaitable[T]:
        """See `telebank.store.writer.Writer.run`."""
        ...


@dataclass(frozen=True, slots=True)
class Dialled:
    """A call that may be placed, and is counted: `Dialling.over` follows."""

    job: str
    target: Target
    seconds: int
    """It ends after so many, unless it gets `more`."""
    most: Limits
    """Of the day on which it is placed: it counts there to its end."""


class Dialling:
    """Of one node."""

    def __init__(
        self,
        options: OutboundOptions,
        run: Run,
        digest: Callable[[str], str],
        zone: tzinfo,
        clock: Clock,
    ) -> None:
        """`digest` makes of a number what it is counted under; `zone`: the bank's."""
        self._options = options
        self._run = run
        self._digest = digest
        self._zone = zone
        self._clock = clock

    @property
    def judges_answers(self) -> bool:
        """Whether it is listened to who answers: a person, a machine, a fax."""
        return self._options.judge_answers

    def judge(self, number: str) -> Target | Refusal:
        """Where a call to a number goes, or which rule forbids it; SIP addresses are none."""
        return judge(self._options, number, staff=False)

    async def reserve(self, ref: str, target: Target) -> Dialled | Refusal:
        """Count a call of this reference, which is unique, and set aside what it may cost; else
        which limit is reached, or that the store does not answer."""
        job, token = f"{CALL}{ref}", self._digest(target.number)
        most = limits(self._options, self._clock.now(), self._zone, PIECE_S)
        work = partial(_place, job=job, token=token, most=most, target=target)
        try:
            verdict = await self._run(work, TOLLS)
        except (JournalUnavailable, LeaseLost) as error:
            return _not_answered(error)
        if isinstance(verdict, OverLimit):
            return _reached(verdict)
        return Dialled(job, target, verdict.seconds, most)

    async def more(self, dialled: Dialled) -> Dialled | Refusal:
        """The same call with another piece of the day; else which limit is reached."""
        work = partial(
            fax_tolls.more,
            job=dialled.job,
            attempt=FIRST,
            limits=dialled.most,
            longest=LONGEST_S,
            toll=dialled.target.toll,
        )
        try:
            verdict = await self._run(work, TOLLS)
        except (JournalUnavailable, LeaseLost) as error:
            return _not_answered(error)
        if isinstance(verdict, OverLimit):
            return _reached(verdict)
        return replace(dialled, seconds=dialled.seconds + verdict.seconds)

    async def open(self) -> None:
        """Settle what a former life of this node left open. Raises as the store does."""
        await self._run(fax_tolls.lost, TOLLS)

    async def over(self, dialled: Dialled, seconds: float | None) -> None:
        """It took so long, from when it was placed; None: it never was."""
        work: Callable[[Transaction], None]
        if seconds is None:
            work = partial(fax_tolls.never, job=dialled.job, attempt=FIRST)
        else:
            work = partial(fax_tolls.took, job=dialled.job, attempt=FIRST, seconds=seconds)
        try:
            await self._run(work)
        except (JournalUnavailable, LeaseLost) as error:
            # What was set aside stays counted: too much, never too little.
            log.warning("call.not_counted", job=dialled.job, error=type(error).__name__)

    def way(self, endpoint: Endpoint, target: Target) -> tuple[str, Hop]:
        """Request-URI and next hop, now: of a trunk, the peer whose turn it is."""
        hop = endpoint.agent.way(target.trunk) if target.trunk else None
        return (target.uri, target.destination) if hop is None else (target.by(hop), hop)

    def caller(self, endpoint: Endpoint, target: Target) -> str:
        """Our own address, with the number that the trunk or `[outbound]` shows."""
        host, port = endpoint.advertised
        shown = f"[{host}]" if ":" in host else host
        return f"sip:{target.caller or self._options.caller or SIP_USER}@{shown}:{port}"


def _not_answered(error: Exception) -> Refusal:
    return Refusal("store", f"the store takes no call: {type(error).__name__}")


def _reached(verdict: OverLimit) -> Refusal:
    return Refusal(verdict.rule, f"[outbound] {verdict.rule} is reached")


def _place(
    part: Transaction, job: str, token: str, most: Limits, target: Target
) -> Allowed | OverLimit:
    verdict = fax_tolls.judge(part, token, most, toll=target.toll)
    if isinstance(verdict, Allowed):
        fax_tolls.place(part, job, FIRST, token, verdict.seconds, target.toll)
    return verdict
