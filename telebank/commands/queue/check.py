"""`telebank queue check`: a file of queues before it is in force."""

import json
from pathlib import Path
from typing import NoReturn

import click

from telebank.commands.common import EXIT_FINDING, data_option, json_option
from telebank.commands.language import Language, Say, language_option, saying
from telebank.commands.queue.texts import ZH

NO_MENUS = (
    "the menus are refused, see `telebank flow check`: whether a queue takes all that they ask for"
    " is not known"
)


@click.command("check")
@click.argument(
    "file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True)
)
@data_option
@language_option
@json_option
def command(file: Path | None, data: Path, *, language: Language, as_json: bool) -> None:
    """Exit 0 when the queues can be used, 1 with the reason when not.

    Without FILE the queues in force: DATA/config/queues.yaml, else those shipped. What can be
    used and mostly is not meant so is a warning, in English: a matter of the menus that no queue
    takes, a queue in the shadow of another, an overflow that never comes. A node reads its queues
    when it starts.

    \b
    Examples:
      telebank queue check
      telebank queue check new-queues.yaml
      telebank queue check --data /srv/bank --json | jq .findings
    """
    from telebank.agents.findings import findings
    from telebank.settings import SettingsError, queues_file, read_queues

    path = queues_file(data) if file is None else file
    say = saying(language, ZH)
    try:
        options = read_queues(path)
    except SettingsError as error:
        _refused(path, str(error), as_json=as_json)
    asked = _asked()
    found = [*([NO_MENUS] if asked is None else []), *findings(options, asked or ())]
    if as_json:
        names = [queue.name for queue in options.queues]
        told = {"file": str(path), "error": None, "queues": names, "findings": found}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for finding in found:
        click.echo(f"{say('warning')}: {finding}", err=True)
    _fine(path, len(options.queues), say)


def _fine(path: Path, count: int, say: Say) -> None:
    click.echo(say("{file}: {count} queues").format(file=path, count=count))
    click.echo(say("queues are fine"))


def _refused(path: Path, error: str, *, as_json: bool) -> NoReturn:
    if as_json:
        told = {"file": str(path), "error": error, "queues": [], "findings": []}
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        click.echo(error, err=True)
    raise SystemExit(EXIT_FINDING)


def _asked() -> set[str] | None:
    """Skills that the shipped menus ask for; None where they cannot be read."""
    from telebank.flow.load import load_release
    from telebank.flow.model import FlowError, Queue
    from telebank.settings import seed_dir

    try:
        flows = load_release(seed_dir()).flows.values()
    except FlowError:
        return None
    return {node.skill for flow in flows for node in flow.nodes.values() if isinstance(node, Queue)}
