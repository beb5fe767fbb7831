"""One leg's media in the worker: its socket, its peer, its row of the plane and its keys."""

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from ipaddress import ip_address

from telebank import wire
from telebank.media import filter as packet_filter
from telebank.media.bank import LAWS, Banks
from telebank.media.endpoint import disconnect
from telebank.media.engine import Slot
from telebank.media.keys import KeyReceiver
from telebank.media.options import MediaOptions
from telebank.media.reception import Reception
from telebank.media.rtp import MAX_PACKET, MalformedRtp, Packet, is_rtcp, parse
from telebank.media.source import Address, SourceLatch, Verdict
from telebank.media.tape import Tape

BURST = 8
"""Datagrams read from one socket at a time, so that a flood into one port delays no other."""
COMFORT_NOISE = 13
"""Static payload type of RFC 3389."""
_SENDS = frozenset({"sendrecv", "sendonly"})
_RECEIVES = frozenset({"sendrecv", "recvonly"})

_log = logging.getLogger(__name__)

Report = Callable[[wire.Message], None]


class Channel:
    """Numbered by the node. `now` is monotonic seconds everywhere."""

    def __init__(
        self,
        number: int,
        endpoint: socket.socket,
        *,
        slot: Slot,
        banks: Banks,
        options: MediaOptions,
        report: Report,
    ) -> None:
        self.number = number
        self.endpoint = endpoint
        self.slot = slot
        self.row = slot.add()
        self._banks = banks
        self._options = options
        self._report = report
        self._remote: wire.SetRemote | None = None
        self._law = 0
        self._latch: SourceLatch | None = None
        self._source: Address | None = None
        self._keys = KeyReceiver()
        self._reception = Reception()
        self._play: wire.Play | None = None
        self._first_packet_at = 0.0
        self._tape: Tape | None = None
        self._secret = False
        self._held = False
        self._heard_at = 0.0
        self._lost = False
        self._key_count = 0
        self._foreign = 0

    # -- commands of the node -----------------------------------------------------------------

    def set_remote(self, remote: wire.SetRemote, now: float) -> None:
        """Send to and hear the peer of an answer; a source latched stays if the address does.

        Raises `ValueError` for an address that is no IP address, or an unknown codec.
        """
        agreed = (str(ip_address(remote.address)), remote.port)
        law = LAWS.index(remote.codec)
        before, self._remote = self._remote, remote
        if before is None or _moved(before, remote):
            self._release()
            learn = self._options.learn_source
            self._latch = SourceLatch(agreed, now, self._options.learn_after_s, learn)
            self._keys = KeyReceiver()
        elif self._source is not None:
            self._narrow(remote)
        self._heard_at, self._lost = now, False
        if law != self._law:
            self.stop_record()  # octets of two laws are no recording
        self._law = law
        self._direct(remote)

    def play(self, play: wire.Play) -> None:
        """Begin a play with the next packet."""
        self._end_play("replaced")
        self._play = play
        self._first_packet_at = 0.0
        bank = self._banks.get(play.bank)
        sound = (
            bank is not None
            and len(play.segments) <= wire.MAX_SEGMENTS
            and all(bank.holds(start, samples) for start, samples in play.segments)
        )
        if sound:
            self.slot.play(self.row, play.segments, play.bank)
        else:
            _log.error("channel %d: a play outside the bank was refused", self.number)
            self._end_play("refused")

    def stop(self) -> None:
        """Silence from the next packet on."""
        self._end_play("stopped")

    def leave(self, bank: int) -> None:
        """Nothing is played from this bank any more."""
        if self._play is not None and self._play.bank == bank:
            self._end_play("stopped")

    def collect(self, secret: bool) -> None:
        """Mark the keys from now on."""
        self._secret = secret

    def record(self, record: wire.Record, now: float) -> None:
        """Keep what the peer says; every packet is heard while it lasts."""
        self._tape = Tape(record.token, record.most, self._law, now)
        self._widen()

    def stop_record(self) -> None:
        """Hand over what was recorded, and hear keys alone again."""
        tape, self._tape = self._tape, None
        if tape is None:
            return
        for part in tape.parts(self.number):
            self._report(part)
        if self._source is not None and self._remote is not None:
            self._narrow(self._remote)
            self._reception.sample(True)

    def hold(self, held: bool, now: float) -> None:
        """No time-out while held; a fresh one afterwards."""
        self._held = held
        self._heard_at = now

    def close(self) -> None:
        """Give everything back; the last figures go to the node."""
        self._end_play("stopped")
        sent = self.slot.sent(self.row)
        self.slot.remove(self.row)
        self.endpoint.close()
        counts = self._reception.counts()
        self._report(
            wire.Stats(
                channel=self.number,
                packets_sent=sent,
                packets_received=counts.received,
                lost=counts.lost,
                sampled=counts.sampled,
                keys=self._key_count,
                dropped_foreign=self._foreign,
            )
        )
        self._report(wire.Closed(channel=self.number))

    # -- what the plane tells -----------------------------------------------------------------

    def started(self, now: float) -> None:
        """The first packet of the play has gone out."""
        self._first_packet_at = now

    def ended(self, played: int) -> None:
        """The play was sent to its end."""
        self._report_end("done", played)

    # -- what the peer sends ------------------------------------------------------------------

    def readable(self, now: float) -> None:
        """Read what waits on the socket, at most `BURST` datagrams."""
        for _ in range(BURST):
            try:
                data, address = self.endpoint.recvfrom(MAX_PACKET + 1)
            except BlockingIOError:
                return
            except OSError:
                continue  # the peer's machine refused an earlier packet of ours (ICMP)
            self._datagram(data, address[:2], now)

    def check(self, now: float) -> None:
        """Report, once, a peer that has been silent for the time-out; end a recording in time."""
        if self._tape is not None and self._tape.over(now):
            self.stop_record()
        limit = self._options.media_timeout_s
        if self._remote is None or self._remote.direction not in _RECEIVES or not limit:
            return
        if not self._held and not self._lost and now - self._heard_at >= limit:
            self._lost = True
            self._report(wire.MediaLost(channel=self.number, seconds=now - self._heard_at))

    def _datagram(self, data: bytes, address: Address, now: float) -> None:
        if is_rtcp(data):
            if address == self._source:
                self._heard_at = now
            return
        try:
            packet = parse(data)
        except MalformedRtp:
            return
        if not self._accepts(packet, address, now):
            self._foreign += 1
            return
        self._heard_at, self._lost = now, False
        self._reception.receive(packet)
        if self._remote is not None and packet.payload_type == self._remote.event_type:
            digit = self._keys.receive(packet)
            if digit is not None:
                self._key(digit, now)
        elif self._tape is not None:
            self._hear(self._tape, packet, now)

    def _hear(self, tape: Tape, packet: Packet, now: float) -> None:
        if self._remote is not None and packet.payload_type == self._remote.payload_type:
            tape.add(packet)
            if tape.over(now):
                self.stop_record()

    def _accepts(self, packet: Packet, address: Address, now: float) -> bool:
        if self._source is not None:
            return address == self._source  # strangers queued before connect() are still there
        if self._latch is None or packet.payload_type not in self._payload_types():
            return False
        verdict = self._latch.receive(address, packet, now)
        if verdict is Verdict.LATCHED:
            self._connect(address)
        return verdict is not Verdict.FOREIGN

    def _payload_types(self) -> tuple[int | None, ...]:
        assert self._remote is not None
        return (self._remote.payload_type, self._remote.event_type, COMFORT_NOISE)

    def _key(self, digit: str, now: float) -> None:
        self._key_count += 1
        play = self._play
        self._report(
            wire.Key(
                channel=self.number,
                digit=digit,
                at=now,
                token=play.token if play else 0,
                secret=self._secret,
            )
        )
        if play and digit in play.stop_keys:
            self._end_play("key")

    # -- plays and sending --------------------------------------------------------------------

    def _end_play(self, reason: str) -> None:
        if self._play is not None:
            self._report_end(reason, self.slot.stop(self.row))

    def _report_end(self, reason: str, played: int) -> None:
        play, self._play = self._play, None
        assert play is not None
        self._report(
            wire.PlayEnded(
                channel=self.number,
                token=play.token,
                reason=reason,
                played=played,
                first_packet_at=self._first_packet_at,
            )
        )

    def _direct(self, remote: wire.SetRemote) -> None:
        """Point the plane's row at the source, or at the agreed address until there is one."""
        address = ip_address(remote.address)
        nowhere = address.is_unspecified or address.is_multicast or not remote.port
        if nowhere or remote.direction not in _SENDS:
            self.slot.mute(self.row)
            return
        send = self.endpoint.send if self._source else partial(_send_to, self.endpoint, remote)
        self.slot.direct(self.row, self._law, remote.payload_type, send)

    # -- the source ---------------------------------------------------------------------------

    def _connect(self, address: Address) -> None:
        """The source is latched: the kernel drops strangers and what nobody listens to."""
        assert self._remote is not None
        with suppress(OSError):  # no route to it: stay as we are, hear it, send as agreed
            self.endpoint.connect(address)
            self._source = address
            if self._tape is None:
                self._narrow(self._remote)
                self._reception.sample(True)
            self._direct(self._remote)

    def _widen(self) -> None:
        """Hear every packet of the source again."""
        if self._source is not None:
            with suppress(OSError):
                packet_filter.detach(self.endpoint)
            self._reception.sample(False)

    def _narrow(self, remote: wire.SetRemote) -> None:
        if self._tape is not None:
            return
        program = packet_filter.narrow(remote.event_type, remote.rtcp_mux)
        packet_filter.attach(self.endpoint, program)

    def _release(self) -> None:
        """Back to hearing everybody until a new source is latched."""
        if self._source is None:
            return
        self._source = None
        self._reception.sample(False)
        try:
            packet_filter.detach(self.endpoint)
            disconnect(self.endpoint)
        except OSError as error:
            _log.warning("channel %d: its port was lost: %s", self.number, error)


def _moved(before: wire.SetRemote, after: wire.SetRemote) -> bool:
    return (before.address, before.port) != (after.address, after.port)


def _send_to(endpoint: socket.socket, remote: wire.SetRemote, view: memoryview) -> int:
    return endpoint.sendto(view, (remote.address, remote.port))
