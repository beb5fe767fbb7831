"""The keys of recordings: one each, made by the node, wrapped by its keyring for the file's header.

A media worker is given the plain key and keeps it while the recording lasts; nothing else has it.
Whoever plays a recording needs the keyring, so that a stolen file gives nothing.
"""

import base64
import binascii
import secrets
from typing import NamedTuple

from telebank.media.sealed import KEY_BYTES, SealError
from telebank.store.sealing import Keyring
from transactions.card import CardNumberError, SealedCard


class RecordingKey(NamedTuple):
    """`plain` for the worker, `wrapped` for the file; never logged."""

    plain: bytes
    wrapped: str

    def __repr__(self) -> str:
        return "RecordingKey()"


def new_key(keyring: Keyring) -> RecordingKey:
    """A key for one recording."""
    plain = secrets.token_bytes(KEY_BYTES)
    sealed = keyring.seal_digits(plain.hex())
    wrapped = base64.b64encode(sealed.ciphertext).decode()
    return RecordingKey(plain, f"{sealed.key_id}:{wrapped}")


def unwrap(keyring: Keyring, wrapped: str) -> bytes:
    """The key of a recording, as its header has it; raises `SealError`."""
    key_id, _, text = wrapped.partition(":")
    try:
        ciphertext = base64.b64decode(text, validate=True)
        plain = bytes.fromhex(keyring.unseal_digits(SealedCard("", "", key_id, ciphertext)))
    except (binascii.Error, ValueError, CardNumberError) as error:
        raise SealError(f"the recording's key cannot be unwrapped: {error}") from error
    return plain
