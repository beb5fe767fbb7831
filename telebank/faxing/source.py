"""Whose datagrams are taken: those of the address agreed, or of one learnt from four in a row.

A peer behind address translation sends from elsewhere than it says. As long as the address agreed
has sent nothing for a while, another one may be learnt, once; from then on that is where we send
to, and nothing but a new agreement moves it. RTP may come from any address; T.38 only from another
port of the same one.
"""

from dataclasses import dataclass

from telebank.rtp import Address, Run


@dataclass(frozen=True, slots=True)
class Learning:
    """What may be learnt: nothing, another `port`, or a whole `address`; `since` in seconds."""

    what: str
    since: float


class Source:
    """Decides on the sender of each datagram; no I/O, no clock."""

    def __init__(self, agreed: Address, learning: Learning) -> None:
        self.address = agreed
        """Where to send to, and who is heard."""
        self._learning = learning
        self._settled = False
        self._run = Run()

    def takes(self, sender: Address, stream: int, sequence: int, now: float) -> bool:
        """Whether a well-formed datagram counts; `stream` tells streams of one address apart."""
        if sender == self.address:
            self._settled = True
            return True
        if not self._may_be_learnt(sender, now) or not self._run.settles(sender, stream, sequence):
            return False
        self.address = sender
        self._settled = True
        return True

    def _may_be_learnt(self, sender: Address, now: float) -> bool:
        if self._settled or now < self._learning.since or self._learning.what == "nothing":
            return False
        return self._learning.what == "address" or sender[0] == self.address[0]
