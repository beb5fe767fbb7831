"""libspandsp through cffi in ABI mode: no compiler, every state opaque, 0.0.6 only.

One set of C callbacks serves all terminals; each call carries a handle of the object it is for.
An exception must not cross into C, so every callback hands it to its object, which ends with it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol

from cffi import FFI

SHARED_OBJECT = "libspandsp.so.2"
INSTALL = "fax needs libspandsp 0.0.6: apt-get install libspandsp2, then start again"

_STATES = """
typedef ... t30_state_t; typedef ... fax_state_t; typedef ... t38_terminal_state_t;
typedef ... t38_core_state_t; typedef ... modem_connect_tones_rx_state_t;
typedef struct {
    int bit_rate; int ecm; int pages_tx; int pages_rx; int pages_in_file; int x_resolution;
    int y_resolution; int width; int length; int image_size; int encoding; int bad_rows;
    int longest_bad_row_run; int ecm_retries; int status; int spare[8];
} t30_stats_t;
"""
_T30 = """
typedef int (*phase_b_or_d)(t30_state_t *, void *, int);
typedef void (*phase_e)(t30_state_t *, void *, int);
typedef void (*frame)(t30_state_t *, void *, int, const uint8_t *, int);
int t30_set_tx_ident(t30_state_t *, const char *);
const char *t30_get_rx_ident(t30_state_t *);
int t30_set_tx_page_header_info(t30_state_t *, const char *);
int t30_set_ecm_capability(t30_state_t *, int);
int t30_set_rx_encoding(t30_state_t *, int);
int t30_set_supported_modems(t30_state_t *, int);
int t30_set_supported_compressions(t30_state_t *, int);
int t30_set_supported_resolutions(t30_state_t *, int);
int t30_set_supported_image_sizes(t30_state_t *, int);
void t30_set_tx_file(t30_state_t *, const char *, int, int);
void t30_set_rx_file(t30_state_t *, const char *, int);
void t30_set_phase_d_handler(t30_state_t *, phase_b_or_d, void *);
void t30_set_phase_e_handler(t30_state_t *, phase_e, void *);
void t30_set_real_time_frame_handler(t30_state_t *, frame, void *);
void t30_get_transfer_statistics(t30_state_t *, t30_stats_t *);
const char *t30_completion_code_to_str(int);
void t30_terminate(t30_state_t *);
int t30_release(t30_state_t *);
"""
_LINES = """
typedef int (*transmit)(t38_core_state_t *, void *, const uint8_t *, int, int);
t38_terminal_state_t *t38_terminal_init(t38_terminal_state_t *, int, transmit, void *);
t38_core_state_t *t38_terminal_get_t38_core_state(t38_terminal_state_t *);
t30_state_t *t38_terminal_get_t30_state(t38_terminal_state_t *);
int t38_terminal_send_timeout(t38_terminal_state_t *, int);
int t38_terminal_free(t38_terminal_state_t *);
void t38_set_t38_version(t38_core_state_t *, int);
void t38_set_max_datagram_size(t38_core_state_t *, int);
void t38_set_data_rate_management_method(t38_core_state_t *, int);
int t38_core_rx_ifp_packet(t38_core_state_t *, const uint8_t *, int, uint16_t);
fax_state_t *fax_init(fax_state_t *, int);
t30_state_t *fax_get_t30_state(fax_state_t *);
void fax_set_transmit_on_idle(fax_state_t *, int);
int fax_rx(fax_state_t *, int16_t *, int);
int fax_rx_fillin(fax_state_t *, int);
int fax_tx(fax_state_t *, int16_t *, int);
int fax_free(fax_state_t *);
modem_connect_tones_rx_state_t *modem_connect_tones_rx_init(
    modem_connect_tones_rx_state_t *, int, void *, void *);
int modem_connect_tones_rx_get(modem_connect_tones_rx_state_t *);
int modem_connect_tones_rx(modem_connect_tones_rx_state_t *, const int16_t *, int);
int modem_connect_tones_rx_free(modem_connect_tones_rx_state_t *);
"""


class Terminal(Protocol):
    """What the callbacks of a terminal go to."""

    def frame_passed(self, incoming: bool, frame: bytes) -> None:
        """A T.30 frame came or went, without its checksum."""

    def page_answered(self, answer: int) -> None:
        """Phase D: the facsimile control field that the engine acted on."""

    def completed(self, code: int) -> None:
        """Phase E: it is over, with this status."""

    def packet_made(self, ifp: bytes, times: int) -> None:
        """T.38 only: a packet is to go out, so many times."""

    def fault(self, bug: Exception) -> None:
        """One of the above raised."""


@dataclass(frozen=True)
class Library:
    """The loaded library. Keeps the callbacks alive; whoever has a terminal keeps this."""

    ffi: FFI
    lib: Any
    """Its functions, as in the C header."""
    on_packet: Any
    on_frame: Any
    on_page: Any
    on_end: Any


@dataclass(frozen=True, slots=True)
class Missing:
    """The library is not there."""

    why: str
    """What to do about it."""
    fault: str = ""
    """What the loader said, for a log."""


def library(name: str = SHARED_OBJECT) -> Library | Missing:
    """Load libspandsp, or say how to get it."""
    ffi = FFI()
    ffi.cdef(_STATES + _T30 + _LINES)
    try:
        lib = ffi.dlopen(name)
        lib.t38_terminal_init, lib.fax_init, lib.modem_connect_tones_rx_init  # noqa: B018 - looked up
    except (OSError, AttributeError) as fault:
        return Missing(INSTALL, str(fault))
    return Library(ffi, lib, *_callbacks(ffi))


def _callbacks(ffi: FFI) -> tuple[Any, ...]:
    """The four, in the order of the fields of `Library`."""
    guard = _guarding(ffi)

    def packet(self: Terminal, _core: Any, ifp: Any, length: int, times: int) -> None:
        self.packet_made(bytes(ffi.buffer(ifp, length)), times)

    def frame(self: Terminal, _t30: Any, incoming: int, message: Any, length: int) -> None:
        self.frame_passed(bool(incoming), bytes(ffi.buffer(message, length)))

    def page(self: Terminal, _t30: Any, answer: int) -> None:
        self.page_answered(answer)

    def end(self: Terminal, _t30: Any, code: int) -> None:
        self.completed(code)

    return (
        ffi.callback("transmit", guard(packet, 0)),
        ffi.callback("frame", guard(frame, None)),
        ffi.callback("phase_b_or_d", guard(page, 0)),
        ffi.callback("phase_e", guard(end, None)),
    )


def _guarding(ffi: FFI) -> Callable[[Callable[..., None], int | None], Callable[..., Any]]:
    """Makes C callbacks of functions: a state, the handle of the object it is about, the rest."""

    def guard(function: Callable[..., None], answer: int | None) -> Callable[..., Any]:
        @wraps(function)
        def called(state: Any, handle: Any, *arguments: Any) -> int | None:
            of = ffi.from_handle(handle)
            try:
                function(of, state, *arguments)
            except Exception as bug:  # noqa: BLE001 - C cannot carry it; the terminal ends with it
                of.fault(bug)
            return answer

        return called

    return guard
