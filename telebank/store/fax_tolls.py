"""What calls for faxes have cost, counted from the store: all nodes agree, and no restart forgets.

A call's seconds are set aside when it is placed (a fax's whole, a teller's piece by piece while it
lasts) and counted as what it took once that is known, on the day on which it was placed. Of a call
that a killed node placed they stay as set aside until that node is started again: it then took no
longer than until now.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, insert, or_, select, text, update

from telebank.store.fax_tables import fax_dial, fax_job
from telebank.store.transaction import Transaction

TOLLS = ("fax:tolls",)
"""What no other node may judge while calls are counted and one is placed."""
HOUR = timedelta(hours=1)
DAYS = timedelta(days=2)
"""Calls that are older count for no limit any more."""
MIN_CALL_S = 60
"""No call is placed with less than this left of the day's seconds."""
MINUTE_S = 60
MOST_LEFT = 10_000
"""Calls that a killed node left, settled at once."""
CALL = "call:"
"""Begins the job of a teller's call, its reference behind it: node, life of the node, number."""
_D, _F = fax_dial.c, fax_job.c
_SINCE = bindparam("since", type_=_D.at.type)
_HOUR = select(func.count().label("many"), func.min(_D.at).label("first")).where(_D.at > _SINCE)
_UNTIL = bindparam("until", type_=_D.at.type)
_DAY = (_D.at >= _SINCE, _D.at < _UNTIL)
_SECONDS = select(func.coalesce(func.sum(_D.seconds), 0).label("seconds")).where(*_DAY)
_NUMBER = select(func.count().label("many")).where(
    _D.number_token == bindparam("token"), _D.at >= _SINCE
)
# Whole minutes: that is how trunks count them.
_SPENT = select(
    func.coalesce(func.sum((_D.seconds + 59) // 60 * _D.price), 0).label("spent")
).where(*_DAY, _D.trunk == bindparam("of_trunk"))
_OF = select(func.count().label("many")).where(
    _D.job == _F.id,
    _D.at >= _SINCE,
    or_(
        _F.customer == bindparam("who", type_=_F.customer.type),
        _F.customer.is_(None) & (_F.call == bindparam("of_call", type_=_F.call.type)),
    ),
)
_INSERT = insert(fax_dial)
_NEVER = delete(fax_dial).where(_D.job == bindparam("of_job"), _D.attempt == bindparam("nth"))
_ONE_UP = (
    *(_D.job == bindparam("of_job"), _D.attempt == bindparam("nth"), text("ended_at IS NULL")),
)
_ASIDE = select(_D.seconds).where(*_ONE_UP)
_MORE = update(fax_dial).where(*_ONE_UP).values(seconds=bindparam("aside", type_=_D.seconds.type))
_LEFT_UP = (
    select(_D.job, _D.attempt, _D.at, _D.seconds)
    .where(
        _D.job.like(bindparam("of_node")),
        _D.job.not_like(bindparam("of_life")),
        _D.at > _SINCE,
        text("ended_at IS NULL"),
    )
    .limit(MOST_LEFT)
)
_END = (
    update(fax_dial)
    .where(*_ONE_UP)
    .values(
        seconds=bindparam("took", type_=_D.seconds.type),
        ended_at=bindparam("ended", type_=_D.ended_at.type),
    )
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What calls may cost, of all nodes together."""

    calls_hourly: int
    per_number_daily: int
    seconds_daily: int
    call_s: int
    """Longest call, in seconds."""
    day_began: datetime
    """Midnight on the bank's wall clock."""
    customer_daily: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Toll:
    """What a call costs."""

    trunk: str = ""
    """Over which it goes, empty for none of them."""
    price: int = 0
    """Thousandths of the bank's currency for a minute, each begun."""
    spend_daily: int | None = None
    """Thousandths of it that calls over the trunk may cost on a day; None: no cap."""


FREE = Toll()


@dataclass(frozen=True, slots=True)
class Allowed:
    """A call may be placed, of at most `seconds`, which are set aside for it."""

    seconds: int


@dataclass(frozen=True, slots=True)
class OverLimit:
    """Not now: `rule` says which limit, `until` when it is worth asking again."""

    rule: str
    until: datetime


def judge(  # noqa: PLR0917 - what is counted, by whom
    part: Transaction,
    token: str,
    limits: Limits,
    customer: str | None = None,
    call: str | None = None,
    toll: Toll = FREE,
) -> Allowed | OverLimit:
    """Whether one more call may be placed now, to the number with this token; for this customer,
    or where nobody is proven for who asked in this call."""
    tomorrow = limits.day_began + timedelta(days=1)
    today = _day(limits)
    hour = part.execute(_HOUR, {"since": part.now - HOUR}).first()
    if hour.many >= limits.calls_hourly:
        return OverLimit("calls_hourly", (hour.first or part.now) + HOUR)
    if part.execute(_NUMBER, {"token": token, **today}).scalar_one() >= limits.per_number_daily:
        return OverLimit("per_number_daily", tomorrow)
    his = {"who": customer, "of_call": call, **today}
    if (customer or call) and part.execute(_OF, his).scalar_one() >= limits.customer_daily:
        return OverLimit("customer_daily", tomorrow)
    seconds = _left(part, limits, toll)
    if isinstance(seconds, str):
        return OverLimit(seconds, tomorrow)
    return Allowed(seconds)


def _day(limits: Limits) -> dict[str, datetime]:
    return {"since": limits.day_began, "until": limits.day_began + timedelta(days=1)}


def _left(part: Transaction, limits: Limits, toll: Toll, aside: int = 0) -> int | str:
    """Seconds of a day that a call may have, `aside` those that it has; or which limit leaves too
    few for it to be placed, or any more."""
    day, least = _day(limits), 1 if aside else min(MIN_CALL_S, limits.call_s)
    left = limits.seconds_daily - int(part.execute(_SECONDS, day).scalar_one())
    if left < least:
        return "seconds_daily"
    seconds = min(limits.call_s, left)
    if toll.spend_daily is not None and toll.price:
        spent = int(part.execute(_SPENT, {"of_trunk": toll.trunk, **day}).scalar_one())
        begun = -aside % MINUTE_S  # of a minute that is paid for
        seconds = min(seconds, begun + (toll.spend_daily - spent) // toll.price * MINUTE_S)
        if seconds < least:
            return "spend_daily"
    return seconds


def more(  # noqa: PLR0917 - of whom, and by which limits
    part: Transaction, job: str, attempt: int, limits: Limits, longest: int, toll: Toll = FREE
) -> Allowed | OverLimit:
    """Set more aside for a call that lasts: `limits.call_s` at most, those of the day on which it
    was placed; `longest`: in all. How many seconds more."""
    tomorrow = limits.day_began + timedelta(days=1)
    row = part.execute(_ASIDE, {"of_job": job, "nth": attempt}).first()
    aside = 0 if row is None else int(row.seconds)
    if not 0 < aside < longest:  # it has ended, or had all that one call may have
        return OverLimit("call_s", tomorrow)
    found = _left(part, limits, toll, aside)
    if isinstance(found, str):
        return OverLimit(found, tomorrow)
    seconds = min(found, longest - aside)
    part.execute(_MORE, {"of_job": job, "nth": attempt, "aside": aside + seconds})
    return Allowed(seconds)


def lost(part: Transaction) -> int:
    """Settle the tellers' calls that a former life of this node left open: they took no longer than
    until now, and no longer than what was set aside. How many."""
    node = f"{CALL}{part.node}-"
    values = {"of_node": f"{node}%", "of_life": f"{node}{part.epoch}-%", "since": part.now - DAYS}
    left = part.execute(_LEFT_UP, values).all()
    for row in left:
        took(part, row.job, row.attempt, min(row.seconds, (part.now - row.at).total_seconds()))
    return len(left)


def place(  # noqa: PLR0917 - the row of a call
    part: Transaction, job: str, attempt: int, token: str, seconds: int, toll: Toll = FREE
) -> None:
    """Count a call with what is set aside for it."""
    row = {"job": job, "attempt": attempt, "number_token": token, "at": part.now}
    cost = {"trunk": toll.trunk, "price": toll.price}
    part.execute(_INSERT, row | cost | {"seconds": seconds, "ended_at": None})


def never(part: Transaction, job: str, attempt: int) -> None:
    """A call was not placed after all: it is not counted."""
    part.execute(_NEVER, {"of_job": job, "nth": attempt})


def took(part: Transaction, job: str, attempt: int, seconds: float) -> None:
    """What a call took, in seconds from when it was placed; once."""
    whole = max(0, round(seconds))
    values = {"of_job": job, "nth": attempt, "took": whole, "ended": part.now}
    part.execute(_END, values)
