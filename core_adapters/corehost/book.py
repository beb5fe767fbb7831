"""The book of messages: what came, what it was answered, and what may never be applied again."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core_adapters.corehost.back_office import stamp
from core_adapters.corehost.orders import Key

SCHEMA = """
CREATE TABLE message (
    terminal TEXT NOT NULL,
    stan TEXT NOT NULL,
    field7 TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    minor TEXT NOT NULL,
    reply TEXT NOT NULL,
    reversal TEXT NOT NULL DEFAULT '',
    at TEXT NOT NULL,
    reversed_on TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (terminal, stan, field7)
) STRICT, WITHOUT ROWID;
"""

RETENTION = timedelta(days=90)
"""How long a message is remembered. Field 7 has no year, so for ever would be wrong."""
TOMBSTONE = ""
"""The fingerprint of a message that never came and now may not."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message seen: its content, field 4, the reply's fields, the reversal's code or none.

    `reversed_on` is the business date of the reversal, empty without one."""

    fingerprint: str
    minor: str
    reply: Mapping[int, str]
    reversal: str
    at: datetime
    reversed_on: str = ""

    @property
    def is_tombstone(self) -> bool:
        """A reversal came before it; the message itself never did."""
        return self.fingerprint == TOMBSTONE


class Book:
    """Rows of the `message` table; the caller brings the transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, key: Key, now: datetime) -> Entry | None:
        """What is known of a message; what is older than the retention is known no more."""
        row = self._db.execute(
            "SELECT fingerprint, minor, reply, reversal, at, reversed_on FROM message"
            " WHERE terminal = ? AND stan = ? AND field7 = ? AND at >= ?",
            (key.terminal, key.stan, key.field7, stamp(now - RETENTION)),
        ).fetchone()
        if row is None:
            return None
        reply = {int(number): text for number, text in json.loads(row[2]).items()}
        return Entry(row[0], row[1], reply, row[3], datetime.fromisoformat(row[4]), row[5])

    def keep(
        self, key: Key, fingerprint: str, minor: str, reply: Mapping[int, str], now: datetime
    ) -> None:
        """Write a message with its answer."""
        self._db.execute(
            "INSERT OR REPLACE INTO message (terminal, stan, field7, fingerprint, minor, reply, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                key.terminal,
                key.stan,
                key.field7,
                fingerprint,
                minor,
                json.dumps(reply, separators=(",", ":")),
                stamp(now),
            ),
        )

    def forget(self, now: datetime) -> int:
        """Delete what is older than the retention; returns how many."""
        old = (stamp(now - RETENTION),)
        return self._db.execute("DELETE FROM message WHERE at < ?", old).rowcount

    def bar(self, key: Key, code: str, day: date, now: datetime) -> None:
        """Leave a tombstone: the message, should it still come, is refused."""
        self.keep(key, TOMBSTONE, "", {}, now)
        self.reversed(key, code, day)

    def reversed(self, key: Key, code: str, day: date) -> None:
        """Note what the reversal of a message was answered, and on which business date."""
        self._db.execute(
            "UPDATE message SET reversal = ?, reversed_on = ?"
            " WHERE terminal = ? AND stan = ? AND field7 = ?",
            (code, day.isoformat(), key.terminal, key.stan, key.field7),
        )
