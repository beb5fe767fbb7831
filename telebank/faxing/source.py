"""Whose datagrams are taken: those of the address agreed, or of one learnt from four in a row.

A peer behind address translation sends from elsewhere than it says. As long as the address agreed
has sent nothing for a while, another one may be learnt, once; from then on that is where we send
to, and nothing but a new agreement moves it. Only a port of one host is learnt: for RTP of the host
that the call's signalling comes from, for T.38 of the one agreed.
"""

from dataclasses import dataclass

from telebank.rtp import Address, Run


@dataclass(frozen=True, slots=True)
class Learning:
    """Any port of `host` may be learnt, of an empty one none; `since` in seconds."""

    host: str
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
        learnable = not self._settled and sender[0] == self._learning.host
        if not learnable or now < self._learning.since:
            return False
        if not self._run.settles(sender, stream, sequence):
            return False
        self.address = sender
        self._settled = True
        return True
