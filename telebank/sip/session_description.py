"""Session descriptions: bytes to `SessionDescription` (RFC 4566, RFC 4733, RFC 5761, RFC 3605,
RFC 3362; what they say of keys is read by `sdes` and `dtls`)."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal

from telebank.sip.dtls import has_ice
from telebank.sip.sdes import Crypto, read_crypto

MAX_SDP = 16_384  # octets
MAX_LINES = 400
MAX_MEDIA = 16
MAX_FORMATS = 64
MAX_PORT = 65_535

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")
STATIC_PAYLOADS = {0: "PCMU", 8: "PCMA", 9: "G722", 13: "CN", 18: "G729"}
"""RFC 3551 table 4, the entries telephony meets; all at 8000 Hz on the wire clock."""
_RTPMAP = re.compile(r"([0-9]{1,3})[ \t]+([A-Za-z0-9._\-]+)/([0-9]{1,6})(?:/([0-9]{1,2}))?[ \t]*")
_CONNECTION = re.compile(r"IN IP([46]) ([0-9A-Za-z:.\-]{1,253})(?:/[0-9/]*)?[ \t]*")
_MEDIA = re.compile(
    r"([a-z]{1,16}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([A-Za-z0-9/]{1,32})((?: [^ ]+)+) *"
)
_MILLISECONDS = re.compile(r"([0-9]{1,4})(?:\.[0-9]+)?")
_RTCP = re.compile(r"([0-9]{1,5})(?: +IN +IP[46] +([0-9A-Za-z:.\-]{1,253}))? *")
_NUMBER = re.compile(r"[0-9]{1,40}")
ENCRYPTED_PROFILES = ("RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF")
"""RFC 3711, RFC 5124, RFC 5764."""
RTP_PROFILES = ("RTP/AVP", "RTP/AVPF", *ENCRYPTED_PROFILES)
FOR_ALL = ("fingerprint", "setup", "ice-ufrag", "ice-pwd")
"""Attributes that the session may say for every m= section that does not."""
EVENT_CLOCK = 8000
MAX_DATAGRAM = 1_400
"""Octets of the longest UDPTL datagram made for anybody: none is cut up on its way."""


class MalformedDescription(ValueError):  # noqa: N818 - the name others know it by
    """The body is no session description; the text says which line, never its content."""


@dataclass(frozen=True, slots=True)
class MediaLine:
    """One m= section as it came; `address` already falls back to the session's c= line."""

    kind: str
    port: int
    transport: str
    formats: tuple[str, ...]
    address: str
    attributes: tuple[tuple[str, str], ...] = field(repr=False)
    """Keys may be among them."""

    @property
    def profile(self) -> str:
        """The transport in upper case: some write `UDPTL`, some `udptl`."""
        return self.transport.upper()

    @property
    def speech(self) -> bool:
        """Whether it is audio over RTP, plain or encrypted."""
        return self.kind == "audio" and self.profile in RTP_PROFILES

    @property
    def encrypted(self) -> bool:
        """Whether its profile is one of SRTP."""
        return self.profile in ENCRYPTED_PROFILES

    @property
    def cryptos(self) -> tuple[Crypto, ...]:
        """Its keys that can be taken, in the order of preference."""
        return read_crypto(value for name, value in self.attributes if name == "crypto")

    @property
    def fax(self) -> bool:
        """Whether it is T.38 over UDPTL."""
        formats = [name.lower() for name in self.formats]
        return self.kind == "image" and self.profile == "UDPTL" and "t38" in formats

    def first(self, name: str) -> str:
        """The first value of an attribute, empty where there is none."""
        name = name.lower()
        return next((value for key, value in self.attributes if key == name), "")

    def number(self, name: str) -> int | None:
        """An attribute that is a count; None where it is missing or no count (-1, `72k` ...)."""
        found = _NUMBER.fullmatch(self.first(name))
        return int(found[0]) if found else None


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
    ice: bool = False
    """The way to it is found by ICE: its address may be none."""
    rtcp_port: int = 0
    """UDP port of its RTCP at `address` (RFC 3605); 0: the one after `port`."""

    def payload(self, codec: str) -> int | None:
        """Payload type number of `PCMA` or `PCMU`, None where not offered."""
        return {"PCMA": self.pcma, "PCMU": self.pcmu}.get(codec)

    @property
    def held(self) -> bool:
        """Whether the other side does not want to hear us (hold, RFC 3264 8.4; also c=0.0.0.0)."""
        nowhere = self.address in ("0.0.0.0", "::") and not self.ice  # noqa: S104 - compared
        return self.direction in ("sendonly", "inactive") or nowhere


