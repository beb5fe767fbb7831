"""Makes of a release's folder what calls need of it: menus, texts, contracts and a voice bank."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from telebank.commands.wiring.loss import check_texts
from telebank.commands.wiring.rules import Rules
from telebank.flow.load import Release, load_release
from telebank.flow.release import read_release
from telebank.settings import Settings
from telebank.store.releases import SHORT
from voice_prompts import overlay
from voice_prompts.bank import Bank
from voice_prompts.catalogue import Catalogue
from voice_prompts.speaker import Speaker

BANK = "release-"
"""Folders under DATA/voice that hold the bank of a release with recordings of its own."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A release read from `folder`, speakable from the bank in `bank`; `own` where that is made
    with its recordings."""

    folder: Path
    release: Release
    speaker: Speaker
    bank: Path
    own: bool

    @property
    def rules(self) -> Rules:
        """For the money path."""
        return Rules(self.release.hash, self.folder, self.release.contracts)


def load(folder: Path, voice: Path, settings: Settings, *, check: bool) -> Loaded:
    """Read a release; `voice` is where the shipped bank lies. What was checked when it was
    published is not checked again unless `check` says so.

    Raises `FlowError`, `ContractError`, `CatalogueError`, `PackError`, `RecordingError`,
    `MissingClips` or `SettingsError`.
    """
    release = load_release(folder, settings.flow) if check else read_release(folder)
    check_texts(release, settings.loss)
    catalogue = Catalogue.load(folder / "prompts")
    own = bool(overlay.recordings(folder))
    bank = voice / f"{BANK}{release.hash[:SHORT]}" if own else voice
    if own:
        overlay.lay_over(voice, folder, bank, catalogue)
    speaker = Speaker(catalogue, Bank.open(bank).index)
    return Loaded(folder, release, speaker, bank, own)


def drop_bank(loaded: Loaded) -> None:
    """Remove the bank of a release that nobody plays any more. Who has it mapped still reads it."""
    if loaded.own:
        shutil.rmtree(loaded.bank, ignore_errors=True)


def drop_others(voice: Path, keep: Loaded) -> None:
    """Remove banks that an earlier life left behind."""
    for folder in voice.glob(f"{BANK}*"):
        if folder != keep.bank:
            shutil.rmtree(folder, ignore_errors=True)
