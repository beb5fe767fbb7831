"""Frames that libspandsp 0.0.6 must not act on: the call is ended before it does.

It has one place for the page that it sends or receives, and takes a peer's word for which it is.
It takes a page width from a peer that it has no buffer for. Of a frame of image data it copies what
is behind the frame's number, even where there is none. Each ends in memory not its own.
"""

from fax.terminal.progress import Control, control_of

_WIDTH = 5
"""Where a DCS has bits 17 and 18, the width; 00 is 1728 dots, all that we offer (T.30, table 2)."""
_WIDTH_BITS = 0x03
_BEFORE_DATA = 4
"""Address, control, facsimile control field and frame number, before image data (T.4, annex A)."""
_MOST_DATA = 256


def danger(frame: bytes, sending: bool) -> str:
    """Why an incoming frame must not be acted on by a terminal that sends, or receives; empty if it
    may. An honest machine never sends what is dangerous."""
    control = control_of(frame)
    if control == Control.DCS:
        return _of_command(frame, sending)
    if control == Control.FCD and not _BEFORE_DATA <= len(frame) <= _BEFORE_DATA + _MOST_DATA:
        return "a frame of image data without a number, or too long"
    return ""


def _of_command(frame: bytes, sending: bool) -> str:
    """A digital command signal (DCS), which says how a page will be."""
    if sending:
        return "the peer wants to send, and so do we"
    if len(frame) > _WIDTH and frame[_WIDTH] & _WIDTH_BITS:
        return "the peer commands a page width that was not offered"
    return ""
