"""`telebank audit story`: one transaction told whole, as the auditor's page has it."""

from dataclasses import asdict
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import click

from telebank.commands.common import EXIT_FINDING, data_option, json_option
from telebank.commands.contacts import reading
from telebank.commands.control_client import call, need_token, session_option
from telebank.commands.language import Language, language_option
from telebank.commands.staff_secrets import say_json
from telebank.console.audit.heard import Prompts
from telebank.console.audit.texts import AUDIT_WORDS
from telebank.console.audit.told import (
    FACTS,
    Line,
    Telling,
    lines,
    proof_facts,
    release_of,
    row,
    spots,
    way,
)
from telebank.settings import load_settings
from telebank.store.review.story import Story, story

LOOK = "/v1/audit/look"


@click.command(name="story")
@click.argument("of", metavar="REFERENCE")
@session_option
@data_option
@language_option
@json_option
def command(
    *, of: str, session: Path | None, data: Path, language: Language, as_json: bool
) -> None:
    """Tell one transaction whole, masked, with its proof: REFERENCE, a call, or an audit entry.

    For auditors who are logged in (telebank staff login NAME). That you look is written into the
    log first, by the running node. Exit 1 where there is none, or an entry was changed.

    \b
    Examples:
      telebank audit story 010000000017
      telebank audit story 01-3-000017 --language zh
      telebank audit story 01-4711 --json | jq '.proof'
    """
    call(data, "POST", LOOK, {"what": "story", "of": of}, need_token(data, session))
    zone = timezone(timedelta(minutes=load_settings(data).node.utc_offset_minutes))
    with reading(data) as connection:
        found = story(connection, of)
        if found is None:
            raise click.ClickException(AUDIT_WORDS[language]["no_unknown"])
        spoken = Prompts().spoken(connection, release_of(found), spots(found))
    t = Telling(AUDIT_WORDS[language], language, zone, spoken)
    if as_json:
        say_json(_whole(found, t))
    else:
        _say(found, t)
    broken = found.proof is not None and found.proof.standing == "broken"
    if found.changed or broken:
        raise SystemExit(EXIT_FINDING)


def _whole(found: Story, t: Telling) -> dict[str, Any]:
    return {
        "of": found.of,
        "call": found.call,
        "requests": [row(one, t) for one in found.requests],
        "proof": None if found.proof is None else _plain(asdict(found.proof)),
        "changed": list(found.changed),
        "lines": [_plain(asdict(line)) for line in lines(found, t)],
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in values.items()
        if name not in ("when", "spot")
    }


def _say(found: Story, t: Telling) -> None:
    for one in found.requests:
        told = row(one, t)
        click.echo(f"{told['reference']}  {told['service']}  {told['amount']}  {told['state']}")
        for name in FACTS:
            if told[name]:
                click.echo(f"  {t.w[name]}: {told[name]}")
    if passed := way(found, t):
        click.echo(f"{t.w['path']}: {' › '.join(passed)}")
    click.echo(f"\n{t.w['proof']}")
    for name, value in proof_facts(found, t):
        click.echo(f"  {name}: {value}")
    click.echo(f"\n{t.w['timeline']}")
    for line in lines(found, t):
        for words in _words(line, t):
            click.echo(words)


def _words(line: Line, t: Telling) -> list[str]:
    first = f"{line.when}  {line.entry or '–':<10} {line.title}  {line.text}".rstrip()
    more = [f"“{line.said}”"] * bool(line.said)
    more += ["; ".join(f"{name} {value}" for name, value in line.fields)] * bool(line.fields)
    more += [t.w["changed"]] * (not line.whole)
    return [first, *(f"{'':21}{words}" for words in more)]
