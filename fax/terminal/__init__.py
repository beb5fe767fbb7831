"""Fax terminals: T.30 over T.38 packets or over audio, by libspandsp (0.0.6, libspandsp.so.2).

Plain objects in virtual time: nothing here opens a socket or reads a clock; a tick is 20 ms. The
library is old C fed from the network, so whoever runs terminals does it in a process of its own.
"""

from fax.terminal.audio import AudioTerminal
from fax.terminal.library import Library, Missing, library
from fax.terminal.t38 import T38Terminal
from fax.terminal.tones import ToneListener
from fax.terminal.values import (
    TICK_MS,
    TICK_SAMPLES,
    Accept,
    Ended,
    Negotiated,
    PageConfirmed,
    PageReceived,
    PostMessageSent,
    Result,
    T38Peer,
    TerminalEvent,
    TerminalOptions,
    Tone,
    Transmit,
    Work,
)

__all__ = [
    "TICK_MS",
    "TICK_SAMPLES",
    "Accept",
    "AudioTerminal",
    "Ended",
    "Library",
    "Missing",
    "Negotiated",
    "PageConfirmed",
    "PageReceived",
    "PostMessageSent",
    "Result",
    "T38Peer",
    "T38Terminal",
    "TerminalEvent",
    "TerminalOptions",
    "Tone",
    "ToneListener",
    "Transmit",
    "Work",
    "library",
]
