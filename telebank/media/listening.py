"""What callers say, as sound: for whoever wants frames of it (in-band keys, a bridge, a recording).

A `Listening` serves the rows of one slot. A row that nobody listens to is not in it and costs
nothing. For one that is:

    listening.add(row, law)            from now on
    listening.put(row, packet, now)    each packet of the agreed audio type, as it comes
    listening.noise(row, packet)       each of comfort noise
    heard = listening.frames(now)      once a tick, before the slot sends
    listening.remove(row)

`frames` gives 160 samples (int16, 8000 a second) of every such row, in the order of `rows`, and
which of them are real. What is not is concealed for 60 ms, then silence, or noise of the level that
the peer asked for (RFC 3389). Rows are constant between `add` and `remove`.

Packets lie as G.711 octets in a ring of half a second a row, at the place that `Playout` gave them;
a tick decodes one column of all rows at once. Memory: 8 kB a row in use, whatever peers send.
"""

import random
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from telebank.media.bank import FRAME
from telebank.media.concealment import HISTORY, MERGE_MOST, Concealer
from telebank.media.jitter import LONGEST, MOST_AHEAD, Case, Expected, Playout
from telebank.rtp import Packet
from voice_prompts.g711 import decode_table, encode_table

RING = 25 * FRAME
"""Samples kept of a row: what is to come, and what a concealer looks back at."""
assert RING >= MOST_AHEAD + HISTORY + FRAME
RATE = 8_000
QUIET = 400
"""A packet whose samples stay below this (-36 dBm0) may lose some to a shorter delay."""
NOISE_SAMPLES = 8_000
LAW_OCTETS = 256
"""Entries of a table."""
FULL_SCALE = 32_768.0
_LOUDEST_DBOV = 127
_SILENT_ROW = np.zeros(FRAME, np.int16)

Samples = NDArray[np.int16]
Rows = NDArray[np.intp]
Real = NDArray[np.bool_]


class Heard(NamedTuple):
    """One tick: `samples` and `real` are (rows, 160). Arrays are the reader's to keep."""

    rows: Rows
    samples: Samples
    real: Real


class _Row:
    """What a row remembers between ticks."""

    def __init__(self, law: int) -> None:
        self.law = law
        self.playout = Playout()
        self.concealer: Concealer | None = None
        self.quiet_since_loss = True
        """Nothing is to be concealed: nothing was heard, or all of it has faded."""
        self.noise = 0.0
        """Root mean square of the comfort noise that the peer asked for; 0 when it speaks."""


class Tables:
    """G.711 of both laws, and noise; 140 kB that all slots of a worker share."""

    def __init__(self) -> None:
        self.decode = np.stack([decode_table("pcma"), decode_table("pcmu")])
        self.either = self.decode.reshape(-1)
        """Both in one: at `LAW_OCTETS` times the law, plus the octet."""
        self.encode = (encode_table("pcma"), encode_table("pcmu"))
        draw = random.Random(3389)  # noqa: S311 - noise
        noise = [draw.gauss() for _ in range(NOISE_SAMPLES + FRAME)]
        self.noise = np.array(noise, np.float32)


