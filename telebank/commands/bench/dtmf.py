"""`telebank bench dtmf`: keys in the audio, how well they are recognised and what it costs."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from telebank.commands.common import EXIT_FINDING, EXIT_USAGE, json_option
from telebank.media.bench_dtmf import DtmfResult, bench_dtmf, steps
from telebank.settings import packs_dir
from voice_prompts.pack import PackError

_MEANINGS = {
    "right": "keys right",
    "missed": "keys missed",
    "false_keys": "keys where there was none, speech included",
    "false_in_speech": "of them in speech",
    "speech_hours": "h of speech",
    "cpu_us_per_channel_second": "µs of CPU a channel-second, all channels listening",
}


@click.command("dtmf")
@click.option(
    "--channels",
    default=1000,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Channels at once, for the cost.",
)
@click.option(
    "--every",
    default=1,
    show_default=True,
    type=click.IntRange(1, 100),
    help="Speech: only every so manieth clip of the packs.",
)
@click.option(
    "--packs",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the packs; the shipped one if not given.",
)
@json_option
def command(channels: int, every: int, packs: Path | None, *, as_json: bool) -> None:
    """Measure the recognition of keys in the audio itself.

    Keys at the edges of ITU-T Q.24: short, faint, twisted, off their frequencies, in noise, over
    dial tone. And the voices of the packs at three levels and three speeds, one by one and at once,
    in which there is no key: about 10 hours. libspandsp hears the same where it is installed. Exit
    code 1 when a key was missed, or more than one an hour of speech was found where there is none.

    \b
    Examples:
      telebank bench dtmf --json
      telebank bench dtmf --every 20 --channels 100
    """
    bar = Progress(
        TextColumn("{task.description:<40}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=steps())
        try:
            result = bench_dtmf(
                packs or packs_dir(),
                channels,
                every,
                lambda name: bar.update(task, description=name, advance=1),
            )
        except PackError as error:
            click.echo(str(error), err=True)
            sys.exit(EXIT_USAGE)
    click.echo(json.dumps(asdict(result)) if as_json else _table(result))
    sys.exit(EXIT_FINDING if _failed(result) else 0)


def _failed(result: DtmfResult) -> bool:
    elsewhere = result.false_keys - result.false_in_speech
    return bool(result.missed or elsewhere) or result.false_in_speech > max(1, result.speech_hours)


def _table(result: DtmfResult) -> str:
    figures = asdict(result)
    theirs = figures.pop("spandsp") or {}
    figures.pop("groups")
    lines = [f"{'ours':>10}{'spandsp' if theirs else '':>10}"]
    lines += [
        f"{figures[name]:>10}{theirs.get(name, ''):>10}  {text}" for name, text in _MEANINGS.items()
    ]
    return "\n".join(lines)
