"""Offer and answer for one audio stream (RFC 3264): PCMA, PCMU and telephone-event, over RTP or
SRTP (`telebank.sip.protection`); T.38 is in `telebank.sip.t38`.

Payload type numbers are the offerer's. Every other m= line is refused with port 0, in its place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from telebank.sip.dtls import bundled, mid_of
from telebank.sip.protection import DtlsSecurity, Protection, Said, Security
from telebank.sip.session_description import (
    AudioOffer,
    Direction,
    MalformedDescription,
    MediaLine,
    SessionDescription,
)
from telebank.sip.uri import Address, address_of, is_usable

__all__ = [
    "Answer", "AudioOffer", "Direction", "MalformedDescription", "MediaLine", "Refused",
    "SessionDescription", "answer_audio", "make_offer", "read_answer",
]  # fmt: skip

CODECS = {"PCMU": 0, "PCMA": 8}
EVENT_PAYLOAD = 101
PTIME_MS = 20
PACKET_TIMES_MS = (10, 20, 30, 40, 50, 60)
"""What an answer says as the offer does; the media plane takes and sends them all."""
NOWHERE = ("0.0.0.0", "::")  # noqa: S104 - the address of nobody
"""By whether it is IPv6 (RFC 3264 section 8.4)."""
_REVERSED: dict[Direction, Direction] = {
    "sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """One agreed audio stream."""

    sdp: bytes = field(repr=False)
    """The answer to send; empty where the answer was read, not written. Keys may be in it."""
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
    security: Security | None = None
    """None: plain RTP."""
    profile: str = "RTP/AVP"
    """Of the m= line, as the offer writes it."""
    rtcp_port: int = 0
    """Where our RTCP goes, at the address of `remote` (RFC 3605); 0: the port after that of RTP."""


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
    protection: Protection | None = None,
) -> Answer | Refused:
    """Answer an offer with the first codec of `preferred` that it holds, in the first stream that
    `protection` (None: plain RTP alone) takes.

    `session_id` and `version` go into o=; raise `version` by one when answering a re-INVITE.
    `rtcp_mux` says whether our media plane takes RTCP on the RTP port where that is offered.
    Raises `ValueError` where `local_address` is no IP address.
    """
    address_of(local_address)
    here, protection = (local_address, local_port), protection or Protection()
    refusals = []
    for audio in offer.audios:
        said = _take(offer, audio, here, protection)
        codec = _choose(audio, preferred)
        if isinstance(said, Said) and codec is not None:
            mux = rtcp_mux or isinstance(said.security, DtlsSecurity)
            agreed = _agreed(audio, codec, said, mux=mux)
            head = header(local_address, session_id, version, _grouped(offer, audio, said))
            own = _answer_lines(offer.media[audio.index], local_port, audio, agreed, said)
            sdp = write(head + in_place(offer.media, audio.index, own))
            return replace(agreed, sdp=sdp)
        refusals.append(said if isinstance(said, str) else "neither PCMA nor PCMU is offered")
    return Refused(488, refusals[0] if refusals else "no RTP audio stream is offered")


def _take(
    offer: SessionDescription, audio: AudioOffer, here: Address, protection: Protection
) -> Said | str:
    if not sendable(audio.address, here[0]):
        return "the media address is no unicast IP address of our family"
    return protection.answer(offer, offer.media[audio.index], here)


def _agreed(theirs: AudioOffer, codec: tuple[str, int], said: Said, *, mux: bool) -> Answer:
    """`mux`: our side takes RTCP on the port of RTP."""
    return Answer(
        b"", *codec, theirs.event, (theirs.address, theirs.port), theirs.held,
        _REVERSED[theirs.direction], theirs.ptime_ms, mux and theirs.rtcp_mux,
        said.security, said.profile, theirs.rtcp_port,
    )  # fmt: skip


def _answer_lines(
    line: MediaLine, port: int, audio: AudioOffer, agreed: Answer, said: Said
) -> list[str]:
    own = _audio_lines(
        port, said, [(agreed.codec, agreed.payload_type)], audio.event, agreed.direction,
        mux=agreed.rtcp_mux,
        ptime_ms=audio.ptime_ms if audio.ptime_ms in PACKET_TIMES_MS else PTIME_MS,
    )  # fmt: skip
    return own + _named(line)


def _named(line: MediaLine) -> list[str]:
    mid = mid_of(line.attributes)
    return [f"a=mid:{mid}"] if mid else []


def _grouped(offer: SessionDescription, audio: AudioOffer, said: Said) -> list[str]:
    """Lines of the session: what the protection says, and the bundle of what is accepted."""
    mid = mid_of(offer.media[audio.index].attributes)
    group = [f"a=group:BUNDLE {mid}"] if mid and bundled(offer.attributes, mid) else []
    return [*group, *said.session]


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
    protection: Protection | None = None,
) -> bytes:
    """An offer of one audio stream; for a re-INVITE raise `version`, keep `session_id`, and give
    the m= `lines` of the session, whose places are kept (RFC 3264 8). Where no line of them is
    audio, the T.38 line becomes it. `events`: telephone-event is offered too.
    """
    payloads = [(codec, CODECS[codec]) for codec in codecs]
    event = EVENT_PAYLOAD if events else None
    said = (protection or Protection()).offer((local_address, local_port))
    mux = rtcp_mux or isinstance(said.security, DtlsSecurity)
    own = _audio_lines(local_port, said, payloads, event, direction, mux=mux, ptime_ms=ptime_ms)
    place = place_of(lines, "speech", "fax")
    own += [name for line in lines[place : place + 1] for name in _named(line)]
    head = header(local_address, session_id, version, said.session)
    return write(head + in_place(lines, place, own))


def read_answer(
    offer: SessionDescription, answer: SessionDescription, protection: Protection | None = None
) -> Answer | Refused:
    """What the other side agreed to of our offer: its first codec that we offered. `protection` is
    that of the offer."""
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
    lines = offer.media[ours.index], answer, answer.media[theirs.index]
    said = (protection or Protection()).read(*lines)
    if isinstance(said, str):
        return Refused(488, said)
    agreed = _agreed(theirs, codec, said, mux=ours.rtcp_mux)
    return agreed if ours.event is not None else replace(agreed, event_payload_type=None)


def sendable(remote: str, local: str) -> bool:
    """Whether media can go to the address, from that of ours; names are never resolved. 0.0.0.0 is
    a hold. Who reaches us on loopback is on this machine."""
    return remote == NOWHERE[":" in local] or is_usable(remote, local)


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


def header(
    address: str, session_id: int, version: int, attributes: Iterable[str] = ()
) -> list[str]:
    """The session's lines."""
    net = f"IN IP{6 if ':' in address else 4} {address}"
    origin = f"o=telebank {session_id} {version} {net}"
    return ["v=0", origin, "s=-", f"c={net}", "t=0 0", *attributes]


def _audio_lines(
    port: int,
    said: Said,
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
    lines = [f"m=audio {port} {said.profile} {' '.join(numbers)}", *maps, f"a=ptime:{ptime_ms}"]
    lines.append(f"a={direction}")
    return [*lines, *(["a=rtcp-mux"] if mux else []), *said.lines]


def write(lines: list[str]) -> bytes:
    """A description's lines as it is sent."""
    return ("\r\n".join(lines) + "\r\n").encode()
