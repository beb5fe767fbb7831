"""The certificate that this node's DTLS shows: its own, of this life alone (RFC 5763 section 5).

Nobody has to trust it: its fingerprint is in the session descriptions.
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "telebank"
GOOD_FOR = timedelta(days=30)
SKEW = timedelta(days=1)
"""Before now: peers' clocks go wrong."""


@dataclass(frozen=True, slots=True)
class MediaIdentity:
    """A certificate and its key, both PEM; never written to a file."""

    certificate: bytes
    key: bytes = field(repr=False)
    fingerprint: str
    """SHA-256, hexadecimal octets with colons (RFC 8122)."""


def new_identity() -> MediaIdentity:
    """A self-signed certificate of P-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
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
    )
