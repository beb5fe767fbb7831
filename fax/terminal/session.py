"""What both kinds of terminal share: T.30 set up for the work, its events, and its end."""

from pathlib import Path
from typing import Any

from fax.page.options import MAX_LINES, MAX_PAGES
from fax.terminal.guard import danger
from fax.terminal.library import Library
from fax.terminal.progress import ARRIVED, Control, Progress, control_of
from fax.terminal.values import (
    HEADER_LENGTH,
    IDENT_LENGTH,
    PATH_LENGTH,
    SAMPLES_A_SECOND,
    TICK_SAMPLES,
    UNFINISHED,
    Accept,
    Compression,
    Ended,
    Modem,
    Negotiated,
    PageConfirmed,
    PageReceived,
    PostMessageSent,
    Result,
    TerminalEvent,
    TerminalOptions,
    Transmit,
    Work,
)

_MODEMS: dict[Modem, int] = {"V.27ter": 0x01, "V.29": 0x02, "V.17": 0x04}
_COMPRESSIONS: dict[Compression, int] = {"MH": 0x02, "MR": 0x04, "MMR": 0x08}
_ENCODINGS = {1: "MH", 2: "MR", 3: "MMR"}
_T6 = 3
_STANDARD_AND_FINE = 0x30003
_STANDARD_ONLY = 0x30001
_A4_AND_ANY_LENGTH = 0x30001
_MOST_EVENTS = 1000
NO_PAGE = "no page came"
_MOST_BLOCKS = 32
"""Blocks of 64 KB in one received page, with error correction: twenty minutes at 14400 bit/s,
more than a photograph in dots has."""
_LOOK_TICKS = 10
_BLOCK = 5
"""Where a partial page signal has the number of its block in the page."""


