"""Signed checkpoints (C2SP tlog-checkpoint in signed-note form) and statements of keys."""

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from telebank.audit.verify import ORIGIN, STATEMENT, Checkpoint, PublicKey

SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A node's key: `number` counts from 1, each later one named by the one before."""

    number: int
    public: PublicKey
    _private: Ed25519PrivateKey

    @classmethod
    def of_seed(cls, node: str, number: int, seed: bytes) -> "SigningKey":
        """The key of 32 secret bytes; raises `ValueError` for another length."""
        private = Ed25519PrivateKey.from_private_bytes(seed)
        raw = private.public_key().public_bytes_raw()
        return cls(number, PublicKey(origin_of(node), raw), private)

    def checkpoint(self, size: int, root: bytes) -> str:
        """The signed note that says: the log has `size` entries and this tree hash."""
        return self._note(Checkpoint(self.public.name, size, root).text)

    def statement(self, heir: PublicKey) -> str:
        """The signed note that names the next key."""
        return self._note(f"{STATEMENT}\n{self.public.name}\n{self.number + 1}\n{heir.text}\n")

    def _note(self, text: str) -> str:
        signed = self.public.id + self._private.sign(text.encode())
        coded = base64.b64encode(signed).decode()
        return f"{text}\n\u2014 {self.public.name} {coded}\n"

    def __repr__(self) -> str:
        return f"SigningKey({self.public.text})"


def origin_of(node: str) -> str:
    """A node's name in checkpoints, keys and anchors."""
    return f"{ORIGIN}{node}"
