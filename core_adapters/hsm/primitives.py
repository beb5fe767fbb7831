"""The ciphers and MACs over key material in memory, in the one place that pads DES keys.

Published: ISO/IEC 18033-3 (Triple DES, AES), NIST SP 800-38B (CMAC), ANSI X9.19, RFC 2104.
"""

import hashlib
import hmac
import secrets

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from core_adapters.hsm.errors import KeyRefusedError
from core_adapters.hsm.kinds import Algorithm, CheckMethod

DES_BLOCK = 8
AES_BLOCK = 16
CHECK_BYTES = 3
_THREE_PARTS = 24

Bytes = bytes | bytearray


def pad_tdes(key: Bytes) -> bytes:
    """K1‖K2 as K1‖K2‖K1 and K as K‖K‖K: the primitive wants all three parts."""
    return (bytes(key) * 3)[:_THREE_PARTS]


def block_size(algorithm: Algorithm) -> int:
    """Bytes of one cipher block."""
    return DES_BLOCK if algorithm.is_tdes else AES_BLOCK


def _cipher(algorithm: Algorithm, key: Bytes) -> TripleDES | AES:
    return TripleDES(pad_tdes(key)) if algorithm.is_tdes else AES(bytes(key))


class Ciphers:
    """One key's work. Holds the primitive's own copy of the key, which Python cannot overwrite."""

    def __init__(self, algorithm: Algorithm, key: Bytes) -> None:
        self._algorithm = algorithm
        self._hmac = bytes(key) if algorithm is Algorithm.HMAC256 else b""
        self._cipher = None if self._hmac else _cipher(algorithm, key)
        single = algorithm is Algorithm.TDES2
        self._first = TripleDES(pad_tdes(key[:DES_BLOCK])) if single else None

    def encrypt(self, blocks: bytes) -> bytes:
        """ECB: each block by itself (ISO 9564 uses single blocks)."""
        return _run(self._block_cipher(), modes.ECB(), blocks, decrypt=False)  # noqa: S305

    def decrypt(self, blocks: bytes) -> bytes:
        """The reverse of `encrypt`."""
        return _run(self._block_cipher(), modes.ECB(), blocks, decrypt=True)  # noqa: S305

    def cmac(self, data: bytes) -> bytes:
        """CMAC, a whole block of it."""
        mac = CMAC(self._block_cipher())
        mac.update(data)
        return mac.finalize()

    def retail_mac(self, data: bytes) -> bytes:
        """ANSI X9.19: single DES chained with K1, the last block under K1, K2, K1."""
        assert self._first is not None, "X9.19 takes a double-length key"
        head, last = retail_split(data)
        chain = bytes(DES_BLOCK)
        if head:
            chain = _run(self._first, modes.CBC(chain), head, decrypt=False)[-DES_BLOCK:]
        return self.encrypt(xor(chain, last))

    def hmac(self, data: bytes) -> bytes:
        """HMAC-SHA-256."""
        return hmac.digest(self._hmac, data, hashlib.sha256)

    def forget(self) -> None:
        """Let go of the primitives."""
        self._hmac, self._cipher, self._first = b"", None, None

    def _block_cipher(self) -> TripleDES | AES:
        assert self._cipher is not None, "an HMAC key encrypts nothing, and a closed one neither"
        return self._cipher


def _run(
    cipher: CipherAlgorithm, mode: modes.ECB | modes.CBC, data: bytes, *, decrypt: bool
) -> bytes:
    machine = Cipher(cipher, mode)
    worker = machine.decryptor() if decrypt else machine.encryptor()
    return worker.update(data) + worker.finalize()


def encrypt_cbc(algorithm: Algorithm, key: Bytes, vector: bytes, data: bytes) -> bytes:
    """CBC with this vector, whole blocks."""
    return _run(_cipher(algorithm, key), modes.CBC(vector), data, decrypt=False)


def decrypt_cbc(algorithm: Algorithm, key: Bytes, vector: bytes, data: bytes) -> bytes:
    """The reverse of `encrypt_cbc`."""
    return _run(_cipher(algorithm, key), modes.CBC(vector), data, decrypt=True)


def retail_split(data: bytes) -> tuple[bytes, bytes]:
    """Data filled with zeros to whole blocks (padding 1), as all blocks but the last, the last."""
    padded = data + bytes(-len(data) % DES_BLOCK) if data else bytes(DES_BLOCK)
    return padded[:-DES_BLOCK], padded[-DES_BLOCK:]


def xor(left: Bytes, right: Bytes) -> bytes:
    """Exclusive-or of equal lengths."""
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def odd_parity(key: Bytes) -> bytearray:
    """DES keys carry odd parity in the lowest bit of each byte."""
    return bytearray(byte ^ (1 if byte.bit_count() % 2 == 0 else 0) for byte in key)


def wipe(material: bytearray) -> None:
    """Overwrite with zeros; copies that the interpreter made are out of reach."""
    for index in range(len(material)):
        material[index] = 0


def check_digits(algorithm: Algorithm, key: Bytes, method: CheckMethod) -> bytes:
    """The whole check value of key material, of which `CHECK_BYTES` are shown."""
    ciphers = Ciphers(algorithm, key)
    if method is CheckMethod.HMAC:
        return ciphers.hmac(bytes(32))
    zeros = bytes(block_size(algorithm))
    return ciphers.encrypt(zeros) if method is CheckMethod.ZEROS else ciphers.cmac(zeros)


def fit_key(algorithm: Algorithm, material: Bytes) -> bytearray:
    """Material as a key: length checked, weak ones refused, DES parity set."""
    if len(material) != algorithm.key_bytes:
        raise KeyRefusedError(f"a key of {algorithm} has {algorithm.key_bytes} bytes")
    if len(set(material)) == 1:
        raise KeyRefusedError("all bytes of the key are the same; that is no key")
    if not algorithm.is_tdes:
        return bytearray(material)
    key = odd_parity(material)
    parts = [bytes(key[at : at + DES_BLOCK]) for at in range(0, len(key), DES_BLOCK)]
    if parts[0] == parts[1] or parts[-1] == parts[-2]:
        raise KeyRefusedError("two parts of the key are equal, which makes it single DES")
    return key


def random_key(algorithm: Algorithm) -> bytearray:
    """Fresh random material from the system."""
    return fit_key(algorithm, secrets.token_bytes(algorithm.key_bytes))
