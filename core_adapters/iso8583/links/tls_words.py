"""What a TLS error means for the person who must mend it."""

import ssl
from collections.abc import Mapping
from types import MappingProxyType

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "CERTIFICATE_REQUIRED": "the host wants a certificate and took none",
        "UNKNOWN_CA": "the host does not know the CA of our certificate",
        "CERTIFICATE_EXPIRED": "the host says that our certificate has expired",
        "CERTIFICATE_REVOKED": "the host says that our certificate is revoked",
        "BAD_CERTIFICATE": "the host refuses our certificate",
        "CERTIFICATE_UNKNOWN": "the host refuses our certificate",
        "UNSUPPORTED_CERTIFICATE": "the host refuses our certificate's kind",
        "HANDSHAKE_FAILURE": "the host has no TLS version, cipher or certificate in common with us",
        "ACCESS_DENIED": "the host refuses our certificate",
        "DECRYPT_ERROR": "the host could not check our signature; certificate and key must fit",
    }
)
"""Endings of OpenSSL's names for the alerts that a host sends (RFC 8446 section 6.2)."""
OTHER_NAME = "the host's certificate is for another name; see tls.server_name"
DISTRUSTED: Mapping[int, str] = MappingProxyType(
    {
        9: "the host's certificate is not valid yet; is our clock right?",
        10: "the host's certificate has expired",
        62: OTHER_NAME,
        64: OTHER_NAME,
    }
)
"""X509_V_ERR_… of OpenSSL."""
OLD = ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE")


def explain(error: BaseException) -> str:
    """What a failed handshake or a broken TLS connection means for the person who looks."""
    if isinstance(error, ssl.SSLCertVerificationError):
        other = f"the host's certificate is not from tls.ca ({error.verify_message})"
        return DISTRUSTED.get(error.verify_code, other)
    reason = (getattr(error, "reason", None) or "").upper()
    for ending, words in REFUSED.items():
        if reason.endswith(ending):
            return f"{words} ({reason})"
    if any(reason.endswith(word) for word in OLD):
        return f"the host speaks no TLS 1.2 or later ({reason})"
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        return "the host does not speak TLS on this port"
    return f"TLS failed: {reason or type(error).__name__}"