class Session:
    """The T.30 engine of one terminal, which moves its time; this listens and keeps count."""

    def __init__(self, library: Library, work: Work, options: TerminalOptions) -> None:
        self._library = library
        self._lib = library.lib
        self._work = work
        self._options = options
        self._t30: Any = None
        self._progress = Progress()
        self._received = 0
        self._bad_rows_of_page = 0
        self._bad_rows = 0
        self._ticks = 0
        self._agreed: Negotiated | None = None
        self._events: list[TerminalEvent] = []
        self._given_up = ""
        self._result: Result | None = None
        self.code: int | None = None
        """T.30's completion status once phase E was reached."""

    def set_up(self, t30: Any, handle: Any) -> None:
        """Tell the engine what this terminal is, can do and has to do. ValueError: a path too long
        for the library."""
        self._t30 = t30
        lib, options = self._lib, self._options
        lib.t30_set_tx_ident(t30, _ascii(options.ident, IDENT_LENGTH))
        lib.t30_set_tx_page_header_info(t30, _ascii(options.header, HEADER_LENGTH))
        lib.t30_set_ecm_capability(t30, int(options.ecm))
        lib.t30_set_rx_encoding(t30, _T6)
        lib.t30_set_supported_modems(t30, sum(_MODEMS[modem] for modem in options.modems))
        codings = sum(_COMPRESSIONS[name] for name in options.compressions)
        lib.t30_set_supported_compressions(t30, codings)
        resolutions = _STANDARD_AND_FINE if options.fine else _STANDARD_ONLY
        lib.t30_set_supported_resolutions(t30, resolutions)
        lib.t30_set_supported_image_sizes(t30, _A4_AND_ANY_LENGTH)
        lib.t30_set_real_time_frame_handler(t30, self._library.on_frame, handle)
        lib.t30_set_phase_d_handler(t30, self._library.on_page, handle)
        lib.t30_set_phase_e_handler(t30, self._library.on_end, handle)
        self._give_work(t30)

    def _give_work(self, t30: Any) -> None:
        work = self._work
        if isinstance(work, Transmit):
            last = work.last if work.last >= 0 else -1
            self._lib.t30_set_tx_file(t30, _path(work.path), max(0, work.first), last)
        else:
            self._lib.t30_set_rx_file(t30, _path(work.path), -1)

    @property
    def finished(self) -> bool:
        """T.30 is over, or we gave up; what was to be sent may still be on its way out."""
        return self.code is not None or self.given_up

    @property
    def given_up(self) -> bool:
        """It ended by a fault or a limit of ours; nothing more may be asked of the engine."""
        return bool(self._given_up)

    def ticked(self) -> None:
        """20 ms passed."""
        self._ticks += 1
        if self._ticks % _LOOK_TICKS == 0 and isinstance(self._work, Accept):
            self._look_at_length()

    def _look_at_length(self) -> None:
        """A line may be one bit, and unfold to 216 bytes: a page is measured while it comes."""
        if self._t30 is not None and self._statistics().length > MAX_LINES:
            self._give_up(f"a page of more than {MAX_LINES} lines")

    def take_events(self) -> list[TerminalEvent]:
        events, self._events = self._events, []
        return events

    # What the library says.

    def frame_passed(self, incoming: bool, frame: bytes) -> None:
        if incoming and (why := danger(frame, isinstance(self._work, Transmit))):
            self._give_up(why)
            self._lib.t30_terminate(self._t30)
            return
        control = control_of(frame)
        if control in {Control.CFR, Control.CTR}:
            self._negotiated()
        if isinstance(self._work, Transmit):
            self._sending(incoming, frame)
        elif incoming and control == Control.PPS:
            self._block_received(frame)
        elif not incoming and control in ARRIVED:
            self._page_received()

    def _sending(self, incoming: bool, frame: bytes) -> None:
        if incoming:
            self._progress.answered(frame)
        elif self._progress.sent(frame):
            self._happened(PostMessageSent(self._progress.pages + 1))

    def page_answered(self, answer: int) -> None:
        if not isinstance(self._work, Transmit):
            # Here the figure is the page's; at our answer the engine may have begun the next one.
            self._bad_rows_of_page = self._statistics().bad_rows
        elif self._progress.confirmed(answer):
            self._happened(PageConfirmed(self._progress.pages))

    def completed(self, code: int) -> None:
        self.code = code

    def fault(self, bug: Exception) -> None:
        """An exception of ours in a callback: the first one ends the terminal."""
        self._give_up(f"a fault in this program: {bug!r}")

    def _give_up(self, why: str) -> None:
        self._given_up = self._given_up or why

    def _negotiated(self) -> None:
        stats = self._statistics()
        compression = _ENCODINGS.get(stats.encoding, "")
        agreed = Negotiated(stats.bit_rate, bool(stats.ecm), compression, self._peer_ident())
        if agreed != self._agreed:
            self._agreed = agreed
            self._happened(agreed)

    def _block_received(self, frame: bytes) -> None:
        if len(frame) > _BLOCK and frame[_BLOCK] >= _MOST_BLOCKS:
            self._give_up(f"a page of more than {_MOST_BLOCKS} blocks")

    def _page_received(self) -> None:
        """We confirm: a page more, unless it was one block of a page, or the peer asked twice."""
        stats = self._statistics()
        if stats.pages_rx > MAX_PAGES:
            self._give_up(f"more than {MAX_PAGES} pages")
        elif stats.pages_rx > self._received:
            self._received = stats.pages_rx
            self._bad_rows += self._bad_rows_of_page
            self._happened(PageReceived(self._received, self._bad_rows_of_page))

    def _happened(self, event: TerminalEvent) -> None:
        if len(self._events) < _MOST_EVENTS:
            self._events.append(event)

    # The end.

    def end(self) -> Result:
        """Terminate the engine, read its statistics, release its pages; then the same again."""
        if self._result is None:
            if self.code is None:
                self._lib.t30_terminate(self._t30)
            self._result = self._read_result()
            self._lib.t30_release(self._t30)
            self._events.append(Ended(self._result))
            self._t30 = None
        return self._result

    def _read_result(self) -> Result:
        sending = isinstance(self._work, Transmit)
        code, reason = self._status()
        return Result(
            code=code,
            reason=reason,
            pages=self._progress.pages if sending else self._received,
            asked=self._progress.asked,
            bad_rows=self._bad_rows,
            rate=self._agreed.rate if self._agreed else 0,
            peer_ident=self._peer_ident(),
            seconds=self._ticks * TICK_SAMPLES / SAMPLES_A_SECOND,
        )

    def _status(self) -> tuple[int, str]:
        if self._given_up:
            return UNFINISHED, self._given_up
        if self.code == 0 and (missing := self._missing()):
            return UNFINISHED, missing
        code = UNFINISHED if self.code is None else self.code
        reason = self._library.ffi.string(self._lib.t30_completion_code_to_str(code))
        return code, reason.decode("ascii", "replace")

    def _missing(self) -> str:
        """Why a fax that the engine takes for a success was none; empty if it was."""
        if isinstance(self._work, Transmit):
            return self._progress.missing
        return "" if self._received else NO_PAGE

    def _statistics(self) -> Any:
        stats = self._library.ffi.new("t30_stats_t *")
        self._lib.t30_get_transfer_statistics(self._t30, stats)
        return stats

    def _peer_ident(self) -> str:
        ident = self._lib.t30_get_rx_ident(self._t30)
        if ident == self._library.ffi.NULL:
            return ""
        said = self._library.ffi.string(ident, IDENT_LENGTH).decode("latin-1")
        return "".join(c if c.isascii() and c.isprintable() else "?" for c in said).strip()


def _ascii(text: str, length: int) -> bytes:
    """What a T.30 machine can show of a text."""
    return text.encode("ascii", "replace")[:length]


def _path(path: Path) -> bytes:
    name = bytes(path.absolute())
    if len(name) > PATH_LENGTH:
        raise ValueError(
            f"a path of {len(name)} bytes: fax files need one of at most {PATH_LENGTH}"
        )
    return name
