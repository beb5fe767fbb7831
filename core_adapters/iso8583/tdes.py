"""Triple DES of ISO/IEC 18033-3 in the one place that knows how its keys are padded."""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from core_adapters.iso8583.errors import KeyFileError

BLOCK = 8
_LENGTHS = (8, 16, 24)


def pad_key(key: bytes) -> bytes:
    """K1‖K2 as K1‖K2‖K1 and K as K‖K‖K: the primitive wants all three parts."""
    if len(key) not in _LENGTHS:
        raise KeyFileError("a DES key has 8, 16 or 24 bytes")
    return (key * 3)[:24]


def encrypt_ecb(key: bytes, data: bytes) -> bytes:
    """Encrypt whole blocks, each by itself."""
    encryptor = Cipher(TripleDES(pad_key(key)), modes.ECB()).encryptor()  # noqa: S305 - ISO 9564
    return encryptor.update(data) + encryptor.finalize()


def decrypt_ecb(key: bytes, data: bytes) -> bytes:
    """Decrypt whole blocks, each by itself."""
    decryptor = Cipher(TripleDES(pad_key(key)), modes.ECB()).decryptor()  # noqa: S305 - ISO 9564
    return decryptor.update(data) + decryptor.finalize()


def last_cbc_block(key: bytes, data: bytes) -> bytes:
    """The last block of CBC encryption from a zero vector (ISO/IEC 9797-1 algorithm 1)."""
    encryptor = Cipher(TripleDES(pad_key(key)), modes.CBC(bytes(BLOCK))).encryptor()
    return (encryptor.update(data) + encryptor.finalize())[-BLOCK:]
