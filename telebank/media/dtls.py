"""One DTLS 1.2 handshake that gives keys to SRTP (RFC 5764), by OpenSSL over memory.

Each side shows a certificate, usually signed by nobody, and is known by its SHA-256 fingerprint as
the description had it (RFC 5763, RFC 8122). Datagrams are given and taken here, and sent and read
elsewhere. Timers are OpenSSL's own: `wake` is to be called now and then.

Where the peer begins and no check of ICE has shown that it is at its address, it is first asked for
a cookie (RFC 6347 section 4.2.1): a ClientHello with a forged source costs and spoils nothing.
"""

import hmac
import secrets
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from OpenSSL import SSL, crypto

from telebank.sip.sdes import SUITES

MTU = 1_200
"""Octets of a datagram of ours at most."""
MAX_DATAGRAMS = 256
MAX_OCTETS = 65_536
"""What is taken of a peer in one association, retransmissions and all; a handshake takes a dozen
datagrams."""
DTLS_TYPES = range(20, 64)
"""First octets of DTLS beside STUN and RTP (RFC 7983)."""
_DTLS_1_2 = 0xFEFD
_RECORD = 13
"""Octets of a record's header; the last two are its length."""
_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"
_LABEL = b"EXTRACTOR-dtls_srtp"
_PROFILES = {
    b"SRTP_AES128_CM_SHA1_80": "AES_CM_128_HMAC_SHA1_80",
    b"SRTP_AEAD_AES_128_GCM": "AEAD_AES_128_GCM",
    b"SRTP_AEAD_AES_256_GCM": "AEAD_AES_256_GCM",
    b"SRTP_AES128_CM_SHA1_32": "AES_CM_128_HMAC_SHA1_32",
}
"""By OpenSSL's name (RFC 5764 section 4.1.2, RFC 7714 section 14.2), the preferred first."""


class DtlsFailed(RuntimeError):  # noqa: N818 - what happened, not that it is an error
    """No keys will come of this handshake; the text says why."""


class Keys(NamedTuple):
    """Master key and salt of each direction, as `srtp.Srtp.agree` takes them."""

    suite: str
    send: bytes
    receive: bytes

    def __repr__(self) -> str:
        return f"Keys({self.suite!r})"


class Identity:
    """A certificate that handshakes of a worker show."""

    def __init__(self, certificate: bytes, key: bytes) -> None:
        """Both PEM; `ValueError` where they are no pair."""
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_min_proto_version(_DTLS_1_2)
        context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_cipher_list(_CIPHERS)
        context.set_tlsext_use_srtp(b":".join(_PROFILES))
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _known)
        secret = secrets.token_bytes(32)

        def cookie(connection: SSL.Connection) -> bytes:
            handshake = connection.get_app_data()
            source = handshake.source if isinstance(handshake, Handshake) else ""
            return hmac.digest(secret, source.encode(), "sha256")

        context.set_cookie_generate_callback(cookie)
        context.set_cookie_verify_callback(
            lambda connection, shown: hmac.compare_digest(cookie(connection), shown)
        )
        try:
            ours = load_pem_x509_certificate(certificate)
            context.use_certificate(ours)
            context.use_privatekey(_private(key))
            context.check_privatekey()
        except (SSL.Error, ValueError, TypeError) as error:
            raise ValueError("the certificate of DTLS and its key are no pair in PEM") from error
        self.context = context
        self.fingerprint = ours.fingerprint(SHA256()).hex(":").upper()


