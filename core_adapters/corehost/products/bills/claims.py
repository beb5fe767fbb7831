"""Bills that the bank collects for others: water, electricity, telephones, internet, pager.

Double entry: a bill handed in is a claim on its subscriber (`claims:BILLER` falls) and owed to the
biller (`biller:BILLER` rises). A payment settles the claim out of the payer's account. So minus the
claims is what all subscribers owe, and claims and biller together are what was collected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from core_adapters.corehost.back_office import FEES, VAULT, BackOffice, Holder
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.bills.billers import Biller, load_billers
from core_adapters.corehost.products.orders import BILL, Agreed, Offer
from core_adapters.corehost.refusal import Refusal
from transactions.money import Currency, Money, currency

MAX_ROWS = 5
"""Most months of one answer: what a caller can hear, and field 120 can hold."""
MAX_BILLS = 120
"""Most bills of a subscriber that are looked at: ten years."""
GRACE = timedelta(days=15)
"""Seeded bills are due so long after the day of the seed, or were due so long before."""
CLAIMS, BILLER = "claims:{}", "biller:{}"

SCHEMA = """
CREATE TABLE subscription (
    biller TEXT NOT NULL,
    number TEXT NOT NULL,
    PRIMARY KEY (biller, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE bill (
    id INTEGER PRIMARY KEY,
    biller TEXT NOT NULL,
    number TEXT NOT NULL,
    month TEXT NOT NULL,
    due_on TEXT NOT NULL,
    minor INTEGER NOT NULL CHECK (minor > 0),
    paid_by TEXT REFERENCES posting (key) DEFERRABLE INITIALLY DEFERRED,
    UNIQUE (biller, number, month),
    FOREIGN KEY (biller, number) REFERENCES subscription (biller, number)
) STRICT;
CREATE TABLE bill_charge (
    bill INTEGER NOT NULL REFERENCES bill (id),
    ordinal INTEGER NOT NULL CHECK (ordinal > 0),
    what TEXT NOT NULL,
    minor INTEGER NOT NULL CHECK (minor > 0),
    PRIMARY KEY (bill, ordinal)
) STRICT, WITHOUT ROWID;
"""

_LAST = "COALESCE((SELECT balance FROM leg WHERE account = {} ORDER BY ordinal DESC LIMIT 1), 0)"
_UNPAID = "COALESCE(SUM(CASE WHEN b.paid_by IS NULL THEN b.minor END), 0)"
CHECKS = (
    (
        "biller {}: claims are {}, but the unpaid bills come to {}",
        f"""SELECT s.biller, {_LAST.format("'claims:' || s.biller")} AS claims, {_UNPAID} AS unpaid
            FROM (SELECT DISTINCT biller FROM subscription) s
            LEFT JOIN bill b ON b.biller = s.biller
            GROUP BY s.biller HAVING claims <> -unpaid""",  # noqa: S608 - no outside text
    ),
    (
        "biller {}: its account is {}, but its bills come to {}",
        f"""SELECT s.biller, {_LAST.format("'biller:' || s.biller")} AS held,
              COALESCE(SUM(b.minor), 0) AS handed_in
            FROM (SELECT DISTINCT biller FROM subscription) s
            LEFT JOIN bill b ON b.biller = s.biller
            GROUP BY s.biller HAVING held <> handed_in""",  # noqa: S608 - no outside text
    ),
    (
        "bill {} of {} {}: {} fen, but its charges come to {}",
        """SELECT b.month, b.biller, b.number, b.minor, COALESCE(SUM(c.minor), 0)
           FROM bill b LEFT JOIN bill_charge c ON c.bill = b.id
           GROUP BY b.id HAVING b.minor <> COALESCE(SUM(c.minor), 0)""",
    ),
    (
        "bill {} of {} {} is paid by {}, which was undone",
        """SELECT b.month, b.biller, b.number, b.paid_by FROM bill b
           JOIN posting p ON p.key = 'undo:' || b.paid_by""",
    ),
)
"""As in the ledger: what must find nothing."""

State = Literal["due", "overdue", "paid"]


@dataclass(frozen=True, slots=True)
class Bill:
    """One month's bill; `minor` in fen, `month` its first day."""

    id: int
    month: date
    due_on: date
    minor: int
    paid: bool

    def state(self, today: date) -> State:
        """How it stands on a business date."""
        if self.paid:
            return "paid"
        return "overdue" if self.due_on < today else "due"


@dataclass(frozen=True, slots=True)
class Owed:
    """What a subscriber owes. `months` are what he hears of it, the oldest unpaid first, then the
    latest paid; `unpaid` are the bills that `amount` is the sum of."""

    biller: Biller
    number: str
    amount: Money
    fee: Money
    arrears: Money
    months: Sequence[Bill]
    unpaid: Sequence[int]


class Bills:
    """Subscriptions and bills; the caller brings the transaction."""

    def __init__(self, office: BackOffice) -> None:
        self._office = office
        self._db = office.db
        self.table, self._late_per_mille = load_billers()
        self._unit = currency("CNY")

    def open_accounts(self, unit: Currency) -> None:
        """Open claims and account of every biller that has none."""
        for name in self.table:
            if not self._collected_for(name):
                self._office.ledger.open_account(CLAIMS.format(name), unit)
                self._office.ledger.open_account(BILLER.format(name), unit)

    def _collected_for(self, biller: str) -> bool:
        asked = "SELECT 1 FROM ledger_account WHERE id = ?"
        return self._db.execute(asked, (CLAIMS.format(biller),)).fetchone() is not None

    def plant(self, card: str, now: datetime) -> None:
        """Make the holder of `card` a subscriber of every biller of which he is none, with the bill
        of three months ago paid at the counter, the next one overdue, and last month's due."""
        today = self._office.today(now)
        for biller in self.table.values():
            number = biller.number(card)
            if self.known(biller.name, number):
                continue
            self.subscribe(biller.name, number)
            paid = self.hand_in(biller, number, months_before(today, 3), today - 3 * GRACE, now)
            self.pay_at_counter(paid, biller, now)
            self.hand_in(biller, number, months_before(today, 2), today - GRACE, now)
            self.hand_in(biller, number, months_before(today, 1), today + GRACE, now)

    def subscribe(self, biller: str, number: str) -> None:
        """Add a subscriber."""
        self._db.execute("INSERT INTO subscription VALUES (?, ?)", (biller, number))

    def known(self, biller: str, number: str) -> bool:
        """Whether there is such a biller with such a subscriber."""
        asked = "SELECT 1 FROM subscription WHERE biller = ? AND number = ?"
        found = self._db.execute(asked, (biller, number)).fetchone()
        return biller in self.table and found is not None

    def hand_in(
        self, biller: Biller, number: str, month: date, due_on: date, now: datetime
    ) -> Bill:
        """Take a month's bill in from its biller, with a late charge where it is overdue by now."""
        today = self._office.today(now)
        charges = biller.charged(number, month)
        if due_on < today:
            whole = sum(minor for _what, minor in charges)
            charges.append(("late", max(1, whole * self._late_per_mille // 1000)))
        minor = sum(minor for _what, minor in charges)
        new = self._db.execute(
            "INSERT INTO bill (biller, number, month, due_on, minor) VALUES (?, ?, ?, ?, ?)",
            (biller.name, number, month.isoformat(), due_on.isoformat(), minor),
        ).lastrowid
        assert new is not None
        rows = [(new, place, *charge) for place, charge in enumerate(charges, 1)]
        self._db.executemany("INSERT INTO bill_charge VALUES (?, ?, ?, ?)", rows)
        legs = [Leg(CLAIMS.format(biller.name), -minor), Leg(BILLER.format(biller.name), minor)]
        self._office.ledger.post(f"bill:{new}", "bill", legs, today, now)
        return Bill(new, month, due_on, minor, paid=False)

    def pay_at_counter(self, bill: Bill, biller: Biller, now: datetime) -> None:
        """Cash for a bill: the claim is settled out of the vault."""
        key = f"counter:{bill.id}"
        legs = [
            Leg(VAULT.format(self._unit.code), -bill.minor),
            Leg(CLAIMS.format(biller.name), bill.minor),
        ]
        self._office.ledger.post(key, "bill_cash", legs, self._office.today(now), now)
        self._db.execute("UPDATE bill SET paid_by = ? WHERE id = ?", (key, bill.id))

    def owed(self, biller: str, number: str, month: date | None, now: datetime) -> Owed | Refusal:
        """All that a subscriber owes, or of one month; a refusal where that is nothing."""
        if not self.known(biller, number):
            return Refusal.BAD_NUMBER
        bills = [one for one in self._bills(biller, number) if month in (None, one.month)]
        unpaid = [one for one in bills if not one.paid]
        if not unpaid:
            return Refusal.NOTHING_OWED
        today = self._office.today(now)
        paid = [one for one in reversed(bills) if one.paid]
        late = [one for one in unpaid if one.state(today) == "overdue"]
        who = self.table[biller]
        return Owed(
            who,
            number,
            self._sum(unpaid),
            Money(who.fee, self._unit),
            self._sum(late),
            (unpaid + paid)[:MAX_ROWS],
            [one.id for one in unpaid],
        )

    def quoted(self, quote: str, biller: str, number: str) -> bool:
        """Whether a quote is for what this subscriber owes."""
        row = self._db.execute(
            "SELECT effect ->> 'biller', effect ->> 'number' FROM priced_order WHERE id = ?",
            (quote,),
        ).fetchone()
        return bool(row == (biller, number))

    def _sum(self, bills: Sequence[Bill]) -> Money:
        return Money(sum(one.minor for one in bills), self._unit)

    def _bills(self, biller: str, number: str) -> list[Bill]:
        """A subscriber's bills, the oldest first; where there are too many, paid ones of long ago
        are left out before any that is owed."""
        rows = self._db.execute(
            "SELECT * FROM (SELECT id, month, due_on, minor, paid_by IS NOT NULL AS paid FROM bill"
            "  WHERE biller = ? AND number = ?"
            "  ORDER BY paid, CASE WHEN paid THEN '' ELSE month END, month DESC LIMIT ?)"
            " ORDER BY month",
            (biller, number, MAX_BILLS),
        )
        return [
            Bill(id_, date.fromisoformat(month), date.fromisoformat(due), minor, bool(paid))
            for id_, month, due, minor, paid in rows
        ]

    def breakdown(
        self, biller: str, number: str, month: date
    ) -> Sequence[tuple[str, Money]] | Refusal:
        """The charges of a month's bill, paid or not; empty where that month has none."""
        if not self.known(biller, number):
            return Refusal.BAD_NUMBER
        rows = self._db.execute(
            "SELECT c.what, c.minor FROM bill b JOIN bill_charge c ON c.bill = b.id"
            " WHERE b.biller = ? AND b.number = ? AND b.month = ? ORDER BY c.ordinal",
            (biller, number, month.replace(day=1).isoformat()),
        )
        return [(what, Money(minor, self._unit)) for what, minor in rows]


def payment(owed: Owed, payer: Holder) -> Offer:
    """The offer to pay what is owed out of the payer's account."""
    amount, fee, code = owed.amount.minor, owed.fee.minor, owed.amount.currency.code
    legs = [Leg(payer.account, -amount - fee), Leg(CLAIMS.format(owed.biller.name), amount)]
    if fee:
        legs.append(Leg(FEES.format(code), fee))
    effect = {
        "name": PayBills.NAME,
        "biller": owed.biller.name,
        "number": owed.number,
        "bills": list(owed.unpaid),
    }
    return Offer(payer.card, BILL, owed.amount, owed.fee, legs, effect=effect)


class PayBills:
    """The effect of a payment: its bills are paid by it, and owed again where it is undone."""

    NAME = "bill.pay"

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """Mark the bills; refused where one of them was paid since the enquiry, or the card would
        pay more on its day than it may."""
        paid = _paid_today(office, order.card, office.today(now))
        if paid + order.amount.minor > office.rules.bill_daily:
            return Refusal.OVER_LIMIT
        for bill in data["bills"]:
            row = office.db.execute("SELECT paid_by FROM bill WHERE id = ?", (bill,)).fetchone()
            if row is None or row[0] is not None:
                return Refusal.BAD_QUOTE
        marks = [(order.key, bill) for bill in data["bills"]]
        office.db.executemany("UPDATE bill SET paid_by = ? WHERE id = ?", marks)
        return None

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """Owed again."""
        del data, now
        office.db.execute("UPDATE bill SET paid_by = NULL WHERE paid_by = ?", (key,))


def _paid_today(office: BackOffice, card: str, today: date) -> int:
    """Fen of bills that a card has paid on a business date and that are not owed again."""
    (minor,) = office.db.execute(
        "SELECT COALESCE(SUM(o.minor), 0) FROM posting p JOIN posted_order o ON o.key = p.key"
        " WHERE p.business_date = ? AND p.kind = ? AND o.card = ? AND o.undone = 0",
        (today.isoformat(), BILL, card),
    ).fetchone()
    return int(minor)


def months_before(day: date, months: int) -> date:
    """The first day of the month so many months before that of `day`."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)
