"""`telebank staff skills`: what a person is good at, at a desk."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from telebank.agents.options import skills_of
from telebank.agents.seats import LANGUAGE
from telebank.commands.common import data_option, json_option
from telebank.commands.control_client import call, need_token, request_id, session_option
from telebank.commands.staff_secrets import name_argument, plain, say
from telebank.settings import SettingsError, queues_file, read_queues

_GIVEN = re.compile(r"([a-z][a-z0-9_.]{0,31})=([0-9])")


@click.command()
@name_argument
@click.argument("given", nargs=-1, metavar="[SKILL=LEVEL]…")
@click.option("--phone", help="His own extension; '' for none any more.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="His first day at a desk.")
@session_option
@data_option
@json_option
def skills(
    *,
    name: str,
    given: tuple[str, ...],
    phone: str | None,
    since: datetime | None,
    session: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """Show what a person is good at, or change it: levels 1 to 9, 0 takes a skill away.

    Queues ask for skills by name; a language is the skill lang.zh or lang.en. Supervisors and
    administrators change them; what is not named stays as it is.

    \b
    Examples:
      telebank staff skills li
      telebank staff skills li general=5 lang.en=3 loss=0 --phone 8001 --since 2026-11-01
    """
    path, token = f"/v1/staff/{plain(name)}/skills", need_token(data, session)
    body: dict[str, Any] = {"skills": _levels(given)} if given else {}
    if phone is not None:
        body["phone"] = phone
    if since is not None:
        body["began_on"] = since.date().isoformat()
    if body:
        answer = call(data, "POST", path, {"request_id": request_id(), **body}, token)
    else:
        answer = call(data, "GET", path, token=token)
    say(answer, _words(answer), as_json)
    _warn_of_unknown(data, answer["skills"])


def _warn_of_unknown(data: Path, skills: Mapping[str, int]) -> None:
    """A skill that no queue has may be meant for one to come, or be a slip of the pen."""
    try:
        known = skills_of(read_queues(queues_file(data)).queues)
    except SettingsError:
        return
    for name in sorted(skills.keys() - known):
        if not name.startswith(LANGUAGE):
            names = ", ".join(sorted(known))
            click.echo(f"Note: no queue has the skill {name}; known are {names}", err=True)


def _levels(given: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for word in given:
        match = _GIVEN.fullmatch(word)
        if match is None:
            raise click.UsageError(f"{word!r} is no SKILL=LEVEL, such as cards=5 (0 to 9)")
        found[match[1]] = int(match[2])
    return found


def _words(answer: Mapping[str, Any]) -> str:
    levels = " ".join(f"{skill}={level}" for skill, level in answer["skills"].items())
    return "\n".join(
        (
            f"{answer['name']}  {answer['full_name']}",
            f"skills  {levels or 'none'}",
            f"phone   {answer['phone'] or 'none'}",
            f"since   {answer['began_on'] or 'long ago'}",
        )
    )
