"""TLS of SIP: our certificate, whose certificates we believe, and what names a peer showed.

The files are looked at again while the node runs: a renewed certificate is in use from the next
connection on, and one that cannot be read leaves the old one in use.
"""

import ssl
from collections.abc import Callable
from typing import Any

from telebank.calls.connection_options import TlsFiles
from telebank.sip.uri import SIP_SCHEMES, BadUri, SipUri

OTHERS = 0o077
"""Permissions that a key file must not have."""
LOOK_S = 1.0
"""Seconds between two looks at the files."""
MAX_NAMES = 100
"""Names of one certificate that are read."""


class TlsFileError(ValueError):
    """A file that cannot be used: which, and what to do."""


class TlsContexts:
    """The contexts in use, made anew when their files change. Raises `TlsFileError` when made."""

    def __init__(self, files: TlsFiles, on_trouble: Callable[[str], None]) -> None:
        self._files = files
        self._on_trouble = on_trouble
        self._looked = 0.0
        self._load()

    def _load(self) -> None:
        _check(self._files)
        self._state = self._files.state
        self._server = _server(self._files) if self._files.certificate is not None else None
        self._client = _client(self._files)

    @property
    def receives(self) -> bool:
        """Whether there is a certificate to receive with."""
        return self._server is not None

    def server(self, now: float) -> ssl.SSLContext:
        """For the next connection that comes in."""
        self._look(now)
        assert self._server is not None
        return self._server

    def client(self, now: float) -> ssl.SSLContext:
        """For the next connection of ours."""
        self._look(now)
        return self._client

    def _look(self, now: float) -> None:
        if now < self._looked + LOOK_S:
            return
        self._looked = now
        try:
            if self._files.state != self._state:
                self._load()
                self._on_trouble("the files of TLS have changed: the new ones are in use")
        except OSError as error:
            self._on_trouble(f"the old certificate stays in use: {error}")
        except TlsFileError as error:
            self._state = self._files.state
            self._on_trouble(f"the old certificate stays in use: {error}")


def _check(files: TlsFiles) -> None:
    for path in (files.certificate, files.key, files.ca):
        if path is not None and not path.is_file():
            raise TlsFileError(f"{path}: no such file; give it as PEM, or change [sip_tls]")
    if files.key is not None and files.key.stat().st_mode & OTHERS:
        raise TlsFileError(f"{files.key}: others may read the key; chmod 600 {files.key}")


def _server(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _common(context, files)
    # TLS 1.3 tickets would be written to peers that never read, and resume nothing here.
    context.num_tickets = 0
    if files.clients != "none":
        wanted = files.clients == "required"
        context.verify_mode = ssl.CERT_REQUIRED if wanted else ssl.CERT_OPTIONAL
    return context


def _client(files: TlsFiles) -> ssl.SSLContext:
    """Always with the peer's certificate verified, and the host it is for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _common(context, files)
    if files.ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    return context


def _common(context: ssl.SSLContext, files: TlsFiles) -> None:
    oldest = ssl.TLSVersion.TLSv1_3 if files.minimum == "1.3" else ssl.TLSVersion.TLSv1_2
    context.minimum_version = oldest
    try:
        if files.ca is not None:
            context.load_verify_locations(files.ca)
    except (ssl.SSLError, ValueError) as error:
        raise TlsFileError(f"{files.ca}: no certificate of an authority in PEM form") from error
    if files.certificate is None or files.key is None:
        return
    try:
        # An empty password keeps OpenSSL from asking at the terminal.
        context.load_cert_chain(files.certificate, files.key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        raise TlsFileError(
            f"{files.certificate}, {files.key}: no certificate in PEM form and its unencrypted key"
        ) from error


def names_in(certificate: dict[str, Any]) -> tuple[str, ...]:
    """The domains and addresses that a verified certificate is for, lower case, as
    `ssl.SSLSocket.getpeercert` gives it: SIP URIs without a user and DNS names; the common name
    only where there is neither (RFC 5922 section 7.1)."""
    kinds = certificate.get("subjectAltName", ())[:MAX_NAMES]
    found = [domain for kind, text in kinds if kind == "URI" and (domain := _domain(text))]
    found += [text for kind, text in kinds if kind == "DNS"]
    if not found:
        subject = certificate.get("subject", ())
        found = [text for part in subject for name, text in part if name == "commonName"]
    found += [text for kind, text in kinds if kind == "IP Address"]
    return tuple(dict.fromkeys(text.lower() for text in found))


def _domain(uri: str) -> str:
    try:
        parsed = SipUri.parse(uri)
    except BadUri:
        return ""
    return parsed.host if parsed.scheme in SIP_SCHEMES and not parsed.user else ""
