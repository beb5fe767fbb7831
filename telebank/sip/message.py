"""SIP messages over UDP: bytes to `Request` or `Response` and back (RFC 3261 sections 7, 18.3).

Header names are kept lower case and long (compact forms are opened); values as they came, folded
lines joined by one space. Text is UTF-8 with unknown bytes carried through unchanged.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from telebank.sip.headers import (
    TOKEN,
    BadHeader,
    NameAddr,
    Via,
    parse_cseq,
    parse_name_addr,
    parse_via,
)
from telebank.sip.statuses import REASONS
from telebank.sip.uri import SIP_SCHEMES, BadUri, Hop, SipUri, scheme_of

MAX_DATAGRAM = 65_535  # octets
MAX_HEADERS = 128
MAX_LINE = 8_192  # characters, after unfolding
MAX_VALUES = 64
"""Values of a header that allows a list, counted by its commas."""
MAX_FORWARDS = 255
NOWHERE = Hop("0.0.0.0", 0)  # noqa: S104 - nothing is bound

Headers = dict[str, list[str]]
_REQUEST_LINE = re.compile(rf"({TOKEN}) ([^\s<>\"]+) SIP/([0-9]+\.[0-9]+)")
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r\n]*))?")
_HEADER_NAME = re.compile(TOKEN)
_COMPACT = {
    "a": "accept-contact", "b": "referred-by", "c": "content-type", "e": "content-encoding",
    "f": "from", "i": "call-id", "k": "supported", "l": "content-length", "m": "contact",
    "o": "event", "r": "refer-to", "s": "subject", "t": "to", "u": "allow-events", "v": "via",
    "x": "session-expires",
}  # fmt: skip
_USUAL = {
    name: name.lower()
    for name in (
        "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Content-Type",
        "Content-Length", "Allow", "Supported", "User-Agent", "Record-Route", "Route",
    )
}  # fmt: skip
"""Names as most write them: what is said of each need not be found out for each message."""
_SINGLE = frozenset(
    ("call-id", "cseq", "from", "to", "max-forwards", "content-length", "content-type")
)
_LISTS = frozenset((
    "accept", "allow", "contact", "diversion", "history-info", "p-asserted-identity", "privacy",
    "record-route", "refer-to", "require", "supported",
))  # fmt: skip
"""Every list that is taken apart here."""


class MalformedMessage(Exception):  # noqa: N818 - the name others know it by
    """A datagram that is no valid SIP message.

    `status` is what may be answered and `headers` the raw lines to echo; `headers` is None where
    nothing may be answered: a response, an ACK, or no readable request line and Via.
    """

    def __init__(self, why: str, status: int = 400, headers: Headers | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.status = status
        self.headers = headers


@dataclass(slots=True)
class _Common:
    headers: Headers
    body: bytes = field(repr=False)
    via: Via
    call_id: str
    cseq: int
    from_: NameAddr
    to: NameAddr

    def first(self, name: str) -> str:
        """The first value line of a header, empty where absent."""
        lines = self.headers.get(name)
        return lines[0] if lines else ""

    @property
    def content_type(self) -> str:
        """Lower-case media type without parameters."""
        return self.first("content-type").partition(";")[0].strip().lower()


@dataclass(slots=True)
class Request(_Common):
    method: str
    uri: str
    source: Hop = NOWHERE
    """Where it came from; whoever received it says so."""


@dataclass(slots=True)
class Response(_Common):
    status: int
    reason: str
    method: str
    """The method of the request, from CSeq."""


def parse(data: bytes) -> Request | Response:
    """Read one datagram; octets past Content-Length are ignored (RFC 3261 18.3).

    Raises `MalformedMessage` and nothing else.
    """
    if len(data) > MAX_DATAGRAM:
        raise MalformedMessage("longer than a datagram may be")
    head, blank, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    start, _, rest = head.decode("utf-8", "surrogateescape").partition("\r\n")
    status = _STATUS_LINE.fullmatch(start)
    asked = None if status else _REQUEST_LINE.fullmatch(start)
    if status is None and asked is None:
        raise _bad_start_line(start, rest)
    headers, trouble = _read_headers(rest)
    try:
        _check_frame(asked, trouble or ("" if blank else "no empty line after the headers"))
        return _build(status, asked, headers, body)
    except (BadHeader, BadUri) as error:
        raise _refusal(str(error), 400, asked and asked[1], headers) from None
    except MalformedMessage as error:
        raise _refusal(error.why, error.status, asked and asked[1], headers) from None


def _check_frame(asked: re.Match[str] | None, trouble: str) -> None:
    # The version comes first: another version may have another grammar (RFC 3261 21.5.6).
    if asked is not None and asked[3] != "2.0":
        raise MalformedMessage("SIP version not supported", 505)
    if trouble:
        raise BadHeader(trouble)


def _bad_start_line(start: str, rest: str) -> MalformedMessage:
    headers, _ = _read_headers(rest)
    # Only what ends like a request is answered: never a broken response (section 16.11).
    if start.startswith("SIP/") or "SIP/" not in start:
        return MalformedMessage("no SIP start line")
    return _refusal("malformed request line", 400, start.partition(" ")[0], headers)


def _refusal(why: str, status: int, method: str | None, headers: Headers) -> MalformedMessage:
    answerable = method not in (None, "ACK") and "via" in headers
    return MalformedMessage(why, status, headers if answerable else None)


def _read_headers(text: str) -> tuple[Headers, str]:
    """All header lines that can be read, and the first trouble among them (empty: none)."""
    headers: Headers = {}
    trouble = ""
    lines = text.split("\r\n") if text else []
    folded = "\r\n " in text or "\r\n\t" in text
    for line in _unfold(lines) if folded else lines[:MAX_HEADERS]:
        name, colon, value = line.partition(":")
        key = _USUAL.get(name) or _key_of(name)
        if not (colon and key) or "\r" in line or "\n" in line:
            trouble = trouble or "a malformed header line"
        elif len(line) > MAX_LINE:
            trouble = trouble or "a header line too long"
        elif key in headers:
            headers[key].append(value.strip(" \t"))
        else:
            headers[key] = [value.strip(" \t")]
    if len(lines) > MAX_HEADERS:
        trouble = trouble or "too many header lines"
    return headers, trouble


def _key_of(name: str) -> str:
    """What `Headers` has a name by; empty where it is none."""
    name = name.rstrip(" \t").lower()
    return _COMPACT.get(name, name) if _HEADER_NAME.fullmatch(name) else ""


def _unfold(lines: list[str]) -> Iterable[str]:
    """Header lines with continuation lines joined (RFC 3261 7.3.1); at most MAX_HEADERS read."""
    current: list[str] = []
    for line in lines[:MAX_HEADERS]:
        if line[:1] in (" ", "\t") and current:
            current.append(line.strip(" \t"))
            continue
        if current:
            yield " ".join(current)
        current = [line]
    if current and current != [""]:
        yield " ".join(current)


def _build(
    status: re.Match[str] | None, asked: re.Match[str] | None, headers: Headers, body: bytes
) -> Request | Response:
    for name, values in headers.items():
        if name in _SINGLE and len(values) > 1:
            raise BadHeader(f"{name}: given more than once")
        if name in _LISTS and len(values) + sum(line.count(",") for line in values) > MAX_VALUES:
            raise BadHeader(f"{name}: too many values")
    via, call_id, sequence, caller, called = _mandatory(headers)
    body = _cut_body(headers, body)
    number, method = parse_cseq(sequence)
    common = (
        headers, body, parse_via(via), call_id, number,
        parse_name_addr(caller, "From"), parse_name_addr(called, "To"),
    )  # fmt: skip
    if status is not None:
        return Response(*common, int(status[1]), status[2] or "", method)
    assert asked is not None
    if method != asked[1]:
        raise BadHeader("CSeq: another method than the request line")
    _check_request(asked[2], headers)
    return Request(*common, asked[1], asked[2])


def _mandatory(headers: Headers) -> list[str]:
    values = []
    for name in ("via", "call-id", "cseq", "from", "to"):
        lines = headers.get(name)
        if not lines or not lines[0]:
            raise BadHeader(f"{name}: missing")
        values.append(lines[0])
    if " " in values[1] or "\t" in values[1]:
        raise BadHeader("Call-ID: malformed")
    return values


def _check_request(uri: str, headers: Headers) -> None:
    """Max-Forwards and Request-URI; other schemes than sip are left for a 416."""
    hops = headers.get("max-forwards", ["70"])[0]
    if not (hops.isascii() and hops.isdigit() and len(hops) < 8 and int(hops) <= MAX_FORWARDS):  # noqa: PLR2004
        raise BadHeader("Max-Forwards: not a number from 0 to 255")
    if scheme_of(uri) in SIP_SCHEMES and SipUri.parse(uri).headers:
        raise BadHeader("Request-URI: headers are not allowed in it")


def _cut_body(headers: Headers, body: bytes) -> bytes:
    """The body by Content-Length; without one, the rest of the datagram."""
    lines = headers.get("content-length")
    if lines is None:
        return body
    text = lines[0]
    if not (text.isascii() and text.isdigit() and len(text) <= 10):  # noqa: PLR2004
        raise BadHeader("Content-Length: not a number")
    if int(text) > len(body):
        raise BadHeader("Content-Length: more than the datagram holds")
    return body[: int(text)]


HeaderLines = Iterable[tuple[str, str]]


def write_request(method: str, uri: str, headers: HeaderLines, body: bytes = b"") -> bytes:
    """A request as bytes; Content-Length is added."""
    return _write(f"{method} {uri} SIP/2.0", headers, body)


def _write(start: str, headers: HeaderLines, body: bytes) -> bytes:
    lines = [start, *[f"{name}: {value}" for name, value in headers]]
    lines.append(f"Content-Length: {len(body)}\r\n\r\n")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + body


def write_response(
    request: Request,
    status: int,
    source: Hop,
    *,
    reason: str | None = None,
    to_tag: str = "",
    headers: HeaderLines = (),
    body: bytes = b"",
) -> bytes:
    """A response as bytes, echoing what RFC 3261 8.2.6.2 says; `to_tag` is added if none came."""
    vias = request.headers["via"]
    lines = [("Via", request.via.stamped(source)), *(("Via", via) for via in vias[1:])]
    called = request.headers["to"][0]
    if to_tag and not request.to.tag:
        called = f"{called};tag={to_tag}"
    lines += [
        ("From", request.headers["from"][0]),
        ("To", called),
        ("Call-ID", request.call_id),
        ("CSeq", f"{request.cseq} {request.method}"),
        *headers,
    ]
    return _write(f"SIP/2.0 {status} {reason or REASONS.get(status, 'Refused')}", lines, body)


def refusal_to(head: bytes, why: str, status: int = 400) -> bytes:
    """The answer to a header block after which nothing can be read; empty where none may be given:
    to a response, an ACK, or what has no Via."""
    start, _, rest = head.decode("utf-8", "surrogateescape").partition("\r\n")
    asked = _REQUEST_LINE.fullmatch(start)
    headers, _ = _read_headers(rest)
    error = _refusal(why, status, asked and asked[1], headers)
    return write_refusal(error) if error.headers is not None else b""


def write_refusal(error: MalformedMessage) -> bytes:
    """The answer to a malformed request whose headers could be read in part: all Via lines as
    they came and the first of each other line to echo."""
    assert error.headers is not None
    lines = [("Via", via) for via in error.headers["via"]]
    for name, key in (("From", "from"), ("To", "to"), ("Call-ID", "call-id"), ("CSeq", "cseq")):
        if values := error.headers.get(key):
            lines.append((name, values[0]))
    reason = REASONS[error.status] if error.status != 400 else f"Bad Request - {error.why}"  # noqa: PLR2004
    return _write(f"SIP/2.0 {error.status} {reason}", lines, b"")
