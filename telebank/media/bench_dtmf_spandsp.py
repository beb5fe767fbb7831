"""`dtmf_rx` of libspandsp, to measure ours beside it; never used in service."""

from typing import Any

import numpy as np
from cffi import FFI
from numpy.typing import NDArray

SHARED_OBJECT = "libspandsp.so.2"
FRAME = 160
_MOST = 128
"""Digits that it keeps at most."""
_HEADER = """
typedef ... dtmf_rx_state_t;
dtmf_rx_state_t *dtmf_rx_init(dtmf_rx_state_t *, void *, void *);
int dtmf_rx(dtmf_rx_state_t *, const int16_t *, int);
size_t dtmf_rx_get(dtmf_rx_state_t *, char *, int);
int dtmf_rx_free(dtmf_rx_state_t *);
"""


class Spandsp:
    """The loaded library, version 0.0.6."""

    def __init__(self, ffi: FFI, lib: Any) -> None:
        self._ffi = ffi
        self._lib = lib

    @classmethod
    def load(cls, name: str = SHARED_OBJECT) -> "Spandsp | None":
        """None when it is not installed."""
        ffi = FFI()
        ffi.cdef(_HEADER)
        try:
            return cls(ffi, ffi.dlopen(name))
        except OSError:
            return None

    def keys(self, samples: NDArray[np.int16]) -> str:
        """The keys that it hears in one channel, with its own settings, by frames of 20 ms."""
        null = self._ffi.NULL
        state = self._ffi.gc(self._lib.dtmf_rx_init(null, null, null), self._lib.dtmf_rx_free)
        digits, found = self._ffi.new("char[]", _MOST + 1), b""
        for start in range(0, len(samples) - FRAME + 1, FRAME):
            frame = np.ascontiguousarray(samples[start : start + FRAME])
            self._lib.dtmf_rx(state, self._ffi.from_buffer("int16_t[]", frame), FRAME)
            count = self._lib.dtmf_rx_get(state, digits, _MOST)
            found += bytes(self._ffi.buffer(digits, count))
        return found.decode("ascii")
