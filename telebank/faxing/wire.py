"""Messages between a node and its fax process, over a Unix seqpacket socket.

One message a packet, MessagePack by msgspec, tagged by class name. Every message names its line
and a sequence number of its sender; `Hello` carries the version, and another version is refused.
Pages travel as files: the messages name their paths.
"""

import msgspec

from fax.terminal import TerminalOptions

VERSION = 2


class Message(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Base: `line` is the node's number for a fax (0: the process itself)."""

    line: int = 0
    sequence: int = 0


class Pages(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Send pages `first` to `last` of a TIFF, counted from 0; a `last` of -1 is its last page."""

    path: str
    first: int = 0
    last: int = -1


class Room(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Receive into a TIFF at `path`."""

    path: str


Work = Pages | Room


# -- node to process --------------------------------------------------------------------------


class Open(Message, frozen=True, tag=True, kw_only=True):
    """Open a line numbered by the node: two UDP ports on `address`."""

    address: str
    learn_from: str = ""
    """The host that the peer's signalling comes from: its audio may come from there instead, from
    any port (address translation). Empty: from where it says alone."""


class BeginAudio(Message, frozen=True, tag=True, kw_only=True):
    """Fax over G.711 audio in RTP, 20 ms a packet, with the peer at `address`.

    `codec` is `PCMA` or `PCMU`; `calling` whether we are the calling terminal of T.30; `terminal`
    the fields of `fax.terminal.TerminalOptions`.
    """

    address: str
    port: int
    codec: str
    work: Work
    calling: bool
    terminal: TerminalOptions


class BeginT38(Message, frozen=True, tag=True, kw_only=True):
    """Fax over T.38 with the peer at `address`.

    `max_datagram` is the peer's T38FaxMaxDatagram in bytes, None where it gave none.
    """

    address: str
    port: int
    max_datagram: int | None
    work: Work
    calling: bool
    terminal: TerminalOptions


class Move(Message, frozen=True, tag=True, kw_only=True):
    """The peer of the fax that is running has another address now."""

    address: str
    port: int


class Close(Message, frozen=True, tag=True, kw_only=True):
    """Close the line: `Ended`, where a fax was running, then `Closed`."""


class Shutdown(Message, frozen=True, tag=True, kw_only=True):
    """Close every line and exit 0."""


# -- process to node --------------------------------------------------------------------------


class Hello(Message, frozen=True, tag=True, kw_only=True):
    """First packet. `missing`: why there can be no fax, and how to mend it; the process then goes.

    Empty when the library is there.
    """

    version: int
    pid: int
    missing: str = ""


class Opened(Message, frozen=True, tag=True, kw_only=True):
    """The line's UDP ports, on the address asked for: of RTP, and of UDPTL."""

    audio_port: int
    t38_port: int


class OpenFailed(Message, frozen=True, tag=True, kw_only=True):
    """The line was not opened (no library, no port, too many lines); the text says why."""

    reason: str


class Heard(Message, frozen=True, tag=True, kw_only=True):
    """A tone in the peer's audio: `CNG`, `CED`, or `V21` flags before a T.30 command."""

    tone: str


class Negotiated(Message, frozen=True, tag=True, kw_only=True):
    """The machines agreed, perhaps anew: `rate` in bits a second; `peer_ident` is not to be
    believed."""

    rate: int
    ecm: bool
    compression: str
    peer_ident: str


class PageConfirmed(Message, frozen=True, tag=True, kw_only=True):
    """The peer confirmed a page by MCF; `pages` so far."""

    pages: int


class PageReceived(Message, frozen=True, tag=True, kw_only=True):
    """A page came and was confirmed; `pages` so far, damaged rows in this one."""

    pages: int
    bad_rows: int


class PostMessageSent(Message, frozen=True, tag=True, kw_only=True):
    """A page is out, counted from 1, and the peer has been asked to confirm it."""

    page: int


class Ended(Message, frozen=True, tag=True, kw_only=True):
    """A fax is over, once for each that began and was not dropped for another.

    `pages` confirmed by MCF, or received. `asked`: the peer was asked to confirm one more page and
    no answer came, so it may be on paper. `seconds` by the samples that passed.
    """

    code: int
    reason: str
    pages: int
    asked: bool
    bad_rows: int
    rate: int
    peer_ident: str
    seconds: float


class Closed(Message, frozen=True, tag=True, kw_only=True):
    """The line is gone: nothing more comes of it."""

    foreign: int
    """Datagrams of strangers, left out."""
    malformed: int
    """Datagrams that were not what their port is for, left out."""


class ProcessStats(Message, frozen=True, tag=True, kw_only=True):
    """The process's own figures, now and then, as a sign of life, and at shutdown.

    `tick_late_p99_ms` is from a tick's due time to its last packet sent; `rss_mb` is PSS.
    """

    lines: int
    cpu_seconds: float
    ticks: int
    tick_late_p99_ms: float
    rss_mb: float


ToProcess = Open | BeginAudio | BeginT38 | Move | Close | Shutdown
FromProcess = (
    Hello
    | Opened
    | OpenFailed
    | Heard
    | Negotiated
    | PageConfirmed
    | PageReceived
    | PostMessageSent
    | Ended
    | Closed
    | ProcessStats
)
