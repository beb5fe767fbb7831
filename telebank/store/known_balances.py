"""Jobs on the balances that the host told last, sealed: told where it is away (rule 17)."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import bindparam, delete, select, text

from telebank.store import tables
from telebank.store.sealing import Keyring
from telebank.store.transaction import Transaction
from transactions.card import CardNumberError, SealedCard
from transactions.money import Money, currency
from transactions.telephone_pin import Known

_B = tables.known_balance.c
_FIND = select(tables.known_balance).where(_B.token == bindparam("of_token"))
_PURGE = delete(tables.known_balance).where(_B.at < bindparam("before", type_=_B.at.type))
_CLEAR = delete(tables.known_balance)
_KEEP = text(
    "INSERT INTO known_balance (token, at, key_id, ciphertext)"
    " VALUES (:token, :at, :key_id, :ciphertext) ON CONFLICT (token) DO UPDATE"
    " SET at = excluded.at, key_id = excluded.key_id, ciphertext = excluded.ciphertext"
    " WHERE known_balance.at <= excluded.at"
).bindparams(*(bindparam(column.name, type_=column.type) for column in _B))
Run = Callable[[Callable[[Transaction], Any]], Awaitable[Any]]
"""Runs a job in the node's next commit."""


@dataclass(frozen=True, slots=True)
class StoredBalances:
    """Implements `transactions.telephone_pin.KnownBalances`."""

    run: Run
    keys: Keyring

    async def keep(self, customer: str, known: Known) -> None:
        """Keep it instead of an older one."""
        amounts = {name: [one.currency.code, one.minor] for name, one in known.values.items()}
        inside = {"of": customer, "at": known.at.isoformat(), "values": amounts}
        sealed = self.keys.seal_digits(json.dumps(inside))
        row = {"token": customer, "at": known.at}
        row |= {"key_id": sealed.key_id, "ciphertext": sealed.ciphertext}
        await self.run(partial(_keep, row=row))

    async def last(self, customer: str) -> Known | None:
        """What was kept last; None too where it cannot be opened, or is of another customer or
        another time than its row says."""
        found = await self.run(partial(_find, token=customer))
        return None if found is None else self._open(customer, found)

    async def purge(self, before: datetime) -> None:
        """Remove what was told before that time."""
        await self.run(partial(_purge, before=before))

    async def clear(self) -> None:
        """Remove them all: nobody is told of them any more."""
        await self.run(_clear)

    def _open(self, customer: str, found: tuple[datetime, SealedCard]) -> Known | None:
        try:
            inside = json.loads(self.keys.unseal_digits(found[1]))
        except CardNumberError:  # its key is gone; the next answer of the host is sealed anew
            return None
        if inside["of"] != customer or datetime.fromisoformat(inside["at"]) != found[0]:
            return None
        values = {
            name: Money(minor, currency(code)) for name, (code, minor) in inside["values"].items()
        }
        return Known(values, found[0])


def _keep(part: Transaction, row: dict[str, Any]) -> None:
    part.execute(_KEEP, row)


def _find(part: Transaction, token: str) -> tuple[datetime, SealedCard] | None:
    row = part.execute(_FIND, {"of_token": token}).first()
    return None if row is None else (row.at, SealedCard("", "", row.key_id, row.ciphertext))


def _purge(part: Transaction, before: datetime) -> None:
    part.execute(_PURGE, {"before": before})


def _clear(part: Transaction) -> None:
    part.execute(_CLEAR)
