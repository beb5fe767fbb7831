"""The host's business date, as its field 15 tells it (rule 14)."""

from datetime import date, timezone

from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.links.alarms import FrameAlarms
from core_adapters.iso8583.values import nearest_date
from transactions.clock import Clock

SETTLEMENT_DATE = 15
MAX_DAYS_ON = 31
"""A business date does not go on by more days at once; a holiday is shorter."""


class BusinessDay:
    """Goes on with what is heard; never back, and never far."""

    def __init__(self, zone: timezone, clock: Clock, alarms: FrameAlarms) -> None:
        self._zone = zone
        self._clock = clock
        self._alarms = alarms
        self.known: date | None = None
        """None until the host has told it."""

    def heard(self, message: Message) -> None:
        """A message of the host's that is to be believed."""
        text, known = message.get(SETTLEMENT_DATE), self.known
        if text is None:
            return
        day = nearest_date(text, known or self._clock.now().astimezone(self._zone).date())
        if day is None or (known is not None and day <= known):
            return
        if known is not None and (day - known).days > MAX_DAYS_ON:
            self._alarms.raised("date", f"field 15 goes {(day - known).days} days on from {known}")
            return
        self.known = day
