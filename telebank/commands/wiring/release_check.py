"""Everything that `telebank release check` finds in a folder before it may become a release; and
the way of a proposal's files to the node.

The node has it checked by a process of its own: seconds of reading must delay no call.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from telebank.flow.release import Release, hash_of, release_files
from telebank.settings import Settings, SettingsError, load_settings, packs_dir
from telebank.store.releases import SHORT, ReleaseError, check_size, lay_out
from voice_prompts.bank import BankIndex

CHECK_S = 120.0
"""Longest time that a check may take, in seconds."""
MAX_TOLD = 200
"""Findings told of one check."""


def stage(data: Path, files: Mapping[str, bytes]) -> Path:
    """Lay a proposal's files out where the node takes them from. Raises `ReleaseError`."""
    check_size(files)
    return lay_out(hash_of(files), files, data / "run" / "proposed")


def staged_in(data: Path, release: str) -> Path:
    """Where `stage` laid them."""
    return data / "run" / "proposed" / f"release-{release[:SHORT]}"


def unstage(data: Path, release: str) -> None:
    """The node has them, or does not want them."""
    shutil.rmtree(staged_in(data, release), ignore_errors=True)


async def check_apart(folder: Path, data: Path) -> tuple[str, ...]:
    """`findings` in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "telebank", "release", "check", str(folder)),
        *("--data", str(data), "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        async with asyncio.timeout(CHECK_S):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return (f"the check did not end within {CHECK_S:g} s; see `telebank release check`",)
    try:
        return tuple(json.loads(out)["findings"])
    except (ValueError, KeyError):
        return (f"the check itself failed (exit {process.returncode}): see the node's log",)


def findings(folder: Path, data: Path) -> tuple[str, ...]:
    """Everything wrong with a folder as a release of the bank at `data`: its size, its menus and
    contracts, its host profiles, hours, recordings, and what does not fit the settings."""
    try:
        settings = load_settings(data)
        check_size(release_files(folder))
    except (SettingsError, ReleaseError) as error:
        return (str(error),)
    return tuple(_findings(folder, settings))[:MAX_TOLD]


def _findings(folder: Path, settings: Settings) -> Iterator[str]:
    from telebank.flow.check import check_release
    from telebank.flow.model import FlowError
    from telebank.flow.release import read_release

    try:
        release = read_release(folder)
    except FlowError as error:
        yield from map(str, error.findings)
        return
    yield from map(str, check_release(release, settings.flow))
    yield from _against_settings(release, settings)
    yield from _profiles(folder, release, settings)
    yield from _hours(folder)
    yield from _voice(folder)


def _against_settings(release: Release, settings: Settings) -> Iterator[str]:
    from telebank.commands.wiring.loss import check_texts
    from transactions.contract import ContractError
    from transactions.guard import check_settings

    try:
        check_settings(release.contracts, settings.transactions.limits)
        check_texts(release, settings.loss)
    except (ContractError, SettingsError) as error:
        yield str(error)


def _profiles(folder: Path, release: Release, settings: Settings) -> Iterator[str]:
    from telebank.commands.host.check import findings as profile_findings

    name = settings.node.host
    profile = settings.hosts.get(name, {}).get("profile", name)
    if not (folder / "hosts" / f"{profile}.yaml").is_file():
        yield f"hosts/{profile}.yaml: missing; it is the profile of this bank's [hosts.{name}]"
    for path in sorted((folder / "hosts").glob("*.yaml")):
        yield from profile_findings(path, release.contracts)


def _hours(folder: Path) -> Iterator[str]:
    from telebank.customers.hours_file import FILE, HoursError, load_hours

    path = folder / FILE
    if path.is_file():
        try:
            load_hours(path)
        except HoursError as error:
            yield str(error)


def _voice(folder: Path) -> Iterator[str]:
    from voice_prompts import overlay
    from voice_prompts.catalogue import Catalogue, CatalogueError
    from voice_prompts.pack import PackError

    try:
        catalogue = Catalogue.load(folder / "prompts")
        shipped = shipped_index()
    except (CatalogueError, PackError) as error:
        yield from error.findings
        return
    missing = list(map(str, overlay.missing(catalogue, shipped, folder)))
    yield from missing
    if missing:
        yield f"record what is missing: {overlay.SCRIPT_HINT}"
    yield from overlay.faults(catalogue, folder)


def shipped_index() -> BankIndex:
    """The shipped clips and what they say, by their manifests alone. Raises `PackError`."""
    from voice_prompts import pack

    clips: dict[str, tuple[int, int]] = {}
    texts: dict[str, str] = {}
    for path in sorted(packs_dir().glob(f"*/{pack.MANIFEST}")):
        manifest = pack.load(path.parent)
        for clip in manifest.prompts:
            key = f"{manifest.language}/{clip.id}"
            clips[key], texts[key] = (0, clip.samples), clip.text
    return BankIndex(clips, texts)
