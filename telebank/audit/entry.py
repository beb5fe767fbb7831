"""One entry of the audit log: what its leaf hash is made of.

An entry is a row of the event log. Its leaf is SHA-256(0x00 || canonical JSON of `Entry.fields()`);
personal detail is in it as a salted hash only, so that salt and detail can be deleted and the log
still verifies.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from telebank.audit.canonical import canonical
from telebank.audit.merkle import leaf_hash

SCHEMA = 1
"""Version of the set of fields in an entry; it is itself in the leaf."""
SALT_BYTES = 16

Detail = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the event log as it is hashed. Times in microseconds; absent text is null."""

    node: str
    sequence: int
    """From 1 without a gap, by node."""
    utc_us: int
    """Microseconds since 1970-01-01T00:00:00Z."""
    monotonic_us: int
    """Microseconds of the machine's monotonic clock; comparable within one boot id."""
    boot: str
    kind: str
    call: str | None
    leg: str | None
    request: str | None
    actor: str
    role: str
    origin: str
    outcome: str
    detail: Detail
    personal_hash: str | None
    """Hexadecimal `personal_hash` of the personal detail beside the row, or null."""
    schema: int = SCHEMA

    def fields(self) -> dict[str, object]:
        """The entry as JSON values."""
        return {
            "actor": self.actor,
            "boot": self.boot,
            "call": self.call,
            "detail": dict(self.detail),
            "kind": self.kind,
            "leg": self.leg,
            "monotonic_us": self.monotonic_us,
            "node": self.node,
            "origin": self.origin,
            "outcome": self.outcome,
            "personal_hash": self.personal_hash,
            "request": self.request,
            "role": self.role,
            "schema": self.schema,
            "sequence": self.sequence,
            "utc_us": self.utc_us,
        }

    def leaf(self) -> bytes:
        """The leaf hash (32 bytes)."""
        return leaf_hash(canonical(self.fields()))


def personal_hash(salt: bytes, personal: Detail) -> str:
    """SHA-256(salt || canonical JSON) in hexadecimal; `salt` is 16 random bytes."""
    return hashlib.sha256(salt + canonical(dict(personal))).hexdigest()
