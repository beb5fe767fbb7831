"""Where one leg's RTCP goes and comes: a port of its own, or that of RTP where that is agreed.

Only the latched peer is heard: from the port after its RTP port (RFC 3550 section 11), from the one
that its description names (RFC 3605), or from the RTP port itself. Whatever it says, a BYE too, is
noted and ends nothing: SIP does that.
"""

import socket
from contextlib import suppress

from telebank.media import filter as packet_filter
from telebank.media.endpoint import TIMESPEC, disconnect, elapsed
from telebank.media.reports import Reports
from telebank.media.securing import Securing
from telebank.rtp import MAX_PACKET, Address

SO_TIMESTAMPNS = 35
"""The kernel notes when a datagram came (socket(7)), in seconds and nanoseconds of the date."""
_NOTES = socket.CMSG_SPACE(TIMESPEC.size)
BURST = 4
"""Datagrams read at a time."""


class Control:
    """The sockets of one leg's RTCP; what is said is `reports`."""

    def __init__(self, media: socket.socket, own: socket.socket | None, securing: Securing) -> None:
        """`media`: the leg's RTP socket, which stays the channel's. `own`: bound to the port
        after it, and closed here; None where there is none: RTCP is sent only if multiplexed."""
        self.reports = Reports()
        self._securing = securing
        self._media = media
        self._own = own
        self._muxed = False
        self._agreed: Address | None = None
        self._port = 0
        self._source: Address | None = None
        self._peer: Address | None = None
        self._connected = False
        if own is not None:
            packet_filter.attach(own, packet_filter.control())
            own.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)

    @property
    def descriptor(self) -> int | None:
        """Of the port of its own."""
        return None if self._own is None else self._own.fileno()

    def agree(self, peer: Address, *, muxed: bool, port: int) -> None:
        """The peer's RTP address as of the answer, whether RTCP goes there too, and else to which
        `port`; 0: the one after that of RTP."""
        self._agreed, self._muxed, self._port = peer, muxed, port
        if self._source is None:
            self._peer = self._place(peer)
        elif not muxed:
            self.latch(self._source, connected=self._connected)

    def latch(self, source: Address, *, connected: bool = True) -> None:
        """This is where the peer's RTP comes from: what comes from elsewhere is dropped. Whether
        the media's socket is `connected` to it."""
        self._peer, self._source, self._connected = self._place(source), source, connected
        if self._own is not None and not self._muxed and connected:
            with suppress(OSError, OverflowError):
                self._own.connect(self._peer)

    def release(self) -> None:
        """There is no peer until another is latched."""
        self._source, self._connected = None, False
        if self._own is not None:
            with suppress(OSError):  # its port was lost: nothing is heard there
                disconnect(self._own)

    def _place(self, rtp: Address) -> Address:
        """Of RTCP. A port that was named is behind the translation of addresses, where RTP comes
        from elsewhere."""
        if self._muxed:
            return rtp
        return rtp[0], self._port if self._port and rtp == self._agreed else rtp[1] + 1

    def send(self, data: bytes) -> None:
        """Send, as well as may be: nobody waits for a report."""
        endpoint = self._media if self._muxed else self._own
        sealed = self._securing.protect_rtcp(data)
        if endpoint is None or self._peer is None or sealed is None:
            return
        with suppress(OSError, OverflowError):  # a full buffer, no such port: RTP would tell
            if self._connected:
                endpoint.send(sealed)
            else:
                endpoint.sendto(sealed, self._peer)

    def read(self, ssrc: int, now: float) -> bool:
        """Read what waits on the port of its own; whether the peer has been heard."""
        heard = False
        if self._own is None:
            return heard
        for _ in range(BURST):
            try:
                data, notes, _, address = self._own.recvmsg(MAX_PACKET + 1, _NOTES)
            except BlockingIOError:
                break
            except OSError:
                continue  # the peer's machine refused an earlier packet of ours (ICMP)
            if self._source is None or self._muxed or address[:2] != self._peer:
                continue
            clear = self._securing.open_rtcp(data)
            if clear is not None:
                heard |= self.reports.receive(clear, ssrc, now - _age(notes))
        return heard

    def close(self) -> None:
        """Give the port back."""
        if self._own is not None:
            self._own.close()


def _age(notes: list[tuple[int, int, bytes]]) -> float:
    """Seconds since the datagram came; 0 where that is not known."""
    for level, kind, data in notes:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS) and len(data) == TIMESPEC.size:
            return elapsed(data)
    return 0.0
