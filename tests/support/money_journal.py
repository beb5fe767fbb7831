"""What the journal of a node says, read beside it, and what the ledger must then hold."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from core_adapters.corehost.seed import NO_ACCOUNT, SeedCard, trial_set
from support.bank_process import BankProcess
from support.store_sql import Asking, Rows, ask_once, asking
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
        self._data = data
        self._keys = Keyring.open_or_create(data / "keys")

    def rows(self, who: SeedCard | None = None, service: str = "") -> list[Row]:
        """Requests in order, all or one customer's."""
        with asking(self._data) as ask:
            found = [_row(ask, row, self._keys) for row in self._requests(ask, who, service)]
        return [row for row in found if who is None or row.payer == who.card]

    def only(self, who: SeedCard, service: str = TRANSFER) -> Row:
        """The customer's one request of a service."""
        (row,) = self.rows(who, service)
        return row

    def events(self, kind: str) -> list[dict[str, str]]:
        """Details of all events of a kind, with the outcome as `outcome`."""
        found = ask_once(
            self._data,
            "SELECT CAST(detail AS TEXT), outcome FROM event WHERE kind = ?"
            " ORDER BY node, sequence",
            kind,
        )
        return [msgspec.json.decode(row[0]) | {"outcome": row[1]} for row in found]

    def _requests(self, ask: Asking, who: SeedCard | None, service: str) -> Rows:
        """Of a service and with a customer's card, whichever side it is on; all where not given.

        Scenes look ten times a second from the loop that their callers speak in: one that reads all
        the day's requests each time holds up every caller."""
        wanted, values = "1 = 1", list[str]()
        if service:
            wanted += " AND service = ?"
            values.append(service)
        if who is not None:
            wanted += (
                " AND id IN (SELECT request FROM sealed_input WHERE kind = 'card' AND token = ?)"
            )
            values.append(self._keys.token(CardNumber(who.card)))
        return ask(
            "SELECT id, service, state, told, reference, amount, CAST(inputs AS TEXT) FROM request"
            f" WHERE {wanted} ORDER BY created_at, reference",
            *values,
        )


def _row(ask: Asking, row: tuple[Any, ...], keys: Keyring) -> Row:
    request, service, state, told, reference, amount, inputs = row
    states = ask("SELECT state FROM request_state WHERE request = ? ORDER BY ordinal", request)
    messages = ask(
        "SELECT mti, reply39 FROM host_message WHERE request = ? ORDER BY ordinal", request
    )
    sealed = ask(
        "SELECT name, token, masked, key_id, ciphertext FROM sealed_input"
        " WHERE request = ? AND kind = 'card'",
        request,
    )
    cards: dict[str, CardNumber] = {name: keys.unseal(SealedCard(*rest)) for name, *rest in sealed}
    plain = msgspec.json.decode(inputs)
    return Row(
        id=request,
        service=service,
        state=State(state),
        history=[state for (state,) in states],
        messages=[(mti, code) for mti, code in messages],
        told=told,
        reference=reference,
        amount=amount or 0,
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
