"""The clips that the phone in the terminal knows by ear."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from telebank.phone.hearing import Lexicon, texts_with_marks
from telebank.settings import effective_config, packs_dir
from voice_prompts import g711
from voice_prompts.bank import Bank, build_bank
from voice_prompts.catalogue import Catalogue, CatalogueError
from voice_prompts.pack import PackError

MAX_BANKS = 8
"""Banks of releases whose clips are known, at most."""


def lexicons_of(data: Path) -> dict[str, Lexicon]:
    """The clips to recognise: from the bank of a running node here, or built from the packs, and
    from the banks of releases."""
    folder = data / "voice"
    try:
        build_bank(packs_dir(), folder)
        bank = Bank.open(folder)
    except PackError as error:
        raise click.ClickException(str(error)) from error
    try:
        catalogue = Catalogue.load(effective_config(data) / "prompts")
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error
    banks = [bank, *release_banks(folder)]
    told = [(each, texts_with_marks(catalogue, each.index)) for each in banks]
    lexicons: dict[str, Lexicon] = {law: Lexicon(bank, law, told[0][1]) for law in g711.LAWS}
    for lexicon in lexicons.values():
        for each, texts in told[1:]:
            lexicon.learn(each, texts)
    return lexicons


def release_banks(folder: Path) -> Iterator[Bank]:
    """Banks of releases with recordings of their own, newest first. The node may be writing or
    removing one: that is left out."""
    from telebank.commands.wiring.editions import BANK

    dated: list[tuple[float, Path]] = []
    for path in folder.glob(f"{BANK}*"):
        with contextlib.suppress(OSError):
            dated.append((path.stat().st_mtime, path))
    for _, path in sorted(dated, reverse=True)[:MAX_BANKS]:
        with contextlib.suppress(PackError, OSError, ValueError):
            yield Bank.open(path)
