"""Failed logins by the address that they come from: beside the node's ten tries a person, so that
nobody tries one password with everybody's name."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from threading import Lock

MOST = 60
"""Failures of one address in `WITHIN_S`; then it is not listened to. A branch may stand behind one
address, and those who log in rightly are never counted."""
WITHIN_S = 600.0
MAX_ADDRESSES = 10_000
"""Remembered; the one heard of longest ago goes first."""
NETWORK_BITS = 64
"""Of an IPv6 address: what one customer of a network has."""


@dataclass(slots=True)
class Knocks:
    """Of one console. Times are monotonic seconds, and given."""

    _failed: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def wait_s(self, address: str, now: float) -> float:
        """Seconds until this address is listened to again; 0: now."""
        with self._lock:
            failed = self._failed.get(_network(address), deque())
            recent = [at for at in failed if now - at < WITHIN_S]
            return 0.0 if len(recent) < MOST else recent[-MOST] + WITHIN_S - now

    def failed(self, address: str, now: float) -> None:
        """A login was refused."""
        with self._lock:
            name = _network(address)
            self._failed.setdefault(name, deque(maxlen=MOST)).append(now)
            self._failed.move_to_end(name)
            if len(self._failed) > MAX_ADDRESSES:
                self._failed.popitem(last=False)


def _network(address: str) -> str:
    """What is counted together; all who come from no address are one."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or int(found) >> (128 - NETWORK_BITS))
    return str(found)
