"""A first look at a request, before it is parsed: little enough work to bear a flood."""

import hashlib
import re
from dataclasses import dataclass

from telebank.sip.uri import DEFAULT_PORT, Hop

MAX_HEAD = 16_384
"""Octets of headers that are looked through."""
_LINE = re.compile(rb"([A-Z]{3,16}) [^\r\n]{1,4096} SIP/2\.0")
_FOLD = re.compile(rb"\r\n[ \t]+")
_VIA = re.compile(rb"\r\n(?:via|v)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_FROM = re.compile(rb"\r\n(?:from|f)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_TO = re.compile(rb"\r\n(?:to|t)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CALL_ID = re.compile(rb"\r\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CSEQ = re.compile(rb"\r\ncseq[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_AGENT = re.compile(rb"\r\nuser-agent[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_TAG = re.compile(rb";[ \t]*tag[ \t]*=[ \t]*([^;, \t]+)", re.IGNORECASE)
_BRANCH = re.compile(rb";[ \t]*branch[ \t]*=[ \t]*([^;, \t]+)", re.IGNORECASE)
_RPORT = re.compile(rb";[ \t]*rport(?:=[0-9]*)?(?=[;, \t]|$)", re.IGNORECASE)
_SENT_BY = re.compile(
    rb"SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*[A-Za-z]+[ \t]+(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._\-]+)"
    rb"(?:[ \t]*:[ \t]*([0-9]{1,5}))?",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Glance:
    """What is seen of a request. Lines are as they came; empty where they are not there."""

    method: str
    via: bytes
    from_: bytes
    to: bytes
    call_id: bytes
    cseq: bytes
    head: bytes

    @property
    def agent(self) -> bytes:
        """User-Agent, asked for by requests that belong to nothing yet alone."""
        return _line(self.head, b"\r\nUser-Agent: ", _AGENT)

    @property
    def to_tag(self) -> str:
        """The tag of To, empty outside dialogs."""
        return _found(_TAG, self.to.rpartition(b">")[2])

    @property
    def from_tag(self) -> str:
        """The tag of From."""
        return _found(_TAG, self.from_.rpartition(b">")[2])

    @property
    def branch(self) -> str:
        """Of the topmost Via."""
        return _found(_BRANCH, self.via)

    @property
    def sent_by(self) -> tuple[str, int | None]:
        """Host and port of the topmost Via."""
        found = _SENT_BY.match(self.via)
        if found is None:
            return "", None
        return found[1].decode("ascii").lower(), int(found[2]) if found[2] else None


def glance(data: bytes) -> Glance | None:
    """See what a datagram is; None where that takes a real look: responses, what is malformed. Only
    the first of several lines of a name is seen."""
    if data[:1] in b"\r\n":
        data = data.lstrip(b"\r\n")
    end = data.find(b"\r\n\r\n", 0, MAX_HEAD)
    start = _LINE.match(data)
    if end < 0 or start is None:
        return None
    head = data[: end + 2]
    if b"\r\n " in head or b"\r\n\t" in head:
        head = _FOLD.sub(b" ", head)
    lines = (
        _line(head, b"\r\nVia: ", _VIA),
        _line(head, b"\r\nFrom: ", _FROM),
        _line(head, b"\r\nTo: ", _TO),
        _line(head, b"\r\nCall-ID: ", _CALL_ID),
        _line(head, b"\r\nCSeq: ", _CSEQ),
    )
    if not all(lines):
        return None
    return Glance(start[1].decode("ascii"), *lines, head)


def refusal(seen: Glance, source: Hop, secret: bytes, retry_after: int) -> tuple[bytes, Hop]:
    """A 503 with Retry-After that nothing is kept of (RFC 3261 8.2.7, 21.5.4), and where it goes.
    A repeat of the request gets the same."""
    tag = hashlib.blake2s(seen.via + seen.call_id, key=secret[:32], digest_size=8).hexdigest()
    to = seen.to if b"tag=" in seen.to else b"%b;tag=%b" % (seen.to, tag.encode())
    vias = _VIA.findall(seen.head)
    top, wants_port = stamped(vias[0], source)
    data = (
        b"SIP/2.0 503 Service Unavailable\r\nVia: %b\r\n%b"
        b"From: %b\r\nTo: %b\r\nCall-ID: %b\r\nCSeq: %b\r\nRetry-After: %d\r\n"
        b"Content-Length: 0\r\n\r\n"
    ) % (
        top,
        b"".join(b"Via: %b\r\n" % via for via in vias[1:]),
        seen.from_,
        to,
        seen.call_id,
        seen.cseq,
        retry_after,
    )
    if wants_port or source.transport != "udp":
        return data, source
    return data, Hop(source.host, seen.sent_by[1] or DEFAULT_PORT)


def stamped(via: bytes, source: Hop) -> tuple[bytes, bool]:
    """A Via line with `received` and `rport` in its first value (18.2.1, RFC 3581 4), and whether
    `rport` was asked for."""
    first, comma, rest = via.partition(b",")
    mark = f";rport={source.port};received={source.host}".encode()
    done, count = _RPORT.subn(mark, first, count=1)
    if not count:
        done = b"%b;received=%b" % (first, source.host.encode())
    return done + comma + rest, bool(count)


def _line(head: bytes, usual: bytes, form: re.Pattern[bytes]) -> bytes:
    """The first line of a name: in the usual spelling, else in any. Of two, written differently,
    it may be either: the parser judges what is let in."""
    at = head.find(usual)
    if at >= 0:
        at += len(usual)
        return head[at : head.index(b"\r\n", at)].strip(b" \t")
    found = form.search(head)
    return found[1].strip(b" \t") if found else b""


def _found(form: re.Pattern[bytes], text: bytes) -> str:
    found = form.search(text)
    return found[1].decode("utf-8", "surrogateescape") if found else ""


def branch_of_response(data: bytes) -> tuple[str, str]:
    """The branch of a response's topmost Via and the method in its CSeq, empty where not seen."""
    end = data.find(b"\r\n\r\n", 0, MAX_HEAD)
    head = _FOLD.sub(b" ", data[: max(end, 0) + 2])
    method = _line(head, b"\r\nCSeq: ", _CSEQ).rpartition(b" ")[2]
    return _found(_BRANCH, _line(head, b"\r\nVia: ", _VIA)), method.decode("ascii", "replace")
