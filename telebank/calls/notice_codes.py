"""Recording codes in memory: each for one supervisor and language, gone after use or its time.

A machine without a clock: `now` is monotonic seconds.
"""

import secrets
from dataclasses import dataclass

from telebank.customers.codes import same
from transactions.approval import Actor
from transactions.request import Language
from transactions.secret import Secret

DIGITS = 8
VALID_S = 600.0
"""Seconds in which a code is taken."""
WRONG_MAX = 20
"""Wrong entries of anybody, while codes are held, after which all are gone: a call has three."""
HELD_MAX = 10
"""Codes held at once; past them the oldest is gone."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Who may record, and in which language."""

    by: Actor
    language: Language


@dataclass(frozen=True, slots=True)
class _Held:
    code: Secret
    permit: Permit
    until: float


class RecordingCodes:
    """The codes that may still be entered."""

    def __init__(self) -> None:
        self._held: list[_Held] = []
        self._wrong = 0

    def draw(self, permit: Permit, now: float) -> Secret:
        """A new code, in place of one of the same person. The caller tells it and keeps it not;
        it is wiped here."""
        self._sweep(now)
        for held in [one for one in self._held if one.permit.by.id == permit.by.id]:
            self._drop(held)
        if len(self._held) >= HELD_MAX:
            self._drop(self._held[0])
        code = Secret(f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}")
        self._held.append(_Held(code, permit, now + VALID_S))
        return code

    def take(self, entered: Secret, now: float) -> Permit | None:
        """What an entry permits; a right one is used up."""
        self._sweep(now)
        found = [one for one in self._held if same(one.code, entered)]
        if found:
            self._drop(found[0])
            return found[0].permit
        self._wrong += bool(self._held)
        if self._wrong >= WRONG_MAX:
            self.clear()
        return None

    def clear(self) -> None:
        """Overwrite and forget all."""
        for held in list(self._held):
            self._drop(held)

    def _sweep(self, now: float) -> None:
        for held in [one for one in self._held if one.until <= now]:
            self._drop(held)

    def _drop(self, held: _Held) -> None:
        self._held.remove(held)
        held.code.wipe()
        if not self._held:
            self._wrong = 0

    def __len__(self) -> int:
        return len(self._held)
