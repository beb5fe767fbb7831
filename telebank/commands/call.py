"""`telebank call`: a phone in the terminal, and the caller of the tests."""

import math
import sys
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from telebank.commands.common import DEFAULT_DATA, data_option, json_option

MAX_CALLS = 2_000
SILENCE_S = 20.0
"""Without a packet for this long, or for --patience, the bank is taken for dead."""
TRANSPORTS = ("udp", "tcp", "tls")


def _prompt_ids(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Prompt ids for tab completion, with their words as help."""
    from telebank.settings import seed_dir
    from voice_prompts.catalogue import Catalogue, CatalogueError

    own = Path(str(ctx.params.get("data") or DEFAULT_DATA)) / "config" / "prompts"
    try:
        catalogue = Catalogue.load(own if own.is_dir() else seed_dir() / "prompts")
    except (CatalogueError, OSError):
        return []
    return [
        CompletionItem(prompt, help=catalogue.template(prompt, "en").text)
        for prompt in catalogue
        if prompt.startswith(incomplete)
    ]


@click.command(name="call")
@click.argument("target", required=False)
@click.option("--keys", help="Keys to press, in groups; without it, keys are taken live.")
@click.option(
    "--keys-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Keys from a file, a line a call: PINs stay out of the list of processes.",
)
@click.option(
    "--expect",
    multiple=True,
    metavar="PROMPT_ID",
    shell_complete=_prompt_ids,
    help="Fail unless this is heard.",
)
@click.option(
    "--hang-up-after",
    default="",
    metavar="PROMPT_ID",
    shell_complete=_prompt_ids,
    help="Hang up once it is heard.",
)
@click.option("--calls", default=1, type=click.IntRange(1, MAX_CALLS), help="How many calls.")
@click.option("--rate", default=5.0, type=click.FloatRange(0.01, 200), help="New calls a second.")
@click.option(
    "--save", type=click.Path(path_type=Path, dir_okay=False), help="Keep the sound, WAV."
)
@click.option(
    "--listen/--no-listen",
    default=None,
    help="Play the sound with aplay; by default where that is there and keys are live.",
)
@click.option(
    "--answer-within",
    default=6.0,
    show_default=True,
    type=click.FloatRange(0.1, 600),
    help="Seconds to wait for the answer.",
)
@click.option(
    "--patience",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0.1, 600),
    help="Seconds to wait for a prompt.",
)
@click.option(
    "--stay",
    default=8.0,
    show_default=True,
    type=click.FloatRange(0, 600),
    help="Seconds to stay on after the answer to the last keys, without --expect.",
)
@click.option(
    "--transport",
    type=click.Choice(TRANSPORTS),
    help="As ;transport= of TARGET; without either, UDP.",
)
@click.option(
    "--tls-ca",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Authority of the bank's certificate, PEM; without it, those of the system.",
)
@click.option(
    "--tls-certificate",
    nargs=2,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="CERTIFICATE KEY",
    help="Show this certificate, PEM.",
)
@click.option("--from", "from_user", default="13800001234", help="Calling number to give.")
@data_option
@json_option
def command(
    target: str | None,
    keys: str | None,
    keys_file: Path | None,
    expect: tuple[str, ...],
    hang_up_after: str,
    calls: int,
    rate: float,
    save: Path | None,
    listen: bool | None,
    answer_within: float,
    patience: float,
    stay: float,
    transport: str | None,
    tls_ca: Path | None,
    tls_certificate: tuple[Path, Path] | None,
    from_user: str,
    data: Path,
    as_json: bool,
) -> None:
    """Call TARGET (sip:bank@host:port), show in words what is heard, press keys.

    Without TARGET, the node that runs on the data folder is called. Keys come in groups apart by
    spaces; a group is pressed when the bank has spoken and is quiet. `!keys` presses at once,
    `@PROMPT_ID` waits until a prompt begins, `~2.5` waits seconds; `@tr.confirm 1` presses when it
    has been said, `@tr.payee !6222…#` into it. The bank takes no key at a confirmation before it
    has said the values. Live: type digits, * and #; q or Ctrl-C hangs up.

    With --expect the call is over when all that is expected has been heard, or when --patience
    runs out; without it, and without --hang-up-after, --stay seconds after the bank has answered
    the last keys, at the end of what it is saying. It also ends when no sound comes from the bank
    for 20 s, or for --patience. Ctrl-C and SIGTERM hang up.

    Words are those of the bank's recordings in the data folder, a release's own too. Other speech
    is shown as (…), and counts as the bank's speaking.

    \b
    Examples:
      .venv/bin/telebank call
      .venv/bin/telebank call --keys "1 1 6227000001000011# 246813# 1 1" --expect bal.amount
      .venv/bin/telebank call sip:bank@127.0.0.1:5060 --keys "!2 @front.menu !9" --save heard.wav
      .venv/bin/telebank call --keys "2 9" --calls 10 --rate 5 --json
      .venv/bin/telebank call "sip:bank@192.0.2.7;transport=tls" --tls-ca ca.pem --keys "!9"
      echo "!1 !1 !6227000001000011# @auth.pin !246813# @main.menu !1 !1" > keys.txt
      .venv/bin/telebank call --keys-file keys.txt --expect bal.amount
    The card and the PIN are the demo data's, and fictional.

    \b
    --json prints one object, with --calls a list of them:
      target, status (ended, refused, failed, cancelled), ended_by (local, remote, …), why,
      answered_after and seconds (s from the INVITE), codec, packets (received),
      prompts: [{prompt, language, words, began_at}], prompt empty and words (…) for other speech,
      answers: [{group, prompt, ms}] from a group's last key to the prompt that answered it,
      fault: what was not as expected, or empty.

    Exit code: 0 all heard what was expected, 1 not, 2 usage, 3 nobody answered.
    """
    import uvloop

    from telebank.commands.call_clips import lexicons_of
    from telebank.commands.calling import (
        Order,
        judge,
        listens,
        refuse_unheard,
        run,
        running_node,
        scripts_of,
        target_of,
        tls_files,
    )
    from telebank.phone.phone import PhoneOptions

    live = keys is None and keys_file is None
    if calls > 1 and (live or save is not None):
        raise click.UsageError("--calls needs --keys or --keys-file, and goes without --save")
    if live and not sys.stdin.isatty():
        raise click.UsageError("no terminal to take keys from; give --keys")
    order = Order(
        target=target_of(target or running_node(data), transport),
        tls=tls_files(tls_certificate, tls_ca),
        scripts=scripts_of(keys, keys_file),
        options=PhoneOptions(
            patience_s=patience,
            silence_s=min(patience, SILENCE_S),
            expect=expect,
            stay_s=math.inf if live else stay,
            hang_up_after=hang_up_after,
            from_user=from_user,
            answer_s=answer_within,
        ),
        expect=expect,
        calls=calls,
        rate=rate,
        save=save,
        listen=listens(listen, live=live),
        as_json=as_json,
    )
    lexicons = lexicons_of(data)
    refuse_unheard((*expect, *([hang_up_after] if hang_up_after else [])), lexicons)
    reports = uvloop.run(run(order, lexicons))
    raise SystemExit(judge(order, reports))
