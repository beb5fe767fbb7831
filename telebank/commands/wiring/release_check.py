"""Everything that `telebank release check` finds in a folder before it may become a release; and
the way of a proposal's files to the node.

The node has it checked by a process of its own: seconds of reading must delay no call.
"""

import asyncio
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path

from telebank.flow.release import HASHED, Release, hash_of, release_files
from telebank.settings import Settings, SettingsError, load_settings, packs_dir
from telebank.store.releases import (
    MAX_FILES,
    MAX_RELEASE_BYTES,
    SHORT,
    ReleaseError,
    check_count,
    check_size,
    lay_out,
)
from transactions.contract import Contracts
from voice_prompts.bank import BankIndex

CHECK_S = 120.0
"""Longest time that a check may take, in seconds."""
CHECKING = "check-"
"""Folders under DATA/run that hold what is being checked; mode 0700."""
MAX_TOLD = 200
"""Findings told of one check."""


def stage(data: Path, files: Mapping[str, bytes]) -> Path:
    """Lay a proposal's files out where the node takes them from. Raises `ReleaseError`."""
    check_size(files)
    return lay_out(hash_of(files), files, data / "run" / "proposed")


def staged_in(data: Path, release: str) -> Path:
    """Where `stage` laid them."""
    return data / "run" / "proposed" / f"release-{release[:SHORT]}"


def read_staged(data: Path, release: str) -> Mapping[str, bytes]:
    """The files that were staged, read once and no more than a release may have; a link, or what
    is no file, is refused. Raises `ReleaseError`."""
    folder = staged_in(data, release)
    paths = [path for pattern in HASHED for path in islice(folder.glob(pattern), MAX_FILES + 1)]
    check_count(len(paths))
    files: dict[str, bytes] = {}
    left = MAX_RELEASE_BYTES
    for path in sorted(paths):
        content = _read(path, left + 1)
        left -= len(content)
        if left < 0:
            break
        files[path.relative_to(folder).as_posix()] = content
    if left < 0 or hash_of(files) != release:
        raise ReleaseError(f"{folder}: these are not the files of {release}; propose again")
    return files


def _read(path: Path, most: int) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ReleaseError(f"{path} is no plain file; propose again")
            return file.read(most)
    except OSError as error:
        raise ReleaseError(f"{path} cannot be read ({error.strerror}); propose again") from error


async def check_staged(data: Path, release: str) -> Mapping[str, bytes] | tuple[str, ...]:
    """What was staged, checked: the files, or what is wrong with them. What is checked is a copy
    that nobody but the node can change, of the very bytes that are given. Raises `ReleaseError`."""
    files = await asyncio.to_thread(read_staged, data, release)
    own = await asyncio.to_thread(tempfile.mkdtemp, prefix=CHECKING, dir=data / "run")
    try:
        folder = await asyncio.to_thread(lay_out, release, files, Path(own))
        found = await check_apart(folder, data, release)
    finally:
        await asyncio.to_thread(shutil.rmtree, own, ignore_errors=True)
    return found or files


def drop_checking(data: Path) -> None:
    """Remove copies that a killed node left."""
    for folder in (data / "run").glob(f"{CHECKING}*"):
        shutil.rmtree(folder, ignore_errors=True)


def unstage(data: Path, release: str) -> None:
    """The node has them, or does not want them."""
    shutil.rmtree(staged_in(data, release), ignore_errors=True)


async def check_apart(folder: Path, data: Path, release: str) -> tuple[str, ...]:
    """`findings` in a process of its own, which must have read `release`."""
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
        told = json.loads(out)
        if told["release"] != release:
            return (f"{folder} was changed while it was checked; propose again",)
        return tuple(told["findings"])
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
    from telebank.commands.measured import lengths
    from telebank.flow.check import check_release
    from telebank.flow.model import FlowError
    from telebank.flow.release import read_release

    try:
        release = read_release(folder)
    except FlowError as error:
        yield from map(str, error.findings)
        return
    yield from map(str, check_release(release, settings.flow, *lengths(folder)))
    yield from _against_settings(release, settings)
    yield from _scheduled(release.contracts)
    yield from _profiles(folder, release, settings)
    yield from _hours(folder)
    yield from _voice(folder)


