"""Faxes that callers ask for, beside the menus of one call."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from itertools import count
from types import MappingProxyType
from typing import Any

import structlog

from telebank.calls.edition import Edition
from telebank.calls.endpoint import Fact
from telebank.calls.faxes.leg import FaxLeg
from telebank.calls.faxes.values import FaxLines, FaxOutcome, FaxTask, Progress
from telebank.calls.leg import Leg
from telebank.calls.services import CallServices, FaxAsked, Faxes, MadeFax
from telebank.flow.commands import PrepareFax, SendFax, Submit
from telebank.flow.events import FaxAnswered, FaxPrepared
from telebank.flow.model import READY
from telebank.flow.papers import UNAVAILABLE as NOT_AVAILABLE
from telebank.sip import CallEnded
from transactions.answer import Answer
from transactions.outcome import Values

log = structlog.get_logger("telebank.calls")

Ask = Callable[[Submit], Awaitable[Answer]]
_NOTHING: Values = MappingProxyType({})


class Demand:
    """Of one call. The call hands its facts to `takes` first: while a fax goes through it they are
    the fax's, and keys are the sounds of machines."""

    def __init__(self, leg: Leg, shell: CallServices, caller: str = "") -> None:
        """`caller` is the number that the call shows."""
        self._leg = leg
        self._caller = caller
        self._shell = shell
        self._fax: FaxLeg | None = None
        self._sending: asyncio.Task[FaxOutcome] | None = None
        self._making: asyncio.Task[Any] | None = None
        self._made: tuple[str, MadeFax] | None = None
        """By its visit."""
        self._over = False

    @property
    def able(self) -> frozenset[str]:
        """Which abilities a session that begins now has."""
        faxes = self._shell.faxes
        return frozenset() if faxes is None else faxes.able()

    @property
    def busy(self) -> bool:
        """Whether a fax goes through the call now."""
        return self._fax is not None

    def takes(self, fact: Fact) -> bool:
        """Whether a fact of the user agent was about the fax alone."""
        fax = self._fax
        if fax is None or not fax.takes:
            return False
        fax.sip(fact)
        return not isinstance(fact, CallEnded)

    async def serve(
        self, call: str, fax: PrepareFax | SendFax, edition: Edition, ask: Ask
    ) -> FaxPrepared | FaxAnswered:
        """Do what the menu asked for: what is to be told of it."""
        faxes = self._shell.faxes
        if faxes is None:
            exit_name, data = NOT_AVAILABLE, _NOTHING
        elif isinstance(fax, PrepareFax):
            exit_name, data = await self._prepare(faxes, self._asked(call, fax, edition, ask))
        elif fax.way == "here":
            exit_name, data = await self._send_made(fax.visit)
        else:
            exit_name, data = await faxes.demand(self._asked(call, fax, edition, ask))
        if isinstance(fax, PrepareFax):
            return FaxPrepared(fax.visit, exit_name)
        return FaxAnswered(fax.visit, exit_name, data)

    def over(self) -> Coroutine[Any, Any, None] | None:
        """The call has ended: what is being made for it is not made any more, and what is made and
        was not sent is to be removed (None: nothing is)."""
        self._over = True
        if self._making is not None:
            self._making.cancel()
        made, self._made = self._made, None
        return None if made is None else made[1].drop()

    async def _prepare(self, faxes: Faxes, asked: FaxAsked) -> tuple[str, Values]:
        if self._over:  # hung up before this task began
            return NOT_AVAILABLE, _NOTHING
        if self._making is not None or self._made is not None:
            raise RuntimeError("a paper is made for this call already")
        self._making = asyncio.current_task()
        try:
            made = await faxes.prepare(asked)
        finally:
            self._making = None
        if isinstance(made, str):
            return made, _NOTHING
        self._made = asked.fax.visit, made
        return READY, _NOTHING

    async def _send_made(self, visit: str) -> tuple[str, Values]:
        if self._over:  # hung up before this task began, and the paper was dropped
            return NOT_AVAILABLE, _NOTHING
        if self._made is None or self._made[0] != visit:
            raise RuntimeError(f"no paper was made for {visit}")
        (_, made), self._made = self._made, None
        try:
            return await made.send()
        finally:
            if self._sending is not None:  # nothing is said before speech is back
                await asyncio.wait([self._sending])

    def _asked(self, call: str, fax: PrepareFax | SendFax, edition: Edition, ask: Ask) -> FaxAsked:
        numbers = count(1)

        async def service(name: str, inputs: Values) -> Answer:
            visit = f"{fax.visit}.{next(numbers)}"
            return await ask(Submit(visit, name, inputs, fax.auth, fax.authenticated))

        card = fax.authenticated
        customer = self._shell.vault.token(card) if card is not None else ""
        return FaxAsked(
            *(call, fax, customer, edition, service, self._send, self._stop, self._caller)
        )

    async def _send(
        self, lines: FaxLines, task: FaxTask, on_progress: Callable[[Progress], None]
    ) -> FaxOutcome:
        """One fax at a time. Who waits for it may go; the call is brought back to speech."""
        if self._sending is not None:
            raise RuntimeError("a fax goes through this call already")
        self._fax = FaxLeg(self._shell, lines, task, on_progress)
        work = self._fax.within(self._leg)
        self._sending = asyncio.create_task(work, name="fax in a call")
        self._sending.add_done_callback(self._sent)
        try:
            return await asyncio.shield(self._sending)
        except asyncio.CancelledError:
            self._stop("cancelled")
            raise

    def _stop(self, reason: str) -> None:
        if self._fax is not None:
            self._fax.cancel(reason)

    def _sent(self, sending: asyncio.Task[FaxOutcome]) -> None:
        self._fax = self._sending = None
        error = None if sending.cancelled() else sending.exception()
        if error is not None:
            log.error("fax.failed", error=type(error).__name__)
