"""UDPTL datagrams to IFPs in order, with losses repaired.

A datagram is one of: the next; a repeat or a late one (dropped); one after a gap (what its
redundancy or parity repairs comes before it); or one so far away that the peer began anew.
Beginning anew is believed only of datagrams that follow one another: one alone may be a stray. A
little behind what was expected, they must also say something new under numbers that had come: what
a network held back for a while says the same again, or fills a hole.
"""

from collections import OrderedDict

from fax.udptl.packet import Packet, Parity, decode

WINDOW = 1000
"""Sequence numbers; further ahead than this is no gap, further behind is not late."""
WILD_RUN = 2
"""Datagrams in a row, far from what was expected, that make a new beginning."""
LATE_RUN = 10
"""Datagrams in a row, a little behind what was expected, that may make a new beginning."""
REMEMBERED = 64
"""IFPs kept for repairs by parity."""

_SEQUENCES = 0x10000
_HALF = 0x8000


class Receiver:
    """One for a session. What it gives is numbered without a step back: over a new beginning of the
    peer's numbers ours go on rising, modulo 65536."""

    def __init__(self) -> None:
        self._expected: int | None = None
        self._offset = 0
        self._run: list[Packet] = []
        self._known: OrderedDict[int, bytes] = OrderedDict()

    def receive(self, datagram: bytes) -> list[tuple[int, bytes]]:
        """The IFPs that this datagram gives, oldest first, each with its sequence number; none for
        a repeat. A gap in the numbers is a loss that nothing repaired. MalformedUdptl: not UDPTL;
        the session is as before."""
        packet = decode(datagram)
        ahead = self._ahead(packet.sequence)
        if 0 <= ahead <= WINDOW:
            self._run.clear()
            return self._take(packet)
        self._suspect(packet)
        anew = self._late_is_new() if -WINDOW <= ahead < 0 else len(self._run) >= WILD_RUN
        return self._begin_anew() if anew else []

    def _late_is_new(self) -> bool:
        """Whether a run of late packets is a new beginning and not a delay of the network's."""
        return len(self._run) >= LATE_RUN and any(self._differs(packet) for packet in self._run)

    def _differs(self, packet: Packet) -> bool:
        """Whether a late packet cannot be what its number had stood for. Of a number so long ago
        that it is forgotten nothing is known, but no network holds packets back for so long."""
        if packet.sequence in self._known:
            # Repaired by parity, it may have zeros behind it.
            known = self._known[packet.sequence]
            return known.rstrip(b"\0") != packet.primary.rstrip(b"\0")
        return self._ahead(packet.sequence) < -REMEMBERED

    def _ahead(self, sequence: int) -> int:
        if self._expected is None:
            return 0
        return (sequence - self._expected + _HALF) % _SEQUENCES - _HALF

    def _take(self, packet: Packet) -> list[tuple[int, bytes]]:
        """A packet that is next or after a gap: the repaired, then itself."""
        self._remember(packet.sequence, packet.primary)
        missing = self._missing(packet)
        repaired = self._repaired(packet, missing)
        self._expected = (packet.sequence + 1) % _SEQUENCES
        return [(self._ours(at), ifp) for at, ifp in [*repaired, (packet.sequence, packet.primary)]]

    def _missing(self, packet: Packet) -> list[int]:
        """Sequence numbers before this packet that never came, oldest first. Before the first
        packet of a session those that it carries, down to the number zero."""
        if self._expected is None:
            first = max(0, packet.sequence - len(packet.secondaries))
            return list(range(first, packet.sequence))
        gap = self._ahead(packet.sequence)
        return [(self._expected + step) % _SEQUENCES for step in range(gap)][-REMEMBERED:]

    def _repaired(self, packet: Packet, missing: list[int]) -> list[tuple[int, bytes]]:
        for back, ifp in enumerate(packet.secondaries, start=1):
            self._remember((packet.sequence - back) % _SEQUENCES, ifp)
        if packet.parity is not None:
            self._repair(packet.sequence, packet.parity)
        return [(at, self._known[at]) for at in missing if self._known.get(at)]

    def _repair(self, sequence: int, parity: Parity) -> None:
        """What the parities give back: each knows one IFP of its span if it has all the others."""
        entries = len(parity.data)
        if parity.span * entries > REMEMBERED:
            return
        for m, data in enumerate(parity.data):
            oldest = sequence + m - parity.span * entries
            covered = [(oldest + entries * k) % _SEQUENCES for k in range(parity.span)]
            lost = [at for at in covered if at not in self._known]
            if len(lost) == 1:
                others = [self._known[at] for at in covered if at != lost[0]]
                self._remember(lost[0], _exclusive_or(data, others))

    def _remember(self, sequence: int, ifp: bytes) -> None:
        if ifp and sequence not in self._known:
            self._known[sequence] = ifp
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def _suspect(self, packet: Packet) -> None:
        if self._run and packet.sequence == self._run[-1].sequence:
            return
        if self._run and packet.sequence != (self._run[-1].sequence + 1) % _SEQUENCES:
            self._run.clear()
        self._run.append(packet)

    def _begin_anew(self) -> list[tuple[int, bytes]]:
        """The peer counts from elsewhere; ours goes on with one left out, for what was lost."""
        run, self._run = self._run, []
        assert self._expected is not None
        self._offset = (self._ours(self._expected) + 1 - run[0].sequence) % _SEQUENCES
        self._known.clear()
        self._expected = run[0].sequence
        return [given for packet in run for given in self._take(packet)]

    def _ours(self, sequence: int) -> int:
        return (sequence + self._offset) % _SEQUENCES


def _exclusive_or(parity: bytes, others: list[bytes]) -> bytes:
    """The one IFP missing from a parity; zeros may follow it, up to the parity's length."""
    number = int.from_bytes(parity, "big")
    for other in others:
        number ^= int.from_bytes(other[: len(parity)].ljust(len(parity), b"\x00"), "big")
    return number.to_bytes(len(parity), "big")
