"""What a card may be used for: not yet activated, blocked for a while, or free.

Such a card may ask after everything; it moves no money. A card without a row in `card_use` is
active, and has a telephone PIN that its holder chose himself (`pins` has the other two columns).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core_adapters.corehost.back_office import BackOffice
from core_adapters.corehost.refusal import Refusal

SCHEMA = """
CREATE TABLE card_use (
    card TEXT PRIMARY KEY REFERENCES card (number),
    active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    blocked_until TEXT,
    enrolled INTEGER NOT NULL DEFAULT 1 CHECK (enrolled IN (0, 1)),
    first_use INTEGER NOT NULL DEFAULT 0 CHECK (first_use IN (0, 1))
) STRICT, WITHOUT ROWID;
"""
MOST_DAYS = 90
"""The longest block by telephone."""
_SET = (
    "INSERT INTO card_use (card, {0}) VALUES (:card, :value)"
    " ON CONFLICT DO UPDATE SET {0} = excluded.{0}"
)


@dataclass(frozen=True, slots=True)
class CardUse:
    """`blocked_until` is the last business date of a block; None where there never was one."""

    active: bool = True
    blocked_until: date | None = None


class CardUses:
    """The table `card_use`; the caller brings the transaction."""

    def __init__(self, office: BackOffice) -> None:
        self._office = office
        self._db = office.db

    def of(self, card: str) -> CardUse:
        """How the card stands."""
        row = self._db.execute(
            "SELECT active, blocked_until FROM card_use WHERE card = ?", (card,)
        ).fetchone()
        if row is None:
            return CardUse()
        return CardUse(bool(row[0]), date.fromisoformat(row[1]) if row[1] else None)

    def blocked(self, card: str, now: datetime) -> bool:
        """Whether a block stands on the business date."""
        until = self.of(card).blocked_until
        return until is not None and until >= self._office.today(now)

    def restricted(self, card: str, now: datetime) -> Refusal | None:
        """Why the card moves no money, if it does not."""
        free = self.of(card).active and not self.blocked(card, now)
        return None if free else Refusal.RESTRICTED

    def activate(self, card: str) -> Refusal | None:
        """Let a new card move money."""
        if self.of(card).active:
            return Refusal.ALREADY
        self._set("active", card, 1)
        return None

    def block(self, card: str, days: int, now: datetime) -> date | Refusal:
        """Block for today and so many days more; returns the last of them."""
        if not 1 <= days <= MOST_DAYS:
            return Refusal.BAD_TERM
        if self.blocked(card, now):
            return Refusal.ALREADY
        until = self._office.today(now) + timedelta(days=days)
        self._set("blocked_until", card, until.isoformat())
        return until

    def unblock(self, card: str, now: datetime) -> Refusal | None:
        """End a block before its time."""
        if not self.blocked(card, now):
            return Refusal.NOT_BLOCKED
        self._set("blocked_until", card, None)
        return None

    def plant_inactive(self, card: str) -> None:
        """A card that came by post."""
        self._set("active", card, 0)

    def _set(self, column: str, card: str, value: str | int | None) -> None:
        self._db.execute(_SET.format(column), {"card": card, "value": value})
