"""The day's totals (0500 and 0510) and the day's file, both from the ledger.

A day counts what was posted on it. A reversal counts on the day it was posted, beside its original,
which stays counted on its own day. So the file of a day has every transfer posted on it, and those
of earlier days that were reversed on it; `status` is how each stood when the day ended.
"""

import csv
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TextIO

import structlog

from core_adapters.corehost.calendar import latest
from core_adapters.corehost.orders import Answer, BadMessage, Order
from transactions.money import Currency, MoneyError, currency
from transactions.ports import CurrencyTotals, Tally

log = structlog.get_logger("corehost")

OK = "00"
TOO_LARGE = "96"
"""System malfunction: the day is right and its file can be had, but 0510 has no room for it."""
IN_BALANCE = "1"
"""Field 66, settlement code."""
COLUMNS = (
    "reference",
    "stan",
    "field7",
    "terminal",
    "service",
    "amount",
    "fee",
    "currency",
    "business_date",
    "status",
)
"""The header of the file; amounts in minor units."""

_SUMS = """
    SELECT COUNT(*), COALESCE(SUM(o.minor), 0), COALESCE(SUM(o.fee), 0)
    FROM posting p JOIN posted_order o ON o.key = {}
    WHERE p.business_date = :day AND o.currency = :currency AND p.kind {} 'reversal'
"""
_POSTED = _SUMS.format("p.key", "<>")
_REVERSED = _SUMS.format("substr(p.key, 6)", "=")
"""By the amounts of the orders (fields 4 and 28), whatever their legs; a reversal's posting has the
key `undo:` and the order's."""

_ROWS = """
    SELECT o.reference, o.key, o.service, o.minor, o.fee, o.currency, o.business_date,
      u.business_date
    FROM posted_order o JOIN posting p ON p.key = o.key
    LEFT JOIN posting u ON u.key = 'undo:' || o.key
    WHERE p.business_date = :day OR u.business_date = :day
    ORDER BY p.id
"""


def day_totals(db: sqlite3.Connection, day: date, unit: Currency) -> CurrencyTotals:
    """One currency's figures of one business date: every order is a debit, as in the day's file."""
    asked = {"day": day.isoformat(), "currency": unit.code}
    count, minor, fees = db.execute(_POSTED, asked).fetchone()
    back_count, back_minor, back_fees = db.execute(_REVERSED, asked).fetchone()
    return CurrencyTotals(
        debits=Tally(count, minor),
        debit_reversals=Tally(back_count, back_minor),
        credits=Tally(0, 0),
        credit_reversals=Tally(0, 0),
        fees=fees - back_fees,
    )


def totals_answer(db: sqlite3.Connection, order: Order, today: date) -> Answer:
    """0500: the totals of the date in field 15 and the currency in field 50."""
    day = latest(order.need(15), today)
    if day is None:
        raise BadMessage("field 15 is no date (MMDD)")
    try:
        unit = currency(order.need(50))
    except MoneyError as error:
        raise BadMessage("field 50 is no currency of this bank") from error
    fields = figures(day_totals(db, day, unit))
    if not _fit(fields):
        log.error("totals_do_not_fit", day=day.isoformat(), currency=unit.code, fields="74 to 97")
        return Answer(TOO_LARGE)
    return Answer(OK, {15: f"{day:%m%d}", 50: unit.number, 66: IN_BALANCE, **fields})


def _fit(fields: Mapping[int, str]) -> bool:
    """Whether every figure has room: fees (82, 84) have twelve digits, amounts sixteen."""
    room = dict.fromkeys(range(74, 82), 10) | {82: 12, 84: 12, 97: 17}
    return all(len(text) <= room.get(number, 16) for number, text in fields.items())


def figures(totals: CurrencyTotals) -> dict[int, str]:
    """Fields 74 to 77, 82, 84, 86 to 89 and 97 of 0510 (ISO 8583:1987).

    84 is what fees came to. It has no sign: on a day that gave back more fees than it took, 84 is
    nothing and the difference is a credit, field 82. 97 is D where debits are more.
    """
    tallies = {0: totals.credits, 1: totals.credit_reversals}
    tallies |= {2: totals.debits, 3: totals.debit_reversals}
    fields = {74 + place: f"{tally.count:010d}" for place, tally in tallies.items()}
    fields |= {86 + place: f"{tally.minor:016d}" for place, tally in tallies.items()}
    debit = totals.debits.minor - totals.debit_reversals.minor
    net = debit - totals.credits.minor + totals.credit_reversals.minor
    fields[84] = f"{max(0, totals.fees):012d}"
    if totals.fees < 0:
        fields[82] = f"{-totals.fees:012d}"
    fields[97] = f"{'D' if net > 0 else 'C'}{abs(net):016d}"
    return fields


def file_rows(db: sqlite3.Connection, day: date) -> Iterator[tuple[str | int, ...]]:
    """The rows of the day's file in the order of posting, one at a time."""
    for reference, key, service, minor, fee, code, posted, undone in db.execute(
        _ROWS, {"day": day.isoformat()}
    ):
        _, terminal, stan, field7 = key.split("/")
        status = "reversed" if undone is not None and undone <= day.isoformat() else "posted"
        yield reference, stan, field7, terminal, service, minor, fee, code, posted, status


def write_file(db: sqlite3.Connection, day: date, out: TextIO) -> int:
    """Write header and rows as CSV (RFC 4180); returns how many rows."""
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    count = 0
    for row in file_rows(db, day):
        writer.writerow(row)
        count += 1
    return count
