"""Session descriptions: bytes to `SessionDescription` (RFC 4566, RFC 4733, RFC 5761)."""

import re
from dataclasses import dataclass
from typing import Literal

MAX_SDP = 16_384  # octets
MAX_LINES = 400
MAX_MEDIA = 16
MAX_FORMATS = 64
MAX_PORT = 65_535

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")
STATIC_PAYLOADS = {0: "PCMU", 8: "PCMA", 9: "G722", 13: "CN", 18: "G729"}
"""RFC 3551 table 4, the entries telephony meets; all at 8000 Hz on the wire clock."""
_LINE = re.compile(r"([a-z])=(.*)")
_RTPMAP = re.compile(r"([0-9]{1,3})[ \t]+([A-Za-z0-9._\-]+)/([0-9]{1,6})(?:/([0-9]{1,2}))?[ \t]*")
_CONNECTION = re.compile(r"IN IP([46]) ([0-9A-Za-z:.\-]{1,253})(?:/[0-9/]*)?[ \t]*")
_MEDIA = re.compile(
    r"([a-z]{1,16}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([A-Za-z0-9/]{1,32})((?: [^ ]+)+) *"
)
_MILLISECONDS = re.compile(r"([0-9]{1,4})(?:\.[0-9]+)?")
RTP_PROFILES = ("RTP/AVP", "RTP/AVPF")
EVENT_CLOCK = 8000


class MalformedDescription(ValueError):  # noqa: N818 - the name others know it by
    """The body is no session description; the text says which line, never its content."""


@dataclass(frozen=True, slots=True)
class MediaLine:
    """One m= section as it came; `address` already falls back to the session's c= line."""

    kind: str
    port: int
    profile: str
    formats: tuple[str, ...]
    address: str
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AudioOffer:
    """The first usable RTP audio stream of a description."""

    address: str
    port: int
    """UDP port, 0 where the stream is refused or taken away."""
    pcma: int | None
    """Payload type number of PCMA at 8000 Hz, None where not offered."""
    pcmu: int | None
    event: int | None
    """Payload type number of telephone-event at 8000 Hz (RFC 4733)."""
    ptime_ms: int
    """Packet time the other side asks for, milliseconds (20 where it says nothing)."""
    direction: Direction
    """As the other side sees it: sendonly means that it sends and does not listen."""
    rtcp_mux: bool
    """RTP and RTCP offered on one port (RFC 5761)."""
    index: int
    """Place of the stream among the m= lines."""

    def payload(self, codec: str) -> int | None:
        """Payload type number of `PCMA` or `PCMU`, None where not offered."""
        return {"PCMA": self.pcma, "PCMU": self.pcmu}.get(codec)

    @property
    def held(self) -> bool:
        """Whether the other side does not want to hear us (hold, RFC 3264 8.4; also c=0.0.0.0)."""
        return self.direction in ("sendonly", "inactive") or self.address in ("0.0.0.0", "::")  # noqa: S104


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """What we keep of an SDP body; `audio` is None where no plain RTP audio line is in it."""

    origin: str
    address: str
    media: tuple[MediaLine, ...]
    audio: AudioOffer | None

    @classmethod
    def parse(cls, data: bytes) -> "SessionDescription":
        """Read a body; raises `MalformedDescription` and nothing else."""
        session, sections = _split(_lines(data))
        origin = next((value for letter, value in session if letter == "o"), "")
        address, attributes = _connection(session, ""), _attributes(session)
        media = tuple(_media(section, address, attributes) for section in sections)
        return cls(origin, address, media, _first_audio(media))


def _lines(data: bytes) -> list[tuple[str, str]]:
    if len(data) > MAX_SDP:
        raise MalformedDescription("longer than a session description may be")
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n\x00 ")
    rows = text.split("\n")
    if len(rows) > MAX_LINES:
        raise MalformedDescription("too many lines")
    found = []
    for number, row in enumerate(rows, 1):
        line = _LINE.fullmatch(row)
        if line is None:
            raise MalformedDescription(f"line {number} is not letter=value")
        found.append((line[1], line[2]))
    if found[0] != ("v", "0"):
        raise MalformedDescription("line 1 is not v=0")
    return found


