"""The bank's market of foreign exchange: rates by seed and time, nothing else.

A currency is worth its par in yuan, off by eleven swings: the first goes to a new place every tick,
each further one is twice as wide and takes four times as long, so that on every scale it looks like
a random walk; together they stay within 2,047 times the first. A swing's places come from SHA-256
of seed, currency, swing and place, and it moves between them in a straight line. All of it is whole
numbers, so every machine has the same rates.

What a caller gives is `sold`, what he gets `bought`; every rate is units of `bought` for a hundred
of `sold`. Between two foreign currencies it goes by way of yuan. A rate has five digits; what the
bank pays is rounded down, what it asks is rounded up.

While the market is closed, the rate is that of its last tick.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor
from types import MappingProxyType

from core_adapters.corehost.products.stated import stated
from core_adapters.corehost.rules import BANK_OFFSET, Rules
from transactions.money import Currency, Money, currency

YUAN = "cny"
SWINGS, STEP = 11, 4
PARTS = 10**9
"""A swing is counted in parts of this."""
SPREAD_PARTS = 10**6
DIGITS = 5
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PLACES_KEPT, TICKS_KEPT = 1 << 16, 1 << 12
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Traded:
    """One currency: its par in 1e-4 yuan for a hundred, half the spread in 1e-6, and the least and
    the most to be exchanged at once, in minor units."""

    unit: Currency
    par: int
    half_spread: int
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Rate:
    """`bought` for a hundred of `sold`: what the bank pays, and what it asks."""

    buy: Decimal
    sell: Decimal


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an order waits for: that the bank pays `limit` or more, or `stop` or less."""

    sold: str
    bought: str
    limit: Decimal
    stop: Decimal | None


@dataclass(frozen=True, slots=True)
class Market:
    """All currencies by their word; `tick_s` seconds is how long a rate stands."""

    seed: str
    tick_s: int
    swing: int
    open_days: frozenset[int]
    traded: Mapping[str, Traded]

    def unit(self, word: str) -> Currency | None:
        """The currency of a word (`usd`); None where it is not dealt in."""
        found = self.traded.get(word)
        return found.unit if found else None

    def is_pair(self, sold: str, bought: str) -> bool:
        """Whether one is exchanged for the other."""
        return sold != bought and sold in self.traded and bought in self.traded

    def is_open(self, now: datetime) -> bool:
        """Whether there is dealing at a time (aware)."""
        return _bank_day(now).isoweekday() in self.open_days

    def tick(self, now: datetime) -> int:
        """The number of the tick that a time is in."""
        return (now - EPOCH) // timedelta(seconds=self.tick_s)

    def began(self, tick: int) -> datetime:
        """When (UTC) a tick begins."""
        return EPOCH + tick * timedelta(seconds=self.tick_s)

    def last(self, now: datetime) -> int:
        """The tick whose rates stand at a time: its own, or the last before the market closed."""
        if self.is_open(now):
            return self.tick(now)
        day = _bank_day(now)
        while day.isoweekday() not in self.open_days:
            day -= DAY
        return self.day_ends(day) - 1

    def day_ends(self, day: date) -> int:
        """The first tick after a day of the bank's."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY
        return self.tick(midnight - BANK_OFFSET)

    def rate(self, sold: str, bought: str, tick: int) -> Rate:
        """What the bank pays and asks at a tick of an open day."""
        given, got = self._worth(sold, tick), self._worth(bought, tick)
        return Rate(self._pays(sold, bought, given, got), self._asks(sold, bought, given, got))

    def reached(self, wanted: Wanted, after: int, until: int) -> int | None:
        """The first tick after `after`, and not after `until`, at which a rate that is waited for
        stands in an open market; None where there is none.

        Whole stretches of time are passed over whose swings cannot reach it."""
        level = 0
        while level < SWINGS - 1 and STEP**level < until - after:
            level += 1
        size = STEP**level
        for begin in range((after + 1) // size * size, until + 1, size):
            found = self._first(begin, level, (after + 1, until), wanted)
            if found is not None:
                return found
        return None

    def _first(self, begin: int, level: int, within: Span, wanted: Wanted) -> int | None:
        size = STEP**level
        if begin + size <= within[0] or begin > within[1]:
            return None
        if self._is_closed(begin, size) or not self._can(begin, level, wanted):
            return None
        if level == 0:
            return begin
        for child in range(begin, begin + size, size // STEP):
            found = self._first(child, level - 1, within, wanted)
            if found is not None:
                return found
        return None

    def _is_closed(self, begin: int, size: int) -> bool:
        """Whether a stretch of no more than a day, which cannot go round an open one, is closed."""
        ends = (self.began(begin), self.began(begin + size - 1))
        return ends[1] - ends[0] < DAY and not any(self.is_open(at) for at in ends)

    def _can(self, begin: int, level: int, wanted: Wanted) -> bool:
        """Whether a rate that is waited for may come in a stretch; for one tick: does."""
        given = self._between(wanted.sold, begin, level)
        got = self._between(wanted.bought, begin, level)
        if self._pays(wanted.sold, wanted.bought, given[1], got[0]) >= wanted.limit:
            return True
        if wanted.stop is None:
            return False
        return self._pays(wanted.sold, wanted.bought, given[0], got[1]) <= wanted.stop

    def _between(self, word: str, begin: int, level: int) -> Span:
        """Least and most that a currency may be worth in a stretch: swings as long as that or
        longer go straight from end to end, the shorter ones are bounded by their width."""
        if word == YUAN or level == 0:
            worth = self._worth(word, begin)
            return worth, worth
        ends = [self._swings(word, at, level) for at in (begin, begin + STEP**level)]
        # Each swing is rounded down, which may be one part off the straight line.
        slack = self.swing * ((1 << level) - 1) + SWINGS
        par = self.traded[word].par
        return par * (PARTS + min(ends) - slack), par * (PARTS + max(ends) + slack)

    def _worth(self, word: str, tick: int) -> int:
        """A hundred of a currency in yuan, times 1e4 times `PARTS`."""
        off = 0 if word == YUAN else self._swings(word, tick, 0)
        return self.traded[word].par * (PARTS + off)

    def _swings(self, word: str, tick: int, least: int) -> int:
        """The swings from number `least` on, together, in parts of the par."""
        return _together(self.seed, self.swing, word, tick, least)

    def _pays(self, sold: str, bought: str, given: int, got: int) -> Decimal:
        bid = given * (SPREAD_PARTS - self.traded[sold].half_spread)
        ask = got * (SPREAD_PARTS + self.traded[bought].half_spread)
        return _digits(Fraction(100 * bid, ask), floor)

    def _asks(self, sold: str, bought: str, given: int, got: int) -> Decimal:
        ask = given * (SPREAD_PARTS + self.traded[sold].half_spread)
        bid = got * (SPREAD_PARTS - self.traded[bought].half_spread)
        return _digits(Fraction(100 * ask, bid), ceil)


def load_market(rules: Rules) -> Market:
    """The bank's figures in data/fx.yaml, and the days that it is open on."""
    read = stated("fx.yaml")
    yuan = read["yuan"]
    traded = {YUAN: _traded(YUAN, {"par": "100", "half_spread": 0, **yuan})}
    traded |= {word: _traded(word, row) for word, row in read["currencies"].items()}
    days = rules.market_days
    if not days or DAY % timedelta(seconds=read["tick_s"]):
        raise ValueError("corehost/data/fx.yaml: a day is whole ticks, and some day is open")
    return Market(read["seed"], read["tick_s"], read["swing"], days, MappingProxyType(traded))


