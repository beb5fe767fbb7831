"""Who calls, as far as the trunk can be believed, and by whom the call was diverted on its way:
P-Asserted-Identity and Privacy (RFC 3325, RFC 3323), History-Info (RFC 7044, RFC 4458) and
Diversion (RFC 5806, mapped as RFC 7544 does).

What cannot be read counts as not there and never raises, but for diversions that would hide a risk:
that something was not readable is told.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from telebank.sip.contacts import unescaped
from telebank.sip.headers import BadHeader, NameAddr, first_name_addr, param, split_list, unquote
from telebank.sip.message import Headers, Request
from telebank.sip.uri import BadUri, SipUri, scheme_of

MAX_ENTRIES = 20
"""Values of one header that are read."""
MAX_ASSERTED = 2
"""RFC 3325 9.1: one value, or a sip and a tel URI."""
MAX_COUNTER = 99
# global-number-digits and local-number-digits of RFC 3966 without their visual separators; its
# letters are left out, or names would be numbers
_NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
_SEPARATORS = re.compile(r"[-.() ]")
_PRIVATE = frozenset({"id", "user", "header"})
_CAUSE = re.compile(r"(?:^|[;\s])cause\s*=\s*([0-9]{3})(?![0-9])", re.IGNORECASE)
_INDEX = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,4}){0,19}")
_COUNTER = re.compile(r"[0-9]{1,2}")
CAUSES = {
    302: "unconditional", 408: "no-answer", 480: "deflection", 486: "user-busy", 487: "deflection",
    503: "unavailable",
}  # fmt: skip
"""Diversion reasons by the causes of History-Info (RFC 7544 section 5)."""
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody named in a header."""

    uri: str
    number: str
    """A number without separators, with its + if it has one; empty where it is a name or none."""
    display: str = ""


@dataclass(frozen=True, slots=True)
class Diversion:
    """One forwarding of the call."""

    by: Party
    reason: str
    """As RFC 5806 names them, lower case: `unconditional`, `user-busy`, `no-answer` ..."""
    private: bool = False
    """Whether the number must not be shown or passed on."""


@dataclass(frozen=True, slots=True)
class Identities:
    """What the headers say of a call's origin. A calling number is a hint, never proof."""

    caller: Party
    asserted: bool
    """Whether a network we trust vouches for the caller; else anybody may have written it."""
    private: bool
    """Whether the caller must not be shown or passed on."""
    diversions: tuple[Diversion, ...] = ()
    """The latest first; untrusted ones too, since they can only add to the risk."""
    times: int = 0
    """How often the call was diverted, forwardings counted but not listed among them."""
    unreadable: bool = False
    """Whether a Diversion or History-Info could not be read, which counts as diverted."""

    @property
    def diverted(self) -> bool:
        """Whether the call came by a forwarding."""
        return self.times > 0 or self.unreadable


def read_identities(request: Request, *, trusted: bool) -> Identities:
    """The identities in an INVITE; `trusted` is whether its trunk is inside our trust domain."""
    asserted = _asserted(request.headers) if trusted else None
    caller = asserted or _party(request.from_)
    forwarded, times, whole = _forwarded(request.headers)
    retold, told_whole = _retold(request.headers)
    # One event may stand in both headers: they are not added up.
    return Identities(
        caller,
        asserted is not None,
        _is_private(request.headers),
        retold if len(retold) >= len(forwarded) else forwarded,
        max(times, len(retold)),
        not (whole and told_whole),
    )


def number_of(uri: str) -> str:
    """The telephone number of a tel or sip URI, empty where there is none in it."""
    try:
        if scheme_of(uri) == "tel":
            text = uri.partition(":")[2]
        else:
            text = SipUri.parse(uri).user.partition(":")[0]
    except BadUri:
        return ""
    plain = unescaped(text.partition(";")[0]).decode("ascii", "replace")
    number = _SEPARATORS.sub("", plain)
    return number if _NUMBER.fullmatch(number) else ""


def _party(value: NameAddr) -> Party:
    return Party(value.uri, number_of(value.uri), value.display)


