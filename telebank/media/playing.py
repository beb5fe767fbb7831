"""What one leg hears: the play of its row of the plane, and what the node is told of its end."""

import logging
from collections.abc import Callable

from telebank import wire
from telebank.media.bank import Banks
from telebank.media.engine import Slot

_log = logging.getLogger(__name__)


class Playing:
    """The play of a row, or none. Each that began ends once, with one `wire.PlayEnded`."""

    def __init__(
        self,
        number: int,
        slot: Slot,
        row: int,
        banks: Banks,
        report: Callable[[wire.Message], None],
    ) -> None:
        """`number`: of the channel, for reports."""
        self._number = number
        self._slot = slot
        self._row = row
        self._banks = banks
        self._report = report
        self._play: wire.Play | None = None
        self._first_packet_at = 0.0

    @property
    def token(self) -> int:
        """Of what plays; 0: nothing does."""
        return self._play.token if self._play is not None else 0

    def begin(self, play: wire.Play) -> None:
        """With the next packet, in place of what plays; a play outside its bank is refused."""
        self.end("replaced")
        self._play = play
        self._first_packet_at = 0.0
        bank = self._banks.get(play.bank)
        sound = (
            bank is not None
            and len(play.segments) <= wire.MAX_SEGMENTS
            and all(bank.holds(start, samples) for start, samples in play.segments)
        )
        if sound:
            self._slot.play(self._row, play.segments, play.bank)
        else:
            _log.error("channel %d: a play outside the bank was refused", self._number)
            self.end("refused")

    def end(self, reason: str) -> None:
        """Silence from the next packet on; nothing happens where nothing plays."""
        if self._play is not None:
            self._tell(reason, self._slot.stop(self._row))

    def leave(self, bank: int) -> None:
        """Nothing is played from this bank any more."""
        if self._play is not None and self._play.bank == bank:
            self.end("stopped")

    def pressed(self, digit: str) -> None:
        """A key that breaks the play off ends it."""
        if self._play is not None and digit in self._play.stop_keys:
            self.end("key")

    def started(self, now: float) -> None:
        """The plane has sent its first packet."""
        self._first_packet_at = now

    def ended(self, played: int) -> None:
        """The plane has sent it to its end, of so many samples."""
        self._tell("done", played)

    def _tell(self, reason: str, played: int) -> None:
        play, self._play = self._play, None
        assert play is not None
        self._report(
            wire.PlayEnded(
                channel=self._number,
                token=play.token,
                reason=reason,
                played=played,
                first_packet_at=self._first_packet_at,
            )
        )