def _traded(word: str, row: Mapping[str, str | int]) -> Traded:
    unit = currency(word.upper())
    least, most = (Money.parse(str(row[name]), unit.code).minor for name in ("least", "most"))
    par = int(Decimal(row["par"]).scaleb(4))
    return Traded(unit, par, int(row["half_spread"]), least, most)


def word_of(unit: Currency) -> str:
    """The word of set `currency`."""
    return unit.code.lower()


def converted(amount: Money, rate: Decimal, into: Currency) -> Money:
    """An amount at a rate for a hundred, rounded half up to the minor unit."""
    exact = Fraction(amount.decimal) * Fraction(rate) / 100 * 10**into.exponent
    return Money(floor(exact + Fraction(1, 2)), into)


@lru_cache(maxsize=TICKS_KEPT)
def _together(seed: str, swing: int, word: str, tick: int, least: int) -> int:
    """See `Market._swings`."""
    in_all = 0
    for number in range(least, SWINGS):
        size = STEP**number
        place, gone = divmod(tick, size)
        width = swing << number
        here, there = (_place(seed, word, number, at, width) for at in (place, place + 1))
        in_all += (here * (size - gone) + there * gone) // size
    return in_all


@lru_cache(maxsize=PLACES_KEPT)
def _place(seed: str, word: str, number: int, place: int, width: int) -> int:
    """Where a swing is at a place: within `width` to either side."""
    digest = hashlib.sha256(f"{seed}:{word}:{number}:{place}".encode()).digest()
    return width * (int.from_bytes(digest[:4], "big") - 2**31) // 2**31


def _digits(rate: Fraction, rounded: Callable[[Fraction], int]) -> Decimal:
    """Five digits of a rate."""
    whole = int(rate)
    places = max(0, DIGITS - len(str(whole)) if whole else DIGITS)
    return Decimal(rounded(rate * 10**places)).scaleb(-places)


def _bank_day(now: datetime) -> date:
    return (now.astimezone(UTC) + BANK_OFFSET).date()
