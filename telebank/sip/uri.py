"""SIP URIs, as far as a user agent must look into them (RFC 3261 section 19.1), and hops."""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal, NamedTuple, get_args

Address = tuple[str, int]
"""IP address literal and UDP port of media, as a socket gives them."""

Transport = Literal["udp", "tcp", "tls"]
TRANSPORTS: tuple[Transport, ...] = get_args(Transport)


class Hop(NamedTuple):
    """A peer of ours, or a place of ours, in signalling."""

    host: str
    """IP address literal, IPv6 without brackets."""
    port: int
    """Of UDP: its port. Of a stream: the port that was connected to, or, where the peer connected
    to us, the one it did so from: that hop names the one connection."""
    transport: Transport = "udp"

    @property
    def reliable(self) -> bool:
        """Whether the transport repeats what is lost (RFC 3261 17)."""
        return self.transport != "udp"

    @property
    def family(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.host else 4

    def __str__(self) -> str:
        return f"{self.transport}:{host_port(self)}"


DEFAULT_PORT = 5060
DEFAULT_TLS_PORT = 5061
MAX_PORT = 65535
SIP_SCHEMES = ("sip", "sips")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
# hostport = host [ ":" port ], host a name, an IPv4 address or a bracketed IPv6 reference
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._\-]+)(?::([0-9]{1,5}))?")
_FORBIDDEN = re.compile(r"[\s<>\"\x00]")


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

    @staticmethod
    @lru_cache(maxsize=256)
    def parse(text: str) -> "SipUri":
        """Read a sip or sips URI; raises `BadUri`. Remembered: within a call each is asked for
        several times."""
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
        return SipUri(scheme, user, found[1], port, params, mark + headers)

    @property
    def loose(self) -> bool:
        """Whether a Route entry asks for loose routing (the `lr` parameter)."""
        return any(p.split("=")[0].strip().lower() == "lr" for p in self.params.split(";"))

    @property
    def transport(self) -> str:
        """The `transport` parameter in lower case, empty where there is none."""
        pairs = (item.partition("=") for item in self.params.split(";"))
        found = (value for name, _, value in pairs if name.strip().lower() == "transport")
        return next(found, "").strip().lower()


def scheme_of(text: str) -> str:
    """The lower-case scheme; raises `BadUri` where the text has none."""
    found = _SCHEME.match(text)
    if found is None:
        raise BadUri("no scheme")
    return found[1].lower()


def hop_of(uri: str, otherwise: Hop) -> Hop:
    """Where a request for `uri` goes. Host names, unusable hosts, foreign schemes and transports
    that are not ours lead to `otherwise`, where the peer was last heard from: this machine resolves
    no names. A URI that names no transport keeps the one in use: TLS is never left by silence.
    A sips URI is reached over TLS alone (RFC 3261 26.2.2), and one with `otherwise` of another
    transport is reached at its own default port."""
    try:
        parsed = SipUri.parse(uri)
    except BadUri:
        return otherwise
    transport = transport_of(parsed, otherwise.transport)
    host = parsed.host.strip("[]")
    if transport is None or not is_usable(host, otherwise.host):
        secure = parsed.scheme == "sips" and otherwise.transport != "tls"
        return Hop(otherwise.host, DEFAULT_TLS_PORT, "tls") if secure else otherwise
    return Hop(str(address_of(host)), parsed.port or default_port(transport), transport)


def transport_of(uri: SipUri, otherwise: Transport) -> Transport | None:
    """What a URI is reached over; None where we do not have that (`transport=sctp`)."""
    if uri.scheme == "sips":
        return "tls" if uri.transport in ("", "tcp", "tls") else None
    if not uri.transport:
        return otherwise
    return next((known for known in TRANSPORTS if known == uri.transport), None)


def default_port(transport: str) -> int:
    """The port where none is given (RFC 3261 19.1.2)."""
    return DEFAULT_TLS_PORT if transport == "tls" else DEFAULT_PORT


@lru_cache(maxsize=1_024)
def address_of(host: str) -> IPv4Address | IPv6Address:
    """What an IP literal says; raises `ValueError`. Remembered: most are those of a few peers."""
    return ip_address(host)


def is_usable(host: str, peer: str) -> bool:
    """Whether something may be sent to `host`, be it signalling or media: an IP literal of the
    family of `peer`, unicast, not of IPv4's reserved 240/4 (broadcast among them), and this machine
    itself only for peers on it."""
    try:
        address, known = address_of(host), address_of(peer)
    except ValueError:
        return False
    if address.version != known.version or address.is_multicast or address.is_unspecified:
        return False
    if isinstance(address, IPv4Address):
        return not address.is_reserved and (known.is_loopback or not address.is_loopback)
    return address.ipv4_mapped is None and (known.is_loopback or not address.is_loopback)


def host_port(address: Hop | Address) -> str:
    """`host:port` as it stands in a header, IPv6 in brackets."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
