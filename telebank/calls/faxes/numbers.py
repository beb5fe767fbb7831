"""Telephone numbers as one country dials them: a number is one number, however it is written.

`02055550000`, `+86 20 5555 0000` and `0086-20-55550000` ring at the same place, so a rule for one
has to hold for all. Numbers and rules are therefore brought to one form, `+862055550000`, and only
there compared (`telebank.calls.faxes.patterns` does it for rules). What is no writing of this plan
is nobody's number here: exchanges pass over digits, choose carriers by them and dial what is left,
so nothing is guessed (ITU-T E.164, E.123).
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

MIN_DIGITS, MAX_DIGITS = 3, 18
"""ITU-T E.164 knows at most 15 digits; before them stand those of the way abroad."""
SHORT = 6
"""Digits of the longest number that is none of the plan: 110, 95588, an extension of a PBX."""
LOCAL = 8
"""Digits of the longest number that is dialled within its own area."""
FOREIGN = re.compile(r"[1-9][0-9]{6,14}")
"""An international number from its country code on (E.164 6)."""
PATTERN = re.compile(r"(?=.{1,22}$)(?:\+[0-9]*|[0-9]+)#*\*?")
"""A number, its last digits as `#` where any will do; or the beginning of numbers with a star
behind it."""
CARRIER = "numbers that choose a carrier are not dialled: give the number alone"
_FILLERS = re.compile(r"[ ()\-.]")
_NUMBER = re.compile(rf"\+?[0-9]{{{MIN_DIGITS},{MAX_DIGITS}}}")


@dataclass(frozen=True, slots=True)
class Plan:
    """How numbers are dialled where the gateway is; see `[outbound]`."""

    country: str
    trunk: str
    abroad: str
    area: str
    without_trunk: tuple[str, ...]
    carriers: tuple[str, ...]
    national: range
    """How many digits a number of the country has, behind country code or trunk prefix."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number."""

    dialled: str
    """Its one form: as the gateway gets it, as it is sealed and counted."""
    form: str
    """As the whole world knows it, `+` and the country code first, and as rules see it; of a
    number that is none of the plan, its digits alone."""


def bare(text: str) -> str | None:
    """A number without what people write between its digits; None where it is none. Digits and
    signs of full width are the same ones (Unicode, NFKC)."""
    found = _FILLERS.sub("", unicodedata.normalize("NFKC", text))
    return found if _NUMBER.fullmatch(found) else None


def read(plan: Plan, text: str) -> Number | str:
    """The number that is written here, or why it is none."""
    digits = bare(text)
    if digits is None:
        return f"{MIN_DIGITS} to {MAX_DIGITS} digits make a number"
    if digits.startswith("+"):
        return _international(plan, digits[1:])
    if digits.startswith(plan.abroad):
        return _international(plan, digits[len(plan.abroad) :])
    if plan.trunk and digits.startswith(plan.trunk):
        return _national(plan, digits[len(plan.trunk) :])
    return _within(plan, digits)


def _within(plan: Plan, digits: str) -> Number | str:
    """Without a prefix."""
    if digits.startswith(plan.carriers):
        return CARRIER
    if len(digits) <= SHORT:
        return Number(digits, digits)
    if not plan.trunk or fits(plan.without_trunk, digits):
        return _national(plan, digits)
    if plan.area and len(digits) <= LOCAL:
        return _national(plan, plan.area + digits)
    return f"write it with its area code, {plan.trunk}…, or with +{plan.country}…"


def _international(plan: Plan, digits: str) -> Number | str:
    if FOREIGN.fullmatch(digits) is None:
        return "behind + or the international prefix come a country code and at most 15 digits"
    if digits.startswith(plan.country):
        return _national(plan, digits[len(plan.country) :])
    return Number(plan.abroad + digits, f"+{digits}")


def _national(plan: Plan, digits: str) -> Number | str:
    """A number of the country, from its area code on."""
    if digits.startswith(plan.carriers):
        return CARRIER
    alone = not plan.trunk or fits(plan.without_trunk, digits)
    few, many = plan.national[0], plan.national[-1]
    if digits.startswith("0") or len(digits) not in plan.national:
        return f"numbers of the country have {few} to {many} digits behind {plan.trunk or '+'}"
    return Number(digits if alone else plan.trunk + digits, f"+{plan.country}{digits}")


def fits(patterns: Iterable[str], number: str) -> bool:
    """Whether a number is one of a list of patterns."""
    return any(matches(pattern, number) for pattern in patterns)


def matches(pattern: str, number: str) -> bool:
    """Whether a number is the one of a pattern, or begins as one that ends in a star says; a `#`
    is any digit."""
    plain = pattern.rstrip("*")
    long_enough = len(number) >= len(plain) if plain != pattern else len(number) == len(plain)
    begins = plain.rstrip("#")
    hashed = number[len(begins) : len(plain)]
    return long_enough and number.startswith(begins) and (not hashed or hashed.isdigit())
