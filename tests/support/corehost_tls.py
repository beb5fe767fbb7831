"""A certificate authority for tests of the demo host's TLS: a bank's and a gateway's papers."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])


@dataclass(frozen=True)
class Authority:
    """Its certificate lies in `folder/NAME-ca.pem`."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, folder: Path, name: str) -> "Authority":
        """A new one, for an hour."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, key, key, name, ca=True)
        authority = cls(folder, name, key, certificate)
        authority.ca.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return authority

    @property
    def ca(self) -> Path:
        """What others believe."""
        return self.folder / f"{self.name}-ca.pem"

    def issue(self, name: str) -> tuple[Path, Path]:
        """Certificate and key (mode 0600) for 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, key, self.key, self.name, ca=False)
        paper, secret = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        paper.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        secret.touch(mode=0o600)
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return paper, secret


def client(ca: Path, papers: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """A gateway's side, with or without a certificate of its own."""
    context = ssl.create_default_context(cafile=str(ca))
    if papers is not None:
        context.load_cert_chain(*papers)
    return context


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    issuer: str,
    *,
    ca: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        builder = builder.add_extension(LOOPBACK, critical=False)
    return builder.sign(signer, hashes.SHA256())
