"""Events and commands of the machine of key exchange."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core_adapters.hsm.kinds import KeyInfo

OK, NO_SUCH_KEY, REFUSED, FAILED = "00", "12", "63", "96"
"""Field 39 of our answer: taken; a name that the profile has not; a block that is not right (63,
security); our module failed."""

Outcome = Literal["changed", "refused", "retired", "open", "failed", "found", "gone"]
"""`found` and `gone`: another process put a version into the module, or removed one."""


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """What became of a key, for the audit log: never material. `why` is empty where all is well,
    and an operator must see what it says."""

    name: str
    outcome: Outcome
    by: Literal["host", "us"]
    version: int = 0
    kcv: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class KeysRead:
    """What the module holds: at the start, and after every change."""

    infos: Sequence[KeyInfo]


@dataclass(frozen=True, slots=True)
class BlockOffered:
    """The host's 0800: `name` is ours, None for a word that the profile has not; `seen` what the
    module reads in the block, None where it reads none (`problem` says why)."""

    name: str | None
    seen: KeyInfo | None
    check: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class BlockTaken:
    """The module has the host's key as a new version."""

    info: KeyInfo


@dataclass(frozen=True, slots=True)
class RotationAsked:
    """An operator wants a new key of ours."""

    name: str


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """The host's 0810 to our key: field 39, and the check value that it made (may be empty)."""

    name: str
    code: str
    check: str


@dataclass(frozen=True, slots=True)
class OfferUnanswered:
    """No usable 0810; `sent` is False where nothing went."""

    name: str
    sent: bool
    why: str


@dataclass(frozen=True, slots=True)
class ModuleFailed:
    """The module would not do what was asked last."""

    name: str
    why: str


Event = (
    KeysRead | BlockOffered | BlockTaken | RotationAsked | OfferAnswered | OfferUnanswered
) | ModuleFailed


@dataclass(frozen=True, slots=True)
class TakeBlock:
    """Import the block that was offered; ends in `BlockTaken` or `ModuleFailed`."""

    name: str


@dataclass(frozen=True, slots=True)
class AnswerBlock:
    """Field 39 of our 0810, and the check value that we made."""

    code: str
    check: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """Make a key under `name` + `NEXT`, then read the keys."""

    name: str


@dataclass(frozen=True, slots=True)
class Offer:
    """Send the staged key; ends in `OfferAnswered` or `OfferUnanswered`."""

    name: str


@dataclass(frozen=True, slots=True)
class Adopt:
    """Take the staged key into use under `name`, drop the staged one, then read the keys."""

    name: str


@dataclass(frozen=True, slots=True)
class Discard:
    """Drop the staged key."""

    name: str


@dataclass(frozen=True, slots=True)
class Retire:
    """End a previous version, then read the keys."""

    name: str
    version: int


@dataclass(frozen=True, slots=True)
class Tell:
    """For the audit log."""

    event: KeyEvent


Command = TakeBlock | AnswerBlock | Stage | Offer | Adopt | Discard | Retire | Tell
