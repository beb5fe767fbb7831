"""How keys are named in a token, and what each may do there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pkcs11
from pkcs11 import Attribute, ObjectClass

from core_adapters.hsm.errors import KeyUsageError
from core_adapters.hsm.kinds import MAX_VERSIONS, Algorithm, KeySpec, Usage

PREFIX = "tb"

Template = dict[Attribute, Any]


def ours(session: pkcs11.Session) -> Iterator[tuple[str, str, bool]]:
    """Label, identity and "is a record of a retired one" of every object of ours."""
    for kind, at, retired in (
        (ObjectClass.SECRET_KEY, Attribute.ID, False),
        (ObjectClass.DATA, Attribute.VALUE, True),
    ):
        for found in list(session.get_objects({Attribute.CLASS: kind})):
            label = str(found[Attribute.LABEL])
            if label.startswith(f"{PREFIX}:"):
                yield label, bytes(found[at]).decode("ascii", "replace"), retired


def label_of(name: str, version: int) -> str:
    """The label of a version's object."""
    return f"{PREFIX}:{name}:{version}"


@dataclass(frozen=True, slots=True)
class Found:
    """What an object of ours says of itself."""

    spec: KeySpec
    version: int
    kcv: str
    made: int


def identity(spec: KeySpec, kcv: str, made: int) -> str:
    """What CKA_ID says of a finished key; it is written last."""
    leave = "out" if spec.exportable else "stay"
    return f"{spec.usage}:{spec.algorithm}:{leave}:{kcv}:{made}"


def parse(label: str, text: str) -> Found | None:
    """What label and identity say; None for a half, an unfinished key, or what is not ours."""
    parts, words = label.split(":"), text.split(":")
    if len(parts) != 3 or len(words) != 5 or not parts[2].isdigit():  # noqa: PLR2004 - as written
        return None
    if not words[4].isdigit():
        return None
    if not 1 <= int(parts[2]) <= MAX_VERSIONS:
        return None
    try:
        spec = KeySpec(parts[1], Usage(words[0]), Algorithm(words[1]), words[2] == "out")
    except (ValueError, KeyUsageError):
        return None
    return Found(spec, int(parts[2]), words[3], int(words[4]))


def template(spec: KeySpec, label: str) -> Template:
    """The least that this usage needs. A check value by encryption needs to encrypt."""
    tdes = spec.algorithm.is_tdes
    encrypts = spec.usage in {Usage.PIN, Usage.PIN_OPEN} or tdes
    signs = spec.usage in {Usage.VERIFIER, Usage.TRANSPORT} or (
        spec.usage is Usage.MAC and not tdes
    )
    return {
        Attribute.LABEL: label,
        Attribute.ID: b"",
        Attribute.TOKEN: True,
        Attribute.PRIVATE: True,
        Attribute.SENSITIVE: True,
        Attribute.EXTRACTABLE: spec.exportable,
        Attribute.MODIFIABLE: True,
        Attribute.ENCRYPT: encrypts,
        Attribute.DECRYPT: spec.usage is Usage.PIN_OPEN,
        Attribute.SIGN: signs,
        Attribute.VERIFY: False,
        Attribute.WRAP: False,
        Attribute.UNWRAP: False,
        Attribute.DERIVE: False,
    }