class Listening:
    """No clock and no I/O: `now` is monotonic seconds."""

    def __init__(self, capacity: int, tables: Tables) -> None:
        self.capacity = capacity
        self.keyed = np.zeros(capacity, np.bool_)
        """Rows whose keys are in the sound."""
        self._tables = tables
        self._ring = np.zeros((capacity, RING), np.uint8)
        self._there = np.zeros((capacity, RING), np.bool_)
        flat = self._ring.reshape(-1)
        self._ring_from = sliding_window_view(flat, FRAME, writeable=True)
        """By each place in the ring of all rows, the frame that begins there."""
        self._there_from = sliding_window_view(self._there.reshape(-1), FRAME, writeable=True)
        self._octets = flat.data
        self._marks = self._there.view(np.uint8).reshape(-1).data
        self._late = [0] * capacity
        """Packets too late to be heard, of rows as they were listened to before."""
        self._row: dict[int, _Row] = {}
        self._mended: set[int] = set()
        """Rows to be looked at when they are heard again: new ones, and those with losses."""
        self._rows: Rows = np.zeros(0, np.intp)
        self._laws: NDArray[np.intp] = np.zeros((0, 1), np.intp)
        """Where the table of each row begins in `Tables.either`."""
        self._read = 0
        """The place read next: a count of samples."""
        self._read_at: float | None = None
        self._draw = random.Random(3389)  # noqa: S311 - where in the noise

    def __len__(self) -> int:
        return len(self._row)

    def __contains__(self, row: int) -> bool:
        return row in self._row

    # -- membership ---------------------------------------------------------------------------

    def add(self, row: int, law: int) -> None:
        """Listen to a row whose packets are of this law, as in `bank.LAWS`; anew if it was."""
        if not self._row:
            self._read_at = None  # nobody has read for a while
        self._there[row] = False
        self._late[row] = self.late(row)
        self._row[row] = _Row(law)
        self._mended.add(row)
        self._changed()

    def remove(self, row: int) -> None:
        """Listen no more; nothing happens where nobody did."""
        self.keyed[row] = False
        self._late[row] = self.late(row)
        if self._row.pop(row, None) is not None:
            self._changed()

    def _changed(self) -> None:
        self._rows = np.array(sorted(self._row), np.intp)
        laws = [self._row[row].law * LAW_OCTETS for row in sorted(self._row)]
        self._laws = np.array(laws, np.intp)[:, None]

    def delay(self, row: int) -> int:
        """Samples that the row's sound waits here."""
        return self._row[row].playout.delay if row in self._row else 0

    def late(self, row: int) -> int:
        """Packets too late to be heard that the row ever had; it never begins anew."""
        return self._late[row] + (self._row[row].playout.discarded if row in self._row else 0)

    def counts(self, row: int) -> dict[Case, int]:
        """Packets of the row by case."""
        return dict(self._row[row].playout.counts)

    # -- packets ------------------------------------------------------------------------------

    def put(self, row: int, packet: Packet, now: float) -> None:
        """A packet of sound; one that is empty or longer than 60 ms is dropped."""
        samples = len(packet.payload)
        if not 0 < samples <= LONGEST:
            return
        state, payload = self._row[row], packet.payload
        playout = state.playout
        if playout.excess:
            peak = np.abs(self._tables.decode[state.law][np.frombuffer(payload, np.uint8)]).max()
            playout.shrink(quiet=bool(peak < QUIET))
        at = playout.place(packet, self._arrival(now), self._read)
        if at is None or at + samples > self._read + MOST_AHEAD:
            return
        if at < self._read:  # its beginning is too late
            payload = payload[self._read - at :]
            at = self._read
        if payload:
            state.noise = 0.0
            self._write(row, at % RING, payload)

    def expects(self, row: int, packet: Packet) -> Expected | None:
        """What follows a packet just put; see `Playout.expects`."""
        return self._row[row].playout.expects(packet)

    def passed(self, row: int, count: int) -> None:
        """So many packets of a frame came as expected; they were laid by `lay`."""
        if row in self._row:
            self._row[row].playout.passed(count, FRAME)

    @property
    def read(self) -> int:
        """The place read next."""
        return self._read

    def lay(self, rows: Rows, places: Rows, payloads: NDArray[np.uint8]) -> None:
        """A frame of octets for each of `rows`, whose first sample belongs at `places`: not before
        `read`, and within `MOST_AHEAD` of it."""
        columns = places % RING
        whole = columns <= RING - FRAME
        for index in np.flatnonzero(~whole).tolist():  # its end is at the ring's beginning
            self._write(int(rows[index]), int(columns[index]), payloads[index].tobytes())
        starts = (rows * RING + columns)[whole]
        self._ring_from[starts] = payloads[whole]
        self._there_from[starts] = True

    def noise(self, row: int, packet: Packet) -> None:
        """Comfort noise (RFC 3389): its first octet is the level in -dBov."""
        if packet.payload:
            level = min(packet.payload[0], _LOUDEST_DBOV)
            self._row[row].noise = FULL_SCALE * 10 ** (-level / 20)

    def _arrival(self, now: float) -> int:
        """`now` on the reader's clock."""
        if self._read_at is None:
            return self._read - FRAME // 2
        return self._read + int((now - self._read_at) * RATE) - FRAME

    def _write(self, row: int, column: int, payload: bytes) -> None:
        start = row * RING
        first = min(len(payload), RING - column)
        self._octets[start + column : start + column + first] = payload[:first]
        self._marks[start + column : start + column + first] = _ONES[:first]
        if rest := len(payload) - first:
            self._octets[start : start + rest] = payload[first:]
            self._marks[start : start + rest] = _ONES[:rest]

    # -- the tick -----------------------------------------------------------------------------

    def skip(self, ticks: int) -> None:
        """Ticks that never were (the process was stopped): what lay in them is gone."""
        for _ in range(min(ticks, RING // FRAME)):
            column = self._read % RING
            self._there[:, column : column + FRAME] = False
            self._read += FRAME
        self._read += max(0, ticks - RING // FRAME) * FRAME

    def frames(self, now: float) -> Heard:
        """The next 20 ms of every row."""
        column = self._read % RING
        rows = self._rows
        columns = slice(column, column + FRAME)
        real = self._there[rows, columns]
        samples = self._tables.either[self._ring[rows, columns] + self._laws]
        whole = real.all(axis=1)
        for index in np.flatnonzero(~whole).tolist():
            self._mend(int(rows[index]), samples[index], real[index], column)
        for index in np.flatnonzero(whole).tolist() if self._mended else ():
            if int(rows[index]) not in self._mended:
                continue
            self._mended.discard(int(rows[index]))
            state = self._row[int(rows[index])]
            if state.concealer is not None:
                self._heard_again(state, samples[index])
            state.quiet_since_loss = False
        self._there[rows, columns] = False
        self._read += FRAME
        self._read_at = now
        return Heard(rows, samples, real)

    def _mend(self, row: int, samples: Samples, real: Real, column: int) -> None:
        """Fill what is missing of a frame, run by run; what is filled is history later."""
        state = self._row[row]
        self._mended.add(row)
        edges = np.flatnonzero(np.diff(real)) + 1
        for start, end in zip([0, *edges.tolist()], [*edges.tolist(), FRAME], strict=True):
            if real[start]:
                if state.concealer is not None:
                    self._heard_again(state, samples[start:end])
                state.quiet_since_loss = False
            else:
                samples[start:end] = self._missing(row, state, column + start, end - start)
                octets = self._tables.encode[state.law][samples[start:end].view(np.uint16)]
                self._ring[row, column + start : column + end] = octets

    def _missing(self, row: int, state: _Row, column: int, length: int) -> Samples:
        if state.noise:
            state.concealer = None
            state.quiet_since_loss = True
            return self._noise(state.noise, length)
        if state.quiet_since_loss:
            return _SILENT_ROW[:length]
        if state.concealer is None:
            places = (column + np.arange(-HISTORY, 0)) % RING
            history = self._tables.decode[state.law][self._ring[row, places]]
            state.concealer = Concealer(history.astype(np.float32))
        made = state.concealer.next(length).astype(np.int16)
        if state.concealer.silent:
            state.concealer, state.quiet_since_loss = None, True
        return made

    def _noise(self, level: float, length: int) -> Samples:
        start = self._draw.randrange(NOISE_SAMPLES)
        noise = self._tables.noise[start : start + length] * level
        made: Samples = np.clip(noise, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
        return made

    def _heard_again(self, state: _Row, samples: Samples) -> None:
        """The end of a loss: fade the first samples in, in place."""
        assert state.concealer is not None
        head = samples[:MERGE_MOST].astype(np.float32)
        state.concealer.merge(head)
        samples[: len(head)] = head.astype(np.int16)
        state.concealer = None


_ONES = b"\x01" * LONGEST
