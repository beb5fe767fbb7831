"""A caller's end of DTLS-SRTP and of ICE, by pyOpenSSL; its STUN is written here alone."""

import asyncio
import binascii
import datetime
import hashlib
import hmac
import secrets
import struct
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from support.media_secure import SecurePeer
from telebank import wire
from telebank.rtp import is_rtcp

SUITE_OF = {
    b"SRTP_AES128_CM_SHA1_80": ("AES_CM_128_HMAC_SHA1_80", 16, 14),
    b"SRTP_AES128_CM_SHA1_32": ("AES_CM_128_HMAC_SHA1_32", 16, 14),
    b"SRTP_AEAD_AES_128_GCM": ("AEAD_AES_128_GCM", 16, 12),
    b"SRTP_AEAD_AES_256_GCM": ("AEAD_AES_256_GCM", 32, 12),
}


@cache
def identity(name: str) -> tuple[bytes, bytes, str]:
    """A certificate of its own and key, PEM, and the fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=20_000))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    print_ = hashlib.sha256(made.public_bytes(Encoding.DER)).hexdigest().upper()
    pairs = ":".join(print_[at : at + 2] for at in range(0, 64, 2))
    return made.public_bytes(Encoding.PEM), pem, pairs


def context(name: str, profiles: bytes) -> SSL.Context:
    certificate, key, _ = identity(name)
    made = SSL.Context(SSL.DTLS_METHOD)
    made.set_options(SSL.OP_NO_QUERY_MTU)
    made.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    made.use_certificate(x509.load_pem_x509_certificate(certificate))
    made.use_privatekey(load_pem_private_key(key, None))
    if profiles:
        made.set_tlsext_use_srtp(profiles)
    return made


class DtlsEnd:
    """One side of a handshake, in datagrams."""

    def __init__(
        self, *, active: bool, name: str = "peer", profiles: bytes = b":".join(SUITE_OF)
    ) -> None:
        self.active = active
        self.ssl = SSL.Connection(context(name, profiles), None)
        self.ssl.set_ciphertext_mtu(1_200)
        self.ssl.set_connect_state() if active else self.ssl.set_accept_state()
        self.done = False

    def step(self, data: bytes = b"") -> list[bytes]:
        """Take a datagram (or the passing of time), give those to send."""
        if data:
            self.ssl.bio_write(data)
        else:
            self.ssl.DTLSv1_handle_timeout()
        try:
            if not self.done:
                self.ssl.do_handshake()
                self.done = True
            elif data:
                self.ssl.recv(1_500)
        except SSL.WantReadError:
            pass
        return self.out()

    def out(self) -> list[bytes]:
        try:
            flight = self.ssl.bio_read(65_536)
        except SSL.WantReadError:
            return []
        made = []
        while flight:
            size = 13 + int.from_bytes(flight[11:13], "big")
            made.append(flight[:size])
            flight = flight[size:]
        return made

    def keys(self) -> wire.SdesKeys:
        """As the worker has them: `send` is what this end hears by."""
        suite, key, salt = SUITE_OF[self.ssl.get_selected_srtp_profile()]
        block = self.ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
        client = block[:key] + block[2 * key : 2 * key + salt]
        server = block[key : 2 * key] + block[2 * key + salt :]
        send, receive = (server, client) if self.active else (client, server)
        return wire.SdesKeys(suite=suite, send=send, receive=receive)


class DtlsPeer(SecurePeer):
    """A telephone that agrees its keys by DTLS, with ICE where it has credentials."""

    def __init__(self, to_port: int, *, active: bool = True, **end: object) -> None:
        super().__init__(to_port)
        self.end = DtlsEnd(active=active, **end)
        self.fingerprint = identity(str(end.get("name", "peer")))[2]
        self.ufrag, self.theirs, self.password = "", "", ""
        self.answers: list[bytes] = []

    def ice(self) -> None:
        self.ufrag, self.theirs, self.password = "peer", "worker", "w" * 24

    def security(self, **changed: object) -> wire.DtlsKeys:
        given = {
            "fingerprint": self.fingerprint,
            "active": not self.end.active,
            "ufrag": self.theirs,
            "password": self.password,
            "peer_ufrag": self.ufrag,
            **changed,
        }
        return wire.DtlsKeys(**given)

    async def shake(self, seconds: float = 15.0, lose: object = None) -> None:
        """Until the handshake is done on this side, and its keys are there; `lose` says of each
        datagram (either way) whether it is lost."""
        lost = lose if callable(lose) else lambda _: False
        async with asyncio.timeout(seconds):
            self.throw(self.end.step() if self.end.active else [], lost)
            while not self.end.done:
                data = await self.any(0.05)
                if data and 20 <= data[0] < 64 and not lost(data):
                    self.throw(self.end.step(data), lost)
                elif not data:
                    self.throw(self.end.step(), lost)
        self.key(self.end.keys())

    def throw(self, datagrams: list[bytes], lost: object) -> None:
        for each in datagrams:
            if not (callable(lost) and lost(each)):
                self.raw(each)

    async def any(self, seconds: float) -> bytes:
        """Whatever the worker sends next (others' reports may come by the port that follows
        theirs); nothing once that long has passed."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                while True:
                    data, address = await loop.sock_recvfrom(self.socket, 4_096)
                    if address == self.to:
                        return data
        except TimeoutError:
            return b""

    async def receive(self) -> bytes:
        """SRTP in the clear; what belongs to DTLS or ICE goes there."""
        async with asyncio.timeout(40):
            while True:
                data = await self.any(10)
                if data[0] < 4:
                    self.answers.append(data)
                elif 20 <= data[0] < 64:
                    self.throw(self.end.step(data), None)
                elif is_rtcp(data):
                    return self.into.unprotect_rtcp(data)
                else:
                    return self.into.unprotect(data)

    # -- checks -------------------------------------------------------------------------------

    def check(self, nominate: bool = True, **changed: object) -> bytes:
        """A connectivity check of a controlling agent, as it is sent."""
        return check(f"{self.theirs}:{self.ufrag}", self.password, nominate=nominate, **changed)

    async def nominate(self) -> bytes:
        """Check until it is answered."""
        for _ in range(50):
            self.raw(self.check())
            data = await self.any(0.1)
            if data[:2] == b"\x01\x01":
                return data
        raise AssertionError("no check was answered")


def attribute(kind: int, value: bytes = b"") -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def check(
    username: str,
    password: str,
    *,
    nominate: bool = True,
    controlling: bool = True,
    extra: bytes = b"",
    fingerprint: bool = True,
) -> bytes:
    body = attribute(0x0006, username.encode()) + attribute(0x0024, b"\x6e\x7f\x00\xff")
    body += attribute(0x802A if controlling else 0x8029, bytes(8)) + extra
    if nominate:
        body += attribute(0x0025)
    head = struct.pack("!HHI", 1, len(body) + 24, 0x2112A442) + secrets.token_bytes(12)
    digest = hmac.digest(password.encode(), head + body, "sha1")
    body += attribute(0x0008, digest)
    if not fingerprint:
        return head + body
    head = head[:2] + (len(body) + 8).to_bytes(2, "big") + head[4:]
    value = binascii.crc32(head + body) ^ 0x5354554E
    return head + body + attribute(0x8028, value.to_bytes(4, "big"))
