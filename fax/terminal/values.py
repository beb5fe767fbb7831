"""What terminals are given and what they tell."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

TICK_SAMPLES = 160
"""Samples of a tick, at 8000 a second."""
TICK_MS = 20
SAMPLES_A_SECOND = 8000
IDENT_LENGTH = 20
"""Characters of a terminal's identification (T.30, 5.3.6.2.4)."""
HEADER_LENGTH = 50
PATH_LENGTH = 255
"""Bytes of a path, for the library cuts longer ones off without a word."""
UNFINISHED = -1
"""`Result.code` of a terminal ended by a limit or a fault of ours, or as if all were well but with
pages missing; T.30's own begin at 0."""

Modem = Literal["V.17", "V.29", "V.27ter"]
Compression = Literal["MH", "MR", "MMR"]
Tone = Literal["CNG", "CED", "V21"]


@dataclass(frozen=True, slots=True)
class Transmit:
    """Send pages of a TIFF that `fax.page` wrote: 1728 wide, one bit, Group 3 or 4."""

    path: Path
    first: int = 0
    """The first page to send, from 0."""
    last: int = -1
    """The last page to send, from 0; -1 is the end of the file."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Receive pages into a new TIFF. Pages are in it as they are confirmed, and no others; with
    none (`Result.pages` is 0) there is no file, or one that is no picture."""

    path: Path


Work = Transmit | Accept


@dataclass(frozen=True, slots=True)
class TerminalOptions:
    """What one terminal is and can do."""

    ident: str = ""
    """Its identification, shown on the other machine: ASCII, 20 characters, usually its number."""
    header: str = ""
    """Text of the line above each page sent, with date, identification and page number; ASCII, 50
    characters. Empty: no such line, and pages arrive exactly as they were sent."""
    ecm: bool = True
    """Error correction: a page is repeated until it is perfect. Without it damage is possible."""
    modems: frozenset[Modem] = frozenset({"V.17", "V.29", "V.27ter"})
    """V.17: to 14400 bit/s; V.29: to 9600; V.27ter: to 4800."""
    compressions: frozenset[Compression] = frozenset({"MH", "MR", "MMR"})
    """MH: T.4 one-dimensional; MR: T.4 two-dimensional; MMR: T.6, which needs `ecm`."""
    fine: bool = True
    """Whether 204x196 dots an inch can be received; 204x98 always can."""


@dataclass(frozen=True, slots=True)
class T38Peer:
    """What the other side's session description says about T.38."""

    max_datagram: int | None = None
    """T38FaxMaxDatagram in bytes, as it was said: it may be absent, negative or absurd."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a terminal ended."""

    code: int
    """T.30 completion status: 0 is success, UNFINISHED a limit or fault of ours, or the last page
    refused."""
    reason: str
    """The same in words, English."""
    pages: int
    """Pages confirmed by the receiver, or received and confirmed by us. In order, from the first
    of the work; after one that was not confirmed none is counted."""
    asked: bool
    """A page was sent whole and its confirmation asked for, and no answer came: it may be on paper
    over there. Such a page is neither sent again nor claimed."""
    bad_rows: int
    """Damaged rows in received pages; always 0 with error correction."""
    rate: int
    """Bits a second of the last page, 0 before anything was agreed."""
    peer_ident: str
    """What the other side called itself; not to be believed."""
    seconds: float
    """Duration by samples, not by any clock."""


@dataclass(frozen=True, slots=True)
class Negotiated:
    """The machines agreed; also after they agreed anew on a lower rate."""

    rate: int
    ecm: bool
    compression: str
    """MH, MR or MMR."""
    peer_ident: str


@dataclass(frozen=True, slots=True)
class PageConfirmed:
    """The receiver confirmed a page; `pages` so far."""

    pages: int


@dataclass(frozen=True, slots=True)
class PageReceived:
    """A page came whole and we confirmed it; `pages` so far, damaged rows in this one."""

    pages: int
    bad_rows: int


@dataclass(frozen=True, slots=True)
class PostMessageSent:
    """A page was sent to its end and its confirmation asked for; `page` counts from 1."""

    page: int


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over; the last event of a terminal."""

    result: Result


TerminalEvent = Negotiated | PageConfirmed | PageReceived | PostMessageSent | Ended
