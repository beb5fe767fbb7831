"""`telebank matters`: what is still to be done after talks; asked of the running node.

For people in words, as the pages have them, and by the bank's clock; --json has codes and UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click

from telebank.commands.common import data_option, json_option
from telebank.commands.control_client import ControlRefused, call, need_token, session_option
from telebank.commands.language import Language, language_option
from telebank.commands.listing import Column
from telebank.commands.listing import show as print_list
from telebank.commands.staff_secrets import say_json

PATH = "/v1/matters"
COLUMNS = ("number", "state", "changed", "holder", "due")
GIVES = ("business", "subject")
"""Words of the pages, by their names there."""


@click.group(name="matters", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Matters: what is still to be done after a talk, who has it, what was said (docs/matters.md).

    \b
    Examples:
      telebank matters list
      telebank matters list --of all --state any --person li
      telebank matters show 01-000042
    """


@command.command(name="list")
@click.option(
    *("--of", "sight"),
    type=click.Choice(["mine", "own", "groups", "all"]),
    default="mine",
    show_default=True,
    help="One's own, those of one's groups, both, or everybody's.",
)
@click.option(
    "--state",
    type=click.Choice(["open", "closed", "any"]),
    default="open",
    show_default=True,
    help="As they stand.",
)
@click.option("--person", default="", help="Opened by this person, or his.")
@click.option("--number", default="", help="This one alone.")
@session_option
@data_option
@language_option
@json_option
def list_(
    *,
    sight: str,
    state: str,
    person: str,
    number: str,
    session: Path | None,
    data: Path,
    language: Language,
    as_json: bool,
) -> None:
    """List matters, what was changed last first; at most 200.

    \b
    Examples:
      telebank matters list --of groups
      telebank matters list --of all --json | jq '.matters[] | select(.late).number'
    """
    asked = urlencode({"of": sight, "state": state, "person": person, "number": number})
    token = need_token(data, session)
    answer = call(data, "GET", f"{PATH}?{asked}", token=token)
    if as_json:
        say_json(answer)
        return
    said = _Said.of(data, token, language, answer["names"])
    head = [Column(said.word(name)) for name in COLUMNS]
    head += [Column(said.word(name), gives=True) for name in GIVES]
    print_list(head, [said.cells(one) for one in answer["matters"]])


@command.command()
@click.argument("number")
@session_option
@data_option
@language_option
@json_option
def show(
    *, number: str, session: Path | None, data: Path, language: Language, as_json: bool
) -> None:
    """Show a matter with all that was said of it.

    \b
    Examples:
      telebank matters show 01-000042
      telebank matters show 01-000042 --json
    """
    path = f"{PATH}/{quote(number, safe='')}"
    token = need_token(data, session)
    answer = call(data, "GET", path, token=token)
    if as_json:
        say_json(answer)
        return
    for line in _Said.of(data, token, language, answer["names"]).lines(answer):
        click.echo(line)


@dataclass(frozen=True, slots=True)
class _Said:
    """Codes and times as people say them. `words` are those of the pages; `names` of people."""

    words: Mapping[str, str]
    names: Mapping[str, str]
    zone: timezone

    @classmethod
    def of(cls, data: Path, token: str, language: Language, names: Mapping[str, str]) -> "_Said":
        from telebank.console.desk.texts import BUSINESS
        from telebank.console.matters.texts import MATTER_WORDS
        from telebank.settings import load_settings

        column = 0 if language == "zh" else 1
        try:
            told = call(data, "GET", "/v1/desk/titles", token=token)
        except ControlRefused:  # a node without tellers calls nothing by a name
            told = {"business": {}, "skills": {}}
        words = {f"business_{name}": pair[column] for name, pair in told["business"].items()}
        words |= {f"skill_{name}": pair[column] for name, pair in told["skills"].items()}
        words |= {f"business_{name}": pair[column] for name, pair in BUSINESS.items()}
        minutes = load_settings(data).node.utc_offset_minutes
        zone = timezone(timedelta(minutes=minutes))
        return cls({**words, **MATTER_WORDS[language]}, names, zone)

    def word(self, name: str) -> str:
        """Of a page; what has none is said as it is."""
        return self.words.get(name, name)

    def holder(self, holder: str) -> str:
        """A person with his name to log in by, or a group."""
        from telebank.console.matters.pages import held_by

        name = holder.partition(":")[2]
        said = held_by(holder, self.names, self.words)
        return said if said == name or holder.startswith("skill:") else f"{said} ({name})"

    def business(self, name: str) -> str:
        """What it is about."""
        return self.words.get(f"business_{name}", name)

    def time(self, text: str | None) -> str:
        """On the bank's clock, to the second; empty: never."""
        if text is None:
            return ""
        return f"{datetime.fromisoformat(text).astimezone(self.zone):%Y-%m-%d %H:%M:%S}"

    def cells(self, one: Mapping[str, Any]) -> tuple[str, ...]:
        """Of a list."""
        due = " ".join(filter(None, (self.time(one["due_at"]), one["late"] and self.word("late"))))
        state = self.word(f"state_{one['state']}")
        where = (one["number"], state, self.time(one["changed_at"]), self.holder(one["holder"]))
        return (*where, due, self.business(one["business"]), one["subject"] or "")

    def lines(self, one: Mapping[str, Any]) -> list[str]:
        """One with all that was said of it."""
        due = self.time(one["due_at"]) or self.word("no_due")
        facts = {
            "business": self.business(one["business"]),
            "customer": one["customer"] or self.word("not_proved"),
            "call": one["call"],
            "holder": self.holder(one["holder"]),
            "due": f"{due} {self.word('late')}" if one["late"] else due,
        }
        state = self.word(f"state_{one['state']}")
        found = [f"{one['number']}  {state}  {one['subject'] or ''}".rstrip()]
        found += [f"{self.word(name)}: {value}" for name, value in facts.items()]
        for entry in one["entries"]:
            kind = self.word(f"kind_{entry['kind']}")
            to = self.word("handed_to").format(to=self.holder(entry["to"])) if entry["to"] else ""
            said = " ".join(filter(None, (kind, to)))
            who = self.names.get(entry["by"], entry["by"])
            found.append(f"{entry['nth']:>3}  {self.time(entry['at'])}  {who}: {said}")
            found += [f"     {line}" for line in (entry["text"] or "").splitlines()]
        return found
