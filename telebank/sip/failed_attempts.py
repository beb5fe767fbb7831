"""Failed passwords and the time for which no more are listened to.

Three rules keep a guesser slow without letting him shut a good user out:
- a failure counts only where the nonce was made for the source it came from, so nobody is held
  for what others send in his name (the digest server sees to that);
- failures on an account hold those who failed themselves, at whatever account, and try it from
  places it was never used from: one guess from each new place, and an owner who comes after a
  restart, when no place is known, is not held for the guesses of others;
- where an account was used from before, only failures on that account from there count: those of
  the very address (host and port), or, for a port not seen yet, those of the host's other ports.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from telebank.sip.uri import Hop


@dataclass(frozen=True, slots=True)
class AttemptOptions:
    """Limits on wrong passwords."""

    free: int = 5
    """Failures before the first hold."""
    first_hold: float = 2.0
    """The first hold, seconds; each further failure doubles it."""
    longest_hold: float = 300.0
    """The longest hold, seconds."""
    forget_after: float = 3_600.0
    """Failures are forgotten when none came for so long, seconds."""
    max_kept: int = 20_000
    """Sources, accounts and addresses kept in mind, each; the one unheard of longest goes first."""
    known_for: float = 30 * 86_400.0
    """How long an address an account was used from is known as such, seconds."""

    def __post_init__(self) -> None:
        if self.free < 0 or self.max_kept < 1:
            raise ValueError("sip attempts: free must be 0 or more, max_kept 1 or more")
        if not 0 < self.first_hold <= self.longest_hold <= self.forget_after:
            raise ValueError("sip attempts: 0 < first_hold <= longest_hold <= forget_after")


@dataclass(slots=True)
class _Failures:
    count: int
    last: float


class _Gate:
    """Counts failures by key and holds keys that have too many."""

    def __init__(self, options: AttemptOptions) -> None:
        self._options = options
        self._failures: OrderedDict[Hashable, _Failures] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def held(self, key: Hashable, now: float) -> bool:
        found = self._failures.get(key)
        return found is not None and now < found.last + self._hold(found.count)

    def has(self, key: Hashable, now: float) -> bool:
        """Whether it failed of late."""
        found = self._failures.get(key)
        return found is not None and now < found.last + self._options.forget_after

    def failed(self, key: Hashable, now: float) -> None:
        found = self._failures.pop(key, None)
        if found is None or now >= found.last + self._options.forget_after:
            found = _Failures(0, now)
        self._failures[key] = _Failures(found.count + 1, now)
        while len(self._failures) > self._options.max_kept:
            self._failures.popitem(last=False)

    def clear(self, key: Hashable) -> None:
        self._failures.pop(key, None)

    def _hold(self, count: int) -> float:
        """Seconds for which nobody is listened to after that many failures."""
        over = count - self._options.free
        if over <= 0:
            return 0.0
        # The shift is bounded: twenty doublings are past any hold.
        return min(self._options.first_hold * 2.0 ** min(over - 1, 20), self._options.longest_hold)


class _Known:
    """Keys seen within `known_for` seconds, the latest `max_kept` of them."""

    def __init__(self, options: AttemptOptions) -> None:
        self._options = options
        self._seen: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, key: Hashable, now: float) -> None:
        self._seen[key] = now
        self._seen.move_to_end(key)
        while len(self._seen) > self._options.max_kept:
            self._seen.popitem(last=False)

    def has(self, key: Hashable, now: float) -> bool:
        seen = self._seen.get(key)
        return seen is not None and now < seen + self._options.known_for


class FailedAttempts:
    """Who is not listened to for now. It needs no waking: what is old is dropped when met, and
    tables are bounded."""

    def __init__(self, options: AttemptOptions) -> None:
        self._sources, self._accounts, self._own = _Gate(options), _Gate(options), _Gate(options)
        self._addresses, self._homes = _Known(options), _Known(options)

    def held(self, account: str, source: Hop, now: float) -> bool:
        """Whether a password for `account` from `source` is not to be looked at. `account` is
        empty for all names that are none: they are held and counted as one."""
        own = self._own_key(account, source, now)
        if own is not None:
            return self._own.held(own, now)
        network = network_of(source[0])
        if self._sources.held(network, now):
            return True
        return self._sources.has(network, now) and self._accounts.held(account, now)

    def failed(self, account: str, source: Hop, now: float) -> None:
        """Count a wrong password."""
        own = self._own_key(account, source, now)
        if own is not None:
            self._own.failed(own, now)
            return
        self._sources.failed(network_of(source[0]), now)
        self._accounts.failed(account, now)

    def _own_key(self, account: str, source: Hop, now: float) -> Hashable | None:
        """What failures are counted by where the account was used before, None elsewhere."""
        if self._addresses.has((account, source), now):
            return account, source
        if self._homes.has((account, source[0]), now):
            return account, source[0]
        return None

    def succeeded(self, account: str, source: Hop, now: float) -> None:
        """Remember a good user's address. What others failed
        at, from the same network or on the same account, stays counted."""
        self._addresses.add((account, source), now)
        self._homes.add((account, source[0]), now)
        self._own.clear((account, source))

    def counts(self) -> dict[str, int]:
        """Entries in each table."""
        return {
            "sources": len(self._sources),
            "accounts": len(self._accounts),
            "own": len(self._own),
            "addresses": len(self._addresses),
            "homes": len(self._homes),
        }


def network_of(host: str) -> str:
    """What one person can be taken to own: an IPv4 address, the /64 network of an IPv6 one."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address) >> 64 << 64, 64)))
    return host