def _against_settings(release: Release, settings: Settings) -> Iterator[str]:
    from telebank.commands.wiring.loss import check_texts
    from transactions.contract import ContractError
    from transactions.guard import check_settings
    from transactions.proof import check_tiers

    checks = (
        partial(check_settings, release.contracts, settings.transactions.limits),
        partial(check_tiers, release.contracts, settings.transactions.second_factor),
        partial(check_texts, release, settings.loss),
    )
    for check in checks:
        try:
            check()
        except (ContractError, SettingsError) as error:
            yield str(error)


def _scheduled(contracts: Contracts) -> Iterator[str]:
    """What the runner of scheduled transfers asks by name: `telebank.customers.runner`."""
    from telebank.customers.runner import CHANNEL, POST, QUOTE

    asks = ((QUOTE, {"from", "to", "amount"}, {"quote", "fee"}), (POST, {"quote"}, set[str]()))
    for name, told, needed in asks:
        service = contracts.services.get(name)
        if service is None:
            yield f"services.yaml: {name} is missing; scheduled transfers are made by it"
            continue
        at = f"services.yaml:{service.line}: {name}: scheduled transfers"
        must = set(service.inputs) - service.optional
        for one in sorted(told - set(service.inputs)):
            yield f"{at} give it {one!r}, which is no input of it"
        for one in sorted(must - told):
            yield f"{at} do not know its input {one!r}; make it optional"
        for one in sorted(needed - set(service.outputs)):
            yield f"{at} need its output {one!r}"
        if not service.served_on(CHANNEL):
            yield f"{at} ask on the channel {CHANNEL!r}; add it to `channels`"
    post = contracts.services.get(POST)
    if post is not None and post.quoted_by != QUOTE:
        yield f"services.yaml:{post.line}: {POST}: scheduled transfers quote it by {QUOTE}"


def _profiles(folder: Path, release: Release, settings: Settings) -> Iterator[str]:
    from telebank.commands.host.check import findings as profile_findings

    name = settings.node.host
    profile = settings.hosts.get(name, {}).get("profile", name)
    if not (folder / "hosts" / f"{profile}.yaml").is_file():
        yield f"hosts/{profile}.yaml: missing; it is the profile of this bank's [hosts.{name}]"
    for path in sorted((folder / "hosts").glob("*.yaml")):
        yield from profile_findings(path, release.contracts)
    if settings.hosts.get(name, {}).get("adapter") == "iso8583":
        yield from _not_mapped(folder / "hosts" / f"{profile}.yaml", release)


def _not_mapped(path: Path, release: Release) -> Iterator[str]:
    """Services of the host that a menu or a document asks, and its profile does not map: a key
    that leads every caller to "not available"."""
    from core_adapters.iso8583.profile_load import load_profile
    from core_adapters.profiles.errors import ProfileError

    try:
        mapped = load_profile(path).services
    except (ProfileError, OSError):
        return  # it is a finding already
    for at, name in _asked(release):
        service = release.contracts.services.get(name)
        if service and service.source == "host" and name not in mapped:
            yield f"{at}: asks {name}, which hosts/{path.name} does not map; map it there"


def _asked(release: Release) -> Iterator[tuple[str, str]]:
    """The services that menus and documents ask, with where each is asked."""
    from telebank.flow.model import Call

    for flow in release.flows.values():
        for node in flow.nodes.values():
            if isinstance(node, Call):
                yield f"{flow.file}:{node.line}: {node.name}", node.service
    for document in release.documents.values():
        for part in document.parts:
            yield f"{document.file}:{part.line}: {document.name}", part.service


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
