"""`telebank say`: how a value is read, as text or as sound."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from telebank.commands.common import EXIT_FINDING, data_option, json_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from voice_prompts.bank import BankIndex
    from voice_prompts.catalogue import Template
    from voice_prompts.speaker import Utterance
    from voice_prompts.values import Reading

MONEY = frozenset({"money", "money_formal"})
ALIASES = {"amount": "money", "decimal": "number", "time24": "time"}


@click.command(name="say", context_settings={"ignore_unknown_options": True})
@click.argument("kind")
@click.argument("value")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write how it sounds, as a WAV file at 8 kHz.",
)
@click.option(
    "--packs",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the packs; the shipped one if not given.",
)
@data_option
@json_option
def command(
    kind: str,
    value: str,
    language: str,
    save: Path | None,
    packs: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """Print how VALUE is read as KIND; with --save, write how it sounds.

    \b
    KIND is money, money_formal, number, digits, digits_plain, tail, date, month, weekday, time,
    rate, percent, per_mille, per_ten_thousand, ordinal or count:COUNTER (transaction, message,
    month, day, year, time, card, person, minute, second, installment). amount_USD, count_day and
    rate_USD are understood too. An amount without a currency is in yuan.

    \b
    KIND word:SET speaks VALUE, a code, by the text word.SET.VALUE of the bank's texts.

    \b
    Exit code 0: read; 1: clips missing; 2: no such kind, a value that is not of it, or a file
    that cannot be written.
    Examples:
      .venv/bin/telebank say money "1234.50 CNY"
      .venv/bin/telebank say money -0.05 --language en --save minus.wav
      .venv/bin/telebank say digits 6227001234567890 --json
      .venv/bin/telebank say count:minute 2
    """
    from voice_prompts.speaker import speak, speak_word
    from voice_prompts.values import Reading, ReadingError

    kind, value = canonical(kind, value)
    _refuse_currency(kind, value, language)
    try:
        said = _said(kind, value, language, data)
    except ReadingError as error:
        raise click.UsageError(str(error)) from None
    if save is not None:
        try:
            if isinstance(said, Reading):
                _save(lambda index: speak(said, language, index), save, packs, data)
            else:
                _save(lambda index: speak_word(said, index), save, packs, data)
        except OSError as error:
            why = error.strerror or error
            raise click.UsageError(f"--save: {save} cannot be written: {why}") from None
    if as_json:
        body = {
            "kind": kind,
            "language": language,
            "text": said.text,
            "units": said.units if isinstance(said, Reading) else [said.id],
            "gaps_ms": said.gaps if isinstance(said, Reading) else [],
            "file": str(save) if save else None,
        }
        click.echo(json.dumps(body, ensure_ascii=False))
    else:
        click.echo(said.text)


def _said(kind: str, value: str, language: str, data: Path) -> "Reading | Template":
    """How a value is read, or the text of a word."""
    from telebank.settings import effective_config
    from voice_prompts.catalogue import WORD, Catalogue, CatalogueError
    from voice_prompts.readings import read

    if not kind.startswith(WORD):
        return read(kind, value, language)
    try:
        catalogue = Catalogue.load(effective_config(data) / "prompts")
        return catalogue.word(kind.removeprefix(WORD), value, language)
    except CatalogueError as error:
        raise click.ClickException(str(error)) from None
    except KeyError:
        raise click.UsageError(f"no texts of {kind}; write word.SET.other and the codes") from None


def canonical(kind: str, value: str) -> tuple[str, str]:
    """The kind and value behind `amount_USD 12`, `count_day 3`, `rate_USD100 712.34`."""
    head, _, tail = kind.partition("_")
    if head == "amount" and tail:
        return "money", f"{value} {tail}"
    if head == "count" and tail:
        return f"count:{tail}", value
    if head == "rate":
        return "rate", value
    return ALIASES.get(kind, kind), value


def _refuse_currency(kind: str, value: str, language: str) -> None:
    """Name the currencies that can be read, not all that the bank can book."""
    from voice_prompts import speak_en, speak_zh

    known = tuple((speak_zh if language == "zh" else speak_en).MAJOR)
    for code in re.findall(r"[A-Za-z]{3}", value) if kind in MONEY else ():
        if code not in known:
            raise click.UsageError(
                f"no reading of {code!r}: give an amount, with its currency where it is not yuan,"
                f" '1234.50 CNY'; known are {', '.join(known)}"
            )


def _save(
    render: "Callable[[BankIndex], Utterance]", path: Path, packs: Path | None, data: Path
) -> None:
    from telebank.settings import packs_dir
    from voice_prompts.bank import Bank, build_bank
    from voice_prompts.listening import write_wav
    from voice_prompts.pack import PackError
    from voice_prompts.speaker import MissingClips

    folder = data / "voice"
    try:
        build_bank(packs or packs_dir(), folder)
        bank = Bank.open(folder)
        utterance = render(bank.index)
    except (PackError, MissingClips) as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(EXIT_FINDING) from None
    path.open("wb").close()  # says what is wrong with the path; the wave module only stumbles
    write_wav(path, bank, utterance)
