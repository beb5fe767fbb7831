"""The message logs that the processor hands to an adapter: one for reads, one for rows."""

from contextlib import suppress
from datetime import datetime

from transactions.clock import Clock
from transactions.journal import Existing, Journal, Recorded, RecordPlan, RecordRefused
from transactions.ports import JournalUnavailable, MessageLog
from transactions.request import HostMessage, Request


class SendDeadlinePassed(Exception):  # noqa: N818 - reads as what it is
    """The request waited too long for its turn: it must not be sent any more (rule 1)."""


class ReadLog:
    """Numbers for a read's messages. A read has no row: it may be asked again with a new STAN."""

    def __init__(self, log: MessageLog, clock: Clock, deadline: float) -> None:
        self._log = log
        self._clock = clock
        self._deadline = deadline

    async def next_stan(self) -> str:
        """See `MessageLog`."""
        return await self._log.next_stan()

    async def sending(self, message: HostMessage) -> None:
        """Let it go unless it is too late."""
        if self._clock.monotonic() >= self._deadline:
            raise SendDeadlinePassed(message.request_id)

    async def answered(self, message: HostMessage) -> None:
        """Nothing to add to."""


class NotRecorded(Exception):  # noqa: N818 - reads as what it is
    """The journal has this request already, refuses it, or lets another go first: nothing may be
    sent for it now."""


class FirstLog:
    """Of a request that is to be sent for the first time.

    Its row, its reservations, SENT and its message are one commit, made when the adapter has the
    message ready and a place on a link. Its reply is kept for the commit of what it means.
    """

    def __init__(self, journal: Journal, clock: Clock, request: Request, plan: RecordPlan) -> None:
        self._journal = journal
        self._clock = clock
        self.request = request
        """As the journal keeps it: without secrets."""
        self._plan = plan
        self.recorded: Recorded | Existing | RecordRefused | None = None
        self.sent: HostMessage | None = None
        """Its message, once SENT is durable."""
        self.reply: HostMessage | None = None

    async def next_stan(self) -> str:
        """See `MessageLog`."""
        return await self._journal.next_stan()

    async def sending(self, message: HostMessage) -> None:
        """Make SENT durable, unless it is too late or the request went before (rules 1 and 2)."""
        if self.sent is not None:
            raise AssertionError(f"{message.request_id} must not be sent a second time")
        if self._clock.monotonic() >= self.request.deadline:
            raise SendDeadlinePassed(message.request_id)
        self.recorded = await self._journal.record(self.request, self._plan, message)
        if not isinstance(self.recorded, Recorded) or self.recorded.waits:
            raise NotRecorded(message.request_id)
        self.sent = message

    async def unsent(self) -> None:
        """Nothing is sent: record the request all the same, unless that was tried before."""
        if self.recorded is None:
            self.recorded = await self._journal.record(self.request, self._plan)

    async def answered(self, message: HostMessage) -> None:
        """See `MessageLog`."""
        self.reply = message


class SettlingLog:
    """Of a row being settled: every message is counted, durably, before it goes (rule 2)."""

    def __init__(self, journal: Journal, attempts: int, next_attempt_at: datetime) -> None:
        self._journal = journal
        self._next_attempt_at = next_attempt_at
        self.attempts = attempts
        self.sent: HostMessage | None = None

    async def next_stan(self) -> str:
        """See `MessageLog`."""
        return await self._journal.next_stan()

    async def sending(self, message: HostMessage) -> None:
        """Count and make the message row durable; adapters come here only when signed on."""
        self.attempts = await self._journal.sending_again(message, self._next_attempt_at)
        self.sent = message

    async def answered(self, message: HostMessage) -> None:
        """See `MessageLog`; a reply's row may be missing, what it meant is in the outcome."""
        with suppress(JournalUnavailable):
            await self._journal.answered(message)
