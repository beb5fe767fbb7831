"""The keys of one leg, whichever way they come, as the node is told of them."""

from collections.abc import Callable

from telebank import wire
from telebank.media.keys import KeyRate, KeyReceiver
from telebank.media.playing import Playing
from telebank.rtp import Packet


class Pressing:
    """Tells each press once, up to the limits of `KeyRate`, and breaks off what plays.

    Of a phone whose keys come two ways, `method` is the way of the first, and no other counts.
    """

    def __init__(
        self, number: int, playing: Playing, report: Callable[[wire.Message], None]
    ) -> None:
        """`number`: of the channel, for reports."""
        self._number = number
        self._playing = playing
        self._report = report
        self._receiver = KeyReceiver()
        self._rate = KeyRate()
        self.method = ""
        """`events`, `inband` or `info`; empty: none has come."""
        self.secret = False
        """Whether what is pressed now is a secret."""
        self.count = 0

    @property
    def dropped(self) -> int:
        """Presses over the limits."""
        return self._rate.dropped

    def new_peer(self) -> None:
        """Events of another sender: none of them is a repeat."""
        self._receiver = KeyReceiver()

    def event(self, packet: Packet, now: float) -> None:
        """A packet of telephone-event (RFC 4733)."""
        digit = self._receiver.receive(packet)
        if digit is not None:
            self.press(digit, now, "events")

    def press(self, digit: str, now: float, method: str) -> None:
        """A key that was recognised."""
        self.method = self.method or method
        if method != self.method:
            return  # the same press again, another way
        if not self._rate.takes(now):
            return
        self.count += 1
        self._report(
            wire.Key(
                channel=self._number,
                digit=digit,
                at=now,
                token=self._playing.token,
                secret=self.secret,
                method=method,
            )
        )
        self._playing.pressed(digit)
