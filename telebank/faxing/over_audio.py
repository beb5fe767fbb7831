"""One fax over G.711: the peer's RTP in, the modem's RTP out, 20 ms each way in each tick."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from fax.terminal import AudioTerminal, ToneListener
from telebank.faxing.endpoint import Endpoint
from telebank.faxing.jitter import JitterBuffer
from telebank.faxing.rtp import FRAME, Outgoing
from telebank.faxing.source import Source
from telebank.rtp import Address, MalformedRtp, parse
from voice_prompts import g711

LAWS: Final[dict[str, tuple[g711.Law, int]]] = {"PCMA": ("pcma", 8), "PCMU": ("pcmu", 0)}
"""Law and RTP payload type (RFC 3551 table 4) by the codec's name."""
SILENCE = np.zeros(FRAME, np.int16)


class OverAudio:
    """A terminal between its RTP port and the peer's."""

    def __init__(
        self,
        terminal: AudioTerminal,
        endpoint: Endpoint,
        source: Source,
        codec: str,
        tones: ToneListener,
    ) -> None:
        """`codec`: one of `LAWS`."""
        self.terminal = terminal
        self.foreign = self.malformed = 0
        self._endpoint = endpoint
        self.source = source
        """Whose datagrams are taken, and where ours go."""
        law, self._payload_type = LAWS[codec]
        self._codes = g711.encode_table(law)
        self._buffer = JitterBuffer(g711.decode_table(law))
        self._out = Outgoing(self._payload_type)
        self._tones = tones
        self._known: set[str] = set()
        self._new: list[str] = []

    def tick(self, now: float) -> None:
        """20 ms pass."""
        for data, sender in self._endpoint.receive():
            self._take(data, sender, now)
        samples = self._buffer.take()
        self._listen(samples)
        said = self.terminal.tick(samples)
        octets = self._codes[said.view(np.uint16)].tobytes()
        self._endpoint.send(self._out.packet(octets), self.source.address)

    def heard(self) -> list[str]:
        """Tones heard since this was asked last, each told once in a fax: CNG, CED, V21."""
        new, self._new = self._new, []
        return new

    def close(self) -> None:
        """Let go of the terminal. May be repeated."""
        self.terminal.close()
        self._tones.close()

    def _listen(self, samples: NDArray[np.int16] | None) -> None:
        tone = self._tones.hear(SILENCE if samples is None else samples)
        if tone is not None and tone not in self._known:
            self._known.add(tone)
            self._new.append(tone)

    def leave_out(self, frames: int) -> None:
        """So many frames were neither sent nor heard."""
        self._out.leave_out(frames)
        self._buffer.leave_out(frames)

    def _take(self, data: bytes, sender: Address, now: float) -> None:
        try:
            packet = parse(data)
        except MalformedRtp:
            self.malformed += 1
            return
        if packet.payload_type != self._payload_type:
            self.malformed += 1
        elif not self.source.takes(sender, packet.ssrc, packet.sequence, now):
            self.foreign += 1
        else:
            self._buffer.put(packet)
