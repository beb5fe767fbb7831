"""Certificates for tests: a CA, a host's and a client's, and a server that says what it refuses."""

import contextlib
import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PEM = serialization.Encoding.PEM
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """Files of a certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """A CA in a folder."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(f"test {name}")
        made = _builder(self._name, self._name, self._key.public_key(), days=3650)
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        made = made.add_extension(x509.BasicConstraints(True, None), True)
        made = made.add_extension(usage, True)
        key_id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        made = made.add_extension(key_id, False)
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(PEM))

    def issue(self, name: str, days: float = 365, host: str = "127.0.0.1") -> Identity:
        """A certificate for a host (its address or name) and for a client alike."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _builder(_name(name), self._name, key.public_key(), days)
        alternatives = x509.SubjectAlternativeName([_general(host)])
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        made = made.add_extension(alternatives, False)
        made = made.add_extension(x509.ExtendedKeyUsage(both), False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        made = made.add_extension(issuer, False)
        files = Identity(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        files.certificate.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(PEM))
        write_key(files.key, key)
        return files


def write_key(path: Path, key: ec.EllipticCurvePrivateKey, password: bytes | None = None) -> None:
    """A key file of mode 0600."""
    sealing = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    path.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, sealing))
    path.chmod(0o600)


def server_context(host: Identity, clients: Path) -> ssl.SSLContext:
    """A TLS server that asks for a client certificate of the CA `clients`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(host.certificate, host.key)
    context.load_verify_locations(clients)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


class StrictServer:
    """Shakes hands as OpenSSL does: a refusal is an alert that reaches the client.

    (A server of asyncio closes the connection instead.)
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            plain.settimeout(5)
            with (
                self._context.wrap_socket(
                    plain, server_side=True, do_handshake_on_connect=False
                ) as line,
                contextlib.suppress(OSError),
            ):
                self._refuse(line)

    @staticmethod
    def _refuse(line: ssl.SSLSocket) -> None:
        """Until the client has gone: a reset would take the alert with it."""
        try:
            line.do_handshake()
        except ssl.SSLError:
            bare = socket.socket(fileno=line.detach())
            with bare:
                bare.shutdown(socket.SHUT_WR)
                while bare.recv(4096):
                    pass


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: float
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    ends = now + timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, ends) - DAY)
        .not_valid_after(ends)
    )
