"""Who calls for what in tests that go through all keys, and what he must have done before.

Some services need a customer of a certain kind (a card not yet active, an operator of a company),
and some something that was ordered before (a payee to remove). Others leave a card of no more use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core_adapters.corehost.seed import SeedCard, trial_set
from support.corehost_process import CoreHostProcess

SPENT = 50
"""Cards from here on are for services after which a card is not as it was."""
SIGNED_IN = ("1", "CARD#", "PIN#")
OPERATORS = [one for one in trial_set() if one.state == "operator"]
MAKER, APPROVER, SECOND, VIEWER = OPERATORS
COMPANY = next(one for one in trial_set() if one.company)
CHEQUES = next(one for one in trial_set() if one.cheques)


@dataclass(frozen=True)
class Family:
    """Services under some keys after the PIN (or, `front`, after the language)."""

    under: tuple[str, ...]
    spent: int | None = None
    """Which of the last cards, by pairs: one for each language."""
    shared: int | None = None
    """Or one of the others, by pairs."""
    special: str = ""
    """Or the card of that state."""
    who: SeedCard | None = None
    before: tuple[str, ...] = ()
    """Keys of the call that comes before, once for a customer."""


ADD_PAYEE = (*SIGNED_IN, "5", "4", "2", "PAYEE#", "CODE", "1")
MAKE_ORDER = (*SIGNED_IN, "2", "5", "1", "PAYEE#", "AMOUNT#", "FIRST#", "1", "1")
BLOCK = (*SIGNED_IN, "5", "3", "2", "1", "1")
PROPOSE = ("4", "CARD#", "PIN#", "5", "1", "ROW", "PAY_TO#", "AMOUNT#", "1")
FAMILIES: Sequence[Family] = (
    Family((*SIGNED_IN, "1", "5", "4"), who=CHEQUES),
    Family((*SIGNED_IN, "2", "4"), shared=0, before=ADD_PAYEE),
    Family((*SIGNED_IN, "2", "5", "2"), shared=1, before=MAKE_ORDER),
    Family((*SIGNED_IN, "5", "1"), spent=0),
    Family(("2",), spent=1),
    Family((*SIGNED_IN, "5", "3", "1"), special="inactive"),
    Family((*SIGNED_IN, "5", "3", "2"), spent=2),
    Family((*SIGNED_IN, "5", "3", "3"), spent=2, before=BLOCK),
    Family((*SIGNED_IN, "5", "3"), who=CHEQUES),
    Family((*SIGNED_IN, "5", "4", "1"), shared=0, before=ADD_PAYEE),
    Family((*SIGNED_IN, "5", "4", "2"), shared=2),
    Family((*SIGNED_IN, "5", "4", "3"), spent=3),
    Family(("4", "CARD#", "PIN#", "5", "5"), who=APPROVER),
    Family(("4", "CARD#", "PIN#", "5"), who=MAKER),
    Family(("4",), who=COMPANY),
    Family(("5", "1"), special="unenrolled"),
)
"""The first that fits."""
AGAIN: Mapping[str, Sequence[tuple[str, str]]] = {
    "card.activate": [("card.activate", "already")],
    "card.block": [("card.block", "already")],
    "cheque.order": [("cheque.order", "too_many")],
    "pin.enrol": [("customer.identify", "enrolled")],
}
"""Exits of what only one call can do, where another language came first."""
TOLD_AFTER = {"order.change": "order.list", "order.cancel": "order.list"}
"""Lists that are told again once a row was changed."""


def family_of(keys: Sequence[str]) -> Family | None:
    """The family of keys after the language."""
    return next((one for one in FAMILIES if tuple(keys[: len(one.under)]) == one.under), None)


def caller_of(keys: Sequence[str], host: CoreHostProcess, language: str, usual: int) -> SeedCard:
    """Who presses these keys after `language` (1 or 2); the card `usual` where anybody may."""
    family, place = family_of(keys), int(language) - 1
    if family is None:
        return host.cards[usual]
    if family.spent is not None:
        return host.cards[SPENT + 2 * family.spent + place]
    if family.shared is not None:
        return host.cards[2 * family.shared + place]
    if family.special:
        return next(one for one in trial_set() if one.state == family.special)
    assert family.who is not None
    return family.who
