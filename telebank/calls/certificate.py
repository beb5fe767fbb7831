"""The certificate that this node's DTLS shows: its own, of this life alone (RFC 5763 section 5).

Nobody has to trust it: its fingerprint is in the session descriptions. A new one is made each week,
so that a node that runs for months shows none that is over; a leg keeps the one it began with.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "telebank"
GOOD_FOR = timedelta(days=30)
IN_FORCE = timedelta(days=7)
"""After that new legs get another."""
SKEW = timedelta(days=1)
"""Before now: peers' clocks go wrong."""


@dataclass(frozen=True, slots=True)
class MediaIdentity:
    """A certificate and its key, both PEM; never written to a file."""

    certificate: bytes
    key: bytes = field(repr=False)
    fingerprint: str
    """SHA-256, hexadecimal octets with colons (RFC 8122)."""
    made: datetime


class MediaIdentities:
    """Which certificate a leg gets that begins now. Times are UTC of the wall clock, as those in a
    certificate are: a machine that slept, or whose clock was put right, is seen by it."""

    def __init__(self, show: Callable[[MediaIdentity], None]) -> None:
        """`show` has every media worker show another one, before any leg that has it."""
        self._show = show
        self._current: MediaIdentity | None = None

    def fingerprint(self, now: datetime) -> str:
        """Of the one in force; another is made where it has been for too long, or is not good
        yet."""
        current = self._current
        if current is None or not -SKEW < now - current.made < IN_FORCE:
            current = self._current = new_identity(now)
            self._show(current)
        return current.fingerprint


def new_identity(now: datetime) -> MediaIdentity:
    """A self-signed certificate of P-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(secrets.randbits(128))
        .not_valid_before(now - SKEW)
        .not_valid_after(now + GOOD_FOR)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return MediaIdentity(
        certificate.public_bytes(serialization.Encoding.PEM),
        pem,
        certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        now,
    )
