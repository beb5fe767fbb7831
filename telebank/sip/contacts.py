"""Contacts as a registrar sees them: URIs compared, Contact lists read (RFC 3261 sections 19.1.4,
20.10, 10.3)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from telebank.sip.headers import BadHeader, first_name_addr, param
from telebank.sip.uri import DEFAULT_PORT, BadUri, SipUri

DEFAULT_EXPIRES = 3_600
"""Seconds meant by an `expires` nobody can read (RFC 3261 10.3 step 7)."""
MAX_EXPIRES = 2**32 - 1
EVERYTHING = "*"
# delta-seconds; more digits than a number of 32 bits has count as unreadable
_SECONDS = re.compile(r"[0-9]{1,10}")
# qvalue
_Q = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_NOT_TO_DIFFER = ("user", "ttl", "method", "maddr", "transport")
"""URI parameters that make a difference where only one URI has them (19.1.4)."""


class TooMany(BadHeader):
    """More contacts in a request, or a longer one, than is allowed."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One Contact value of a REGISTER."""

    uri: str
    expires: int | None
    """Seconds asked for, None where the value names none."""
    q: float
    """Preference, 0 to 1."""


def read_contacts(
    lines: Sequence[str], *, max_contacts: int, max_length: int
) -> tuple[Contact, ...] | None:
    """The contacts of a REGISTER, the last of equal ones; None for `*` alone.

    Raises `BadHeader`, `TooMany` where there are more than `max_contacts` or one is longer than
    `max_length` characters.
    """
    if [line.strip(" \t") for line in lines] == [EVERYTHING]:
        return None
    contacts: list[Contact] = []
    seen = 0
    for line in lines:
        at = 0
        while at < len(line):
            contact, end = _read_contact(line, at, max_length)
            seen += 1
            if seen > max_contacts:
                raise TooMany("Contact: too many values")
            contacts = [c for c in contacts if not same_uri(c.uri, contact.uri)]
            contacts.append(contact)
            at = end + 1  # past the comma
            if at == len(line):
                raise BadHeader("Contact: nothing after a comma")
    return tuple(contacts)


def _read_contact(line: str, at: int, max_length: int) -> tuple[Contact, int]:
    value, end = first_name_addr(line[at:], "Contact")
    if len(value.uri) > max_length:
        raise TooMany("Contact: too long")
    try:
        SipUri.parse(value.uri)
    except BadUri as error:
        raise BadHeader(f"Contact: {error}") from None
    expires = param(value.params, "expires")
    q = param(value.params, "q")
    return (
        Contact(
            value.uri,
            None if expires is None else read_seconds(expires),
            float(q) if q is not None and _Q.fullmatch(q) else 1.0,
        ),
        at + end,
    )


def read_seconds(text: str) -> int:
    """The seconds of an `expires`; what cannot be read means 3600 (10.3 step 7)."""
    if _SECONDS.fullmatch(text.strip(" \t")) is None:
        return DEFAULT_EXPIRES
    return min(int(text), MAX_EXPIRES)


def same_uri(one: str, other: str) -> bool:
    """Whether two URIs mean the same (19.1.4). What is no SIP URI is the same by its text only."""
    if one == other:
        return True
    try:
        a, b = SipUri.parse(one), SipUri.parse(other)
    except BadUri:
        return False
    if (a.scheme, a.host.lower(), a.port) != (b.scheme, b.host.lower(), b.port):
        return False
    if not _same_user(a.user, b.user) or _headers(a.headers) != _headers(b.headers):
        return False
    return _same_params(_params(a.params), _params(b.params))


def same_target(one: str, other: str) -> bool:
    """Whether two URIs lead to the same user at the same place, parameters apart."""
    if one == other:
        return True
    try:
        a, b = SipUri.parse(one), SipUri.parse(other)
    except BadUri:
        return False
    if (a.scheme, a.host.lower()) != (b.scheme, b.host.lower()):
        return False
    standard = 5061 if a.scheme == "sips" else DEFAULT_PORT
    return (a.port or standard) == (b.port or standard) and _same_user(a.user, b.user)


def _same_user(one: str, other: str) -> bool:
    """Names and passwords count case; a colon written out divides, an escaped one does not."""
    return [unescaped(part) for part in one.split(":")] == [
        unescaped(part) for part in other.split(":")
    ]


def _same_params(one: dict[str, str], other: dict[str, str]) -> bool:
    for name in one.keys() | other.keys():
        both = name in one and name in other
        if one.get(name) != other.get(name) and (both or name in _NOT_TO_DIFFER):
            return False
    return True


def _params(text: str) -> dict[str, str]:
    pairs = (item.partition("=") for item in text.split(";") if item)
    return {_folded(name): _folded(value) for name, _, value in pairs}


def _headers(text: str) -> list[tuple[str, bytes]]:
    pairs = (item.partition("=") for item in text.removeprefix("?").split("&") if item)
    return sorted((_folded(name), unescaped(value)) for name, _, value in pairs)


def _folded(text: str) -> str:
    return unescaped(text).decode("utf-8", "surrogateescape").lower()


def unescaped(text: str) -> bytes:
    """The octets meant by a part of a URI, its %-escapes undone."""
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape"))


def user_of(uri: str) -> str | None:
    """The user of a SIP URI with its escapes undone, None where it is no SIP URI."""
    try:
        parsed = SipUri.parse(uri)
    except BadUri:
        return None
    name = parsed.user.partition(":")[0]
    return unescaped(name).decode("utf-8", "surrogateescape")
