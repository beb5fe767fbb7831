"""Offer and answer for one T.38 stream over UDPTL (ITU-T T.38 Annex D, RFC 3362, RFC 3264).

One side's figures say what it takes, and are not bargained over: each answers with its own. The
rate is managed by method 2, transferredTCF, as UDPTL has it; error recovery is redundancy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from telebank.sip.sdp import (
    NOWHERE,
    MediaLine,
    Refused,
    header,
    in_place,
    place_of,
    sendable,
    write,
)
from telebank.sip.session_description import MAX_DATAGRAM, ImageOffer, SessionDescription
from telebank.sip.uri import Address

MAX_BIT_RATE = 14_400
MAX_BUFFER = 2_000
VERSION = 0
"""T38FaxVersion, which every later one can (T.38 D.2.3)."""


@dataclass(frozen=True, slots=True)
class T38Agreed:
    """One agreed T.38 stream."""

    sdp: bytes
    """The answer to send; empty where the answer was read, not written."""
    remote: Address
    """Where our UDPTL goes."""
    max_datagram: int | None
    """Octets of the longest datagram the other side takes, None where it says nothing usable."""


def offer_t38(
    local_address: str,
    local_port: int,
    *,
    lines: Sequence[MediaLine] = (),
    transport: str = "udptl",
    session_id: int = 1,
    version: int = 1,
) -> bytes:
    """An offer of T.38 alone. `lines` are the m= lines of the session so far: they keep their
    places, audio is taken away with port 0, the image line is used again or comes behind."""
    place = place_of(lines, "fax")
    own = _image_lines(local_port, lines[place].transport if place < len(lines) else transport)
    return write(header(local_address, session_id, version) + in_place(lines, place, own))


def answer_t38(
    offer: SessionDescription,
    local_address: str,
    local_port: int,
    *,
    session_id: int = 1,
    version: int = 1,
) -> T38Agreed | Refused:
    """Answer an offer with its T.38 stream; audio offered beside it is refused.

    Raises `ValueError` where `local_address` is no IP address.
    """
    ip_address(local_address)
    agreed = _agreed(offer.image, local_address)
    if isinstance(agreed, Refused):
        return agreed
    assert offer.image is not None
    place = offer.image.index
    own = _image_lines(local_port, offer.media[place].transport)
    text = header(local_address, session_id, version) + in_place(offer.media, place, own)
    return T38Agreed(write(text), agreed.remote, agreed.max_datagram)


def read_t38_answer(offer: SessionDescription, answer: SessionDescription) -> T38Agreed | Refused:
    """What the other side made of our offer of T.38. Its place is not looked at: some answer with
    the image line alone, and no other stream was offered."""
    ours = offer.image
    return _agreed(answer.image, ours.address if ours is not None else offer.address)


def _agreed(image: ImageOffer | None, local_address: str) -> T38Agreed | Refused:
    if image is None or image.port == 0:
        return Refused(488, "no T.38 stream over UDPTL")
    if image.address in NOWHERE or not sendable(image.address, local_address):
        return Refused(488, "the fax address is no unicast IP address of our family")
    return T38Agreed(b"", (image.address, image.port), image.max_datagram)


def _image_lines(port: int, transport: str) -> list[str]:
    return [
        f"m=image {port} {transport} t38",
        f"a=T38FaxVersion:{VERSION}",
        f"a=T38MaxBitRate:{MAX_BIT_RATE}",
        "a=T38FaxRateManagement:transferredTCF",
        f"a=T38FaxMaxBuffer:{MAX_BUFFER}",
        f"a=T38FaxMaxDatagram:{MAX_DATAGRAM}",
        "a=T38FaxUdpEC:t38UDPRedundancy",
    ]
