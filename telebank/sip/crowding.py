"""How much may come within calls: by one call, and by all calls of a trunk. Admission lets every
request of a live call pass, and each is kept for 64*T1, so that somebody has to count them."""

from telebank.sip.admission import Bucket
from telebank.sip.core import Core
from telebank.sip.leg import Leg, LegState
from telebank.sip.message import Request

PER_S = 20.0
"""Requests a second that one call may hold, and twice as many at once. Keys by INFO come slower."""
ENOUGH = 200
"""Requests refused without a rest between them, after which the call is ended."""


class Crowding:
    """Of all legs of one user agent."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def lets(self, leg: Leg, request: Request, now: float) -> bool:
        """Whether a request within a leg is taken; to end a call is never forbidden."""
        if request.method == "BYE" and leg.state is not LegState.ENDING:
            return True
        pace = leg.pace = leg.pace or Bucket(PER_S, now)
        if pace.full(now):
            leg.crowded = 0
        if not pace.take(now):
            leg.crowded += 1
            return False
        layer, options = self.core.layer, self.core.options
        # A half of what new calls may find: one trunk keeps nobody's calls out.
        return layer.shares[leg.trunk] < options.max_transactions // 2

    @staticmethod
    def enough(leg: Leg) -> bool:
        """Whether its other side goes on and on."""
        return leg.crowded >= ENOUGH