@dataclass(frozen=True, slots=True)
class ImageOffer:
    """The first usable T.38 stream of a description (ITU-T T.38 Annex D). Version, rate and error
    correction are not read: we speak version 0 at up to 14400 bit/s, which everybody takes, and
    each datagram says how it is to be mended."""

    address: str
    port: int
    """UDP port, 0 where the stream is refused or taken away."""
    max_datagram: int | None
    """T38FaxMaxDatagram: octets of the longest datagram that the other side takes, `MAX_DATAGRAM`
    at most; None where it says nothing usable (missing, zero, negative, no number)."""
    index: int
    """Place of the stream among the m= lines."""


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """What we keep of an SDP body; `audio` is None where no RTP audio line is in it, and `image`
    where no T.38 over UDPTL is."""

    origin: str
    address: str
    media: tuple[MediaLine, ...]
    audio: AudioOffer | None
    image: ImageOffer | None = None
    audios: tuple[AudioOffer, ...] = ()
    """Every RTP audio stream that has a port, `audio` the first of them: some offer one encrypted
    and one plain."""
    attributes: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Of the session."""

    @property
    def lite(self) -> bool:
        """Whether its writer is an ICE-lite agent."""
        return ("ice-lite", "") in self.attributes

    def says_the_same(self, other: "SessionDescription | None") -> bool:
        """Whether both describe one session: the same octets, or those under another version of
        o= (RFC 3264 8 lets a version stand for its content, but not everybody counts it)."""
        return other is not None and self.media == other.media

    @classmethod
    def parse(cls, data: bytes) -> "SessionDescription":
        """Read a body; raises `MalformedDescription` and nothing else."""
        session, sections = _split(_lines(data))
        origin = next((value for letter, value in session if letter == "o"), "")
        address, attributes = _connection(session, ""), _attributes(session)
        media = tuple(_media(section, address, attributes) for section in sections)
        audios = _audios(media)
        audio = next((one for one in audios if one.port), audios[0] if audios else None)
        usable = tuple(one for one in audios if one.port)
        return cls(origin, address, media, audio, _first_image(media), usable, attributes)


def _lines(data: bytes) -> list[tuple[str, str]]:
    if len(data) > MAX_SDP:
        raise MalformedDescription("longer than a session description may be")
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n\x00 ")
    rows = text.split("\n")
    if len(rows) > MAX_LINES:
        raise MalformedDescription("too many lines")
    found = []
    for number, row in enumerate(rows, 1):
        if row[1:2] != "=" or not "a" <= row[0] <= "z":
            raise MalformedDescription(f"line {number} is not letter=value")
        found.append((row[0], row[2:]))
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
    said = {name for name, _ in own}
    if said.isdisjoint(DIRECTIONS):  # the session's direction holds for all
        own += tuple(item for item in session if item[0] in DIRECTIONS)
    own += tuple(item for item in session if item[0] in FOR_ALL and item[0] not in said)
    address = _connection(lines, address)
    if not address:
        raise MalformedDescription("no c= line for an m= line")
    return MediaLine(found[1], int(found[2]), found[3], formats, address, own)


def _audios(media: tuple[MediaLine, ...]) -> list[AudioOffer]:
    return [_audio(number, line) for number, line in enumerate(media) if line.speech]


def _first_image(media: tuple[MediaLine, ...]) -> ImageOffer | None:
    """The first line with a port; else the first one refused (port 0)."""
    images = [_image(number, line) for number, line in enumerate(media) if line.fax]
    return next((one for one in images if one.port), images[0] if images else None)


def _image(index: int, line: MediaLine) -> ImageOffer:
    datagram = line.number("T38FaxMaxDatagram")
    return ImageOffer(
        line.address,
        line.port,
        min(datagram, MAX_DATAGRAM) if datagram else None,
        index,
    )


def _audio(index: int, line: MediaLine) -> AudioOffer:
    names = _payloads(line)
    direction: Direction = next((d for d in DIRECTIONS if (d, "") in line.attributes), "sendrecv")
    found = _MILLISECONDS.fullmatch(line.first("ptime"))
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
        has_ice(line.attributes),
        _rtcp_port(line),
    )


def _rtcp_port(line: MediaLine) -> int:
    """The port that a=rtcp names, 0 where it names none that can be one. Of another host than that
    of RTP it is not taken: nobody aims our reports at a third."""
    found = _RTCP.fullmatch(line.first("rtcp"))
    if found is None or int(found[1]) > MAX_PORT or int(found[1]) == line.port:
        return 0
    return int(found[1]) if found[2] is None or _same_host(found[2], line.address) else 0


def _same_host(one: str, other: str) -> bool:
    try:
        return ip_address(one) == ip_address(other)
    except ValueError:
        return False


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
