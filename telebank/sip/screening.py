"""Which requests are turned away before any leg hears of them (RFC 3261 8.2)."""

from typing import NamedTuple

from telebank.sip.dialog import contact_of, routes_of
from telebank.sip.headers import ALLOWED, SDP_TYPE, BadHeader, split_list
from telebank.sip.message import HeaderLines, Request
from telebank.sip.options import SipOptions
from telebank.sip.uri import scheme_of

METHODS = frozenset(ALLOWED.split(", "))
KNOWN_METHODS = METHODS | {
    "REGISTER",
    "SUBSCRIBE",
    "NOTIFY",
    "REFER",
    "MESSAGE",
    "PUBLISH",
}
WITHIN = ("REFER", "NOTIFY")
"""Methods taken within a dialog alone."""
SCHEMES = ("sip", "sips", "tel")
KEY_TYPES = ("application/dtmf-relay", "application/dtmf")


class Rejection(NamedTuple):
    status: int
    headers: HeaderLines = ()


def refuse_early(request: Request, supported: str, *, registers: bool = False) -> Rejection | None:
    """Method, scheme and extensions; body and session come later (`refuse_body`). `supported`: the
    option tags that may be required; `registers`: there is a registrar here."""
    if registers and request.method == "REGISTER":
        supported = ""
    elif request.method not in METHODS and not (request.method in WITHIN and request.to.tag):
        status = 405 if request.method in KNOWN_METHODS else 501
        return Rejection(status, [("Allow", ALLOWED)])
    if scheme_of(request.uri) not in SCHEMES:
        return Rejection(416)
    if scheme_of(request.uri) == "sips" and request.source.transport != "tls":
        return Rejection(403)  # somebody on the way did not keep to it (RFC 3261 26.2.2)
    wanted = request.headers.get("require")
    if wanted and request.method != "CANCEL":
        known = split_list([supported])
        unknown = [tag for tag in split_list(wanted) if tag.lower() not in known]
        if unknown:
            return Rejection(420, [("Unsupported", ", ".join(unknown))])
    return None if _sound(request) else Rejection(400)


def _sound(request: Request) -> bool:
    """Whether what a dialog takes from a request can be read."""
    if request.method in ("INVITE", "UPDATE"):
        try:
            contact_of(request.headers)
            routes_of(request.headers)
        except BadHeader:
            return False
    return True


def refuse_body(request: Request) -> Rejection | None:
    """Only unencoded SDP is understood, and sent."""
    if request.body and request.content_type != SDP_TYPE:
        return Rejection(415, [("Accept", SDP_TYPE)])
    encoding = request.first("content-encoding").lower()
    if request.body and encoding not in ("", "identity"):
        return Rejection(415, [("Accept-Encoding", "identity")])
    return None if takes_sdp(request) else Rejection(406)


def takes_sdp(request: Request) -> bool:
    """Whether the Accept header, if any, allows an answer in SDP (RFC 3261 20.1)."""
    lines = request.headers.get("accept")
    if lines is None:
        return True
    kinds = {item.partition(";")[0].strip().lower() for item in split_list(lines)}
    return bool(kinds & {SDP_TYPE, "application/*", "*/*"})


def is_scanner(request: Request, options: SipOptions) -> bool:
    """Whether a known scanner sent this; it gets no answer at all."""
    text = request.first("user-agent").lower()
    return bool(text) and any(name in text for name in options.scanners)


def busy(options: SipOptions) -> Rejection:
    """503 with the time after which to come back."""
    return Rejection(503, [("Retry-After", str(options.retry_after))])


def key_of(request: Request) -> str:
    """The key in an INFO body, empty where there is none we know."""
    text = request.body[:256].decode("ascii", "replace")
    if request.content_type == "application/dtmf":
        digit = text.strip().upper()
    else:
        fields = (line.partition("=") for line in text.splitlines())
        found = (value.strip() for name, _, value in fields if name.strip().lower() == "signal")
        digit = next(found, "").upper()
    digit = {"10": "*", "11": "#"}.get(digit, digit)
    return digit if len(digit) == 1 and digit in "0123456789*#ABCD" else ""
