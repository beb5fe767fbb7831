"""Which pages are confirmed, from the T.30 frames that pass (T.30, 5.3.6.1). No library needed.

A page is delivered when its confirmation came, never before: what was asked and not answered may
be on paper or not.
"""

from enum import IntEnum

FCF = 2
"""Where a frame has its facsimile control field, behind address and control."""
FCF2 = 3
"""Where a partial page signal has its second one."""
_SENDER_BIT = 0x01
REFUSED = "the last page was refused"
DAMAGED = "a page was given up, damaged"


class Control(IntEnum):
    """Facsimile control fields, bits in the order the library has them, sender's bit clear."""

    NULL = 0x00
    EOM = 0x8E
    MPS = 0x4E
    EOP = 0x2E
    PRI_EOM = 0x9E
    PRI_MPS = 0x5E
    PRI_EOP = 0x3E
    PPS = 0xBE
    EOR = 0xCE
    DCS = 0x82
    CFR = 0x84
    MCF = 0x8C
    RTP = 0xCC
    RTN = 0x4C
    PIP = 0xAC
    PIN = 0x2C
    PPR = 0xBC
    ERR = 0x1C
    CTR = 0xC4
    FCD = 0x06


_PAGE_ENDS = frozenset(
    {Control.EOM, Control.MPS, Control.EOP, Control.PRI_EOM, Control.PRI_MPS, Control.PRI_EOP}
)
ARRIVED = frozenset({Control.MCF, Control.RTP, Control.PIP})
"""The page arrived: T.30 has it in these three, two of them with a wish for what comes next. Both
sides count by them: what a sender was told arrived is what a receiver has received."""
_NOT_ARRIVED = frozenset({Control.RTN, Control.PIN, Control.PPR})
"""The page, or frames of it, did not arrive; the receiver says so itself."""


def control_of(frame: bytes) -> int | None:
    """The control field of a frame without the sender's bit, or None for a stump."""
    return frame[FCF] & ~_SENDER_BIT if len(frame) > FCF else None


def ends_page(frame: bytes) -> bool:
    """Whether a frame says that a page is whole: EOM, MPS or EOP, or PPS with one of them."""
    control = control_of(frame)
    if control == Control.PPS:
        return len(frame) > FCF2 and (frame[FCF2] & ~_SENDER_BIT) in _PAGE_ENDS
    return control in _PAGE_ENDS


class Progress:
    """A sender's count of pages. `asked` while a page was sent whole and has no answer."""

    def __init__(self) -> None:
        self.pages = 0
        self.asked = False
        self._refused = False
        self._damaged = False

    @property
    def missing(self) -> str:
        """Why a page was not delivered though the other machine went to the end; empty if none."""
        if self._damaged:
            return DAMAGED
        return REFUSED if self._refused else ""

    def sent(self, frame: bytes) -> bool:
        """A frame went out. Whether a page's confirmation is asked for the first time by it."""
        if control_of(frame) == Control.EOR:
            # The sender gives the page up, damaged, and goes on: nothing behind it may be counted,
            # for a retry begins at the first page that was not confirmed.
            self._damaged = self.asked = True
            return False
        first = ends_page(frame) and not self.asked
        self.asked = self.asked or ends_page(frame)
        return first

    def answered(self, frame: bytes) -> None:
        """A frame came in: a refusal takes back the asking."""
        if control_of(frame) in _NOT_ARRIVED and not self._damaged:
            self.asked, self._refused = False, True

    def confirmed(self, answer: int) -> bool:
        """The engine acted on the answer to a page (phase D). Whether the page counts."""
        if answer & ~_SENDER_BIT not in ARRIVED or not self.asked or self._damaged:
            return False
        self.pages += 1
        self.asked = self._refused = False
        return True
