"""`telebank notice`: what new callers hear before the first menu: record, list, down."""

import json
from pathlib import Path

import click

from telebank.commands.common import data_option, json_option
from telebank.commands.control_client import call, need_token, request_id, session_option

LANGUAGES = click.Choice(["zh", "en"])


@click.group(name="notice", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """What new callers hear before the first menu: record by telephone, list, take down.

    A supervisor has a code, rings the bank, presses 1, 5, 8 and keys it in, speaks for at most a
    minute and ends with the hash key. What was kept plays to every caller from then on who chooses
    its language, once a call; keys stop it.

    \b
    Examples:
      telebank notice record --language zh
      telebank notice list
      telebank notice down zh
    """


@command.command()
@click.option("--language", required=True, type=LANGUAGES, help="Whose callers are to hear it.")
@session_option
@data_option
@json_option
def record(language: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Have a code to record a notice with, once, within ten minutes. For supervisors.

    A notice of the same language that plays gives way to the new one when that is kept.

    \b
    Examples:
      telebank notice record --language zh
      telebank notice record --language en --json
    """
    body = {"request_id": request_id(), "language": language}
    answer = call(data, "POST", "/v1/notices/code", body, need_token(data, session))
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    digits = answer["recording"]
    click.echo(
        f"recording code {digits[:4]} {digits[4:]}, good once, for {answer['minutes']} minutes\n"
        "ring the bank, press 1 5 8, key the code in, speak, end with #"
    )


@command.command(name="list")
@session_option
@data_option
@json_option
def list_(session: Path | None, data: Path, as_json: bool) -> None:
    """List what plays, with who recorded it. Times are UTC.

    \b
    Examples:
      telebank notice list
      telebank notice list --json | jq -r '.notices[].content'
    """
    answer = call(data, "GET", "/v1/notices", token=need_token(data, session))
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    for one in answer["notices"]:
        at = one["recorded_at"][:16].replace("T", " ")
        click.echo(
            f"{one['language']}  {one['seconds']:5.1f} s  {at}  {one['recorded_by']}  "
            f"{one['content'][:12]}"
        )
    if not answer["notices"]:
        click.echo("no notice plays")


@command.command()
@click.argument("language", type=LANGUAGES)
@session_option
@data_option
@json_option
def down(language: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Take a notice down: new callers hear it no more. For supervisors.

    \b
    Example:
      telebank notice down zh
    """
    body = {"request_id": request_id(), "language": language}
    answer = call(data, "POST", "/v1/notices/down", body, need_token(data, session))
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        click.echo(f"the {language} notice plays no more to new callers")
