"""Offer and answer for one audio stream (RFC 3264): PCMA, PCMU and telephone-event; T.38 is in
`telebank.sip.t38`.

Payload type numbers are the offerer's. Every other m= line is refused with port 0, in its place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from telebank.sip.session_description import (
    AudioOffer,
    Direction,
    MalformedDescription,
    MediaLine,
    SessionDescription,
)
from telebank.sip.uri import Address

__all__ = [
    "Answer", "AudioOffer", "Direction", "MalformedDescription", "MediaLine", "Refused",
    "SessionDescription", "answer_audio", "make_offer", "read_answer",
]  # fmt: skip

CODECS = {"PCMU": 0, "PCMA": 8}
EVENT_PAYLOAD = 101
PTIME_MS = 20
PACKET_TIMES_MS = (10, 20, 30, 40, 50, 60)
"""What an answer says as the offer does; the media plane takes and sends them all."""
_REVERSED: dict[Direction, Direction] = {
    "sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """One agreed audio stream."""

    sdp: bytes
    """The answer to send; empty where the answer was read, not written."""
    codec: str
    """`PCMA` or `PCMU`, 8000 Hz."""
    payload_type: int
    """RTP payload type of the codec, to send with."""
    event_payload_type: int | None
    """RTP payload type of telephone-event to send with, None: keys go another way."""
    remote: Address
    """Where our RTP goes; meaningless while `hold` comes from c=0.0.0.0."""
    hold: bool
    """The other side does not want to hear us now."""
    direction: Direction = "sendrecv"
    """Ours: sendonly means that we send and do not listen."""
    ptime_ms: int = PTIME_MS
    """Packet time the other side asks for, milliseconds."""
    rtcp_mux: bool = False
    """Whether RTCP shares the RTP port (agreed by both)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No stream can be agreed; `status` is what to answer the INVITE with."""

    status: Literal[488]
    why: str


def answer_audio(
    offer: SessionDescription,
    local_address: str,
    local_port: int,
    preferred: Iterable[str] = ("PCMA", "PCMU"),
    *,
    session_id: int = 1,
    version: int = 1,
    rtcp_mux: bool = False,
) -> Answer | Refused:
    """Answer an offer with the first codec of `preferred` that it holds.

    `session_id` and `version` go into o=; raise `version` by one when answering a re-INVITE.
    `rtcp_mux` says whether our media plane takes RTCP on the RTP port where that is offered.
    Raises `ValueError` where `local_address` is no IP address.
    """
    ip_address(local_address)
    audio = offer.audio
    if audio is None or audio.port == 0:
        return Refused(488, "no RTP audio stream is offered")
    if not sendable(audio.address, local_address):
        return Refused(488, "the media address is no unicast IP address of our family")
    codec = _choose(audio, preferred)
    if codec is None:
        return Refused(488, "neither PCMA nor PCMU is offered")
    mux = rtcp_mux and audio.rtcp_mux
    direction = _REVERSED[audio.direction]
    lines = header(local_address, session_id, version)
    for index, line in enumerate(offer.media):
        if index == audio.index:
            lines += _audio_lines(
                local_port,
                line.transport,
                [codec],
                audio.event,
                direction,
                mux=mux,
                ptime_ms=audio.ptime_ms if audio.ptime_ms in PACKET_TIMES_MS else PTIME_MS,
            )
        else:
            lines.append(declined(line))
    remote = (audio.address, audio.port)
    return Answer(
        write(lines), *codec, audio.event, remote, audio.held, direction, audio.ptime_ms, mux
    )


def make_offer(
    local_address: str,
    local_port: int,
    codecs: Iterable[str] = ("PCMA", "PCMU"),
    *,
    direction: Direction = "sendrecv",
    session_id: int = 1,
    version: int = 1,
    rtcp_mux: bool = False,
    events: bool = True,
    lines: Sequence[MediaLine] = (),
    ptime_ms: int = PTIME_MS,
) -> bytes:
    """An offer of one audio stream; for a re-INVITE raise `version`, keep `session_id`, and give
    the m= `lines` of the session, whose places are kept (RFC 3264 8). Where no line of them is
    audio, the T.38 line becomes it. `events`: telephone-event is offered too.
    """
    payloads = [(codec, CODECS[codec]) for codec in codecs]
    event = EVENT_PAYLOAD if events else None
    own = _audio_lines(
        local_port, "RTP/AVP", payloads, event, direction, mux=rtcp_mux, ptime_ms=ptime_ms
    )
    place = place_of(lines, "speech", "fax")
    return write(header(local_address, session_id, version) + in_place(lines, place, own))


def read_answer(offer: SessionDescription, answer: SessionDescription) -> Answer | Refused:
    """What the other side agreed to of our offer: its first codec that we offered."""
    ours, theirs = offer.audio, answer.audio
    if ours is None or theirs is None or theirs.port == 0:
        return Refused(488, "the audio stream was refused")
    if theirs.index != ours.index:
        return Refused(488, "the answer has its audio in another place than the offer")
    if not sendable(theirs.address, ours.address):
        return Refused(488, "the media address is no unicast IP address of our family")
    offered = [codec for codec in CODECS if ours.payload(codec) is not None]
    codec = _choose(theirs, _by_place(answer.media[theirs.index], theirs, offered))
    if codec is None:
        return Refused(488, "the answer holds no codec that was offered")
    event = theirs.event if ours.event is not None else None
    return Answer(
        b"", *codec, event, (theirs.address, theirs.port), theirs.held,
        _REVERSED[theirs.direction], theirs.ptime_ms, ours.rtcp_mux and theirs.rtcp_mux,
    )  # fmt: skip


def sendable(remote: str, local: str) -> bool:
    """Whether media can go to the address; names are never resolved. 0.0.0.0 is a hold."""
    try:
        address, own = ip_address(remote), ip_address(local)
    except ValueError:
        return False
    return address.version == own.version and not address.is_multicast


def _by_place(line: MediaLine, audio: AudioOffer, codecs: list[str]) -> list[str]:
    """`codecs` in the order of the m= line, which is the order of preference."""
    places = {text: place for place, text in enumerate(line.formats)}
    return sorted(codecs, key=lambda codec: places.get(str(audio.payload(codec)), len(places)))


def _choose(audio: AudioOffer, preferred: Iterable[str]) -> tuple[str, int] | None:
    for codec in preferred:
        number = audio.payload(codec)
        if number is not None:
            return codec, number
    return None


def place_of(lines: Sequence[MediaLine], *kinds: Literal["speech", "fax"]) -> int:
    """Where among the session's m= lines a stream goes: the first line of the first kind that is
    there, one with a port before one without; else behind them all."""
    for kind in kinds:
        found = [index for index, line in enumerate(lines) if getattr(line, kind)]
        if found:
            return next((index for index in found if lines[index].port), found[0])
    return len(lines)


def in_place(lines: Sequence[MediaLine], place: int, own: list[str]) -> list[str]:
    """The m= lines of the session, all but `own` taken away, `own` at `place`."""
    kept = [[declined(line)] for line in lines]
    kept[place : place + 1] = [own]
    return [text for line in kept for text in line]


def declined(line: MediaLine) -> str:
    """An m= line with port 0: the stream is refused or taken away (RFC 3264 6, 8.2)."""
    return f"m={line.kind} 0 {line.transport} {' '.join(line.formats)}"


def header(address: str, session_id: int, version: int) -> list[str]:
    """The session's lines."""
    net = f"IN IP{6 if ':' in address else 4} {address}"
    return ["v=0", f"o=telebank {session_id} {version} {net}", "s=-", f"c={net}", "t=0 0"]


def _audio_lines(
    port: int,
    profile: str,
    payloads: list[tuple[str, int]],
    event: int | None,
    direction: Direction,
    *,
    mux: bool,
    ptime_ms: int = PTIME_MS,
) -> list[str]:
    numbers = [str(number) for _, number in payloads]
    maps = [f"a=rtpmap:{number} {codec}/8000" for codec, number in payloads]
    if event is not None:
        numbers.append(str(event))
        maps += [f"a=rtpmap:{event} telephone-event/8000", f"a=fmtp:{event} 0-15"]
    lines = [f"m=audio {port} {profile} {' '.join(numbers)}", *maps, f"a=ptime:{ptime_ms}"]
    lines.append(f"a={direction}")
    return [*lines, "a=rtcp-mux"] if mux else lines


def write(lines: list[str]) -> bytes:
    """A description's lines as it is sent."""
    return ("\r\n".join(lines) + "\r\n").encode()
