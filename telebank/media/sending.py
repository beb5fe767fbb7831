"""What one leg sends: its row of the plane, with packets as long as its peer asks for."""

from telebank.media.bank import FRAME
from telebank.media.engine import Send, Slot
from telebank.media.packets import TICK_MS, Packer, packet_time
from telebank.media.reports import Sent


class Sending:
    """A row of a slot; no I/O but `send`."""

    def __init__(self, slot: Slot, row: int) -> None:
        self._slot = slot
        self._row = row
        self._packer: Packer | None = None

    @property
    def repacked(self) -> bool:
        """Whether `flush` is to be called."""
        return self._packer is not None

    @property
    def packets(self) -> int:
        """Packets sent so far."""
        return self._packer.sent if self._packer is not None else self._slot.sent(self._row)

    def sent(self) -> Sent:
        """What a report says of it."""
        slot, row, packets = self._slot, self._row, self.packets
        octets = self._packer.octets if self._packer is not None else packets * FRAME
        return Sent(slot.ssrc(row), slot.timestamp(row), packets, octets, slot.sending(row))

    def direct(self, law: int, payload_type: int, asked_ms: int, send: Send) -> None:
        """Send from now on: law as in `bank.LAWS`, in packets of the time asked, and where to."""
        packet_ms = packet_time(asked_ms)
        if self._packer is not None:
            self._packer.change(packet_ms, send)
        elif packet_ms != TICK_MS:
            self._packer = Packer(packet_ms, send)
        self._slot.direct(self._row, law, payload_type, self._packer or send)

    def flush(self) -> None:
        """Ten milliseconds after the row's tick: the second of its packets, if it has two."""
        if self._packer is not None:
            self._packer.flush()
