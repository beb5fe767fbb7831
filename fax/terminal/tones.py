"""Hearing a fax machine on a voice call: CNG, CED, and the preamble of V.21."""

from typing import Any

import numpy as np

from fax.terminal.audio import Samples
from fax.terminal.library import Library
from fax.terminal.values import Tone

_CNG = 1
_CED_OR_PREAMBLE = 7
_TONES: dict[int, Tone] = {1: "CNG", 2: "CED", 3: "CED", 4: "CED", 5: "CED", 6: "V21"}
_LONGEST = 8000
"""Samples at once."""


class ToneListener:
    """Two detectors over one audio channel: what a sending and what a receiving machine says.
    `close` it."""

    def __init__(self, library: Library) -> None:
        """MemoryError: the library has no room."""
        self._lib = library.lib
        self._ffi = library.ffi
        self._detectors: list[Any] = []
        for kind in (_CNG, _CED_OR_PREAMBLE):
            null = library.ffi.NULL
            state = self._lib.modem_connect_tones_rx_init(null, kind, null, null)
            if state == null:
                self.close()
                raise MemoryError("libspandsp has no room for a tone detector")
            self._detectors.append(state)

    def hear(self, samples: Samples) -> Tone | None:
        """Linear audio at 8000 a second, at most a second. The tone that began in it, once each
        time it begins; CNG after about 0.4 s, CED after half a second. ValueError: too many."""
        if len(samples) > _LONGEST:
            raise ValueError(f"{len(samples)} samples at once: at most {_LONGEST}")
        heard = None
        audio = self._ffi.from_buffer("int16_t[]", np.ascontiguousarray(samples, np.int16))
        for detector in self._detectors:
            self._lib.modem_connect_tones_rx(detector, audio, len(samples))
            heard = _TONES.get(self._lib.modem_connect_tones_rx_get(detector), heard)
        return heard

    def close(self) -> None:
        """Give the detectors back. May be repeated."""
        while self._detectors:
            self._lib.modem_connect_tones_rx_free(self._detectors.pop())
