"""Card numbers at rest: AES-256-GCM with key id, found by HMAC-SHA-256 token.

Keys are files of mode 0600 in `DATA/keys`: `seal-<id>.key` (old ones decrypt, the current one
encrypts), `seal-current` (the id that encrypts) and `token.key`. Losing them loses the numbers.
"""

import hmac
import os
import re
import secrets
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from telebank.store.errors import KeyFileError
from transactions.card import CardNumber, CardNumberError, SealedCard

KEY_BYTES = 32
NONCE_BYTES = 12
"""NIST SP 800-38D section 5.2.1.1; random, so a key seals at most 2^32 numbers."""
FINGERPRINT_OF = "telebank: fingerprint of a key"
"""What a key is told apart by; no number that is looked up is this text."""
FINGERPRINT_CHARS = 32
NONCES_DRAWN = 256
"""Nonces from one call of the system's random source."""
MAX_KEYS = 100
FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
_ID = re.compile(r"[A-Za-z0-9]{1,16}")


class Keyring:
    """The sealing keys in memory; implements `transactions.card.CardVault`. Has no state to lock:
    `rotate` returns a new one."""

    def __init__(self, seal_keys: Mapping[str, bytes], current: str, token_key: bytes) -> None:
        if current not in seal_keys:
            raise KeyFileError(f"seal-current names {current!r}, but seal-{current}.key is missing")
        self._ciphers = {name: AESGCM(key) for name, key in seal_keys.items()}
        # Its key is taken in once. The one-shot function also lets go of the interpreter's lock,
        # and waiting to have it back costs more than the digest.
        self._hmac = hmac.new(token_key, digestmod="sha256")
        self._nonces = _Nonces()
        self.current = current
        self.fingerprints: Mapping[str, str] = {
            "token.key": self.digest(FINGERPRINT_OF)[:FINGERPRINT_CHARS],
            **{f"seal-{name}.key": _fingerprint(key) for name, key in sorted(seal_keys.items())},
        }
        """By file name, what tells a key apart without giving it away."""

    @classmethod
    def create(cls, directory: Path) -> "Keyring":
        """Make the first keys in an empty `directory` (made where absent, mode 0700)."""
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        if (directory / "seal-current").exists():
            raise KeyFileError(f"{directory} has keys already; open them, or rotate")
        write_key(directory / "token.key", secrets.token_bytes(KEY_BYTES))
        write_key(directory / "seal-k1.key", secrets.token_bytes(KEY_BYTES))
        _write_new(directory / "seal-current", "k1\n")
        return cls.open(directory)

    @classmethod
    def open(cls, directory: Path) -> "Keyring":
        """Read the keys; raises `KeyFileError` where one is missing, malformed or readable by
        others."""
        if not (directory / "seal-current").exists():
            raise KeyFileError(f"no keys in {directory}; they are made at the first start")
        current = _read(directory / "seal-current").strip()
        files = sorted(directory.glob("seal-*.key"))
        if len(files) > MAX_KEYS:
            raise KeyFileError(
                f"{directory} has more than {MAX_KEYS} sealing keys; retire old ones"
            )
        keys = {path.stem.removeprefix("seal-"): read_key(path) for path in files}
        return cls(keys, current, read_key(directory / "token.key"))

    @classmethod
    def open_or_create(cls, directory: Path) -> "Keyring":
        """Open the keys, or make them at the first run."""
        if (directory / "seal-current").exists():
            return cls.open(directory)
        return cls.create(directory)

    @classmethod
    def rotate(cls, directory: Path) -> "Keyring":
        """Add a key and make it the one that encrypts; the others go on decrypting."""
        cls.open(directory)
        number = len(list(directory.glob("seal-*.key"))) + 1
        write_key(directory / f"seal-k{number}.key", secrets.token_bytes(KEY_BYTES))
        _write_new(directory / "seal-current.new", f"k{number}\n")
        (directory / "seal-current.new").replace(directory / "seal-current")
        return cls.open(directory)

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
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise CardNumberError(f"key {sealed.key_id} is not in the key folder; restore its file")
        nonce, body = sealed.ciphertext[:NONCE_BYTES], sealed.ciphertext[NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, body, sealed.key_id.encode("ascii")).decode("utf-8")
        except (InvalidTag, ValueError) as error:
            raise CardNumberError("a sealed number was changed, or its key was") from error

    def _seal(self, digits: str, masked: str) -> SealedCard:
        nonce = self._nonces.take()
        key_id = self.current
        body = self._ciphers[key_id].encrypt(nonce, digits.encode("utf-8"), key_id.encode("ascii"))
        return SealedCard(self.digest(digits), masked, key_id, nonce + body)

    def __repr__(self) -> str:
        return f"Keyring(current={self.current!r}, keys={len(self._ciphers)})"


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


def _fingerprint(key: bytes) -> str:
    return hmac.new(key, FINGERPRINT_OF.encode(), "sha256").hexdigest()[:FINGERPRINT_CHARS]


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def write_key(path: Path, key: bytes) -> None:
    _write_new(path, key.hex() + "\n")


def _read(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except OSError as error:
        raise KeyFileError(f"cannot read {path}: {error.strerror}") from error
    if mode & 0o077:
        raise KeyFileError(
            f"{path} can be read by others (mode {mode & 0o777:o}): chmod 600 {path}"
        )
    return text


def read_key(path: Path) -> bytes:
    name = path.stem.removeprefix("seal-")
    if not _ID.fullmatch(name):
        raise KeyFileError(f"{path}: a key id is 1 to 16 letters and digits")
    try:
        key = bytes.fromhex(_read(path).strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyFileError(f"{path} is not a key of {KEY_BYTES} bytes in hexadecimal; restore it")
    return key
