"""What is given to `telebank queue simulate` in one word: callers, seats, seconds."""

import re
from collections.abc import Mapping, Sequence

import click

from telebank.agents.simulation.plan import PlanError, Staff, Stream

_SKILL = r"[a-z][a-z0-9_.]{0,31}"
_CALLERS = re.compile(
    rf"({_SKILL})(?:@({_SKILL}))?(?::(zh|en))?(?::([0-9]))?=([0-9]+(?:\.[0-9]+)?)"
)
_SEATS = re.compile(rf"({_SKILL}(?:/[1-9])?(?:\+{_SKILL}(?:/[1-9])?)*)=([0-9]{{1,4}})")
_TALK = re.compile(rf"(?:({_SKILL})=)?([0-9]+(?:\.[0-9]+)?)")
USUAL_LEVEL = 5
"""Of a skill that is named without one."""
TALK_S = 180.0


def streams(calls: Sequence[str], talks: Sequence[str]) -> tuple[Stream, ...]:
    """`general=120`, `general:en=10`, `general@transfers:zh:5=3`: skill, business, language,
    importance, calls an hour."""
    seconds = _talks(talks)
    found = []
    for text in calls:
        match = _CALLERS.fullmatch(text)
        if match is None:
            raise click.UsageError(
                f"--calls {text}: give SKILL=AN_HOUR, general=120; or with business, language"
                " and importance, general@transfers:en:5=3"
            )
        skill, business, language, level, per_hour = match.groups()
        talk_s = seconds.get(skill, seconds.get("", TALK_S))
        try:
            found.append(
                Stream(
                    *(skill, float(per_hour), talk_s, language or "zh"),
                    level=int(level or 0),
                    business=business or "",
                )
            )
        except PlanError as error:
            raise click.UsageError(str(error)) from error
    unknown = seconds.keys() - {""} - {one.skill for one in found}
    if unknown:
        raise click.UsageError(f"--talk names {min(unknown)}, for which there are no --calls")
    return tuple(found)


def staff(seats: Sequence[str]) -> tuple[Staff, ...]:
    """`general=8`, `general/7+loss/3+lang.en=2`: skills with their levels, how many people."""
    found = []
    for text in seats:
        match = _SEATS.fullmatch(text)
        if match is None:
            raise click.UsageError(
                f"--seats {text}: give SKILL=HOW_MANY, general=8; or several skills with levels,"
                " general/7+loss/3+lang.en=2"
            )
        skills = [part.partition("/") for part in match[1].split("+")]
        levels = tuple((name, int(level or USUAL_LEVEL)) for name, _, level in skills)
        found.append(Staff(levels, int(match[2])))
    return tuple(found)


def _talks(texts: Sequence[str]) -> Mapping[str, float]:
    found = {}
    for text in texts:
        match = _TALK.fullmatch(text)
        if match is None:
            raise click.UsageError(f"--talk {text}: give seconds, 180, or SKILL=SECONDS, loss=90")
        found[match[1] or ""] = float(match[2])
    return found
