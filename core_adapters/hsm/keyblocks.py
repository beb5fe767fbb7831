"""TR-31 (ANSI X9.143) key blocks of versions B and D.

psec reads and writes the header. The body is done here because the protection key may live in a
token: all it has to do is CMAC (the key derivation binding method, TR-31:2018 section 5.3), and
what it derives protects the body in our memory.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from psec import tr31

from core_adapters.hsm.errors import KeyRefusedError
from core_adapters.hsm.kinds import Algorithm, KeySpec, Usage
from core_adapters.hsm.primitives import Ciphers, block_size, decrypt_cbc, encrypt_cbc, wipe

MAX_BLOCK_TEXT = 1024
HEADER = 16
SHA256 = "21"
"""Optional block HM: the hash of an HMAC key (TR-31:2018 table 12)."""

Cmac = Callable[[bytes], bytes]

_USAGE_CODES: Mapping[Usage, tuple[str, ...]] = MappingProxyType(
    {
        Usage.PIN: ("P0",),
        Usage.PIN_OPEN: ("P0",),
        Usage.VERIFIER: ("M7",),
        Usage.TRANSPORT: ("K1", "K0"),
    }
)
_MAC_CODES: Final = {"A": "M6", "T": "M3"}
_MODES: Mapping[Usage, str] = MappingProxyType(
    {
        Usage.PIN: "BEN",
        Usage.PIN_OPEN: "BDN",
        Usage.MAC: "CN",
        Usage.VERIFIER: "CN",
        Usage.TRANSPORT: "BN",
    }
)
"""Modes of use that a usage takes; the first is the one we write."""
_BY_LENGTH: Mapping[tuple[str, int], Algorithm] = MappingProxyType(
    {
        ("T", 16): Algorithm.TDES2,
        ("T", 24): Algorithm.TDES3,
        ("A", 16): Algorithm.AES128,
        ("A", 24): Algorithm.AES192,
        ("A", 32): Algorithm.AES256,
        ("H", 32): Algorithm.HMAC256,
    }
)
_DERIVATION: Mapping[Algorithm, tuple[int, int]] = MappingProxyType(
    {
        Algorithm.TDES2: (0, 128),
        Algorithm.TDES3: (1, 192),
        Algorithm.AES128: (2, 128),
        Algorithm.AES192: (3, 192),
        Algorithm.AES256: (4, 256),
    }
)
"""Algorithm indicator and length in bits of the derivation data (TR-31:2018 tables 1 and 2)."""


@dataclass(frozen=True, slots=True)
class Protection:
    """A transport key: what it is, and its CMAC, wherever it is computed."""

    algorithm: Algorithm
    cmac: Cmac

    @property
    def version(self) -> str:
        """B under Triple DES, D under AES."""
        return "B" if self.algorithm.is_tdes else "D"

    def derive(self) -> tuple[bytearray, bytearray]:
        """The block's encryption key and authentication key."""
        return self._derive(0), self._derive(1)

    def _derive(self, purpose: int) -> bytearray:
        indicator, bits = _DERIVATION[self.algorithm]
        wanted = bits // 8
        tail = b"\x00" + indicator.to_bytes(2, "big") + bits.to_bytes(2, "big")
        out = bytearray()
        for counter in range(1, -(-wanted // block_size(self.algorithm)) + 1):
            out += self.cmac(bytes([counter]) + purpose.to_bytes(2, "big") + tail)
        return out[:wanted]


def wrap(protection: Protection, spec: KeySpec, key: bytearray) -> str:
    """`key` as a key block; raises `KeyRefusedError` where it is the stronger of the two."""
    if spec.algorithm.strength > protection.algorithm.strength:
        raise KeyRefusedError(f"{spec.algorithm} may not travel under {protection.algorithm}")
    size = block_size(protection.algorithm)
    longest = 24 if spec.algorithm.is_tdes else 32
    filler = secrets.token_bytes(longest - len(key) + -(2 + longest) % size)
    clear = bytearray((len(key) * 8).to_bytes(2, "big") + key + filler)
    header = _header(protection, spec, len(clear) * 2 + size * 2)
    encryption, authentication = protection.derive()
    mac = Ciphers(protection.algorithm, authentication).cmac(header.encode("ascii") + clear)
    body = encrypt_cbc(protection.algorithm, encryption, mac, bytes(clear))
    for secret in (encryption, authentication, clear):
        wipe(secret)
    return header + body.hex().upper() + mac.hex().upper()


def unwrap(
    protection: Protection, name: str, usage: Usage, block: str
) -> tuple[KeySpec, bytearray]:
    """The key in a key block, and what it is; raises `KeyRefusedError` saying what is wrong."""
    text = block.strip()
    header, at = _read_header(protection, text)
    clear = _open(protection, text, at)
    try:
        algorithm = _algorithm(header, clear)
        _check_use(header, usage)
        exportable = header.exportability in ("E", "S")
        spec = KeySpec(name, usage, algorithm, exportable)
        return spec, clear[2 : 2 + algorithm.key_bytes]
    finally:
        wipe(clear)


def _header(protection: Protection, spec: KeySpec, rest: int) -> str:
    letter = _letter(spec.algorithm)
    code = _MAC_CODES[letter] if spec.usage is Usage.MAC else _USAGE_CODES[spec.usage][0]
    header = tr31.Header(protection.version, code, letter, _MODES[spec.usage][0], "00", "N")
    if letter == "H":
        header.blocks["HM"] = SHA256
    text = str(header)
    return f"{text[0]}{len(text) + rest:04d}{text[5:]}"


def _letter(algorithm: Algorithm) -> str:
    if algorithm.is_tdes:
        return "T"
    return "A" if algorithm.is_aes else "H"


def _read_header(protection: Protection, text: str) -> tuple[tr31.Header, int]:
    header, at = tr31.Header(), 0
    if not (text.isascii() and HEADER <= len(text) <= MAX_BLOCK_TEXT):
        raise KeyRefusedError(f"a key block has {HEADER} to {MAX_BLOCK_TEXT} ASCII characters")
    try:
        at = header.load(text)
    except ValueError:
        at = 0
    if not at or text[1:5] != f"{len(text):04d}":
        raise KeyRefusedError("the key block's header is malformed, or a part of it is missing")
    if header.version_id != protection.version:
        raise KeyRefusedError(
            f"a key block of version {header.version_id} does not open under "
            f"{protection.algorithm}: that takes version {protection.version}"
        )
    return header, at


def _open(protection: Protection, text: str, at: int) -> bytearray:
    """The clear body: two bytes of length, key, filler. Its MAC is checked before it is read."""
    size = block_size(protection.algorithm)
    try:
        body = bytes.fromhex(text[at:])
    except ValueError:
        body = b""
    sealed, mac = body[:-size], body[-size:]
    if not sealed or len(sealed) % size:
        raise KeyRefusedError("the key block's body is malformed, or a part of it is missing")
    encryption, authentication = protection.derive()
    clear = bytearray(decrypt_cbc(protection.algorithm, encryption, mac, sealed))
    right = Ciphers(protection.algorithm, authentication).cmac(text[:at].encode("ascii") + clear)
    wipe(encryption)
    wipe(authentication)
    if not hmac.compare_digest(right, mac):
        wipe(clear)
        raise KeyRefusedError("the key block was changed, or is under another transport key")
    return clear


def _algorithm(header: tr31.Header, clear: bytearray) -> Algorithm:
    bits = int.from_bytes(clear[:2], "big")
    algorithm = _BY_LENGTH.get((header.algorithm, bits // 8)) if bits % 8 == 0 else None
    if algorithm is None or len(clear) < 2 + algorithm.key_bytes:
        raise KeyRefusedError(f"no key of ours: algorithm {header.algorithm}, {bits} bits")
    if header.algorithm == "H" and header.blocks.get("HM", SHA256) != SHA256:
        raise KeyRefusedError("the HMAC key is for another hash than SHA-256")
    return algorithm


def _check_use(header: tr31.Header, usage: Usage) -> None:
    codes: tuple[str, ...] = _USAGE_CODES.get(usage, ())
    if usage is Usage.MAC:
        codes = (_MAC_CODES.get(header.algorithm, ""),)
    if header.key_usage not in codes:
        raise KeyRefusedError(f"the block's usage {header.key_usage} is not that of a {usage} key")
    if header.mode_of_use not in _MODES[usage]:
        raise KeyRefusedError(
            f"the block's mode of use {header.mode_of_use} does not let it work as a {usage} key"
        )
