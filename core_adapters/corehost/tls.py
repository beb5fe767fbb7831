"""TLS of the listening addresses: the bank's certificate, and whose gateways it lets in."""

import ssl
from dataclasses import dataclass
from pathlib import Path

OTHERS = 0o077
"""Permissions that a key file must not have."""


class TlsFileError(ValueError):
    """A file that cannot be used: which, and what to do."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files."""

    certificate: Path
    """The bank's certificate, issuers behind it."""
    key: Path
    """Its private key, not encrypted, mode 0600."""
    ca: Path | None = None
    """CA of the gateways: with it a client certificate is demanded."""


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """TLS 1.2 or later; raises `TlsFileError`."""
    for path in (files.certificate, files.key, files.ca):
        if path is not None and not path.is_file():
            raise TlsFileError(f"{path}: no such file; give it as PEM")
    if files.key.stat().st_mode & OTHERS:
        raise TlsFileError(f"{files.key}: others may read the key; chmod 600 {files.key}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # An empty password keeps OpenSSL from asking at the terminal.
        context.load_cert_chain(files.certificate, files.key, password=lambda: "")
        if files.ca is not None:
            context.load_verify_locations(files.ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (ssl.SSLError, ValueError) as error:
        raise TlsFileError(
            f"{files.certificate}, {files.key}: no certificate in PEM form and its unencrypted key"
        ) from error
    return context
