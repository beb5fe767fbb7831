"""Where a 3xx may lead a call of ours: to no number that costs more than the one called."""

import time
from collections import Counter, deque
from collections.abc import Callable

from telebank.calls.faxes.numbers import read
from telebank.calls.faxes.tolls import Refusal, judge
from telebank.settings import Settings
from telebank.sip.identities import number_of
from telebank.sip.trunks import peer_of
from telebank.sip.uri import SipUri, scheme_of

DAY_S = 86_400.0


class Redirects:
    """Of one process. What was reserved for the number called pays for the other one too; how often
    a number was come to so is counted here, for the last 24 hours."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds, from any time on."""
        self._settings = settings
        self._clock = clock
        self._followed: deque[tuple[float, str]] = deque()
        self._of: Counter[str] = Counter()
        """By number, as many as there are in the queue."""

    def may_follow(self, trunk: str, called: str, target: str) -> bool:
        """Whether a call to `called` over a trunk may go on to where a 3xx of it leads: through one
        of its peers, to a number that the same trunk may carry, whose price is known and no higher,
        and that has not had its calls of the day. Then it is counted."""
        number = number_of(target)
        if not number or not self._is_peer(trunk, target):
            return False
        found = judge(self._settings.outbound, number, staff=False)
        if isinstance(found, Refusal) or found.trunk != trunk:
            return False
        price, before = self._price(trunk, number), self._price(trunk, number_of(called))
        if price is None or before is None or price > before:
            return False
        return self._counts(found.number)

    def _is_peer(self, trunk: str, target: str) -> bool:
        """Whether the target is reached through a peer of the trunk."""
        if trunk not in self._settings.trunks:
            return False
        if scheme_of(target) == "tel":
            return True
        peers = {peer_of(peer).host for peer in self._settings.trunks[trunk].peers}
        return SipUri.parse(target).host.strip("[]") in peers

    def _price(self, trunk: str, text: str) -> int | None:
        """Thousandths of the bank's currency a minute over the trunk; None: not known."""
        outbound = self._settings.outbound
        number = read(outbound.plan, text)
        route = next((route for route in outbound.routes if route.trunk == trunk), None)
        return None if route is None or isinstance(number, str) else route.price(number.form)

    def _counts(self, number: str) -> bool:
        """Count a call to the number, unless it has had as many as it may."""
        now = self._clock()
        while self._followed and self._followed[0][0] <= now - DAY_S:
            _, gone = self._followed.popleft()
            self._of[gone] -= 1
            if not self._of[gone]:
                del self._of[gone]
        outbound = self._settings.outbound
        full = len(self._followed) >= outbound.calls_hourly * 24
        if full or self._of[number] >= outbound.per_number_daily:
            return False
        self._followed.append((now, number))
        self._of[number] += 1
        return True
