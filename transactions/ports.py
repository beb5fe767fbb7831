"""The two ports of the money path: the host behind it and the journal under it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from transactions.outcome import Outcome
from transactions.request import HostMessage, Request


@dataclass(frozen=True, slots=True)
class Health:
    """What an adapter knows of its host: links signed on of links configured."""

    links_up: int
    links: int
    business_date: date | None
    in_flight: int


@dataclass(frozen=True, slots=True)
class Reversed:
    """The host undid it, or never had it where its profile may say so."""

    never_had: bool = False
    """Settled by a tombstone or a tolerated code, not by 0430 with 00: a late approval of such a
    row contradicts the host's word and takes it to a person (rule 5)."""
    duplicate: bool = False
    """The host says that it had this reversal before (94): true only where one went before."""


@dataclass(frozen=True, slots=True)
class ReversalUnanswered:
    """No usable answer; ask again later. `sent` is False where no link was signed on, or had no
    room, or the adapter is stopping: what waiting mends."""

    sent: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ReversalRefused:
    """The host answered something that only a person can settle."""

    reason: str


@dataclass(frozen=True, slots=True)
class ReversalImpossible:
    """It cannot be sent as it is, links or not: `reason` is one of `IMPOSSIBLE`. Nothing went.

    It is tried again a few times, since keys and profiles are mended, and then is a person's."""

    reason: str


ReversalOutcome = Reversed | ReversalUnanswered | ReversalRefused | ReversalImpossible

RELEASE = "release"
"""Why nothing is done for a request that names a release which is not known here."""
IMPOSSIBLE = frozenset({"format", "keys", "not_served", RELEASE})
"""Reasons of a `NotSent` that no waiting for a link mends: the message cannot be made from the
profile, the security module has not its keys, the host does not have the service, or nobody knows
the release that the request was made under."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many, and how much in all.

    Not `Money`, which ends at field 4's twelve digits: a day's sum (fields 86 to 89) has sixteen.
    """

    count: int
    minor: int
    """Minor units of the currency that the totals are told under; never negative."""


@dataclass(frozen=True, slots=True)
class CurrencyTotals:
    """One currency's money transactions of a business date (fields 74 to 97 of 0510).

    A transfer or payment debits the customer by field 4; its fee is told apart (field 84).
    A reversal counts beside its original, which stays counted. The currency is the key that these
    stand under in `HostTotals.by_currency`.
    """

    debits: Tally
    debit_reversals: Tally
    credits: Tally
    credit_reversals: Tally
    fees: int
    """Minor units: what fees came to; negative where more was given back than taken (field 82)."""


@dataclass(frozen=True, slots=True)
class HostTotals:
    """The host's figures for one business date, by ISO 4217 code of the currency."""

    business_date: date
    by_currency: Mapping[str, CurrencyTotals]
    """A currency that is not told of had nothing."""


class Unsupported(Exception):  # noqa: N818 - reads as what it is
    """This adapter's host has no such function."""


class TotalsUnavailable(Exception):  # noqa: N818 - reads as what it is
    """The host gave no usable totals: which currency and why. Nothing was moved; ask again."""


class LeaseLost(Exception):  # noqa: N818 - reads as what it is
    """Another process holds this node's lease: nothing may be sent or committed."""


class JournalUnavailable(Exception):  # noqa: N818 - reads as what it is
    """The journal would not take the work (full disk, database locked or gone): nothing of that
    call is durable, and the same call may be made again."""


class MessageLog(Protocol):
    """What an adapter needs of the journal: numbers before, and rows around, each message."""

    async def next_stan(self) -> str:
        """A STAN (field 11, six digits), unique with fields 7 and 32, across restarts too."""
        ...

    async def sending(self, message: HostMessage) -> None:
        """Make the message row (and state SENT for a first request) durable.

        Returns only when durable; raises `LeaseLost` or `JournalUnavailable`, and then nothing may
        be sent: an adapter lets them pass. A message of a row that is REPEATING leaves its state.
        """
        ...

    async def answered(self, message: HostMessage) -> None:
        """Add the reply's field 39 and time to the row."""
        ...


class HostAdapter(Protocol):
    """A core banking host. Outcomes are values; exceptions are bugs."""

    def capabilities(self) -> Mapping[str, int]:
        """Services this host serves, each with its contract version."""
        ...

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        """Ask the host. With `repeat_of`, send the same message again marked as a repeat
        (0303 for 0302); only for services whose recovery is `repeat`. Its keys are the first
        message's, its `attempt` the last one's: the repeat's is one more."""
        ...

    async def reverse(  # noqa: PLR0917 - the order of the port
        self,
        original: Request,
        sent: HostMessage,
        reason: str,
        log: MessageLog,
        attempt: int,
        repeat_of: HostMessage | None = None,
    ) -> ReversalOutcome:
        """Ask the host to undo `sent`: 0420 on attempt 0, 0421 afterwards. `repeat_of` is a
        reversal that went before, in this life or another: a repeat has its keys (field 11)."""
        ...

    async def query_status(self, request: Request, sent: HostMessage) -> Outcome:
        """Ask what became of `sent`; raises `Unsupported` where the host cannot tell."""
        ...

    async def health(self) -> Health:
        """State of the links, without asking the host."""
        ...

    async def reconcile(self, business_date: date) -> HostTotals:
        """The host's totals of a day; raises `Unsupported` or `TotalsUnavailable`."""
        ...
