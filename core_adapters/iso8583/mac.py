"""Message authentication codes in field 64 or 128: AES-CMAC and the X9.19 retail MAC."""

from typing import Literal, Protocol

from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC

from core_adapters.iso8583 import tdes
from core_adapters.iso8583.errors import KeyFileError

MAC_BYTES = 8
"""Length of fields 64 and 128 (b 64 bits)."""
DOUBLE_KEY = 16

MacAlgorithm = Literal["aes-cmac", "x9.19"]


class Mac(Protocol):
    """A keyed MAC of eight bytes."""

    def compute(self, data: bytes) -> bytes:
        """Return the MAC of `data`."""
        ...

    def verify(self, data: bytes, mac: bytes) -> bool:
        """Tell, in constant time, whether `mac` is the MAC of `data`."""
        ...


class AesCmac:
    """AES-CMAC (NIST SP 800-38B), leftmost eight bytes; the key has 16, 24 or 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) not in (16, 24, 32):
            raise KeyFileError("an AES MAC key has 16, 24 or 32 bytes")
        self._key = algorithms.AES(key)

    def full(self, data: bytes) -> bytes:
        """All sixteen bytes of the tag."""
        cmac = CMAC(self._key)
        cmac.update(data)
        return cmac.finalize()

    def compute(self, data: bytes) -> bytes:
        """Return the leftmost eight bytes of the tag."""
        return self.full(data)[:MAC_BYTES]

    def verify(self, data: bytes, mac: bytes) -> bool:
        """Tell whether `mac` is right, in constant time."""
        return constant_time.bytes_eq(self.compute(data), mac)


class RetailMac:
    """ANSI X9.19 (ISO/IEC 9797-1 algorithm 3, padding 1) under a double-length DES key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != DOUBLE_KEY:
            raise KeyFileError("an X9.19 key has 16 bytes")
        self._first, self._second = key[:8], key[8:]

    def compute(self, data: bytes) -> bytes:
        """Return the eight-byte MAC."""
        padded = data + bytes(-len(data) % tdes.BLOCK) if data else bytes(tdes.BLOCK)
        chained = tdes.last_cbc_block(self._first, padded)
        return tdes.encrypt_ecb(self._first, tdes.decrypt_ecb(self._second, chained))

    def verify(self, data: bytes, mac: bytes) -> bool:
        """Tell whether `mac` is right, in constant time."""
        return constant_time.bytes_eq(self.compute(data), mac)


def make_mac(algorithm: MacAlgorithm, key: bytes) -> Mac:
    """The MAC that a profile names, under `key`."""
    return AesCmac(key) if algorithm == "aes-cmac" else RetailMac(key)
