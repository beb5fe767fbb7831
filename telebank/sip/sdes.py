"""Keys of SRTP in session descriptions: `a=crypto` (RFC 4568; suites of its 6.2 and of RFC 7714).

    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:BASE64[|2^20][|1:4] [WSH=64]

A line that we cannot take, whatever its reason, is passed over: the offerer lists others (RFC 4568
5.1.2). What is said of lifetimes is not needed: no call sends 2^31 packets.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

SUITES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "AES_CM_128_HMAC_SHA1_80": (16, 14),
        "AES_CM_128_HMAC_SHA1_32": (16, 14),
        "AEAD_AES_128_GCM": (16, 12),
        "AEAD_AES_256_GCM": (32, 12),
    }
)
"""Octets of master key and salt, by suite."""
OFFERED = ("AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM")
"""What we offer, the preferred first: the one that everybody has (RFC 4568 6.2.1)."""
MAX_CRYPTO = 16
"""Lines of one m= section that are read."""
MAX_CRYPTO_LENGTH = 256
"""Characters of one line that is taken; a key of 256 bits makes some 100."""
# tag, suite, one key, and what follows; a second key (;) would need an MKI, which we refuse
_CRYPTO = re.compile(
    r"([0-9]{1,9})[ \t]+([A-Za-z0-9_]{1,64})[ \t]+inline:([A-Za-z0-9+/]{1,120}={0,2})"
    r"(\|(?:2\^)?[0-9]{1,15})?((?:[ \t]+[!-~]{1,64}){0,8})[ \t]*",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"WSH=[0-9]{1,5}|-.*", re.IGNORECASE)
"""Session parameters that ask nothing of us: the receiver's window, and what may be left aside (RFC
4568 6.3.7). All others change what is on the wire (UNENCRYPTED_SRTP, KDR, FEC_ORDER …)."""


@dataclass(frozen=True, slots=True)
class Crypto:
    """One `a=crypto` that can be taken."""

    tag: int
    suite: str
    key: bytes = field(repr=False)
    """Master key and salt, one behind the other, of what its writer sends."""

    def line(self) -> str:
        """As it is written."""
        return f"a=crypto:{self.tag} {self.suite} inline:{b64encode(self.key).decode()}"


def key_length(suite: str) -> int:
    """Octets of master key and salt of a suite that we have."""
    return sum(SUITES[suite])


def read_crypto(values: Iterable[str]) -> tuple[Crypto, ...]:
    """What can be taken of the values of `a=crypto`, in their order."""
    found: dict[int, Crypto] = {}
    for number, value in enumerate(values):
        if number == MAX_CRYPTO:
            break
        one = _crypto(value)
        if one is not None:
            found.setdefault(one.tag, one)
    return tuple(found.values())


def _crypto(value: str) -> Crypto | None:
    line = _CRYPTO.fullmatch(value) if len(value) <= MAX_CRYPTO_LENGTH else None
    if line is None or line[2].upper() not in SUITES:
        return None
    if not all(_HARMLESS.fullmatch(each) for each in line[5].split()):
        return None
    suite = line[2].upper()
    try:
        key = b64decode(line[3], validate=True)
    except NotBase64:
        return None
    return Crypto(int(line[1]), suite, key) if len(key) == key_length(suite) else None
