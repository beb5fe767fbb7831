"""What both sides of digest authentication compute (RFC 3261 section 22.4, RFC 7616 section 3.4,
RFC 8760): hash algorithms, accounts with their keys, the response to a challenge."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

QOP = "auth"
"""The one quality of protection used; the other, auth-int, would bind bodies proxies rewrite."""
_HEX = re.compile(r"[0-9a-f]+")


class Algorithm(Enum):
    """The hash algorithms by their registered names, strongest first."""

    SHA_512_256 = "SHA-512-256"
    SHA_256 = "SHA-256"
    MD5 = "MD5"

    def hash(self, text: str) -> str:
        """Lower-case hexadecimal hash of the text in UTF-8; octets that were none come back."""
        data = text.encode("utf-8", "surrogateescape")
        return hashlib.new(_HASHES[self], data, usedforsecurity=False).hexdigest()

    @property
    def length(self) -> int:
        """Hexadecimal digits of a hash."""
        return 32 if self is Algorithm.MD5 else 64


_HASHES = {
    Algorithm.SHA_512_256: "sha512_256",
    Algorithm.SHA_256: "sha256",
    Algorithm.MD5: "md5",
}
_NAMES = {"": Algorithm.MD5, **{algorithm.value: algorithm for algorithm in Algorithm}}
SAFE = (Algorithm.SHA_512_256, Algorithm.SHA_256)
"""What an account may use unless it is told more."""


def algorithm_named(text: str) -> Algorithm | None:
    """The algorithm of an `algorithm` parameter, empty for none given; None for unknown ones and
    the -sess variants, which RFC 8760 does not use."""
    return _NAMES.get(text.upper())


@dataclass(frozen=True, slots=True)
class Account:
    """A name and its keys in one realm, ours or a trunk's. No password is kept."""

    username: str
    realm: str
    ha1: Mapping[Algorithm, str] = field(repr=False, hash=False)
    """H(username:realm:password) in lower-case hexadecimal for each algorithm the account may
    use: MD5 is allowed by being here."""
    without_qop: bool = False
    """Whether it may do without nonce counts (RFC 2069), for old equipment only."""

    def __post_init__(self) -> None:
        if not self.username or ":" in self.username:
            raise ValueError("an account's username must not be empty or hold a colon")
        for algorithm, key in self.ha1.items():
            if len(key) != algorithm.length or _HEX.fullmatch(key) is None:
                raise ValueError(
                    f"account {self.username}: the {algorithm.value} key must be "
                    f"{algorithm.length} lower-case hexadecimal digits"
                )

    @classmethod
    def of_password(
        cls,
        username: str,
        realm: str,
        password: str,
        algorithms: tuple[Algorithm, ...] = SAFE,
        *,
        without_qop: bool = False,
    ) -> "Account":
        """The account of a password, which is forgotten."""
        keys = {a: a.hash(f"{username}:{realm}:{password}") for a in algorithms}
        return cls(username, realm, keys, without_qop)


def response_to(
    algorithm: Algorithm,
    ha1: str,
    method: str,
    uri: str,
    nonce: str,
    *,
    qop: str = "",
    nc: str = "",
    cnonce: str = "",
) -> str:
    """The `response` parameter; without `qop` as RFC 2069 has it."""
    ha2 = algorithm.hash(f"{method}:{uri}")
    middle = f"{nonce}:{nc}:{cnonce}:{qop}" if qop else nonce
    return algorithm.hash(f"{ha1}:{middle}:{ha2}")
