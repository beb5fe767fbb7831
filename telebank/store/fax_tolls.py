"""What calls for faxes have cost, counted from the store: all nodes agree, and no restart forgets.

A call's seconds are set aside when it is placed and counted as what it took once that is known. Of
a call that a killed node placed they stay as set aside.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, insert, or_, select, text, update

from telebank.store.fax_tables import fax_dial, fax_job
from telebank.store.transaction import Transaction

TOLLS = ("fax:tolls",)
"""What no other node may judge while calls are counted and one is placed."""
HOUR = timedelta(hours=1)
MIN_CALL_S = 60
"""No call is placed with less than this left of the day's seconds."""
_D, _F = fax_dial.c, fax_job.c
_SINCE = bindparam("since", type_=_D.at.type)
_HOUR = select(func.count().label("many"), func.min(_D.at).label("first")).where(_D.at > _SINCE)
_SECONDS = select(func.coalesce(func.sum(_D.seconds), 0).label("seconds")).where(_D.at >= _SINCE)
_NUMBER = select(func.count().label("many")).where(
    _D.number_token == bindparam("token"), _D.at >= _SINCE
)
# Whole minutes: that is how trunks count them.
_SPENT = select(
    func.coalesce(func.sum((_D.seconds + 59) // 60 * _D.price), 0).label("spent")
).where(_D.at >= _SINCE, _D.trunk == bindparam("of_trunk"))
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
_END = (
    update(fax_dial)
    .where(_D.job == bindparam("of_job"), _D.attempt == bindparam("nth"), text("ended_at IS NULL"))
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
    today = {"since": limits.day_began}
    hour = part.execute(_HOUR, {"since": part.now - HOUR}).first()
    if hour.many >= limits.calls_hourly:
        return OverLimit("calls_hourly", (hour.first or part.now) + HOUR)
    if part.execute(_NUMBER, {"token": token, **today}).scalar_one() >= limits.per_number_daily:
        return OverLimit("per_number_daily", tomorrow)
    his = {"who": customer, "of_call": call, **today}
    if (customer or call) and part.execute(_OF, his).scalar_one() >= limits.customer_daily:
        return OverLimit("customer_daily", tomorrow)
    left = limits.seconds_daily - int(part.execute(_SECONDS, today).scalar_one())
    if left < min(MIN_CALL_S, limits.call_s):
        return OverLimit("seconds_daily", tomorrow)
    seconds = min(limits.call_s, left)
    if toll.spend_daily is not None and toll.price:
        spent = int(part.execute(_SPENT, {"of_trunk": toll.trunk, **today}).scalar_one())
        seconds = min(seconds, (toll.spend_daily - spent) // toll.price * 60)
        if seconds < min(MIN_CALL_S, limits.call_s):
            return OverLimit("spend_daily", tomorrow)
    return Allowed(seconds)


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
