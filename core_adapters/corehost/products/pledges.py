"""What secures a loan may not be drawn: asked by deposits, which know nothing else of loans."""

import sqlite3


def owed_on(db: sqlite3.Connection, deposit: str) -> int:
    """Fen owed on the loans that a deposit secures; as long as it is not 0, nothing is drawn."""
    (minor,) = db.execute(
        "SELECT COALESCE(SUM(MAX(-balance, 0)), 0) FROM"
        " (SELECT (SELECT balance FROM leg WHERE account = l.id ORDER BY ordinal DESC LIMIT 1)"
        "  AS balance FROM loan l WHERE l.pledge = ?)",
        (deposit,),
    ).fetchone()
    return int(minor)
