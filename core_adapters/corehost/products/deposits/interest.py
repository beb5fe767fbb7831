"""What a deposit earns on what is drawn of it: one rule for each kind.

| kind | interest on the principal drawn |
|---|---|
| savings, passbook | nothing when drawn; it comes with the interest run |
| time, before its maturity | demand rate, act/360 from the day it was opened |
| time, from its maturity on | its own rate by months of its term, then demand rate, act/360 |
| instalment | act/360 on each payment: its own rate to maturity, demand rate after it |
| … closed early, or a month missing | act/360 on each payment, demand rate |
| time-or-demand | act/360, 60 % of the rate of the longest time deposit, up to a year, it reached |
| … held for less than three months | demand rate, act/360 |
| notice, without notice given | demand rate, act/360 |
"""

from datetime import date
from fractions import Fraction

from core_adapters.corehost.products.deposits.accounts import Deposit, Deposits
from core_adapters.corehost.products.deposits.terms import (
    EITHER,
    INSTALMENT,
    PASSBOOK,
    SAVINGS,
    TIME,
    Tariff,
    by_days,
    by_months,
    months_of,
    rounded,
)


def interest(deposits: Deposits, tariff: Tariff, deposit: Deposit, minor: int, on: date) -> int:
    """Interest in fen on `minor` fen of the principal, drawn on a business date."""
    if deposit.kind in (SAVINGS, PASSBOOK):
        return 0
    if deposit.kind == INSTALMENT:
        return rounded(_instalment(deposits, tariff, deposit, on))
    days = (on - deposit.opened).days
    if deposit.kind == TIME:
        return rounded(_time(tariff, deposit, minor, on))
    either = deposit.kind == EITHER
    rate = tariff.either_rate(deposit.opened, on) if either else tariff.demand
    return rounded(by_days(minor * days, rate))


def _time(tariff: Tariff, deposit: Deposit, minor: int, on: date) -> Fraction:
    end = deposit.matures
    if end is None or on < end:
        return by_days(minor * (on - deposit.opened).days, tariff.demand)
    own = by_months(minor, months_of(deposit.term), deposit.rate)
    return own + by_days(minor * (on - end).days, tariff.demand)


def _instalment(deposits: Deposits, tariff: Tariff, deposit: Deposit, on: date) -> Fraction:
    end = deposit.matures
    complete = deposits.paid_in(deposit.id) >= months_of(deposit.term)
    if end is None or on < end or not complete:
        return by_days(deposits.product(deposit.id, on), tariff.demand)
    own = by_days(deposits.product(deposit.id, end), deposit.rate)
    return own + by_days(deposit.held * (on - end).days, tariff.demand)
