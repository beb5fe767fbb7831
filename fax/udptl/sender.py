"""IFPs to UDPTL datagrams, each with the packets before it as far as the peer's limit lets."""

from collections import deque

from fax.udptl.packet import encode, encoded_size

COMMON_DATAGRAM = 400
"""Bytes a peer is taken to accept that does not say, or says zero or less: what most say."""
LARGEST_SENT = 1400
"""Bytes; a peer that says more is believed as far as this, which fits any Ethernet."""
SMALLEST_DATAGRAM = 72
"""Bytes; a peer that says less is taken to mean this, for no T.38 works below it."""
MOST_REDUNDANCY = 15


def usable_datagram(said: int | None) -> int:
    """What a peer's T38FaxMaxDatagram comes to, in bytes: none, zero or negative is not an answer,
    and neither is one too small for a packet or larger than any network's."""
    if said is None or said <= 0:
        return COMMON_DATAGRAM
    return max(SMALLEST_DATAGRAM, min(said, LARGEST_SENT))


class Sender:
    """Numbers IFPs and adds the earlier ones. One for a session, for its whole length."""

    def __init__(self, redundancy: int = 3, max_datagram: int | None = None) -> None:
        """`redundancy`: earlier IFPs in each datagram, 0 to 15. `max_datagram`: the peer's
        T38FaxMaxDatagram as it said it, in bytes; see `usable_datagram`."""
        if not 0 <= redundancy <= MOST_REDUNDANCY:
            raise ValueError(f"redundancy {redundancy}: 0 to {MOST_REDUNDANCY} are possible")
        self.max_datagram = usable_datagram(max_datagram)
        self._earlier: deque[bytes] = deque(maxlen=redundancy)
        self._sequence = 0

    def packet(self, ifp: bytes) -> bytes:
        """The datagram of the next IFP: as much redundancy as fits, newest first. An IFP that alone
        is too long goes without, since the peer may take it and nothing else can be done."""
        redundancy = list(self._earlier)
        while redundancy and encoded_size(ifp, redundancy) > self.max_datagram:
            redundancy.pop()
        datagram = encode(self._sequence, ifp, redundancy)
        self._sequence = (self._sequence + 1) % 0x10000
        self._earlier.appendleft(ifp)
        return datagram