def _asserted(headers: Headers) -> Party | None:
    """The asserted identity, with the number of its tel URI if it has one."""
    values, whole = _values(headers, "p-asserted-identity")
    if not values or not whole or len(values) > MAX_ASSERTED:
        return None
    parties = [_party(value) for value in values]
    numbered = [party for party in parties if party.number]
    display = next((party.display for party in parties if party.display), "")
    chosen = (numbered or parties)[0]
    return Party(chosen.uri, chosen.number, chosen.display or display)


def _is_private(headers: Headers) -> bool:
    """Whether presentation is restricted (RFC 3323 4.2, RFC 3325 9.3)."""
    if "privacy" not in headers:
        return False
    words = {
        word.strip().lower()
        for item in split_list(headers.get("privacy", [])[:MAX_ENTRIES])
        for word in item.split(";")
    }
    return bool(words & _PRIVATE)


def _forwarded(headers: Headers) -> tuple[tuple[Diversion, ...], int, bool]:
    """Diversion values as they stand, the latest first; their counters added up."""
    values, whole = _values(headers, "diversion")
    found, times = [], 0
    for value in values:
        params = {name: _plain(text) for name, text in value.params}
        private = params.get("privacy", "off") not in ("", "off", "name")
        found.append(Diversion(_party(value), params.get("reason") or UNKNOWN, private))
        counter = params.get("counter", "")
        times += max(int(counter), 1) if _COUNTER.fullmatch(counter) else 1
    return tuple(found), min(times, MAX_COUNTER), whole


def _plain(text: str | None) -> str:
    value = text or ""
    return (unquote(value) if value.startswith('"') else value).lower()


@dataclass(frozen=True, slots=True)
class _Entry:
    """A History-Info entry: whom the request was sent to, and why it went on from there."""

    party: Party
    index: str
    mapped_from: str
    cause: int
    """Why it was sent here instead of to the one before (RFC 4458), 0 for no such reason."""
    left_for: int
    """Why it went on from here (the Reason in the URI, RFC 7044 5.2), 0 for none told."""
    private: bool


def _retold(headers: Headers) -> tuple[tuple[Diversion, ...], bool]:
    """The diversions History-Info tells of, the latest first."""
    values, whole = _values(headers, "history-info")
    entries = [_entry(value) for value in values]
    by_index = {entry.index: entry for entry in entries}
    found: dict[int, Diversion] = {}
    for before, entry in pairwise(entries):
        source = by_index.get(entry.mapped_from, before) if entry.mapped_from else before
        cause = entry.cause or (source.left_for if entry.mapped_from else before.left_for)
        # A request may go on without being diverted: to a phone of the same user, say.
        if cause in CAUSES or entry.mapped_from:
            reason = CAUSES.get(cause, UNKNOWN)
            found[id(source)] = Diversion(source.party, reason, source.private)
    return tuple(found.values())[::-1], whole


def _entry(value: NameAddr) -> _Entry:
    try:
        uri = SipUri.parse(value.uri)
    except BadUri:
        params, inside = "", ""
    else:
        params = uri.params
        inside = unescaped(uri.headers).decode("utf-8", "replace").lower()
    return _Entry(
        _party(value),
        _index(value, "index"),
        _index(value, "mp"),
        _cause(params),
        _cause(inside) if "reason=" in inside else 0,
        "privacy=" in inside and "privacy=none" not in inside,
    )


def _index(value: NameAddr, name: str) -> str:
    text = param(value.params, name) or ""
    return text if _INDEX.fullmatch(text) else ""


def _cause(text: str) -> int:
    found = _CAUSE.search(text)
    return int(found[1]) if found else 0


def _values(headers: Headers, name: str) -> tuple[Sequence[NameAddr], bool]:
    """The values of a header up to the first that cannot be read, and whether that were all."""
    found: list[NameAddr] = []
    for line in headers.get(name, ()):
        at = 0
        while at < len(line):
            try:
                value, end = first_name_addr(line[at:], name)
            except BadHeader:
                return found, False
            if len(found) >= MAX_ENTRIES:
                return found, False
            found.append(value)
            at += end + 1  # past the comma
    return found, True
