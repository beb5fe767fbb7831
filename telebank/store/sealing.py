"""Card numbers at rest: AES-256-GCM with key id, found by HMAC-SHA-256 token.

Keys are files of mode 0600 in `DATA/keys`: `seal-<id>.key` (retired ones open, the current one
seals), `seal-current` (the id that seals) and `token.key`. Losing them loses the numbers.
"""

import contextlib
import hmac
import os
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from telebank.store import key_files
from telebank.store.errors import KeyFileError
from telebank.store.key_files import SealFile
from transactions.card import CardNumber, CardNumberError, SealedCard

NONCE_BYTES = 12
"""NIST SP 800-38D section 5.2.1.1; random, so a key seals at most 2^32 numbers."""
FINGERPRINT_OF = "telebank: fingerprint of a key"
"""What a key is told apart by; no number that is looked up is this text."""
FINGERPRINT_CHARS = 32
NONCES_DRAWN = 256
"""Nonces from one call of the system's random source."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """What is in the folder at one time; replaced as one, so that threads see it whole."""

    ciphers: Mapping[str, AESGCM]
    current: str
    prints: Mapping[str, str]


class Keyring:
    """The sealing keys in memory; implements `transactions.card.CardVault`.

    `reread` sees what became of the folder. So does opening a number whose key is not known yet,
    where the folder has changed since: another node may have sealed it.
    """

    def __init__(
        self, files: Mapping[str, SealFile], current: str, token_key: bytes, directory: Path
    ) -> None:
        self._directory = directory
        self._seen = _stamp(directory)
        self._keys = _keys(files, current)
        # Its key is taken in once. The one-shot function also lets go of the interpreter's lock,
        # and waiting to have it back costs more than the digest.
        self._hmac = hmac.new(token_key, digestmod="sha256")
        self._nonces = _Nonces()

    @property
    def directory(self) -> Path:
        """The folder of its files."""
        return self._directory

    @property
    def current(self) -> str:
        """Id of the key that seals."""
        return self._keys.current

    @property
    def fingerprints(self) -> Mapping[str, str]:
        """By file name, what tells a key apart without giving it away."""
        return {"token.key": self.digest(FINGERPRINT_OF)[:FINGERPRINT_CHARS], **self._keys.prints}

    @classmethod
    def create(cls, directory: Path) -> "Keyring":
        """Make the first keys in an empty `directory` (made where absent, mode 0700)."""
        key_files.make_first(directory)
        return cls.open(directory)

    @classmethod
    def open(cls, directory: Path) -> "Keyring":
        """Read the keys; raises `KeyFileError` where one is missing, malformed or readable by
        others, or where a retired one is to seal."""
        current = key_files.current_of(directory)
        files = key_files.seal_files(directory)
        return cls(files, current, key_files.read_key(directory / "token.key"), directory)

    @classmethod
    def open_or_create(cls, directory: Path) -> "Keyring":
        """Open the keys, or make them at the first run."""
        if (directory / key_files.CURRENT).exists():
            return cls.open(directory)
        return cls.create(directory)

    @classmethod
    def rotate(cls, directory: Path) -> "Keyring":
        """Add a key and make it the one that seals; the others go on opening."""
        cls.open(directory)
        key_files.promote(directory, key_files.prepare(directory))
        return cls.open(directory)

    def reread(self) -> bool:
        """See what was made, promoted or destroyed since; whether anything was. Raises
        `KeyFileError`, and goes on with what it has."""
        before, self._seen = self._keys, _stamp(self._directory)
        files = key_files.seal_files(self._directory)
        self._keys = _keys(files, key_files.current_of(self._directory))
        return (before.current, before.prints) != (self._keys.current, self._keys.prints)

    def token(self, card: CardNumber) -> str:
        """HMAC-SHA-256 of the digits, 64 hexadecimal characters."""
        return self.digest(card.digits)

    def digest(self, text: str) -> str:
        """HMAC-SHA-256 of any text under the look-up key, hexadecimal."""
        digest = self._hmac.copy()
        digest.update(text.encode("utf-8"))
        return digest.hexdigest()

    def seal(self, card: CardNumber) -> SealedCard:
        """Encrypt under the current key."""
        return self._seal(card.digits, card.masked)

    def unseal(self, sealed: SealedCard) -> CardNumber:
        """Decrypt; raises `CardNumberError` where the key is missing or the text was changed."""
        return CardNumber(self.unseal_digits(sealed))

    def seal_digits(self, digits: str) -> SealedCard:
        """Encrypt other personal digits (account, identity, telephone); nothing of them shows."""
        return self._seal(digits, "")

    def unseal_digits(self, sealed: SealedCard) -> str:
        """Decrypt what `seal_digits` made; errors as `unseal`."""
        cipher = self._cipher(sealed.key_id)
        if cipher is None:
            raise CardNumberError(f"key {sealed.key_id} is not in the key folder; restore its file")
        nonce, body = sealed.ciphertext[:NONCE_BYTES], sealed.ciphertext[NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, body, sealed.key_id.encode("ascii")).decode("utf-8")
        except (InvalidTag, ValueError) as error:
            raise CardNumberError("a sealed number was changed, or its key was") from error

    def renewed(self, sealed: SealedCard) -> SealedCard:
        """The same under the current key, token and mask kept; itself where it is under that, or
        holds nothing. Errors as `unseal`."""
        if sealed.key_id in {"", self.current}:
            return sealed
        new = self._seal(self.unseal_digits(sealed), sealed.masked)
        return SealedCard(sealed.token, sealed.masked, new.key_id, new.ciphertext)

    def _seal(self, digits: str, masked: str) -> SealedCard:
        nonce, keys = self._nonces.take(), self._keys
        key_id = keys.current
        body = keys.ciphers[key_id].encrypt(nonce, digits.encode("utf-8"), key_id.encode("ascii"))
        return SealedCard(self.digest(digits), masked, key_id, nonce + body)

    def _cipher(self, key_id: str) -> AESGCM | None:
        cipher = self._keys.ciphers.get(key_id)
        if cipher is None and _stamp(self._directory) != self._seen:
            with contextlib.suppress(KeyFileError):  # who opens the number says what is missing
                self.reread()
            cipher = self._keys.ciphers.get(key_id)
        return cipher

    def __repr__(self) -> str:
        return f"Keyring(current={self.current!r}, keys={len(self._keys.ciphers)})"


class _Nonces:
    """Random nonces, many of them from one system call: each call lets go of the interpreter's
    lock. Never the same one twice, in threads and in a forked process either."""

    def __init__(self) -> None:
        self._left: deque[bytes] = deque()
        self._process = os.getpid()

    def take(self) -> bytes:
        """A nonce of `NONCE_BYTES`."""
        if self._process != os.getpid():
            self._left, self._process = deque(), os.getpid()
        while True:
            try:
                return self._left.pop()  # one step, so that no two threads have the same
            except IndexError:
                drawn = secrets.token_bytes(NONCE_BYTES * NONCES_DRAWN)
                size = NONCE_BYTES
                self._left.extend(drawn[n : n + size] for n in range(0, len(drawn), size))


def _keys(files: Mapping[str, SealFile], current: str) -> _Keys:
    if current not in files:
        raise KeyFileError(f"seal-current names {current!r}, but seal-{current}.key is missing")
    if files[current].retired is not None:
        raise KeyFileError(
            f"seal-current names {current!r}, which is retired: a retired key seals nothing any"
            " more; restore seal-current as it was after the last rotation"
        )
    prints = {f"seal-{name}.key": _fingerprint(files[name].key) for name in sorted(files)}
    return _Keys({name: AESGCM(one.key) for name, one in files.items()}, current, prints)


def _fingerprint(key: bytes) -> str:
    return hmac.new(key, FINGERPRINT_OF.encode(), "sha256").hexdigest()[:FINGERPRINT_CHARS]


def _stamp(directory: Path) -> int:
    """What differs once a file was made, replaced or removed there; 0 where it is gone."""
    try:
        return directory.stat().st_mtime_ns
    except OSError:
        return 0
