"""One leg's media in the worker: its socket and its peer, and who plays, presses and listens."""

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from typing import Literal

from telebank import wire
from telebank.media import filter as packet_filter
from telebank.media import rtcp
from telebank.media.bank import LAWS, Banks
from telebank.media.control import Control
from telebank.media.endpoint import age, disconnect, send_to
from telebank.media.engine import Send, Slot
from telebank.media.express import Lane
from telebank.media.figures import Own, stats
from telebank.media.filter import COMFORT_NOISE
from telebank.media.handshakes import Handshakes
from telebank.media.listening import RATE, Listening
from telebank.media.options import MediaOptions
from telebank.media.playing import Playing
from telebank.media.pressing import Pressing
from telebank.media.reception import Reception
from telebank.media.securing import Securing
from telebank.media.sending import Sending
from telebank.media.source import SourceLatch, Verdict
from telebank.media.tape import Tape
from telebank.rtp import MAX_PACKET, Address, MalformedRtp, Packet, is_rtcp, parse

BURST = 8
"""Datagrams read from one socket at a time, so that a flood into one port delays no other."""
SILENT_TIMES = 10
"""A peer whose last word was comfort noise may say nothing for so many times the time-out: it sends
no more of it until the noise changes (RFC 3389 section 4)."""
_SENDS = frozenset({"sendrecv", "sendonly"})
_RECEIVES = frozenset({"sendrecv", "recvonly"})
STATS_EVERY = 3
"""Reports of RTCP from one `Stats` to the next."""

_log = logging.getLogger(__name__)

Report = Callable[[wire.Message], None]
Ear = Literal["keys", "bridge", "recording", "answer"]
"""Who wants the sound of a channel."""


