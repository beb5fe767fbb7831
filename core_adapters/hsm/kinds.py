"""Names, usages and algorithms of keys, and what belongs together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final

from core_adapters.hsm.errors import KeyUsageError

MAX_VERSIONS = 99
"""Versions of one name."""
MAX_KEYS = 500
"""Keys of one module, all versions counted."""
NAME_RULE = "1 to 32 of a-z, 0-9, dot and hyphen, beginning with a letter or digit"
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,31}")


class Usage(StrEnum):
    """The one kind of work that a key does."""

    PIN = "pin"
    """Makes PIN blocks (zone PIN key, the acquirer's side)."""
    PIN_OPEN = "pin-open"
    """Opens PIN blocks (zone PIN key, the issuer's side: the core host)."""
    MAC = "mac"
    """Makes and verifies MACs: AES-CMAC with an AES key, ANSI X9.19 with a double-length one."""
    VERIFIER = "verifier"
    """Makes verifiers of telephone PINs; never a card-PIN key."""
    TRANSPORT = "transport"
    """Protects key blocks (KBPK): version B with Triple DES, D with AES."""


class Algorithm(StrEnum):
    """What a key is for, with its length."""

    TDES2 = "tdes-2"
    """Double-length Triple DES, 16 bytes."""
    TDES3 = "tdes-3"
    """Triple-length Triple DES, 24 bytes."""
    AES128 = "aes-128"
    AES192 = "aes-192"
    AES256 = "aes-256"
    HMAC256 = "hmac-sha256"
    """HMAC-SHA-256 with a key of 32 bytes."""

    @property
    def key_bytes(self) -> int:
        """Length of a key, bytes."""
        return _KEY_BYTES[self]

    @property
    def is_tdes(self) -> bool:
        """Whether it is Triple DES."""
        return self in {Algorithm.TDES2, Algorithm.TDES3}

    @property
    def is_aes(self) -> bool:
        """Whether it is AES."""
        return self in {Algorithm.AES128, Algorithm.AES192, Algorithm.AES256}

    @property
    def strength(self) -> int:
        """Bits of strength of NIST SP 800-57 part 1, table 2 (80 for double-length DES)."""
        return _STRENGTH[self]


_KEY_BYTES: Mapping[Algorithm, int] = MappingProxyType(
    {
        Algorithm.TDES2: 16,
        Algorithm.TDES3: 24,
        Algorithm.AES128: 16,
        Algorithm.AES192: 24,
        Algorithm.AES256: 32,
        Algorithm.HMAC256: 32,
    }
)
_STRENGTH: Mapping[Algorithm, int] = MappingProxyType(
    {
        Algorithm.TDES2: 80,
        Algorithm.TDES3: 112,
        Algorithm.AES128: 128,
        Algorithm.AES192: 192,
        Algorithm.AES256: 256,
        Algorithm.HMAC256: 128,
    }
)
_AES = frozenset({Algorithm.AES128, Algorithm.AES192, Algorithm.AES256})
_TDES = frozenset({Algorithm.TDES2, Algorithm.TDES3})
ALLOWED: Final[Mapping[Usage, frozenset[Algorithm]]] = MappingProxyType(
    {
        Usage.PIN: _AES | _TDES,
        Usage.PIN_OPEN: _AES | _TDES,
        Usage.MAC: _AES | {Algorithm.TDES2},
        Usage.VERIFIER: frozenset({Algorithm.HMAC256}),
        Usage.TRANSPORT: _AES | _TDES,
    }
)
"""Algorithms that a usage takes."""


class KeyState(StrEnum):
    """What a version may still do."""

    CURRENT = "current"
    PREVIOUS = "previous"
    RETIRED = "retired"


class PinFormat(IntEnum):
    """PIN block formats of ISO 9564-1."""

    ISO_0 = 0
    """8 bytes, filled with F, under Triple DES."""
    ISO_3 = 3
    """8 bytes, random fill, under Triple DES."""
    ISO_4 = 4
    """16 bytes, random fill, bound to the card, under AES."""


class CheckMethod(StrEnum):
    """How a key check value is made; three bytes are shown."""

    ZEROS = "zeros"
    """A block of zeros encrypted (the old way; default for Triple DES)."""
    CMAC = "cmac"
    """CMAC of a block of zeros (ANSI X9.24-1; default for AES)."""
    HMAC = "hmac"
    """HMAC-SHA-256 of 32 zero bytes (ours; for verifier keys)."""


@dataclass(frozen=True, slots=True)
class KeySpec:
    """What a key is; raises `KeyUsageError` where usage and algorithm do not go together."""

    name: str
    usage: Usage
    algorithm: Algorithm
    exportable: bool = False
    """Whether it may leave the module, as a key block under a transport key."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise KeyUsageError(f"a key's name has {NAME_RULE}")
        if self.algorithm not in ALLOWED[self.usage]:
            fit = ", ".join(sorted(ALLOWED[self.usage]))
            raise KeyUsageError(f"a {self.usage} key is {fit}, not {self.algorithm}")

    @property
    def check_method(self) -> CheckMethod:
        """The check value's method of this algorithm."""
        if self.algorithm.is_tdes:
            return CheckMethod.ZEROS
        return CheckMethod.CMAC if self.algorithm.is_aes else CheckMethod.HMAC


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What may be told of one version of a key. Holds no key material."""

    spec: KeySpec
    version: int
    state: KeyState
    kcv: str
    """Key check value, six hexadecimal digits."""
    made: int = 0
    """When this version came into the module: seconds since 1970, 0 where that is not known."""


def states(versions: Mapping[int, bool]) -> Mapping[int, KeyState]:
    """The state of each version (number: retired or not): the newest live one is current.

    Nothing else is stored, so a rotation is one write and no crash can leave two current keys.
    """
    live = [version for version, retired in versions.items() if not retired]
    current = max(live, default=0)
    return {
        version: KeyState.RETIRED
        if retired
        else (KeyState.CURRENT if version == current else KeyState.PREVIOUS)
        for version, retired in versions.items()
    }
