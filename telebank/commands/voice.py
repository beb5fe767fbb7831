"""`telebank voice`: check, list, make and build the prompt packs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from telebank.commands.common import EXIT_FINDING, Unreachable, data_option, json_option

if TYPE_CHECKING:
    from voice_prompts.catalogue import Catalogue
    from voice_prompts.making import Line, Plan, Studio

LANGUAGE = click.Choice(["zh", "en"])

packs_option = click.option(
    "--packs",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the packs; the shipped one if not given.",
)
texts_option = click.option(
    "--texts",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of zh.yaml and en.yaml; that of the data folder or the shipped one if not given.",
)


missing_option = click.option(
    "--missing", is_flag=True, help="Only what the shipped packs do not say in these words."
)

_STUDIO = (
    click.option(
        "--studio-python",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="TELEBANK_STUDIO_PYTHON",
        required=True,
        help="Interpreter of the studio's own virtual environment (docs/voice.md).",
    ),
    click.option(
        "--voices",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="TELEBANK_STUDIO_VOICES",
        required=True,
        help="Folder of the voice files.",
    ),
    click.option(
        "--cache",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="TELEBANK_STUDIO_CACHE",
        default=Path("~/.cache/telebank-studio"),
        show_default=True,
        help="Where the joined models are kept.",
    ),
)


def studio_options(function: Callable[..., None]) -> Callable[..., None]:
    """Where the studio is: its interpreter, its voices, its cache."""
    for option in reversed(_STUDIO):
        function = option(function)
    return function


@click.group(name="voice")
def command() -> None:
    """Check, list, make, hear and build the prompt packs.

    \b
    Examples:
      telebank voice check
      telebank voice list --language en
      telebank voice build --data var
      telebank voice make --studio-python ~/studio/bin/python --voices ~/studio/voices
    """


@command.command()
@packs_option
@texts_option
@data_option
@json_option
def check(packs: Path | None, texts: Path | None, data: Path, as_json: bool) -> None:
    """Verify both packs against their manifests, the texts and the levels.

    \b
    Exit code 0: all right; 1: findings, one a line.
    Examples:
      telebank voice check
      telebank voice check --packs ./packs --texts ./config/prompts --json
    """
    from voice_prompts.checking import check_packs

    report = check_packs(_packs(packs), _texts(texts, data))
    if as_json:
        body = {"findings": report.findings, "packs": report.packs}
        click.echo(json.dumps(body, ensure_ascii=False, indent=2))
    else:
        for finding in report.findings:
            click.echo(finding)
        for language, summary in report.packs.items():
            click.echo(
                f"{language}: {summary['clips']} clips, {summary['seconds']} s, "
                f"{summary['megabytes']} MB, voice {summary['voice']}"
            )
        click.echo(f"{len(report.findings)} findings" if report.findings else "all right")
    if report.findings:
        raise SystemExit(EXIT_FINDING)


@command.command(name="list")
@click.option("--language", type=LANGUAGE, help="Only this language.")
@click.option("--units", is_flag=True, help="List the value units too.")
@missing_option
@texts_option
@data_option
@json_option
def list_(
    language: str | None, units: bool, missing: bool, texts: Path | None, data: Path, as_json: bool
) -> None:
    """List every prompt: its language and id, its clips and its text.

    With --missing it is the script for a release's recordings: each clip to be spoken, and the file
    that it goes into, beside the folder of the texts. What is recorded there is left out.

    \b
    Examples:
      telebank voice list
      telebank voice list --language en --units --json
      telebank voice list --missing --texts ./gas/prompts
    """
    from voice_prompts import overlay

    folder = _texts(texts, data)
    catalogue = _catalogue(folder)
    recorded = overlay.recordings(folder.absolute().parent) if missing else {}
    rows = [
        _listed(each, line, missing)
        for each in ((language,) if language else ("zh", "en"))
        for line in _script(catalogue, each, missing)
        if (units or line.kind == "text") and overlay.name_of(f"{each}/{line.id}") not in recorded
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    names = [_name(row, one_language=language is not None) for row in rows]
    width = max(map(len, names), default=0)
    for name, row in zip(names, rows, strict=True):
        click.echo(f"{name:<{width}}  {row['text']}")


def _name(row: dict[str, str], *, one_language: bool) -> str:
    return row.get("file") or (row["id"] if one_language else f"{row['language']}/{row['id']}")


def _listed(language: str, line: "Line", missing: bool) -> dict[str, str]:
    from voice_prompts.overlay import RECORDINGS
    from voice_prompts.pack import file_name

    row = {"language": language, "id": line.id, "text": line.text}
    if missing:
        row["file"] = f"{RECORDINGS}/{language}/{file_name(line.id)}"
    return row


@command.command()
@packs_option
@data_option
@json_option
def build(packs: Path | None, data: Path, as_json: bool) -> None:
    """Check the packs' hashes and encode them into the bank that the node plays from.

    Nothing is done where the packs have not changed. Every start does this by itself.

    \b
    Examples:
      telebank voice build
      telebank voice build --packs ./packs --data /srv/bank --json
    """
    from voice_prompts.bank import Bank, build_bank
    from voice_prompts.pack import PackError
    from voice_prompts.sound import RATE

    out = data / "voice"
    try:
        build_bank(_packs(packs), out)
        bank = Bank.open(out)
    except PackError as error:
        raise click.ClickException(str(error)) from None
    seconds = len(bank.laws["pcma"]) / RATE
    clips = len(bank.index.clips)
    if as_json:
        body = {"folder": str(out), "clips": clips, "seconds": round(seconds, 1)}
        click.echo(json.dumps(body))
    else:
        click.echo(f"{out}: {clips} clips, {seconds:.0f} s of speech, both laws")


@command.command()
@studio_options
@click.option("--language", type=LANGUAGE, multiple=True, help="Only this language.")
@click.option("--approved-by", default="", help="Who listened to what is made now.")
@click.option("--dry-run", is_flag=True, help="Only say what would be made.")
@missing_option
@packs_option
@texts_option
@data_option
@json_option
def make(
    studio_python: Path,
    voices: Path,
    cache: Path,
    language: tuple[str, ...],
    approved_by: str,
    dry_run: bool,
    missing: bool,
    packs: Path | None,
    texts: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """Speak the clips whose text, phonemes, voice, model or sound chain changed.

    The studio runs as a process of its own with its own libraries; the bank never needs it.

    \b
    Examples:
      telebank voice make --studio-python ~/studio/bin/python --voices ~/studio/voices
      telebank voice make --language zh --dry-run --json
      telebank voice make --missing --texts ./gas/prompts --packs ./gas/recordings
    """
    from voice_prompts import making
    from voice_prompts.pack import PackError

    studio = _studio(studio_python, voices, cache)
    catalogue = _catalogue(_texts(texts, data))
    done: dict[str, dict[str, int]] = {}
    try:
        for each in language or ("zh", "en"):
            lines = _script(catalogue, each, missing)
            if not lines:
                done[each] = {"kept": 0, "made": 0}
                continue
            todo = making.plan(studio, _packs(packs) / each, lines)
            if todo.changed and not dry_run:
                _make(studio, _packs(packs) / each, todo, approved_by, quiet=as_json)
            done[each] = {"kept": len(todo.kept), "made": len(todo.changed)}
    except FileNotFoundError as error:
        raise Unreachable(f"{error}; see docs/voice.md for setting up the studio") from None
    except (making.StudioError, PackError) as error:
        raise click.ClickException(str(error)) from None
    for each, counts in done.items():
        if not as_json:
            verb = "to make" if dry_run else "made"
            click.echo(f"{each}: {counts['kept']} kept, {counts['made']} {verb}")
    if as_json:
        click.echo(json.dumps(done))


@command.command()
@studio_options
@click.option("--language", type=LANGUAGE, multiple=True, help="Only this language.")
@click.option("--worst", type=click.FloatRange(0, 1), default=0.2, show_default=True)
@packs_option
@texts_option
@data_option
@json_option
def hear(
    studio_python: Path,
    voices: Path,
    cache: Path,
    language: tuple[str, ...],
    worst: float,
    packs: Path | None,
    texts: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """Let the studio's recogniser listen to every prompt and to values of every kind.

    It hears what a caller hears (A-law). What it gets wrong by more than --worst (edits per
    syllable or word) is listed for a person to listen to.

    \b
    Exit code 0: nothing doubtful; 1: something is.
    Examples:
      telebank voice hear --studio-python ~/studio/bin/python --voices ~/studio/voices
      telebank voice hear --language zh --json
    """
    import tempfile

    from voice_prompts import listening, making
    from voice_prompts.bank import Bank, build_bank

    catalogue, studio = _catalogue(_texts(texts, data)), _studio(studio_python, voices, cache)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        build_bank(_packs(packs), Path(folder))
        bank, jobs = Bank.open(Path(folder)), []
        for each in language or ("zh", "en"):
            for index, trial in enumerate(listening.trials(catalogue, bank, each)):
                path = Path(folder) / f"{each}-{index}.wav"
                listening.write_wav(path, bank, trial.utterance)
                job = {"id": f"{each} {trial.name}", "language": each, "file": str(path)}
                jobs.append(job | {"text": trial.utterance.text})
        try:
            for job, answer in zip(jobs, studio.run("hear", jobs), strict=True):
                rows.append(answer | {"text": job["text"]})
        except making.StudioError as error:
            raise click.ClickException(str(error)) from None
    _report_hearing(rows, worst, as_json)


def _report_hearing(rows: list[dict[str, object]], worst: float, as_json: bool) -> None:
    doubtful = [row for row in rows if float(str(row["error"])) > worst]
    exact = sum(row["error"] == 0 for row in rows)
    mean = sum(float(str(row["error"])) for row in rows) / max(1, len(rows))
    if as_json:
        body = {"heard": len(rows), "exact": exact, "mean_error": round(mean, 3), "rows": rows}
        click.echo(json.dumps(body, ensure_ascii=False, indent=1))
    else:
        for row in doubtful:
            click.echo(
                f"{row['id']}: {row['error']}: meant {row['text']!r}, heard {row['heard']!r}"
            )
        click.echo(f"{len(rows)} heard, {exact} exactly, mean error {mean:.3f}")
    if doubtful:
        raise SystemExit(EXIT_FINDING)


def _studio(python: Path, voices: Path, cache: Path) -> "Studio":
    from voice_prompts.making import Studio

    return Studio(python.expanduser(), voices.expanduser(), cache.expanduser())


def _make(studio: "Studio", folder: Path, todo: "Plan", approved_by: str, *, quiet: bool) -> None:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from voice_prompts import making

    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True, quiet=quiet)
    ) as bar:
        task = bar.add_task(todo.language, total=len(todo.changed))
        making.make(
            studio,
            folder,
            todo,
            approved_by,
            lambda clip: bar.update(task, advance=1, description=f"{todo.language} {clip}"[:24]),
        )


def _script(catalogue: "Catalogue", language: str, missing: bool) -> "tuple[Line, ...]":
    """The clips of a language; with `missing` those that the shipped packs lack."""
    from telebank.commands.wiring.release_check import shipped_index
    from voice_prompts.making import script

    lines = script(catalogue, language)
    if not missing:
        return lines
    said = shipped_index().texts
    return tuple(line for line in lines if said.get(f"{language}/{line.id}") != line.text)


def _packs(given: Path | None) -> Path:
    from telebank.settings import packs_dir

    return given or packs_dir()


def _texts(given: Path | None, data: Path) -> Path:
    from telebank.settings import effective_config

    return given or effective_config(data) / "prompts"


def _catalogue(folder: Path) -> "Catalogue":
    from voice_prompts.catalogue import Catalogue, CatalogueError

    try:
        return Catalogue.load(folder)
    except CatalogueError as error:
        raise click.ClickException(str(error)) from None
