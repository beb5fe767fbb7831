"""Interest of savings, passbooks and foreign demand deposits, settled four times a year.

Every day counts with what is held when it ends, by the business dates of postings; the sum of all
days since the settlement before, times the demand rate of the day of the settlement, act/360, is
exact and rounded once, half up, to the minor unit. What is held for an order, or was undone, earns
nothing on the days that it is not there; below nothing is nothing.
"""

from collections.abc import Iterator
from decimal import Decimal

from core_adapters.corehost.back_office import INTEREST
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.deposits.terms import by_days, load_tariff, rounded
from core_adapters.corehost.products.end_of_day.book import INTEREST_PAID, Item
from core_adapters.corehost.products.end_of_day.terms import ONE_DAY
from core_adapters.corehost.products.end_of_day.work import Closing, Work
from core_adapters.corehost.products.exchange.accounts import DEMAND, deposit_rate
from transactions.money import Money, currency

_DAYS = """
    SUM(l.minor * CAST(julianday(:until) - julianday(MAX(p.business_date, :since)) AS INTEGER))
"""
_OF_DEPOSITS = f"""
    SELECT d.id, 'CNY', {_DAYS} FROM deposit d JOIN leg l ON l.account = d.id
    JOIN posting p ON p.id = l.posting
    WHERE d.kind IN ('savings', 'passbook') AND d.cancelled = 0 AND d.closed_by IS NULL
      AND p.business_date < :until GROUP BY d.id ORDER BY d.id
"""  # noqa: S608 - no outside text
_OF_CURRENCIES = f"""
    SELECT (SELECT o.id FROM fx_deposit o WHERE o.account = d.account AND o.kind = 'demand'
              AND o.currency = d.currency AND o.cancelled = 0 AND o.closed_by IS NULL
            ORDER BY o.sub LIMIT 1) AS target, d.currency, {_DAYS}
    FROM fx_deposit d JOIN leg l ON l.account = d.id JOIN posting p ON p.id = l.posting
    WHERE d.kind = 'demand' AND d.cancelled = 0 AND p.business_date < :until
    GROUP BY d.account, d.currency HAVING target IS NOT NULL ORDER BY target
"""  # noqa: S608 - no outside text
"""Minor units times days. Several foreign deposits of one currency count together, those merged
since among them, and the one with the lowest number gets the interest."""


def settle_interest(closing: Closing) -> Iterator[Work]:
    """Pay what demand money has earned, where the date is a settlement's."""
    if not closing.terms.settles(closing.day):
        return
    since = closing.terms.settled_before(closing.day) + ONE_DAY
    within = {"since": since.isoformat(), "until": closing.posts_on.isoformat()}
    demand, db = load_tariff().demand, closing.office.db
    for ident, code, product in db.execute(_OF_DEPOSITS, within).fetchall():
        yield from _paid(ident, code, product, demand)
    for ident, code, product in db.execute(_OF_CURRENCIES, within).fetchall():
        yield from _paid(ident, code, product, deposit_rate(currency(code), DEMAND) or Decimal(0))


def _paid(ident: str, code: str, product: int, rate: Decimal) -> Iterator[Work]:
    earned = rounded(by_days(product, rate))
    if earned:
        legs = (Leg(INTEREST.format(code), -earned), Leg(ident, earned))
        amount = Money(earned, currency(code))
        yield Work(Item(INTEREST_PAID, ident, amount, legs, earned))
