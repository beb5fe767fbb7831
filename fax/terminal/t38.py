"""A fax terminal over T.38: UDPTL datagrams in, time, UDPTL datagrams out."""

from typing import Any

from fax.terminal.library import Library
from fax.terminal.session import Session
from fax.terminal.values import (
    TICK_SAMPLES,
    Result,
    T38Peer,
    TerminalEvent,
    TerminalOptions,
    Work,
)
from fax.udptl import MalformedUdptl, Receiver, Sender

_TRANSFERRED_TCF = 2
"""The training check travels through the network, as UDP needs it (T.38, 7.1)."""
_VERSION = 0
"""T38FaxVersion: ASN.1 of 1998, which every peer speaks."""
_MOST_TIMES = 5
"""The most often one datagram is sent."""


class T38Terminal:
    """One T.30 terminal on a T.38 session. `calling`: whether it is T.30's calling side, which the
    one is that pressed start or placed the call; it need not have placed ours."""

    def __init__(
        self,
        library: Library,
        work: Work,
        calling: bool,
        options: TerminalOptions,
        peer: T38Peer,
    ) -> None:
        """ValueError: a path too long for the library. MemoryError: it has no room."""
        self.malformed = 0
        """Datagrams that were not UDPTL."""
        self._lib = library.lib
        self._sender = Sender(max_datagram=peer.max_datagram)
        self._receiver = Receiver()
        self._outgoing: list[bytes] = []
        self._done = False
        self._session = Session(library, work, options)
        self._handle = library.ffi.new_handle(self)
        self._state = self._begin(library, calling)

    def _begin(self, library: Library, calling: bool) -> Any:
        lib, null = library.lib, library.ffi.NULL
        state = lib.t38_terminal_init(null, int(calling), library.on_packet, self._handle)
        if state == null:
            raise MemoryError("libspandsp has no room for a T.38 terminal")
        self._core = lib.t38_terminal_get_t38_core_state(state)
        lib.t38_set_t38_version(self._core, _VERSION)
        lib.t38_set_data_rate_management_method(self._core, _TRANSFERRED_TCF)
        lib.t38_set_max_datagram_size(self._core, self._sender.max_datagram)
        try:
            self._session.set_up(lib.t38_terminal_get_t30_state(state), self._handle)
        except ValueError:
            lib.t38_terminal_free(state)
            raise
        return state

    @property
    def finished(self) -> bool:
        """Nothing more will come of it: `close` it."""
        return self._state is None or self._done or self._session.given_up

    def datagram(self, data: bytes) -> None:
        """A datagram came from the peer. Never raises for what is in it."""
        if self.finished:
            return
        try:
            packets = self._receiver.receive(data)
        except MalformedUdptl:
            self.malformed += 1
            return
        for sequence, ifp in packets:
            if ifp and not self.finished:
                self._lib.t38_core_rx_ifp_packet(self._core, ifp, len(ifp), sequence)

    def tick(self) -> list[bytes]:
        """20 ms pass. The datagrams to send now, in order; some twice or more, being important."""
        if self._state is not None and not self.finished:
            self._session.ticked()
            self._done = bool(self._lib.t38_terminal_send_timeout(self._state, TICK_SAMPLES))
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def events(self) -> list[TerminalEvent]:
        """What happened since this was asked last; `Ended` once it is closed."""
        return self._session.take_events()

    def close(self) -> Result:
        """End it wherever it is, as when the call is over, and say how it went. May be repeated."""
        result = self._session.end()
        if self._state is not None:
            self._lib.t38_terminal_free(self._state)
            self._state = self._core = self._handle = None
        return result

    # The library's callbacks.

    def packet_made(self, ifp: bytes, times: int) -> None:
        self._outgoing.extend([self._sender.packet(ifp)] * max(1, min(times, _MOST_TIMES)))

    def frame_passed(self, incoming: bool, frame: bytes) -> None:
        self._session.frame_passed(incoming, frame)

    def page_answered(self, answer: int) -> None:
        self._session.page_answered(answer)

    def completed(self, code: int) -> None:
        self._session.completed(code)

    def fault(self, bug: Exception) -> None:
        self._session.fault(bug)
