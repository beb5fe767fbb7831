"""A fax terminal over audio: linear samples in, linear samples out. G.711 is the caller's."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fax.terminal.library import Library
from fax.terminal.session import Session
from fax.terminal.values import TICK_SAMPLES, Result, TerminalEvent, TerminalOptions, Work

Samples = npt.NDArray[np.int16]
"""Linear audio at 8000 samples a second."""


class AudioTerminal:
    """One T.30 terminal on an audio channel of 20 ms frames."""

    def __init__(
        self, library: Library, work: Work, calling: bool, options: TerminalOptions
    ) -> None:
        """ValueError: a path too long for the library. MemoryError: it has no room."""
        self._lib = library.lib
        self._ffi = library.ffi
        self._buffer = library.ffi.new("int16_t[]", TICK_SAMPLES)
        self._session = Session(library, work, options)
        self._state = self._begin(library, calling)

    def _begin(self, library: Library, calling: bool) -> Any:
        lib, null = library.lib, library.ffi.NULL
        state = lib.fax_init(null, int(calling))
        if state == null:
            raise MemoryError("libspandsp has no room for a fax terminal")
        lib.fax_set_transmit_on_idle(state, 1)
        self._handle = library.ffi.new_handle(self._session)
        try:
            self._session.set_up(lib.fax_get_t30_state(state), self._handle)
        except ValueError:
            lib.fax_free(state)
            raise
        return state

    @property
    def finished(self) -> bool:
        """Nothing more will come of it: `close` it."""
        return self._state is None or self._session.finished

    def tick(self, linear: Samples | None) -> Samples:
        """20 ms pass: 160 samples came, or None where they were lost; 160 to send, silence where
        there is nothing to say. ValueError: another number of samples."""
        if linear is not None and len(linear) != TICK_SAMPLES:
            raise ValueError(f"{len(linear)} samples: a tick has {TICK_SAMPLES}")
        if self.finished:
            return np.zeros(TICK_SAMPLES, np.int16)
        self._session.ticked()
        if linear is None:
            self._lib.fax_rx_fillin(self._state, TICK_SAMPLES)
        else:
            self._ffi.buffer(self._buffer)[:] = linear.astype(np.int16).tobytes()
            self._lib.fax_rx(self._state, self._buffer, TICK_SAMPLES)
        return self._spoken()

    def _spoken(self) -> Samples:
        made = self._lib.fax_tx(self._state, self._buffer, TICK_SAMPLES)
        samples = np.frombuffer(self._ffi.buffer(self._buffer), np.int16).copy()
        samples[max(0, made) :] = 0
        return samples

    def events(self) -> list[TerminalEvent]:
        """What happened since this was asked last; `Ended` once it is closed."""
        return self._session.take_events()

    def close(self) -> Result:
        """End it wherever it is, as when the call is over, and say how it went. May be repeated."""
        result = self._session.end()
        if self._state is not None:
            self._lib.fax_free(self._state)
            self._state = self._handle = None
        return result
