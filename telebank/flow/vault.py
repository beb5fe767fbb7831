"""Where card numbers and secrets of a call are: a session itself holds tokens only."""

from typing import Protocol

from transactions.card import CardNumber
from transactions.secret import Secret

Guarded = CardNumber | Secret


class Vault(Protocol):
    """Keeps the guarded values of one call in memory; held by the session's owner."""

    def put(self, value: Guarded) -> str:
        """Keep `value`; returns its token."""
        ...

    def get(self, token: str) -> Guarded:
        """The value; raises `KeyError` where it is gone."""
        ...

    def drop(self, token: str, wipe: bool = True) -> None:
        """Forget it, overwriting a secret unless somebody else still needs it."""
        ...


class MemoryVault:
    """The plain vault: a dictionary that lives as long as the call."""

    def __init__(self) -> None:
        self._values: dict[str, Guarded] = {}
        self._count = 0

    def put(self, value: Guarded) -> str:
        """Keep `value`; returns its token."""
        self._count += 1
        token = f"h{self._count}"
        self._values[token] = value
        return token

    def get(self, token: str) -> Guarded:
        """The value; raises `KeyError` where it is gone."""
        return self._values[token]

    def drop(self, token: str, wipe: bool = True) -> None:
        """Forget it, overwriting a secret unless somebody else still needs it."""
        value = self._values.pop(token, None)
        if wipe and isinstance(value, Secret):
            value.wipe()

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"MemoryVault({len(self)} values)"
