"""What a customer is read before he signs with his PIN: the read-back of the menus, in their words.

A service has a read-back for each of its menus; the one that fits what the form was filled with is
said. Which keys to press is left out: here he agrees by his PIN.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from telebank.calls.forms.menus import Menus
from telebank.flow.commands import Spoken
from telebank.flow.model import Confirm
from telebank.flow.options import LANGUAGES
from telebank.flow.speech import prompt_of
from telebank.flow.texts import Text
from transactions.outcome import Value, Values
from transactions.service import Contracts, Service

KEYS = "sys.confirm"
"""How texts begin that say which keys confirm; where a read-back has none, its own last text does
behind its last value."""
CONTRADICTS = 5
"""How much worse a read-back fits whose menu is about another kind than the form says."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Where a value is told that nobody writes and no quote has: in the rows of a read."""

    service: str
    rows: str
    """Its output."""
    by: str
    """The column, and the input of the form, that say which row."""


@dataclass(frozen=True)
class ReadBack:
    """One of a menu."""

    texts: tuple[Text, ...]
    keys_within: bool
    """Its last text says which keys to press."""
    again: bool
    """It says that the same was done minutes ago."""
    given: frozenset[str]
    """Inputs that its menu asks for."""
    own: Mapping[str, str]
    """Names of the service by those of the menu."""
    fixed: Mapping[str, tuple[str, ...]]
    """Constants that lead to this menu."""

    @property
    def slots(self) -> tuple[str, ...]:
        """The values that it says, as the service calls them, or else the menu."""
        return tuple(
            self.own.get(slot.name, slot.name) for text in self.texts for slot in text.slots
        )

    def knows(self, name: str) -> bool:
        """Whether this menu is entered for one value of it alone."""
        return len(self.fixed.get(name, ())) == 1

    def misfit(self, given: Values, again: bool) -> int:
        """How badly it fits; 0: exactly."""
        against = sum(
            name in given and str(given[name]) not in codes for name, codes in self.fixed.items()
        )
        other = len(self.given.symmetric_difference(given))
        return other + CONTRADICTS * against + 2 * CONTRADICTS * (self.again is not again)

    def spoken(self, values: Values) -> tuple[Spoken, ...]:
        """Its words; none where a value is not known."""
        said: list[Spoken] = []
        for at, text in enumerate(self.texts):
            known = {slot.name: self._value(slot.name, values) for slot in text.slots}
            if any(value is None for value in known.values()):
                return ()
            sure = {name: value for name, value in known.items() if value is not None}
            cut = self.keys_within and at == len(self.texts) - 1
            said.append(Spoken(text.id, sure, to_last_value=cut))
        return tuple(said)

    def _value(self, slot: str, values: Values) -> Value | None:
        name = self.own.get(slot, slot)
        if name in values:
            return values[name]
        return self.fixed[name][0] if self.knows(name) else None


def read_backs(menus: Menus, service: str, asked: str) -> Iterator[ReadBack]:
    """Those of a service, whose terms `asked` gives."""
    texts = menus.release.texts[LANGUAGES[0]]
    for use in menus.uses(service):
        node = use.flow.nodes.get(use.node.guarded_by or "")
        if not isinstance(node, Confirm):
            continue
        asking = [one for one in menus.uses(asked) if one.flow is use.flow]
        own = {one.variable(name): name for one in (*asking, use) for name in one.node.inputs}
        items = [prompt_of(item, LANGUAGES[0])[0] for item in node.say]
        fixed = {own.get(name, name): codes for name, codes in menus.led_by(use.flow.name)}
        yield ReadBack(
            texts=tuple(texts[item] for item in items if not item.startswith(KEYS)),
            keys_within=not any(item.startswith(KEYS) for item in items),
            again=any(one.node.then.get("repeated") == node.name for one in asking),
            given=frozenset(name for one in asking for name in one.node.inputs),
            own={menu: name for menu, name in own.items() if menu},
            fixed=fixed,
        )


def terms_of(
    backs: tuple[ReadBack, ...], given: Values, values: Values, *, again: bool
) -> tuple[Spoken, ...]:
    """The terms to be said: of what was filled in as `given`, with these values; none where the
    menus have no words for them."""
    for back in sorted(backs, key=lambda one: one.misfit(given, again)):
        if spoken := back.spoken(values):
            return spoken
    return ()


def lookups(
    backs: tuple[ReadBack, ...], asked: Service, contracts: Contracts
) -> Mapping[str, Lookup]:
    """Where values are told that every read-back says, and neither form nor quote has."""
    known = {*asked.inputs, *asked.outputs}
    lacking = [
        {name for name in back.slots if name not in known and not back.knows(name)}
        for back in backs
    ]
    if not all(lacking):
        return {}
    found = {name: _row(name, asked, contracts) for name in sorted(set[str]().union(*lacking))}
    return {name: by for name, by in found.items() if by is not None}


def _row(name: str, asked: Service, contracts: Contracts) -> Lookup | None:
    for one in contracts.services.values():
        if one.effect != "read" or set(one.inputs) - one.optional - {one.customer}:
            continue
        for rows, shape in one.rows.items():
            by = next((key for key in asked.inputs if key in shape.columns), None)
            if name in shape.columns and by is not None:
                return Lookup(one.name, rows, by)
    return None
