"""One-time codes in memory: drawn at random, each for one card, gone after use, time or mistakes.

The digits exist only as `Secret`, are compared in constant time and overwritten when they are of no
use any more. A machine without a clock: `now` is monotonic seconds.
"""

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from telebank.customers.options import CodeOptions
from transactions.secret import Secret

DIGITS = 6

Verdict = Literal["ok", "wrong_code", "expired"]


@dataclass(slots=True)
class _Held:
    code: Secret
    until: float
    wrong: int = 0


class CodeBook:
    """The codes that may still be entered, one a card."""

    def __init__(self, options: CodeOptions) -> None:
        self._options = options
        self._held: OrderedDict[str, _Held] = OrderedDict()
        """By customer, the oldest first: all are valid for the same time."""

    def draw(self, customer: str, now: float) -> Secret:
        """A new code for a customer, instead of one he had. The caller sends it and keeps it not;
        it is wiped here."""
        self.drop(customer)
        self._sweep(now)
        while len(self._held) >= self._options.held_max:
            self.drop(next(iter(self._held)))
        code = Secret(f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}")
        self._held[customer] = _Held(code, now + self._options.valid_s)
        return code

    def check(self, customer: str, entered: Secret, now: float) -> Verdict:
        """Judge an entry. A right one uses the code up; so does the last wrong one allowed."""
        self._sweep(now)
        held = self._held.get(customer)
        if held is None:
            return "expired"
        if same(held.code, entered):
            self.drop(customer)
            return "ok"
        held.wrong += 1
        if held.wrong >= self._options.wrong_max:
            self.drop(customer)
        return "wrong_code"

    def drop(self, customer: str) -> None:
        """Overwrite and forget a customer's code."""
        held = self._held.pop(customer, None)
        if held is not None:
            held.code.wipe()

    def clear(self) -> None:
        """Overwrite and forget all."""
        for customer in list(self._held):
            self.drop(customer)

    def _sweep(self, now: float) -> None:
        """Forget what is over."""
        while self._held:
            customer, held = next(iter(self._held.items()))
            if held.until > now:
                return
            self.drop(customer)

    def __len__(self) -> int:
        return len(self._held)


def same(one: Secret, other: Secret) -> bool:
    """Whether two secrets have the same digits, in a time that does not tell how many."""
    return hmac.compare_digest(one.reveal().encode("ascii"), other.reveal().encode("ascii"))
