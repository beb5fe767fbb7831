"""STUN messages (RFC 8489) as connectivity checks of ICE have them (RFC 8445): read, and written.

0                   1                   2                   3
|0 0|     type                  |         message length        |
|                         magic cookie                          |
|                   transaction id (96 bits)                    |
|     attribute: type           |            length             |
|                 value, padded to four octets                  |
"""

import binascii
import hmac
import struct
from ipaddress import ip_address
from typing import NamedTuple

from telebank.rtp import Address

COOKIE = 0x2112A442
MAX_MESSAGE = 1_280
MAX_ATTRIBUTES = 32
STUN_TYPES = range(4)
"""First octets of STUN beside DTLS and RTP (RFC 7983)."""

BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101
BINDING_ERROR = 0x0111

USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
ERROR_CODE = 0x0009
UNKNOWN_ATTRIBUTES = 0x000A
XOR_MAPPED_ADDRESS = 0x0020
PRIORITY = 0x0024
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028
ICE_CONTROLLED = 0x8029
ICE_CONTROLLING = 0x802A
_OPTIONAL = 0x8000
"""Types from here on need not be understood."""

_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_FINGERPRINT_XOR = 0x5354554E
_FINGERPRINT_SIZE = 8
_INTEGRITY_SIZE = 24


class MalformedStun(ValueError):  # noqa: N818 - what it is, not that it is an error
    """The peer sent bytes that are no STUN message; the text names what is wrong."""


class Message(NamedTuple):
    """One message; of attributes that occur twice the first counts (RFC 8489 section 14)."""

    kind: int
    transaction: bytes
    attributes: dict[int, bytes]
    """Those before MESSAGE-INTEGRITY, or all where there is none."""
    signed: bytes
    """What MESSAGE-INTEGRITY is of, as it is to be hashed."""
    integrity: bytes | None

    def authentic(self, password: bytes) -> bool:
        """Whether MESSAGE-INTEGRITY is of this short-term password."""
        if self.integrity is None:
            return False
        return hmac.compare_digest(hmac.digest(password, self.signed, "sha1"), self.integrity)

    def unknown(self, known: frozenset[int]) -> list[int]:
        """Attributes that must be understood and are not."""
        return [kind for kind in self.attributes if kind < _OPTIONAL and kind not in known]


def parse(data: bytes) -> Message:
    """Parse one datagram of a check; its FINGERPRINT must be there and right (RFC 8445 7.1)."""
    if not _HEADER.size <= len(data) <= MAX_MESSAGE:
        raise MalformedStun(f"length {len(data)}")
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    if kind >> 14 or cookie != COOKIE or length % 4 or length != len(data) - _HEADER.size:
        raise MalformedStun("header")
    end = len(data) - _FINGERPRINT_SIZE
    if end < _HEADER.size or data[end:] != _fingerprint(data[:end]):
        raise MalformedStun("fingerprint")
    attributes: dict[int, bytes] = {}
    at = _HEADER.size
    for _ in range(MAX_ATTRIBUTES):
        if at == end:
            return Message(kind, transaction, attributes, b"", None)
        name, value, after = _attribute(data, at, end)
        if name == MESSAGE_INTEGRITY:
            signed = _resized(data[:at], at + _INTEGRITY_SIZE)
            return Message(kind, transaction, attributes, signed, value)
        attributes.setdefault(name, value)
        at = after
    raise MalformedStun("too many attributes")


def _attribute(data: bytes, at: int, end: int) -> tuple[int, bytes, int]:
    """The attribute there, and where the next one is."""
    name, size = _ATTRIBUTE.unpack_from(data, at)  # all is padded to four octets, so it is there
    start = at + _ATTRIBUTE.size
    after = start + size + -size % 4
    if after > end:
        raise MalformedStun("attribute cut short")
    return name, data[start : start + size], after


def build(
    kind: int, transaction: bytes, attributes: dict[int, bytes], password: bytes | None
) -> bytes:
    """A message with FINGERPRINT, and with MESSAGE-INTEGRITY where there is a password."""
    body = b"".join(
        _ATTRIBUTE.pack(name, len(value)) + value + bytes(-len(value) % 4)
        for name, value in attributes.items()
    )
    data = _HEADER.pack(kind, 0, COOKIE, transaction) + body
    if password is not None:
        signed = _resized(data, len(data) + _INTEGRITY_SIZE)
        digest = hmac.digest(password, signed, "sha1")
        data += _ATTRIBUTE.pack(MESSAGE_INTEGRITY, len(digest)) + digest
    data = _resized(data, len(data) + _FINGERPRINT_SIZE)
    return data + _fingerprint(data)


def error(code: int, words: str) -> bytes:
    """The value of ERROR-CODE."""
    return bytes([0, 0, code // 100, code % 100]) + words.encode()


def xor_address(address: Address, transaction: bytes) -> bytes:
    """The value of XOR-MAPPED-ADDRESS (RFC 8489 section 14.2)."""
    packed = ip_address(address[0]).packed
    mask = COOKIE.to_bytes(4, "big") + transaction
    family = 1 if len(packed) == 4 else 2  # noqa: PLR2004 - octets of IPv4
    hidden = bytes(a ^ b for a, b in zip(packed, mask, strict=False))
    return struct.pack("!BBH", 0, family, address[1] ^ COOKIE >> 16) + hidden


def _resized(data: bytes, size: int) -> bytes:
    """The message with the length of its header set for so many octets in all."""
    return data[:2] + (size - _HEADER.size).to_bytes(2, "big") + data[4:]


def _fingerprint(data: bytes) -> bytes:
    """The FINGERPRINT attribute that follows a message whose length counts it already."""
    value = binascii.crc32(data) ^ _FINGERPRINT_XOR
    return _ATTRIBUTE.pack(FINGERPRINT, 4) + value.to_bytes(4, "big")