class Channel:
    """Numbered by the node. `now` is monotonic seconds everywhere."""

    def __init__(
        self,
        number: int,
        endpoint: socket.socket,
        control: socket.socket | None = None,
        *,
        slot: Slot,
        listening: Listening,
        banks: Banks,
        desk: Handshakes,
        options: MediaOptions,
        report: Report,
        doubt: Callable[["Channel"], None],
    ) -> None:
        """`doubt` is told of each packet of a key, and of what may have been one."""
        self.number = number
        self.closed = False
        self.endpoint = endpoint
        self.slot = slot
        self.row = slot.add()
        self._securing = Securing(
            number, endpoint, desk=desk, options=options, report=report, changed=self._secured
        )
        self.control = Control(endpoint, control, self._securing)
        self._listening = listening
        self._ears: set[Ear] = set()
        self.lane: Lane  # given by the worker, at once
        self.sending = Sending(slot, self.row)
        self._reported = 0
        self._playing = Playing(number, slot, self.row, banks, report)
        self._pressing = Pressing(number, self._playing, report)
        self._options = options
        self._report = report
        self._doubt = doubt
        self._remote: wire.SetRemote | None = None
        self._law = 0
        self._latch: SourceLatch | None = None
        self._source: Address | None = None
        self._reception = Reception()
        self._tape: Tape | None = None
        self._held = False
        self._heard_at = 0.0
        self._lost = False
        self._silent = False
        """The last that came was comfort noise."""
        self._foreign = 0
        self._late_before = listening.late(self.row)

    # -- commands of the node -----------------------------------------------------------------

    def set_remote(self, remote: wire.SetRemote, now: float) -> None:
        """Send to and hear the peer of an answer; a source latched stays if the address does.

        Raises `ValueError` for an address that is no IP address, or an unknown codec.
        """
        agreed = (str(ip_address(remote.address)), remote.port)
        law = LAWS.index(remote.codec)
        self._catch_up()
        before, self._remote = self._remote, remote
        learn = remote.learn_from if self._options.learn_source else ""
        if before is None or before.event_type != remote.event_type:
            self._pressing.method = ""
        if before is None or _place(before) != _place(remote):
            self._release()
            self._latch = SourceLatch(agreed, now, self._options.learn_after_s, learn)
            self._pressing.new_peer()
        elif self._narrowed:
            self._narrow(remote)
        self._securing.agree(remote.security, agreed, learn, now)
        self._heard_at, self._lost, self._silent = now, False, False
        if law != self._law:
            self.stop_record()  # octets of two laws are no recording
        relaw, self._law = law != self._law, law
        self.control.agree(agreed, muxed=remote.rtcp_mux, port=remote.rtcp_port)
        self._secured()
        if relaw and self._ears:
            self._listening.add(self.row, law)
        self._listen_for_keys()

    def play(self, play: wire.Play) -> None:
        """Begin a play with the next packet."""
        self._playing.begin(play)

    def stop(self) -> None:
        """Silence from the next packet on."""
        self._playing.end("stopped")

    def leave(self, bank: int) -> None:
        """Nothing is played from this bank any more."""
        self._playing.leave(bank)

    def collect(self, secret: bool) -> None:
        """Mark the keys from now on."""
        self._pressing.secret = secret

    def record(self, record: wire.Record, now: float) -> None:
        """Keep what the peer says; every packet is heard while it lasts."""
        narrow = self._narrowed
        self._catch_up()
        self._tape = Tape(record.token, record.most, self._law, now)
        if narrow:
            self._widen()

    def stop_record(self) -> None:
        """Hand over what was recorded, and hear keys alone again."""
        tape, self._tape = self._tape, None
        if tape is None:
            return
        for part in tape.parts(self.number):
            self._report(part)
        self._narrow_again()

    def listen(self, ear: Ear) -> None:
        """From now on this channel's row is in the frames of its slot's `Listening`, all that the
        peer says is read, and loss and jitter are measured."""
        narrow = self._narrowed
        if not self._ears:
            self._listening.add(self.row, self._law)
        self._ears.add(ear)
        if narrow:
            self._widen()
        if ear == "bridge":
            self._listen_for_keys()

    def unlisten(self, ear: Ear) -> None:
        """This one wants no sound any more; when nobody does, the kernel drops it again."""
        if self._ears == {ear}:
            self._catch_up()
            self._ears.clear()
            self._listening.remove(self.row)
            self._narrow_again()
        self._ears.discard(ear)
        if ear == "bridge":
            self._listen_for_keys()

    def keys_by(self, method: str) -> None:
        """Keys came another way first, as the node knows."""
        self._pressing.method = self._pressing.method or method
        self._doubt(self)
        self._listen_for_keys()

    def hold(self, held: bool, now: float) -> None:
        """No time-out while held; a fresh one afterwards."""
        self._held = held
        self._heard_at = now

    def close(self, now: float, error: str = "") -> None:
        """Give everything back, whatever is raised on the way; the last figures go to the node, and
        the `error` for which it ends by itself."""
        try:
            self._last_words(now)
        finally:
            self._give_back(error)

    def _last_words(self, now: float) -> None:
        self.stop()
        self.control_readable(now)
        if self._reported:
            ssrc = self.slot.ssrc(self.row)
            self.control.send(self._compound(now) + rtcp.build_goodbye(ssrc))
        self._report(self._stats())

    def _give_back(self, error: str) -> None:
        self._securing.close()
        self._listening.remove(self.row)
        self.slot.remove(self.row)
        self.endpoint.close()
        self.control.close()
        self.closed = True
        self._report(wire.Closed(channel=self.number, error=error))

    # -- what the plane tells -----------------------------------------------------------------

    def started(self, now: float) -> None:
        """The first packet of the play has gone out."""
        self._playing.started(now)

    def ended(self, played: int) -> None:
        """The play was sent to its end."""
        self._playing.ended(played)

    def pressed(self, digit: str, now: float) -> None:
        """A key was recognised in the sound, where it is looked for."""
        if "keys" in self._ears:
            self._pressing.press(digit, now, "inband")

    # -- reports ------------------------------------------------------------------------------

    def report(self, now: float) -> None:
        """A report of RTCP is due; now and then the node is told too."""
        remote = self._remote
        if remote is None:
            return
        self._reported += 1
        if remote.direction in _SENDS or remote.direction in _RECEIVES:
            self.control.send(self._compound(now))
        if self._reported % STATS_EVERY == 0:
            self._report(self._stats())

    def control_readable(self, now: float) -> None:
        """The peer's reports wait."""
        if self.control.read(self.slot.ssrc(self.row), now):
            self._heard_at = now

    def _compound(self, now: float) -> bytes:
        self._catch_up()
        return self.control.reports.build(self.sending.sent(), self._reception.span(), now)

    def _stats(self) -> wire.Stats:
        self._catch_up()
        buffered_ms = 1_000 * self._listening.delay(self.row) / RATE
        sent, listening = self.sending.packets, bool(self._ears)
        own = Own(
            sent=sent,
            keys=self._pressing.count,
            keys_dropped=self._pressing.dropped,
            foreign=self._foreign,
            late=self._listening.late(self.row) - self._late_before,
            listening=listening,
            buffered_ms=buffered_ms,
        )
        return stats(self.number, own, self._reception, self.control.reports)

    # -- what the peer sends ------------------------------------------------------------------

    def readable(self, now: float) -> None:
        """Read what waits on the socket, at most `BURST` datagrams."""
        for _ in range(BURST):
            try:
                data, address = self.endpoint.recvfrom(MAX_PACKET + 1)
            except BlockingIOError:
                self.lane.drained = self._source is not None
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
        if self._silent:
            limit *= SILENT_TIMES
        if not self._held and not self._lost and now - self._heard_at >= limit:
            self._lost = True
            self._report(wire.MediaLost(channel=self.number, seconds=now - self._heard_at))

    def other(self, data: bytes | None, now: float) -> None:
        """A datagram of the source that the lane did not take, and what waits behind it; or none
        came, and the lane is shut."""
        if data is None or self._source is None:
            self._catch_up()
        else:
            self._datagram(data, self._source, now - age(self.endpoint))
            self.readable(now)

    def _catch_up(self) -> None:
        """Shut the lane, and count what it took."""
        if count := self.lane.passed():
            self._reception.passed(count)
            self._listening.passed(self.row, count)

    def _datagram(self, data: bytes, address: Address, now: float) -> None:
        self._catch_up()
        if self._securing.signal(data, address, now):
            return
        clear = self._securing.open(data)
        if clear is None:
            self._foreign += 1
        else:
            self._clear(clear, address, now)

    def _clear(self, data: bytes, address: Address, now: float) -> None:
        if is_rtcp(data):
            if address == self._source or self._securing.passed(address):
                self.control.reports.receive(data, self.slot.ssrc(self.row), now)
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
        self._silent = packet.payload_type == COMFORT_NOISE
        remote = self._remote
        assert remote is not None
        if packet.payload_type == remote.payload_type:
            self._reception.receive(packet, now)
            self._hear(packet, now)
            return
        self._reception.receive(packet)
        if packet.payload_type == remote.event_type:
            self._doubt(self)
            self._pressing.event(packet, now)
        elif packet.payload_type == COMFORT_NOISE and self._ears:
            self._listening.noise(self.row, packet)

    def _hear(self, packet: Packet, now: float) -> None:
        if self._tape is not None:
            if not self._pressing.secret:
                self._tape.add(packet)
            if self._tape.over(now):
                self.stop_record()
        if self._ears:
            self._listening.put(self.row, packet, now)
            if self._tape is None and self._securing.plain:
                self.lane.expect(packet, self._listening.expects(self.row, packet))

    def _accepts(self, packet: Packet, address: Address, now: float) -> bool:
        if self._securing.signals:
            return self._securing.passed(address)
        if self._source is not None:
            return address == self._source  # strangers queued before connect() are still there
        if self._latch is None:
            return False
        if packet.payload_type not in self._payload_types():
            return False
        assert self._remote is not None
        event = packet.payload_type == self._remote.event_type
        verdict = self._latch.receive(address, packet, now, event=event)
        if verdict is Verdict.LATCHED:
            self._connect(address)
            for early in self._latch.early:
                self._pressing.event(early, now)
        return verdict is not Verdict.FOREIGN

    def _payload_types(self) -> tuple[int | None, ...]:
        assert self._remote is not None
        return (self._remote.payload_type, self._remote.event_type, COMFORT_NOISE)

    def _listen_for_keys(self) -> None:
        """In the sound itself, of a peer that agreed to no telephone-event; and of one whose keys
        come by INFO, where others hear it: they may sound too."""
        remote = self._remote
        hears = remote is not None and remote.direction in _RECEIVES
        spoken = remote is not None and remote.event_type is None
        told = self._pressing.method == "info" and "bridge" in self._ears
        if hears and (told or (spoken and self._pressing.method in {"", "inband"})):
            self.listen("keys")
            self._listening.keyed[self.row] = True
        else:
            self._listening.keyed[self.row] = False
            self.unlisten("keys")

    # -- sending ------------------------------------------------------------------------------

    def _direct(self, remote: wire.SetRemote) -> None:
        """Point the plane's row at the source, or at the agreed address until there is one."""
        send = self._way(remote)
        if send is None or remote.direction not in _SENDS or not self._securing.ready:
            self.slot.mute(self.row)
            return
        self.sending.direct(
            self._law, remote.payload_type, remote.ptime_ms, self._securing.sender(send)
        )

    def _way(self, remote: wire.SetRemote) -> Send | None:
        """What takes packets for the peer; None: there is nowhere to send them."""
        if self._securing.roams:
            path = self._securing.path
            return None if path is None else partial(send_to, self.endpoint, path)
        address = ip_address(remote.address)
        if address.is_unspecified or address.is_multicast or not remote.port:
            return None
        if self._source is not None:
            return self.endpoint.send
        return partial(send_to, self.endpoint, (remote.address, remote.port))

    def _secured(self) -> None:
        """There are keys, or none any more, or the peer has proven where it is."""
        path, remote = self._securing.path, self._remote
        if path is not None and path != self._source:
            self._connect(path)
        if remote is not None:
            self._direct(remote)

    # -- the source ---------------------------------------------------------------------------

    def _connect(self, address: Address) -> None:
        """The source is latched: the kernel drops strangers and what nobody listens to. Not so
        strangers with ICE: the next may be the peer's check from elsewhere."""
        assert self._remote is not None
        stays = not self._securing.roams
        with suppress(OSError):  # no route to it: stay as we are, hear it, send as agreed
            if stays:
                self.endpoint.connect(address)
            self._source = address
            self.control.latch(address, connected=stays)
            self._narrow_again()
            self._direct(self._remote)

    @property
    def _narrowed(self) -> bool:
        """Whether the kernel drops what nobody listens to."""
        return self._source is not None and self._tape is None and not self._ears

    def _widen(self) -> None:
        """Hear every packet of the source again."""
        with suppress(OSError):
            packet_filter.detach(self.endpoint)
        self._reception.sample(False)

    def _narrow_again(self) -> None:
        if self._narrowed and self._remote is not None:
            self._narrow(self._remote)
            self._reception.sample(True)

    def _narrow(self, remote: wire.SetRemote) -> None:
        signals = self._securing.signals
        program = packet_filter.narrow(remote.event_type, remote.rtcp_mux, signals)
        packet_filter.attach(self.endpoint, program)

    def _release(self) -> None:
        """Back to hearing everybody until a new source is latched."""
        if self._source is None:
            return
        self._source = None
        self.lane.drained = False
        self._reception.sample(False)
        self.control.release()
        try:
            packet_filter.detach(self.endpoint)
            disconnect(self.endpoint)
        except OSError as error:
            _log.warning("channel %d: its port was lost: %s", self.number, error)


def _place(remote: wire.SetRemote) -> tuple[object, ...]:
    """What makes another peer of it: its address, and the way in which that is proven."""
    security = remote.security
    ice = isinstance(security, wire.DtlsKeys) and bool(security.ufrag)
    return remote.address, remote.port, type(security), ice
