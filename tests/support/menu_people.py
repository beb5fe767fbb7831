"""Who calls for what in tests that go through all keys, and what he must have done before.

Some services need a customer of a certain kind (a card not yet active, an operator of a company),
and some something that was ordered before (a payee to remove). Others leave a card of no more use.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core_adapters.corehost.seed import SeedCard, trial_set
from support.corehost_process import CoreHostProcess

SPENT = 50
"""Cards from here on are for services after which a card is not as it was."""
MUCH = 6_000
"""Yuan above `quiet_line.TIER`, the tier of the second factor there."""
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
    """Keys of the call that comes before, for each customer."""
    times: int = 1
    """How often that call is made."""
    again: tuple[str, str] = ("", "")
    """A service and its exit where another language came first, and only one call can do it."""


ADD_PAYEE = (*SIGNED_IN, "5", "4", "2", "PAYEE#", "CODE", "1")
MAKE_ORDER = (*SIGNED_IN, "2", "5", "1", "PAYEE#", "AMOUNT#", "FIRST#", "1", "1")
BLOCK = (*SIGNED_IN, "5", "3", "2", "1", "1")
PROPOSE = ("4", "CARD#", "PIN#", "5", "1", "ROW", "PAY_TO#", "AMOUNT#", "1")
HABIT = 3
"""Uses that make a service one of the caller's own."""
FAMILIES: Sequence[Family] = (
    Family((*SIGNED_IN, "6"), shared=4, before=(*SIGNED_IN, "1", "1"), times=HABIT),
    Family((*SIGNED_IN, "PIN#"), special="first_use", again=("pin.verify", "wrong_pin")),
    Family((*SIGNED_IN, "5", "1", "PIN#", "WEAK_PIN#"), shared=3),
    Family((*SIGNED_IN, "2", "1", "PAYEE#", "MUCH#"), shared=5),
    Family((*SIGNED_IN, "1", "5", "4"), who=CHEQUES),
    Family((*SIGNED_IN, "2", "4"), shared=0, before=ADD_PAYEE),
    Family((*SIGNED_IN, "2", "5", "2"), shared=1, before=MAKE_ORDER),
    Family((*SIGNED_IN, "5", "1"), spent=0),
    Family(("2",), spent=1),
    Family((*SIGNED_IN, "5", "3", "1"), special="inactive", again=("card.activate", "already")),
    Family((*SIGNED_IN, "5", "3", "2"), spent=2, again=("card.block", "already")),
    Family((*SIGNED_IN, "5", "3", "3"), spent=2, before=BLOCK),
    Family((*SIGNED_IN, "5", "3"), who=CHEQUES, again=("cheque.order", "too_many")),
    Family((*SIGNED_IN, "5", "4", "1"), shared=0, before=ADD_PAYEE),
    Family((*SIGNED_IN, "5", "4", "2"), shared=2),
    Family((*SIGNED_IN, "5", "4", "3"), spent=3),
    Family(("4", "CARD#", "PIN#", "5", "5"), who=APPROVER),
    Family(("4", "CARD#", "PIN#", "5"), who=MAKER),
    Family(("4",), who=COMPANY),
    Family(("5", "1"), special="unenrolled", again=("customer.identify", "enrolled")),
)
"""The first that fits."""
TOLD_AFTER = {"order.change": "order.list", "order.cancel": "order.list"}
"""Lists that are told again once a row was changed."""


def family_of(keys: Sequence[str]) -> Family | None:
    """The family of keys after the language."""
    return next((one for one in FAMILIES if tuple(keys[: len(one.under)]) == one.under), None)


def done_before(keys: Sequence[str]) -> Sequence[tuple[str, str]]:
    """What shows that another call did it before."""
    family = family_of(keys)
    return [family.again] if family is not None and family.again[0] else []


def payee_of(one: SeedCard, host: CoreHostProcess) -> SeedCard:
    """Somebody else, who only receives."""
    return host.cards[SPENT - 1 - (one == host.cards[SPENT - 1])]


@dataclass
class People:
    """Who calls in one language (1 or 2), and who has made his call before."""

    host: CoreHostProcess
    language: str
    ready: set[tuple[SeedCard, tuple[str, ...]]] = field(default_factory=set)

    def caller(self, keys: Sequence[str], usual: int) -> SeedCard:
        """Who presses keys after the language; the card `usual` where anybody may."""
        family, place = family_of(keys), int(self.language) - 1
        if family is None:
            return self.host.cards[usual]
        if family.spent is not None:
            return self.host.cards[SPENT + 2 * family.spent + place]
        if family.shared is not None:
            return self.host.cards[2 * family.shared + place]
        if family.special:
            return next(one for one in trial_set() if one.state == family.special)
        assert family.who is not None
        return family.who

    def calls_before(self, keys: Sequence[str], one: SeedCard) -> int:
        """How often he must still call for what comes before."""
        family = family_of(keys)
        if family is None or not family.before or (one, family.before) in self.ready:
            return 0
        self.ready.add((one, family.before))
        return family.times
