"""TLS of a link: our certificate, the host's CA, and when they end.

Files are PEM. They are read again for every connection, so a renewed certificate is in use from the
next connection on.
"""

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509

from core_adapters.iso8583.options import TlsOptions

MAX_FILE_BYTES = 1_000_000
OTHERS = 0o077
"""Permissions that a key file must not have."""


class TlsError(ValueError):
    """A file that cannot be used: which, and what to do."""


def client_context(options: TlsOptions) -> ssl.SSLContext:
    """A context that shows our certificate and believes only `options.ca`; raises `TlsError`."""
    key = Path(options.key)
    _readable(key)
    if key.stat().st_mode & OTHERS:
        raise TlsError(f"{key}: others may read the key; chmod 600 {key}")
    for name in (options.ca, options.certificate):
        read_certificates(Path(name))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(options.ca)
    try:
        # An empty password keeps OpenSSL from asking at the terminal.
        context.load_cert_chain(options.certificate, options.key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        raise TlsError(
            f"{key}: not the unencrypted private key of {options.certificate}; "
            "give both as they were made for the request (docs/links.md)"
        ) from error
    return context


def connection_words(options: TlsOptions | None, host: str) -> dict[str, Any]:
    """What `create_connection` and `open_connection` need to know for TLS to `host`."""
    if options is None:
        return {}
    return {
        "ssl": client_context(options),
        "server_hostname": options.server_name or host,
        "ssl_handshake_timeout": options.handshake_timeout_s,
    }


def read_certificates(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file; raises `TlsError`."""
    _readable(path)
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError as error:
        raise TlsError(f"{path}: no certificate in PEM form in it") from error


def _readable(path: Path) -> None:
    try:
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except OSError as error:
        raise TlsError(f"{path}: {error.strerror}; see [hosts.NAME.tls]") from error
    if size > MAX_FILE_BYTES:
        raise TlsError(f"{path}: larger than {MAX_FILE_BYTES} bytes")


def expiring(options: TlsOptions, now: datetime) -> list[str]:
    """A line for each of our certificate files that expires within `warn_days`, or has."""
    lines = []
    for name in (options.certificate, options.ca):
        ends = min(one.not_valid_after_utc for one in read_certificates(Path(name)))
        line = expiry_line(Path(name).name, ends, now, options.warn_days)
        lines += [line] if line else []
    return lines


def expiry_line(what: str, ends: datetime, now: datetime, warn_days: int) -> str:
    """Empty while there is time."""
    if ends - now > timedelta(days=warn_days):
        return ""
    day = ends.astimezone(UTC).date()
    if ends <= now:
        return f"certificate {what} expired on {day}; renew it"
    return f"certificate {what} expires on {day}, in {(ends - now).days} days; renew it"


def peer_ends(certificate: Mapping[str, object]) -> datetime:
    """When the certificate that a host showed ends (`getpeercert`)."""
    text = certificate.get("notAfter")
    if not isinstance(text, str):
        return datetime.max.replace(tzinfo=UTC)
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
