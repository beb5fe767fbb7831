"""Interest of savings, passbooks and foreign demand deposits, settled four times a year.

Every day counts with what is held when it ends, by the business dates of postings; the sum of all
days since the settlement before, times the demand rate of the day of the settlement, act/360, is
exact and rounded once, half up, to the minor unit. What is held for an order earns nothing; what
was undone counts for no day, neither the order nor its undoing; below nothing is nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from core_adapters.corehost.back_office import INTEREST
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.deposits.terms import by_days, load_tariff, rounded
from core_adapters.corehost.products.end_of_day.book import INTEREST_PAID, Item
from core_adapters.corehost.products.end_of_day.terms import ONE_DAY
from core_adapters.corehost.products.end_of_day.work import Closing, Subject, Work
from core_adapters.corehost.products.exchange.accounts import DEMAND, deposit_rate
from core_adapters.corehost.products.standing import SINCE, STANDING
from transactions.money import Money, currency

_DAYS = f"""
    SUM(l.minor * CAST(julianday(:until) - julianday(MAX({SINCE}, :since)) AS INTEGER))
"""
_LEGS = f"""
    JOIN leg l ON l.account = d.id JOIN posting p ON p.id = l.posting
    WHERE (:account = '' OR d.account = :account) AND {SINCE} < :until AND {STANDING}
"""
_OF_DEPOSITS = f"""
    SELECT d.id, 'CNY', d.id, {_DAYS} FROM deposit d {_LEGS}
      AND d.kind IN ('savings', 'passbook') AND d.cancelled = 0 AND d.closed_by IS NULL
    GROUP BY d.id ORDER BY d.id
"""  # noqa: S608 - no outside text
_OF_CURRENCIES = f"""
    SELECT (SELECT o.id FROM fx_deposit o WHERE o.account = d.account AND o.kind = 'demand'
              AND o.currency = d.currency AND o.cancelled = 0 AND o.closed_by IS NULL
            ORDER BY o.sub LIMIT 1) AS target, d.currency, d.currency, {_DAYS}
    FROM fx_deposit d {_LEGS} AND d.kind = 'demand'
    GROUP BY d.account, d.currency HAVING target IS NOT NULL ORDER BY target
"""  # noqa: S608 - no outside text
"""Minor units times days. Several foreign deposits of one currency count together, those merged
since among them, and the one with the lowest number gets the interest."""


@dataclass(frozen=True, slots=True)
class Earning:
    """Minor units times days of what counts together (`group`: a deposit in yuan, or a currency),
    and the deposit that gets the interest."""

    ident: str
    code: str
    group: str
    product: int

    @property
    def minor(self) -> int:
        """The interest, in minor units."""
        unit = currency(self.code)
        yuan = self.ident == self.group
        rate = load_tariff().demand if yuan else deposit_rate(unit, DEMAND) or Decimal(0)
        return rounded(by_days(self.product, rate))

    def works(self) -> Iterator[Work]:
        """Paying it, where it comes to anything."""
        minor = self.minor
        if minor:
            legs = (Leg(INTEREST.format(self.code), -minor), Leg(self.ident, minor))
            amount = Money(minor, currency(self.code))
            yield Work(Item(INTEREST_PAID, self.ident, amount, legs, minor))


def earnings(closing: Closing, account: str = "") -> list[Earning]:
    """What demand money has earned since the settlement before that of the date: that of one card's
    account, or all."""
    since = closing.terms.settled_before(closing.day) + ONE_DAY
    within = {"since": since.isoformat(), "until": closing.posts_on.isoformat(), "account": account}
    return [
        Earning(*row)
        for query in (_OF_DEPOSITS, _OF_CURRENCIES)
        for row in closing.office.db.execute(query, within).fetchall()
    ]


def settle_interest(closing: Closing) -> Iterator[Subject]:
    """Pay what demand money has earned, where the date is a settlement's."""
    if closing.terms.settles(closing.day):
        for one in earnings(closing):
            yield Subject(one.ident, one.works)
