"""The forms of one release, read once; and what a seat's caller is offered of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from telebank.calls.edition import Edition, Unspeakable
from telebank.calls.forms.endings import advice
from telebank.calls.forms.making import CURSOR, by_business, forms_of
from telebank.calls.forms.menus import Menus
from telebank.calls.forms.model import Form
from telebank.calls.forms.slips import Kind, Result, Slip
from telebank.calls.forms.words import ending, lines_of, spoken_of, table_of
from telebank.flow.commands import Say, Spoken
from transactions.answer import Answer
from transactions.inputs import MAX_TEXT
from transactions.outcome import Values
from transactions.request import AuthLevel, Language

SAID: Mapping[tuple[bool, Kind], tuple[str, ...]] = {
    (True, "done"): ("sys.done",),
    (True, "refused"): ("dep.refused",),
    (True, "in_doubt"): ("dep.in_doubt",),
    (True, "not_done"): ("dep.not_done",),
    (False, "done"): ("sys.done",),
    (False, "refused"): ("sys.unavailable",),
    (False, "in_doubt"): ("dep.in_doubt",),
    (False, "not_done"): ("sys.unavailable",),
}
"""What is said where the menus have no words of their own: by whether money moves, and how it
ended."""
_DONE = frozenset({"ok", "last", "stored", "none", "stale"})
_HANDLES = frozenset({"quote", CURSOR})
"""Outputs that the host finds again what they stand for by: for no person."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The forms for one caller."""

    forms: tuple[Form, ...]
    level: AuthLevel
    business: str
    """The service of what he was at; empty: none."""
    last: Slip | None
    """What is under way, or was done last."""


@dataclass(frozen=True)
class Counter:
    """Of one release."""

    edition: Edition

    @cached_property
    def menus(self) -> Menus:
        """What its menus know of services."""
        return Menus(self.edition.release)

    @cached_property
    def forms(self) -> Mapping[str, Form]:
        """By service."""
        return forms_of(self.edition.release)

    @cached_property
    def business(self) -> Mapping[str, str]:
        """Services by menu."""
        return by_business(self.edition.release, self.forms)

    @property
    def ready(self) -> bool:
        """Whether its forms are made."""
        return "business" in self.__dict__

    def make(self) -> None:
        """Make them, in whatever thread."""
        assert self.business is not None

    def result(self, form: Form, asked: str, answer: Answer, terms: Values) -> Result:
        """What a service said, in words."""
        release, data = self.edition.release, answer.data
        told = {**terms, **data}
        rows = next((value for value in data.values() if isinstance(value, tuple)), ())
        names = [name for name in data if name not in _HANDLES and name in self._outputs(asked)]
        cursor = str(data.get(CURSOR, ""))
        return Result(
            kind=_kind(self.edition.contracts[asked].effect, answer.exit),
            exit=answer.exit,
            words=ending(self.edition, self.menus, asked, answer.exit, told),
            lines=tuple(lines_of(release, form, names, data)),
            table=table_of(release, form, rows),
            reference=answer.reference or str(data.get("ref", "")),
            cursor=cursor if len(cursor) <= MAX_TEXT else "",
            advice=advice(self.edition.contracts[asked].effect, answer.exit),
        )

    def spoken(self, slip: Slip) -> tuple[Spoken, ...]:
        """What the telephone says where a service ended as a slip did, or else how it ended."""
        if slip.result is None:
            return ()
        found = spoken_of(self.menus, slip.form.service, slip.result.exit, slip.shown)
        return found or tuple(map(Spoken, SAID[slip.form.effect == "money", slip.result.kind]))

    def speaks(self, words: tuple[Spoken, ...], language: Language) -> bool:
        """Whether there are words, and values that can be said."""
        try:
            self.edition.segments(Say(words, "", 0, language))
        except Unspeakable:
            return False
        return bool(words)

    def _outputs(self, asked: str) -> frozenset[str]:
        return frozenset(self.edition.contracts[asked].gives)


def _kind(effect: str, exit_name: str) -> Kind:
    if exit_name in _DONE:
        return "done"
    if effect == "money" and exit_name in ("in_doubt", "not_done"):
        return "in_doubt" if exit_name == "in_doubt" else "not_done"
    return "refused"
