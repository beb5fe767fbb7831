"""One fax over T.38: datagrams of the right sender in, the terminal's datagrams out."""

from fax.terminal import T38Terminal
from telebank.faxing.endpoint import Endpoint
from telebank.faxing.rtp import looks_like_rtp
from telebank.faxing.source import Source
from telebank.rtp import MAX_PACKET, sequence_step

MAX_JUMP = 2_000
"""What looks like audio with a sequence number further off than this is audio."""


class OverT38:
    """A terminal between its UDPTL port and the peer's."""

    def __init__(self, terminal: T38Terminal, endpoint: Endpoint, source: Source) -> None:
        self.terminal = terminal
        self.foreign = self.strays = 0
        self.endpoint = endpoint
        self.source = source
        """Whose datagrams are taken, and where ours go."""
        self._latest: int | None = None

    @property
    def malformed(self) -> int:
        """Datagrams that were not T.38."""
        return self.strays + self.terminal.malformed

    def tick(self, now: float) -> None:
        """20 ms pass."""
        for data, sender in self.endpoint.receive():
            if self._is_ours(data):
                self._take(data, sender, now)
            else:
                self.strays += 1
        for datagram in self.terminal.tick():
            self.endpoint.send(datagram, self.source.address)

    def close(self) -> None:
        """Let go of the terminal. May be repeated."""
        self.terminal.close()

    def _is_ours(self, data: bytes) -> bool:
        """Whether a datagram may be of this fax, and not audio that was still under way.

        RTP read as UDPTL has a sequence number from 32768 to 49151: far from where a fax begins,
        and one that is long enough to get there is known by then. Nothing else is judged here:
        whether a peer counts anew is for the receiver of UDPTL to say.
        """
        if not 2 <= len(data) <= MAX_PACKET:  # noqa: PLR2004 - the sequence number's two bytes
            return False
        if not looks_like_rtp(data):
            return True
        latest = self._latest
        return latest is not None and abs(sequence_step(latest, _sequence(data))) <= MAX_JUMP

    def _take(self, data: bytes, sender: tuple[str, int], now: float) -> None:
        sequence = _sequence(data)
        if not self.source.takes(sender, 0, sequence, now):
            self.foreign += 1
            return
        self._latest = sequence
        self.terminal.datagram(data)


def _sequence(data: bytes) -> int:
    return int.from_bytes(data[:2], "big")
