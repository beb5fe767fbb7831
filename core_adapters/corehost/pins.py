"""Telephone PINs: a salted verifier under a key outside the database, tries, and the locks."""

import hashlib
import hmac
import os
import secrets
import sqlite3
from datetime import date
from enum import Enum
from itertools import pairwise
from pathlib import Path

from core_adapters.corehost.rules import Rules

KEY_BYTES = 32
SALT_BYTES = 16


class PinAnswer(Enum):
    """What came of one try."""

    RIGHT = "right"
    FIRST_USE = "right, and to be changed before anything else"
    WRONG = "wrong"
    LOCKED_TODAY = "locked today"
    LOCKED = "locked until a branch unlocks it"


def load_or_create_key(path: Path) -> bytes:
    """The verifier key, made at the first start in a file of mode 0600, beside the database."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path}: must hold {KEY_BYTES} bytes; remove the data folder or mend it")
    return key


def is_weak(pin: str) -> bool:
    """All digits the same, or each one more, or each one less, than the one before (0 is 10)."""
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    return steps in ({0}, {1}, {9})


def is_known(pin: str, card: str, identity: str) -> bool:
    """Made of what whoever finds the card reads or asks: a part of the card number, or the
    identity digits among others."""
    return pin in card or identity in pin


class Pins:
    """Verifiers and tries in the `card` table; the caller brings the transaction.

    A card that is not enrolled (`card_use`) has no PIN: none is right, and none counts as a try.
    """

    def __init__(self, db: sqlite3.Connection, key: bytes, rules: Rules) -> None:
        self._db = db
        self._key = key
        self.rules = rules

    def verifier(self, card: str, pin: str, salt: bytes) -> bytes:
        """HMAC-SHA-256 of salt, card and PIN: without the key, no guess can be tested."""
        text = salt + card.encode("ascii") + b"\x00" + pin.encode("ascii")
        return hmac.digest(self._key, text, hashlib.sha256)

    def try_pin(self, card: str, pin: str | None, day: date) -> PinAnswer:
        """Count the try, then look: the count is one conditional update, given back on success.

        `pin` is None where the block did not open; that is a wrong try like any other.
        """
        enrolled, first_use = self._uses(card)
        if not enrolled:
            return PinAnswer.WRONG
        counted = self._db.execute(
            "UPDATE card SET wrong_today = CASE WHEN wrong_day = :day THEN wrong_today ELSE 0 END"
            " + 1, wrong_in_all = wrong_in_all + 1, wrong_day = :day WHERE number = :card"
            " AND (wrong_day IS NOT :day OR wrong_today < :daily) AND wrong_in_all < :in_all",
            {
                "day": day.isoformat(),
                "card": card,
                "daily": self.rules.wrong_pins_a_day,
                "in_all": self.rules.wrong_pins_in_all,
            },
        ).rowcount
        if not counted:
            return self._lock(card)
        salt, verifier = self._db.execute(
            "SELECT salt, verifier FROM card WHERE number = ?", (card,)
        ).fetchone()
        if pin is None or not hmac.compare_digest(self.verifier(card, pin, salt), verifier):
            return PinAnswer.WRONG
        self._db.execute(
            "UPDATE card SET wrong_today = wrong_today - 1, wrong_in_all = 0 WHERE number = ?",
            (card,),
        )
        return PinAnswer.FIRST_USE if first_use else PinAnswer.RIGHT

    def enrolled(self, card: str) -> bool:
        """Whether the card has a telephone PIN."""
        return self._uses(card)[0]

    def _uses(self, card: str) -> tuple[bool, bool]:
        """Whether the card has a PIN, and whether that is good for its change alone."""
        row = self._db.execute(
            "SELECT enrolled, first_use FROM card_use WHERE card = ?", (card,)
        ).fetchone()
        return (bool(row[0]), bool(row[1])) if row else (True, False)

    def branch_only(self, card: str) -> bool:
        """Whether so many tries were wrong since the last right one that only a branch unlocks."""
        (wrong,) = self._db.execute(
            "SELECT wrong_in_all FROM card WHERE number = ?", (card,)
        ).fetchone()
        return int(wrong) >= self.rules.wrong_pins_in_all

    def unlock(self, card: str) -> None:
        """The tries of today are forgotten, and those in all stay counted."""
        self._db.execute("UPDATE card SET wrong_today = 0 WHERE number = ?", (card,))

    def change(self, card: str, pin: str) -> bool:
        """Write a PIN that the customer chose, under a new salt; False, and nothing written, for a
        weak one."""
        (identity,) = self._db.execute(
            "SELECT u.identity FROM customer u JOIN card c ON c.customer = u.id WHERE c.number = ?",
            (card,),
        ).fetchone()
        if is_weak(pin) or is_known(pin, card, identity):
            return False
        self._db.execute("UPDATE card_use SET enrolled = 1, first_use = 0 WHERE card = ?", (card,))
        salt = secrets.token_bytes(SALT_BYTES)
        self._db.execute(
            "UPDATE card SET salt = ?, verifier = ? WHERE number = ?",
            (salt, self.verifier(card, pin, salt), card),
        )
        return True

    def _lock(self, card: str) -> PinAnswer:
        return PinAnswer.LOCKED if self.branch_only(card) else PinAnswer.LOCKED_TODAY
