"""Rules for numbers, each brought to the form of numbers (`telebank.calls.faxes.numbers`) once, as
the settings are read.

A rule holds for what it means and nothing else: `020*` and `0*` are the country's own numbers,
never those abroad, and `00*` or `+*` are those abroad, never the country's own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from telebank.calls.faxes.numbers import CARRIER, LOCAL, MIN_DIGITS, SHORT, Plan

FEWEST, MOST = 7, 15
"""Digits of a number abroad, country code and all (`numbers.FOREIGN`)."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Numbers of one form."""

    begins: str
    """How their form begins."""
    fewest: int
    """Characters of it at least."""
    most: int
    """At most."""
    beside: str = ""
    """What begins so is not meant; empty: all is."""

    def fits(self, form: str) -> bool:
        """Whether a number is one of them."""
        if self.beside and form.startswith(self.beside):
            return False
        return self.fewest <= len(form) <= self.most and form.startswith(self.begins)

    @property
    def exact(self) -> tuple[int, int]:
        """Greater than that of a pattern which says less of a number."""
        return len(self.begins), self.fewest - self.most

    def behind(self, front: str) -> "Pattern":
        """The same digits behind others."""
        more = len(front)
        return Pattern(front + self.begins, self.fewest + more, self.most + more)

    def within(self, fewest: int, most: int) -> Iterator["Pattern"]:
        """Those of them that have so many characters; nothing where none has."""
        few, many = max(fewest, self.fewest, len(self.begins)), min(most, self.most)
        if few <= many:
            yield Pattern(self.begins, few, many, self.beside)

    def common(self, other: "Pattern") -> Iterator["Pattern"]:
        """What both mean; nothing where there is none."""
        longer, shorter = sorted((self.begins, other.begins), key=len, reverse=True)
        if longer.startswith(shorter):
            both = Pattern(longer, self.fewest, self.most)
            yield from both.within(other.fewest, other.most)


def understood(plan: Plan, text: str, *, denies: bool = False) -> tuple[Pattern, ...]:
    """What a rule (`numbers.PATTERN`) means; raises `ValueError` where it is no rule of the plan.

    One that denies is for all that begins so: exchanges pass over digits too many.
    """
    written = _written(f"{text.rstrip('*')}*" if denies else text)
    begins = written.begins
    if begins.startswith("+"):
        found = tuple(_abroad(plan, _cut(written, "+")))
    elif begins.startswith(plan.abroad):
        found = tuple(_abroad(plan, _cut(written, plan.abroad)))
    elif plan.abroad.startswith(begins) and (denies or not _of_trunk(plan, begins)):
        country = f"+{plan.country}"
        raise ValueError(
            f"{text!r} may be numbers of the country or abroad: write {country}… for those of the"
            f" country, {plan.abroad}… or +… for those abroad"
        )
    elif _of_trunk(plan, begins):
        found = tuple(_national(plan, _cut(written, plan.trunk)))
    else:
        found = tuple(_bare(plan, written))
    if not found:
        raise ValueError(f"{text!r} {_why(plan, begins)}")
    return found


def any_fits(patterns: Iterable[Pattern], form: str) -> bool:
    """Whether a number is one of them."""
    return any(pattern.fits(form) for pattern in patterns)


def _written(text: str) -> Pattern:
    """Its digits, as they stand."""
    plain = text.rstrip("*")
    return Pattern(plain.rstrip("#"), len(plain), len(plain) if plain == text else 99)


def _cut(written: Pattern, front: str) -> Pattern:
    """Without the first characters."""
    less = len(front)
    return Pattern(written.begins[less:], written.fewest - less, written.most - less)


def _of_trunk(plan: Plan, begins: str) -> bool:
    return bool(plan.trunk) and begins.startswith(plan.trunk)


def _abroad(plan: Plan, digits: Pattern) -> Iterator[Pattern]:
    """Behind the international prefix: of another country, or of this one."""
    if digits.begins.startswith("0"):
        return
    if digits.begins.startswith(plan.country):
        yield from _national(plan, _cut(digits, plan.country))
        return
    for one in digits.within(FEWEST, MOST):
        whole = one.behind("+")
        yield Pattern(whole.begins, whole.fewest, whole.most, f"+{plan.country}")


def _national(plan: Plan, digits: Pattern) -> Iterator[Pattern]:
    """From the area code on."""
    if digits.begins.startswith(("0", *plan.carriers)):
        return
    for one in digits.within(plan.national[0], plan.national[-1]):
        yield one.behind(f"+{plan.country}")


def _bare(plan: Plan, digits: Pattern) -> Iterator[Pattern]:
    """Without a prefix: none of the plan, or dialled without the trunk prefix, or of our area."""
    if digits.begins.startswith(plan.carriers):
        return
    yield from digits.within(MIN_DIGITS, SHORT)
    if not plan.trunk:
        yield from _national(plan, digits)
        return
    for mobile in plan.without_trunk:
        for one in digits.common(_written(mobile)):
            yield from _national(plan, one)
    if plan.area:
        for one in digits.within(SHORT + 1, LOCAL):
            yield from _national(plan, one.behind(plan.area))


def _why(plan: Plan, begins: str) -> str:
    if begins.startswith(plan.carriers):
        return f"is no number: {CARRIER}"
    few, many = plan.national[0], plan.national[-1]
    return (
        f"is no number that can be dialled, nor how one begins with a star behind it: numbers of"
        f" the country have {few} to {many} digits behind {plan.trunk or '+' + plan.country},"
        f" those abroad {FEWEST} to {MOST} behind {plan.abroad}, others {MIN_DIGITS} to {SHORT}"
    )
