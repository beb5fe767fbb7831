"""Options of SIP over TCP and TLS."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

STRANGERS_PART = 10
"""Strangers have one in so many of the connections."""


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """Limits of SIP over TCP and TLS; section `[sip_tcp]`."""

    max_connections: int = 2_000
    """Connections at once that others made; a further one is reset, unless it is a trunk's or a
    phone's that showed its password: then the one of others goes that said nothing longest."""
    per_address: int = 100
    """The same from one address (of IPv6: from one network of /64)."""
    max_opening: int = 100
    """Connections of ours that are being made at once."""
    connect_s: float = 4.0
    """Seconds to make a connection, TLS included; then its requests have failed."""
    handshake_s: float = 5.0
    """Seconds for the TLS handshake of a connection that came in."""
    first_message_s: float = 10.0
    """Seconds from the beginning of a connection to the end of its first message."""
    message_s: float = 10.0
    """Seconds for a message that has begun."""
    idle_s: float = 600.0
    """Seconds of silence after which a connection without a call is closed; a keep-alive of the
    peer (RFC 5626) counts as life."""
    stranger_idle_s: float = 10.0
    """The same for who is no trunk and no phone that showed its password; a keep-alive is no sign
    of life then."""
    unread_s: float = 10.0
    """Seconds for which a peer may leave unread what it was sent."""
    max_unread: int = 262_144
    """Octets that may wait for one peer; with more it is cut."""

    def __post_init__(self) -> None:
        if min(self.max_connections, self.per_address, self.max_opening) <= 0:
            raise ValueError("max_connections, per_address and max_opening are above 0")
        times = (self.connect_s, self.handshake_s, self.first_message_s, self.message_s)
        if min(*times, self.idle_s, self.stranger_idle_s, self.unread_s) <= 0:
            raise ValueError("times are above 0 seconds")
        if self.max_unread < 65_536:  # noqa: PLR2004 - one message
            raise ValueError("max_unread is 65536 octets at least: one message")

    @property
    def max_strangers(self) -> int:
        """Of `max_connections`, for those from where no trunk and no phone is; a further one takes
        the place of the one of them that said nothing longest."""
        return max(1, self.max_connections // STRANGERS_PART)


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """TLS of SIP; section `[sip_tls]`. Relative files are below DATA/keys, all are PEM."""

    certificate: str = ""
    """Our certificate, its issuers behind it; empty: no TLS is received. Outgoing connections show
    it too where the peer asks for one."""
    key: str = ""
    """Its private key, not encrypted, mode 0600."""
    ca: str = ""
    """Authorities of the peers' certificates, of servers and clients; empty: for servers those of
    the system, for clients none."""
    clients: Literal["none", "optional", "required"] = "none"
    """Whether who connects to us shows a certificate: `required` cuts who has none; with `optional`
    a trunk may be known by its name, and others come in as strangers. A false one is never let
    in."""
    minimum: Literal["1.2", "1.3"] = "1.2"
    """The oldest version of TLS."""

    def __post_init__(self) -> None:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("give certificate and key, or neither")
        if self.clients != "none" and not self.ca:
            raise ValueError(f'clients = "{self.clients}" needs ca: the authority of their names')

    @property
    def used(self) -> bool:
        """Whether there is TLS at all."""
        return bool(self.certificate or self.ca)

    def files(self, keys: Path) -> "TlsFiles":
        """The files, relative ones below `keys`."""
        certificate, key, ca = (
            keys / name if name else None for name in (self.certificate, self.key, self.ca)
        )
        return TlsFiles(certificate, key, ca, self.clients, self.minimum)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What contexts are made of; None: not given."""

    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    clients: Literal["none", "optional", "required"] = "none"
    minimum: Literal["1.2", "1.3"] = "1.2"

    @property
    def state(self) -> tuple[tuple[int, int, int], ...]:
        """Changes when a file does."""
        found = []
        for path in (self.certificate, self.key, self.ca):
            if path is not None:
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(found)
