"""Ends of dates done again for what an order had touched that is undone after them.

An order that is undone never was; so what the dates that ended since made of it is made up for, and
what they would have done without it is done: terms that ended are ended on what the deposit then
held, and demand money gets the interest of the days that it would have had.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from core_adapters.corehost.back_office import BackOffice
from core_adapters.corehost.products.dependents import STANDS
from core_adapters.corehost.products.end_of_day.book import INTEREST_PAID, DayBook, void
from core_adapters.corehost.products.end_of_day.interest import earnings
from core_adapters.corehost.products.end_of_day.maturities import deposit_ends, foreign_ends
from core_adapters.corehost.products.end_of_day.terms import load_day_terms
from core_adapters.corehost.products.end_of_day.work import Closing, Work
from core_adapters.corehost.products.orders import Agreed, Effect
from core_adapters.corehost.refusal import Refusal

YUAN_DEPOSIT, FOREIGN_DEPOSIT = "deposit", "fx_deposit"


@dataclass(frozen=True, slots=True)
class Again:
    """An effect whose undoing does the ends of dates again that it had a part in. `table` has the
    deposit that its data name by `account` and `sub`, where they do."""

    effect: Effect
    table: str = ""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        return self.effect.do(office, data, order, now)

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`."""
        self.effect.undo(office, data, key, now)
        since, touched = _undone(office, key)
        last = DayBook(office).last()
        if last is None or last < since:
            return
        closing = Closing(office, load_day_terms(), last, now)
        if self.table:
            _terms(closing, self.table, (data["account"], data["sub"]), since)
        _interest(closing, touched, since)


def _undone(office: BackOffice, key: str) -> tuple[date, Sequence[str]]:
    """From which date on, and in which accounts, what is undone with an order had counted."""
    rows = office.db.execute(
        "SELECT o.business_date, l.account FROM posting u JOIN leg l ON l.posting = u.id"
        " JOIN posting o ON o.key = substr(u.key, 6)"
        " WHERE u.id >= (SELECT id FROM posting WHERE key = 'undo:' || ?)",
        (key,),
    ).fetchall()
    return date.fromisoformat(min(day for day, _ in rows)), sorted({name for _, name in rows})


def _done(closing: Closing, works: Iterable[Work]) -> None:
    """Posted today, and of the date that it would have been done for."""
    book, now = DayBook(closing.office), closing.now
    for work in works:
        item = replace(work.item, on=work.item.on or closing.day)
        work.after(book.do(closing.day, closing.office.today(now), item, now))


def _terms(closing: Closing, table: str, which: tuple[str, str], since: date) -> None:
    """Terms of a deposit that ended on a date or after it, ended on what it now has."""
    row = closing.office.db.execute(
        f"SELECT id FROM {table} WHERE account = ? AND sub = ? AND term <> ''"  # noqa: S608
        " AND cancelled = 0 AND closed_by IS NULL",
        which,
    ).fetchone()
    if row is None:
        return
    begun_anew = _back(closing, table, row[0], since)
    if table == FOREIGN_DEPOSIT:
        _done(closing, foreign_ends(closing, *which))
    else:
        later = _drawn(closing, row[0]) if begun_anew else {}
        _done(closing, deposit_ends(closing, *which, later=later))


def _back(closing: Closing, table: str, ident: str, since: date) -> bool:
    """Make up for every term that began anew, as if the first of them had not; whether any had."""
    db = closing.office.db
    rows = db.execute(
        "SELECT t.key, t.opened, t.rate FROM day_term t JOIN day_item i ON i.key = t.key"
        " WHERE i.subject = ? AND i.date >= ? ORDER BY i.date",
        (ident, since.isoformat()),
    ).fetchall()
    for key, _opened, _rate in reversed(rows):
        void(closing.office, key, closing.now)
        db.execute("DELETE FROM day_term WHERE key = ?", (key,))
    for _key, opened, rate in rows[:1]:
        terms = (opened, rate, ident)
        db.execute(f"UPDATE {table} SET opened = ?, rate = ? WHERE id = ?", terms)  # noqa: S608
    return bool(rows)


def _drawn(closing: Closing, ident: str) -> Mapping[date, int]:
    """Fen that orders which stand have drawn of a deposit, by date."""
    rows = closing.office.db.execute(
        "SELECT o.business_date, -SUM(l.minor) FROM posted_order o JOIN posting p ON p.key = o.key"  # noqa: S608
        f" JOIN leg l ON l.posting = p.id WHERE l.account = ? AND l.minor < 0 AND {STANDS}"
        " GROUP BY o.business_date",
        (ident,),
    )
    return {date.fromisoformat(day): int(fen) for day, fen in rows}


def _interest(closing: Closing, touched: Sequence[str], since: date) -> None:
    """What demand money earned by settlements on a date or after it, the first one first."""
    db = closing.office.db
    days = db.execute(
        "SELECT date FROM day_run WHERE date >= ? AND date <= ? ORDER BY date",
        (since.isoformat(), closing.day.isoformat()),
    ).fetchall()
    settled = [day for (text,) in days if closing.terms.settles(day := date.fromisoformat(text))]
    if not settled:
        return
    owners = sorted({owner for name in touched for owner in _owner(closing, name)})
    for day in settled:
        for account, group in owners:
            _settled(replace(closing, day=day), account, group)


def _owner(closing: Closing, ident: str) -> list[tuple[str, str]]:
    """The account whose demand money it is, and what of it counts together: a deposit in yuan, or
    a foreign currency."""
    return closing.office.db.execute(
        "SELECT account, id FROM deposit WHERE id = :id AND kind IN ('savings', 'passbook')"
        " UNION ALL"
        " SELECT account, currency FROM fx_deposit WHERE id = :id AND kind = 'demand'",
        {"id": ident},
    ).fetchall()


def _settled(closing: Closing, account: str, group: str) -> None:
    """One settlement of what counts together: as it is, or made up for and paid again."""
    office, now = closing.office, closing.now
    is_due = [one for one in earnings(closing, account) if one.group == group and one.minor]
    paid = _paid(closing, account, group)
    if [(one.ident, one.minor) for one in is_due] == [(ident, minor) for _, ident, minor in paid]:
        return
    for key, _ident, _minor in paid:
        void(office, key, now)
    for one in is_due:
        _done(closing, one.works())


def _paid(closing: Closing, account: str, group: str) -> list[tuple[str, str, int]]:
    """Key, deposit and interest of what was paid at a settlement and stands."""
    return closing.office.db.execute(
        "SELECT i.key, i.subject, i.interest FROM day_item i WHERE i.date = :day AND i.what = :what"
        " AND i.posted = 1 AND NOT EXISTS (SELECT 1 FROM posting WHERE key = 'void:' || i.key)"
        " AND i.subject IN (SELECT id FROM deposit WHERE account = :account AND id = :group"
        "  UNION ALL SELECT id FROM fx_deposit WHERE account = :account AND currency = :group)",
        {"day": closing.day.isoformat(), "what": INTEREST_PAID, "account": account, "group": group},
    ).fetchall()
