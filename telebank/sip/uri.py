"""SIP URIs, as far as a user agent must look into them (RFC 3261 section 19.1)."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

Address = tuple[str, int]
"""IP address literal and UDP port, as a socket gives them."""

DEFAULT_PORT = 5060
MAX_PORT = 65535
SIP_SCHEMES = ("sip", "sips")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
# hostport = host [ ":" port ], host a name, an IPv4 address or a bracketed IPv6 reference
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._\-]+)(?::([0-9]{1,5}))?")
_FORBIDDEN = re.compile(r"[\s<>\"\x00]")
_BROADCAST = "255.255.255.255"


class BadUri(ValueError):  # noqa: N818 - says what is bad
    """The URI breaks the grammar of RFC 3261 section 25; the text names the part, not the value."""


@dataclass(frozen=True, slots=True)
class SipUri:
    """`sip:user@host:port;params?headers`; escapes are left as they came (never decoded)."""

    scheme: str
    user: str
    host: str
    port: int | None
    params: str
    headers: str

    @classmethod
    def parse(cls, text: str) -> "SipUri":
        """Read a sip or sips URI; raises `BadUri`."""
        scheme = scheme_of(text)
        if scheme not in SIP_SCHEMES:
            raise BadUri("the scheme is not sip or sips")
        if _FORBIDDEN.search(text):
            raise BadUri("a space, a bracket or a quotation mark in it")
        rest = text[len(scheme) + 1 :]
        # The user part may hold ; ? and /, so the last @ divides (no @ may follow the host).
        user, _, rest = rest.rpartition("@")
        found = _HOST_PORT.match(rest)
        if found is None:
            raise BadUri("the host is missing or malformed")
        port = int(found[2]) if found[2] else None
        if port is not None and not 0 < port <= MAX_PORT:
            raise BadUri("the port is out of range")
        tail = rest[found.end() :]
        params, mark, headers = tail.partition("?")
        if params and not params.startswith(";"):
            raise BadUri("characters after the host that are no parameter")
        return cls(scheme, user, found[1], port, params, mark + headers)

    @property
    def loose(self) -> bool:
        """Whether a Route entry asks for loose routing (the `lr` parameter)."""
        return any(p.split("=")[0].strip().lower() == "lr" for p in self.params.split(";"))


def scheme_of(text: str) -> str:
    """The lower-case scheme; raises `BadUri` where the text has none."""
    found = _SCHEME.match(text)
    if found is None:
        raise BadUri("no scheme")
    return found[1].lower()


def address_of(uri: str, otherwise: Address) -> Address:
    """Where a request for `uri` goes. Host names, unusable hosts and foreign schemes lead to
    `otherwise`, the address the peer was last heard from: this machine resolves no names."""
    try:
        parsed = SipUri.parse(uri)
    except BadUri:
        return otherwise
    host = parsed.host.strip("[]")
    if not is_usable(host, otherwise[0]):
        return otherwise
    return host, parsed.port or DEFAULT_PORT


def is_usable(host: str, peer: str) -> bool:
    """Whether something may be sent to `host`: an IP literal of the family of `peer`, unicast,
    and this machine itself only for peers on it."""
    try:
        address, known = ip_address(host), ip_address(peer)
    except ValueError:
        return False
    if address.version != known.version or address.is_multicast or address.is_unspecified:
        return False
    return host != _BROADCAST and (known.is_loopback or not address.is_loopback)


def host_port(address: Address) -> str:
    """`host:port` as it stands in a header, IPv6 in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
