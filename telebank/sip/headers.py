"""The header values a user agent must take apart: Via, From, To, Contact, CSeq (RFC 3261
section 25.1). Every pattern is linear in its input: no two neighbours can match the same text,
repetitions are possessive, and what a quotation mark or bracket opens and nobody closes is read
once, to the end."""

import re
from dataclasses import dataclass

from telebank.sip.uri import MAX_PORT, Hop, default_port

ALLOWED = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK"
"""Methods that we take within calls and for new ones (Allow, RFC 3261 section 20.5)."""
SDP_TYPE = "application/sdp"

# RFC 3261 section 25.1: token
TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]+"  # noqa: S105 - RFC 3261's word for a grammar element
QUOTED = r'"(?:[^"\\]++|\\.)*+"'
# generic-param = token [ EQUAL gen-value ]
_PARAM = re.compile(
    rf"[ \t]*+;[ \t]*+({TOKEN})(?:[ \t]*+=[ \t]*+({QUOTED}|[^\s;,\"<>=]++))?", re.DOTALL
)
# name-addr = [ display-name ] LAQUOT addr-spec RAQUOT
_NAME_ADDR = re.compile(
    rf'[ \t]*+(?:({QUOTED})[ \t]*+|((?:[^ \t",<>;:@\\][^",<>;:@\\]*+)?+))<([^<>\s]++)>', re.DOTALL
)
# addr-spec without brackets: no comma, question mark or semicolon (section 20.10)
_ADDR_SPEC = re.compile(r'[ \t]*+([A-Za-z][A-Za-z0-9+.\-]*+:[^\s<>,;?"]++)')
# via-parm = sent-protocol LWS sent-by *( SEMI via-params )
_VIA = re.compile(
    rf"[ \t]*SIP[ \t]*/[ \t]*([0-9.]+)[ \t]*/[ \t]*({TOKEN})[ \t]+"
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._\-]+)(?:[ \t]*:[ \t]*([0-9]{1,5}))?",
    re.IGNORECASE,
)
_CSEQ = re.compile(rf"([0-9]{{1,10}})[ \t]+({TOKEN})")
_LIST_ITEM = re.compile(
    r"""(?:"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|<[^>]*+(?:>|\Z)|[^",<]++)++""", re.DOTALL
)
_SPACE = " \t"
MAX_CSEQ = 2**31 - 1
MAGIC_COOKIE = "z9hG4bK"
Params = tuple[tuple[str, str | None], ...]


class BadHeader(ValueError):  # noqa: N818 - says what is bad
    """A header value breaks the grammar; the text names the header, never the value."""


@dataclass(frozen=True, slots=True)
class NameAddr:
    """A From, To, Contact or Route value; `params` are those of the header, not of the URI."""

    display: str
    uri: str
    params: Params

    @property
    def tag(self) -> str:
        return param(self.params, "tag") or ""


@dataclass(frozen=True, slots=True)
class Via:
    """The topmost Via; `rest` is what follows it in the same header line (more values)."""

    version: str
    transport: str
    host: str
    port: int | None
    params: Params
    rest: str

    @property
    def branch(self) -> str:
        return param(self.params, "branch") or ""

    def stamped(self, source: Hop) -> str:
        """The value with `received` and `rport` filled in (RFC 3261 18.2.1, RFC 3581 4)."""
        port = "" if self.port is None else f":{self.port}"
        out = f"SIP/{self.version}/{self.transport} {self.host}{port}"
        wants_port = False
        for name, value in self.params:
            if name == "rport":
                wants_port = True
            elif name != "received":
                out += f";{name}" if value is None else f";{name}={value}"
        if wants_port:
            out += f";rport={source[1]}"
        if wants_port or self.host.strip("[]") != source[0]:
            out += f";received={source[0]}"
        return out + self.rest

    def reply_to(self, source: Hop) -> Hop:
        """Where responses go: the source address; its port where `rport` asks for it. Over a stream
        this is for the time when the connection is gone (RFC 3261 18.2.2)."""
        if not source.reliable and any(name == "rport" for name, _ in self.params):
            return source
        return source._replace(port=self.port or default_port(source.transport))


def param(params: Params, name: str) -> str | None:
    """The first parameter of that name (lower case), None where absent or without a value."""
    for key, value in params:
        if key == name:
            return value
    return None


def parse_params(text: str, start: int, header: str) -> tuple[Params, int]:
    """Read `;name=value` items from `start`; stops before a comma or at the end."""
    found: list[tuple[str, str | None]] = []
    end = len(text)
    while start < end and (item := _PARAM.match(text, start)) is not None:
        name, value = item.groups()
        found.append((name.lower(), value))
        start = item.end()
    while start < end and text[start] in _SPACE:
        start += 1
    if start < end and text[start] != ",":
        raise BadHeader(f"{header}: malformed parameters")
    return tuple(found), start


def parse_via(text: str) -> Via:
    """Read the first value of a Via header line."""
    found = _VIA.match(text)
    if found is None:
        raise BadHeader("Via: malformed")
    version, transport, host, digits = found.groups()
    params, end = parse_params(text, found.end(), "Via")
    port = int(digits) if digits else None
    if port is not None and not 0 < port <= MAX_PORT:
        raise BadHeader("Via: port out of range")
    return Via(version, transport.upper(), host, port, params, text[end:])


def parse_name_addr(text: str, header: str) -> NameAddr:
    """Read a value that must stand alone (From, To)."""
    value, end = first_name_addr(text, header)
    if end != len(text):
        raise BadHeader(f"{header}: more than one value, or characters after it")
    return value


def first_name_addr(text: str, header: str) -> tuple[NameAddr, int]:
    """Read the first of several comma-separated values (Contact, Route)."""
    found = _NAME_ADDR.match(text)
    if found is not None:
        quoted, plain, uri = found.groups()
        display = unquote(quoted) if quoted is not None else plain.strip(_SPACE)
    else:
        found = _ADDR_SPEC.match(text)
        if found is None:
            raise BadHeader(f"{header}: no address")
        display, uri = "", found[1]
    params, end = parse_params(text, found.end(), header)
    return NameAddr(display, uri, params), end


def parse_cseq(text: str) -> tuple[int, str]:
    """`CSeq: number method`; the number below 2**31 (RFC 3261 8.1.1.5)."""
    found = _CSEQ.fullmatch(text)
    if found is None or int(found[1]) > MAX_CSEQ:
        raise BadHeader("CSeq: malformed")
    return int(found[1]), found[2]


def split_list(lines: list[str]) -> list[str]:
    """The values of a header that allows comma-separated lists, in order. A quotation mark or
    bracket that nobody closes makes one unsound value of all behind it."""
    return [item.strip(_SPACE) for line in lines for item in _LIST_ITEM.findall(line)]


def unquote(text: str) -> str:
    """The content of a quoted-string."""
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