class Handshake:
    """One association with one peer; no socket."""

    def __init__(
        self, identity: Identity, fingerprint: str, *, active: bool, proven: bool = False
    ) -> None:
        """`fingerprint` of the peer, hexadecimal with colons; `active`: we begin; `proven`: who
        sends is known to be where it seems to be, and needs no cookie."""
        self._fingerprint = bytes.fromhex(fingerprint.replace(":", ""))
        self._active = active
        self._stranger = False
        self.listening = not active and not proven
        """Nothing came yet but hellos without our cookie."""
        self.source = ""
        self._datagrams = self._octets = 0
        self._ssl: SSL.Connection | None = SSL.Connection(identity.context, None)
        self._ssl.set_ciphertext_mtu(MTU)
        self._ssl.set_app_data(self)
        if active:
            self._ssl.set_connect_state()
        else:
            self._ssl.set_accept_state()
        self.keys: Keys | None = None
        """Once it is done."""

    def begin(self) -> None:
        """Say the first word, where that is ours."""
        if self._active:
            self._go_on()

    def receive(self, data: bytes, source: str = "") -> None:
        """A datagram from an address; raises `DtlsFailed`. What comes after the handshake can only
        be its end again, or close_notify: it is answered by OpenSSL, and moves nothing here."""
        if self._ssl is None or not data or (self.listening and not self._heard(data, source)):
            return
        self._datagrams += 1
        self._octets += len(data)
        if self._datagrams > MAX_DATAGRAMS or self._octets > MAX_OCTETS:
            return
        self._ssl.bio_write(data)
        if self.keys is None:
            self._go_on()
            return
        with suppress(SSL.Error):
            self._ssl.recv(MTU)

    def _heard(self, data: bytes, source: str) -> bool:
        """Whether this is a ClientHello with our cookie; else the peer is asked for it."""
        assert self._ssl is not None
        self.source = source
        self._ssl.bio_write(data)
        try:
            self._ssl.DTLSv1_listen()
        except SSL.Error:
            return False
        self.listening = False
        self._ssl.set_ciphertext_mtu(MTU)
        return True

    def wake(self) -> None:
        """Send again what may be lost, when it is time; raises `DtlsFailed`."""
        if self.keys is not None or self.listening or self._ssl is None:
            return
        try:
            self._ssl.DTLSv1_handle_timeout()
        except SSL.Error as error:
            raise DtlsFailed("the peer answers no DTLS") from error

    def forget(self) -> None:
        """The peer will not ask for our last words again: give back OpenSSL's memory."""
        self._ssl = None

    def taken(self) -> list[bytes]:
        """The datagrams that are to be sent."""
        if self._ssl is None:
            return []
        try:
            flight = self._ssl.bio_read(MAX_OCTETS)
        except SSL.WantReadError:
            return []
        return _datagrams(flight)

    def knows(self, certificate: bytes) -> bool:
        """Whether the peer's certificate (DER) is the one of the description."""
        known = hmac.compare_digest(sha256(certificate).digest(), self._fingerprint)
        self._stranger |= not known
        return known

    def _go_on(self) -> None:
        assert self._ssl is not None
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            raise DtlsFailed(self._why(error)) from error
        shown = self._ssl.get_peer_certificate(as_cryptography=True)
        if shown is None or not self.knows(shown.public_bytes(Encoding.DER)):
            raise DtlsFailed("the peer's certificate is not the one of its description")
        self.keys = self._export(self._ssl)

    def _why(self, error: SSL.Error) -> str:
        if self._stranger:
            return "the peer's certificate is not the one of its description"
        reasons = error.args[0] if error.args and isinstance(error.args[0], list) else []
        return f"DTLS: {reasons[-1][-1]}" if reasons else "DTLS was ended by the peer"

    def _export(self, ssl: SSL.Connection) -> Keys:
        """RFC 5764 section 4.2: client's key, server's key, client's salt, server's salt."""
        profile = ssl.get_selected_srtp_profile()
        if profile not in _PROFILES:
            raise DtlsFailed("no SRTP suite in common")
        suite = _PROFILES[profile]
        key, salt = SUITES[suite]
        block = ssl.export_keying_material(_LABEL, 2 * (key + salt))
        client = block[:key] + block[2 * key : 2 * key + salt]
        server = block[key : 2 * key] + block[2 * key + salt :]
        return Keys(suite, client, server) if self._active else Keys(suite, server, client)


def _private(pem: bytes) -> EllipticCurvePrivateKey | RSAPrivateKey:
    key = load_pem_private_key(pem, None)
    if not isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
        raise TypeError("a key of an elliptic curve, or of RSA, is needed")
    return key


def _known(connection: SSL.Connection, shown: crypto.X509, _: int, depth: int, __: int) -> bool:
    """Whether a certificate will do; who signed it says nothing."""
    handshake = connection.get_app_data()
    der = shown.to_cryptography().public_bytes(Encoding.DER)
    return depth > 0 or (isinstance(handshake, Handshake) and handshake.knows(der))


def _datagrams(flight: bytes) -> list[bytes]:
    """Records, as many to a datagram as fit."""
    made: list[bytes] = []
    at = 0
    while at < len(flight):
        size = _RECORD + int.from_bytes(flight[at + 11 : at + _RECORD], "big")
        record = flight[at : at + size]
        at += size
        if made and len(made[-1]) + len(record) <= MTU:
            made[-1] += record
        else:
            made.append(record)
    return made