Lines = list[tuple[str, str]]


def _split(lines: Lines) -> tuple[Lines, list[Lines]]:
    session: Lines = []
    sections: list[Lines] = []
    for letter, value in lines:
        if letter == "m":
            sections.append([])
        (sections[-1] if sections else session).append((letter, value))
    if len(sections) > MAX_MEDIA:
        raise MalformedDescription("too many m= lines")
    return session, sections


def _connection(lines: Lines, otherwise: str) -> str:
    for letter, value in lines:
        if letter == "c":
            found = _CONNECTION.fullmatch(value)
            if found is None:
                raise MalformedDescription("a c= line is malformed")
            return found[2]
    return otherwise


def _attributes(lines: Lines) -> tuple[tuple[str, str], ...]:
    found = []
    for letter, value in lines:
        if letter == "a":
            name, _, content = value.partition(":")
            found.append((name.strip().lower(), content.strip()))
    return tuple(found)


def _media(lines: Lines, address: str, session: tuple[tuple[str, str], ...]) -> MediaLine:
    found = _MEDIA.fullmatch(lines[0][1])
    if found is None or int(found[2]) > MAX_PORT:
        raise MalformedDescription("an m= line is malformed")
    formats = tuple(found[4].split())
    if len(formats) > MAX_FORMATS:
        raise MalformedDescription("too many formats in an m= line")
    own = _attributes(lines)
    if not any(name in DIRECTIONS for name, _ in own):  # the session's direction holds for all
        own += tuple(item for item in session if item[0] in DIRECTIONS)
    address = _connection(lines, address)
    if not address:
        raise MalformedDescription("no c= line for an m= line")
    return MediaLine(found[1], int(found[2]), found[3].upper(), formats, address, own)


def _first_audio(media: tuple[MediaLine, ...]) -> AudioOffer | None:
    """The first RTP audio line with a port; else the first one refused (port 0)."""
    usable = [
        (number, line)
        for number, line in enumerate(media)
        if line.kind == "audio" and line.profile in RTP_PROFILES
    ]
    chosen = next((item for item in usable if item[1].port), usable[0] if usable else None)
    return _audio(*chosen) if chosen else None


def _audio(index: int, line: MediaLine) -> AudioOffer:
    names = _payloads(line)
    direction: Direction = next((d for d in DIRECTIONS if (d, "") in line.attributes), "sendrecv")
    ptime = next((value for name, value in line.attributes if name == "ptime"), "")
    found = _MILLISECONDS.fullmatch(ptime)
    return AudioOffer(
        line.address,
        line.port,
        names.get("PCMA"),
        names.get("PCMU"),
        names.get("TELEPHONE-EVENT"),
        int(found[1]) if found and int(found[1]) else 20,
        direction,
        ("rtcp-mux", "") in line.attributes,
        index,
    )


def _payloads(line: MediaLine) -> dict[str, int]:
    """Name (upper case) to payload type number, 8000 Hz mono only, in the order of the m= line."""
    maps: dict[int, str | None] = {}
    for name, value in line.attributes:
        if name == "rtpmap" and (found := _RTPMAP.fullmatch(value)) is not None:
            plain = int(found[3]) == EVENT_CLOCK and found[4] in (None, "1")
            maps.setdefault(int(found[1]), found[2].upper() if plain else None)
    payloads: dict[str, int] = {}
    for text in line.formats:
        if not (text.isascii() and text.isdigit()) or len(text) > 3 or int(text) > 127:  # noqa: PLR2004
            continue
        number = int(text)
        codec = maps.get(number, STATIC_PAYLOADS.get(number))
        if codec is not None:
            payloads.setdefault(codec, number)
    return payloads
