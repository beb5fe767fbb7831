"""Nonces that need no memory until they are used, and the counts of those that were (RFC 7616
sections 3.3, 3.4 and 5.4).

A nonce is the time it was made, a salt, and an HMAC over both, the realm and the source it was made
for: a flood of requests without credentials leaves nothing behind here.
"""

import base64
import heapq
import hmac
import re
from dataclasses import dataclass
from hashlib import sha256

from telebank.sip.uri import Hop

MIN_KEY = 16
"""Octets of the shortest key."""
_TIME, _SALT, _SEAL = 6, 6, 18  # octets: 30 in all, so base64 has one spelling only
_NONCE = re.compile(r"[A-Za-z0-9_\-]{40}")
_ROUNDING = 0.01  # seconds; the time in a nonce is cut to milliseconds


@dataclass(slots=True)
class _Counts:
    """The nonce counts seen: the highest, and as bits those up to `window` below it."""

    highest: int
    seen: int


class Nonces:
    """Makes nonces and judges those that come back.

    `key` must be new in each run where `now` starts anew: it is what ends the nonces of the run
    before. `lifetime` is in seconds, `window` in counts, `max_used` in nonces.
    """

    def __init__(
        self, key: bytes, realm: str, *, lifetime: float, window: int, max_used: int
    ) -> None:
        if len(key) < MIN_KEY:
            raise ValueError(f"the nonce key must be at least {MIN_KEY} octets long")
        self._key, self._realm = key, realm.encode("utf-8", "surrogateescape")
        self._lifetime, self._window, self._max_used = lifetime, window, max_used
        self._made = 0
        self._used: dict[str, _Counts] = {}
        self._oldest: list[tuple[float, str]] = []
        """Every used nonce with the time it was made, the oldest first."""
        self._floor = -1.0
        """Nonces made up to this time are refused: the counts of some are forgotten."""

    def __len__(self) -> int:
        return len(self._used)

    def make(self, source: Hop, now: float) -> str:
        """A new nonce for requests from `source`."""
        self._made += 1
        salt = hmac.digest(self._key, b"salt%d" % self._made, sha256)[:_SALT]
        head = int(max(now, 0.0) * 1000).to_bytes(_TIME, "big") + salt
        return base64.urlsafe_b64encode(head + self._seal(head, source)).decode()

    def is_good(self, nonce: str, count: int, source: Hop, now: float) -> bool:
        """Whether the nonce is ours, for this source, young enough, and the count not used yet."""
        made = self._made_at(nonce, source)
        if made is None or made <= self._floor:
            return False
        if not -_ROUNDING <= now - made <= self._lifetime:
            return False
        counts = self._used.get(nonce)
        if counts is None or count > counts.highest:
            return count > 0
        behind = counts.highest - count
        return count > 0 and behind < self._window and not counts.seen >> behind & 1

    def use(self, nonce: str, count: int, source: Hop, now: float) -> None:
        """Mark the count as used, of a nonce that is good and came with the right password."""
        counts = self._used.get(nonce)
        if counts is None:
            made = self._made_at(nonce, source)
            assert made is not None
            self._make_room(now)
            heapq.heappush(self._oldest, (made, nonce))
            self._used[nonce] = _Counts(count, 1)
        elif count > counts.highest:
            # Past the window nothing of the old bits is left: no need to shift far.
            shift = min(count - counts.highest, self._window)
            counts.seen = (counts.seen << shift | 1) & ((1 << self._window) - 1)
            counts.highest = count
        else:
            counts.seen |= 1 << (counts.highest - count)

    def _make_room(self, now: float) -> None:
        while self._oldest:
            made, nonce = self._oldest[0]
            if now - made <= self._lifetime:
                if len(self._used) < self._max_used:
                    return
                # A living nonce whose counts are forgotten must not be good again.
                self._floor = max(self._floor, made)
            heapq.heappop(self._oldest)
            del self._used[nonce]

    def _made_at(self, nonce: str, source: Hop) -> float | None:
        """When the nonce was made, None where we made none like it for this source."""
        if _NONCE.fullmatch(nonce) is None:
            return None
        data = base64.urlsafe_b64decode(nonce)
        head, seal = data[: _TIME + _SALT], data[_TIME + _SALT :]
        if not hmac.compare_digest(seal, self._seal(head, source)):
            return None
        return int.from_bytes(head[:_TIME], "big") / 1000

    def _seal(self, head: bytes, source: Hop) -> bytes:
        text = head + b"%d;" % source[1] + source[0].encode() + b";" + self._realm
        return hmac.digest(self._key, text, sha256)[:_SEAL]
