"""What the journal of a node says, read beside it, and what the ledger must then hold."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core_adapters.corehost.seed import NO_ACCOUNT, SeedCard, trial_set
from support.bank_process import BankProcess
from telebank.store.sealing import Keyring
from transactions.card import CardNumber, SealedCard
from transactions.lifecycle import DONE, OPEN, State

TRANSFER = "transfer.card_to_card"
LOSS = "card.report_loss"


@dataclass(frozen=True, slots=True)
class Row:
    """One request: where it is, how it came there, and what went to the host for it."""

    id: str
    service: str
    state: State
    history: Sequence[str]
    messages: Sequence[tuple[str, str | None]]
    """MTI and the reply's field 39."""
    told: str | None
    reference: str
    amount: int
    """Fen."""
    fee: int
    payer: str
    payee: str

    @property
    def settled(self) -> bool:
        """Whether it has an end, be it by a person."""
        return self.state not in OPEN


class MoneyJournal:
    """Reads a node's database without a lock; the node may run."""

    def __init__(self, data: Path) -> None:
        self._path = data / "telebank.db"
        self._keys = Keyring.open_or_create(data / "keys")

    def rows(self, who: SeedCard | None = None, service: str = "") -> list[Row]:
        """Requests in order, all or one customer's."""
        with closing(self._connect()) as db:
            found = [_row(db, row, self._keys) for row in self._requests(db, who, service)]
        return [row for row in found if who is None or row.payer == who.card]

    def only(self, who: SeedCard, service: str = TRANSFER) -> Row:
        """The customer's one request of a service."""
        (row,) = self.rows(who, service)
        return row

    def events(self, kind: str) -> list[dict[str, str]]:
        """Details of all events of a kind, with the outcome as `outcome`."""
        with closing(self._connect()) as db:
            found = db.execute(
                "SELECT detail, outcome FROM event WHERE kind = ? ORDER BY node, sequence", (kind,)
            )
            return [msgspec.json.decode(row[0]) | {"outcome": row[1]} for row in found]

    def _requests(
        self, db: sqlite3.Connection, who: SeedCard | None, service: str
    ) -> list[sqlite3.Row]:
        """Of a service and with a customer's card, whichever side it is on; all where not given.

        Scenes look ten times a second from the loop that their callers speak in: one that reads all
        the day's requests each time holds up every caller."""
        token = self._keys.token(CardNumber(who.card)) if who is not None else None
        return db.execute(
            "SELECT * FROM request WHERE (:service = '' OR service = :service) AND (:token IS NULL"
            " OR id IN (SELECT request FROM sealed_input WHERE kind = 'card' AND token = :token))"
            " ORDER BY created_at, reference",
            {"service": service, "token": token},
        ).fetchall()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=10)
        db.row_factory = sqlite3.Row
        return db


def _row(db: sqlite3.Connection, row: sqlite3.Row, keys: Keyring) -> Row:
    states = db.execute(
        "SELECT state FROM request_state WHERE request = ? ORDER BY ordinal", (row["id"],)
    )
    messages = db.execute(
        "SELECT mti, reply39 FROM host_message WHERE request = ? ORDER BY ordinal", (row["id"],)
    )
    sealed = db.execute(
        "SELECT name, token, masked, key_id, ciphertext FROM sealed_input"
        " WHERE request = ? AND kind = 'card'",
        (row["id"],),
    )
    cards: dict[str, CardNumber] = {name: keys.unseal(SealedCard(*rest)) for name, *rest in sealed}
    plain = msgspec.json.decode(row["inputs"])
    return Row(
        id=row["id"],
        service=row["service"],
        state=State(row["state"]),
        history=[state for (state,) in states],
        messages=[(mti, code) for mti, code in messages],
        told=row["told"],
        reference=row["reference"],
        amount=row["amount"] or 0,
        fee=int(plain["fee"]["money"][0]) if "fee" in plain else 0,
        payer=(cards.get("from") or cards["card"]).digits,
        payee=cards["to"].digits if "to" in cards else "",
    )


def expected_balances(journal: MoneyJournal) -> dict[str, int]:
    """Opening balances moved by what the journal says was done, fen by card."""
    held = Counter({one.card: one.balance for one in trial_set() if one.state not in NO_ACCOUNT})
    for row in journal.rows(service=TRANSFER):
        if row.state in DONE:
            held[row.payer] -= row.amount + row.fee
            held[row.payee] += row.amount
    return dict(held)


def assert_whole(bank: BankProcess) -> None:
    """The books are in order, the ledger is what the journal says, and nothing is left open."""
    journal = MoneyJournal(bank.data)
    assert bank.host.findings() == []
    left = [(row.id, row.history) for row in journal.rows() if row.state in OPEN]
    assert left == []
    expected = expected_balances(journal)
    held = bank.host.balances()
    assert {card: held[card] for card in expected} == expected
